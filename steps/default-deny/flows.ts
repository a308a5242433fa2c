import {
  type Declared,
  declarations,
  declaredText,
  type ObservedLog,
  type Peer,
} from '../../src/declared/index.js';
import { once } from '../../src/model/once.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { type Endpoint, type Reach, UnknownEndpoint } from '../../src/reach/index.js';
import { SOMEWHERE, someApiServer, someNode } from './addresses.js';
import { selectedWorkloads } from './selectors.js';
import { reachesIn, reachesWithoutOurs, reachIn, reachWithoutOurs } from './state.js';

const NOTHING = 'No Connections';

const said = once((now) => declarations(now));

/** The connections that the cluster's objects declare, and those that only flow logs show. */
export function declaredIn(now: Snapshot): readonly Declared[] {
  return said(now).connections;
}

/** What the flow logs that were given say, log by log. */
export function observedIn(now: Snapshot): readonly ObservedLog[] {
  return said(now).observed;
}

/** Those of them that pass as if no policy of ours were there: what closing a namespace must not cut. */
export const counted = once((now): readonly Declared[] =>
  declaredIn(now).filter((flow) => passes(now, reachWithoutOurs(now), flow, 'some')),
);

/** A declared connection that is cut; `depends`: by some plugins only, and which one runs is not known. */
export interface Lost {
  flow: Declared;
  depends: boolean;
}

/** Those of them that policies of ours cut today, with some plugin that may run here. */
export const cutToday = once((now): readonly Lost[] =>
  reachIn(now) === reachWithoutOurs(now)
    ? []
    : lost(
        counted(now),
        reachesWithoutOurs(now),
        reachesIn(now),
        (flow, before, after) => passes(now, before, flow, 'some') && !passes(now, after, flow, 'some'),
      ),
);

/** Those that pass now and would not pass, for all their pods, with other policies and some plugin that may run here. */
export function cutBy(now: Snapshot, then: Snapshot): readonly Lost[] {
  return lost(declaredIn(now), reachesIn(now), reachesIn(then), (flow, before, after) =>
    isCut(now, flow, before, after),
  );
}

/** What is cut in some of the readings. Of a cluster whose plugin gets known in between, the one of `after` is taken. */
function lost(
  flows: readonly Declared[],
  before: readonly Reach[],
  after: readonly Reach[],
  cut: (flow: Declared, before: Reach, after: Reach) => boolean,
): readonly Lost[] {
  return flows.flatMap((flow) => {
    const found = before.map((one, reading) => cut(flow, one, after[reading] ?? after[0] ?? one));
    return found.includes(true) ? [{ flow, depends: found.includes(false) }] : [];
  });
}

function isCut(now: Snapshot, flow: Declared, before: Reach, after: Reach): boolean {
  if (!passes(now, before, flow, 'some')) return false;
  return passes(now, before, flow, 'every')
    ? !passes(now, after, flow, 'every')
    : !passes(now, after, flow, 'some');
}

/** Text by which a person, and an answers file, names a connection. */
export function flowText(flow: Declared): string {
  return declaredText(flow);
}

/** Whether a declared connection may be opened, for some or for every pair of ends that it stands for. */
export function passes(now: Snapshot, reach: Reach, flow: Declared, how: 'some' | 'every'): boolean {
  const [sources, destinations] = [endsOf(now, flow.source), endsOf(now, flow.destination)];
  const pairs = sources.flatMap((src) => destinations.map((dst) => ({ src, dst })));
  const open = ({ src, dst }: { src: Endpoint; dst: Endpoint }) => {
    try {
      if (flow.port === undefined) return reach.between(src, dst) !== NOTHING;
      if (how === 'some') return reach.allows(src, dst, flow.protocol, flow.port);
      return reach.explain(src, dst, flow.protocol, flow.port).cases.every(({ allowed }) => allowed);
    } catch (error) {
      if (error instanceof UnknownEndpoint) return false;
      throw error;
    }
  };
  return pairs.length > 0 && (how === 'some' ? pairs.some(open) : pairs.every(open));
}

/** What the engine is asked about for a peer. From where calls of the API server come is not known: from anywhere. */
function endsOf(now: Snapshot, peer: Peer): readonly Endpoint[] {
  switch (peer.kind) {
    case 'workload':
      return selectedWorkloads(now).get(peer.name)?.hostNetwork === true
        ? [{ address: someNode(now) }]
        : [{ workload: peer.name }];
    case 'namespace':
      return [{ freshPod: peer.namespace }];
    case 'nodes':
      return [{ address: someNode(now) }];
    case 'apiServer':
      return [{ address: someApiServer(now) }];
    case 'external':
      return [{ address: 'host' in peer ? SOMEWHERE : (peer.address.split('/')[0] ?? SOMEWHERE) }];
    case 'outside':
    case 'any':
      return [{ address: SOMEWHERE }];
  }
}
