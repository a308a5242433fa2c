import { networkPlugin } from '../model/plugins.js';
import { providers } from '../model/providers.js';
import type { ClusterInfo, Snapshot } from '../model/snapshot.js';

/** What a report says about the cluster. Provider and plugin are left out where nothing tells them. */
export interface ReportCluster {
  context: string;
  /** As the server says it. */
  version: string;
  /** UID of the namespace kube-system. */
  id: string;
  provider?: string;
  plugin?: string;
}

/** The cluster of a snapshot, for a report. */
export function reportCluster(now: Snapshot): ReportCluster {
  const clouds = providers(now).found.map(({ provider }) => provider.title);
  const { title } = networkPlugin(now);
  return {
    ...basics(now.cluster),
    ...(clouds.length === 0 ? {} : { provider: clouds.join(' + ') }),
    ...(title === 'unknown' ? {} : { plugin: title }),
  };
}

function basics({ context, version, id }: ClusterInfo): ReportCluster {
  return { context, version: version.git, id };
}
