import { connect } from '../../../src/cluster/connect.js';
import { isRecord, listAt } from '../../../src/model/manifest.js';
import { PROBE_DEFAULTS } from '../../../src/model/policy-probe.js';
import { startSandbox } from '../../../src/sandbox/index.js';
import type { ProbeRequest } from '../../../src/wizard/ports.js';
import { Kubelet, type Network } from '../../support/kubelet.js';
import { request } from '../../support/rest.js';
import { type Reply, recording, type Seen } from '../recording.js';

const open: { close(): Promise<void> }[] = [];

export async function closeAll(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close();
}

/** Times of the tests, in seconds. */
export const QUICK = { ...PROBE_DEFAULTS, startSeconds: 2, settleSeconds: 1, removeSeconds: 5 };

/** The embedded cluster with nodes: the pods of a probe run. `instead` answers in place of the server. */
export async function clusterWithNodes(
  network: Network,
  instead: (seen: Seen) => Reply | undefined = () => undefined,
) {
  const sandbox = await startSandbox({ empty: true });
  open.push(sandbox);
  const kubelet = new Kubelet(network);
  const proxy = await recording(async (seen) => {
    const special = instead(seen);
    if (special !== undefined) return special;
    const answer = await request(sandbox, {
      method: seen.method,
      path: seen.query.size === 0 ? seen.path : `${seen.path}?${seen.query}`,
      ...(seen.body === '' ? {} : { raw: seen.body }),
      ...(seen.headers['content-type'] === undefined ? {} : { type: seen.headers['content-type'] }),
    });
    const pod = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/[^/]+$/.exec(seen.path);
    if (seen.method !== 'GET' || pod === null || answer.status !== 200 || !isRecord(answer.json))
      return { status: answer.status, text: answer.text };
    const path = `/apis/networking.k8s.io/v1/namespaces/${pod[1]}/networkpolicies`;
    const denied = listAt((await request(sandbox, { path })).json, 'items').length > 0;
    const spec = { ...(answer.json.spec as object), nodeName: 'node-a' };
    return { body: { ...answer.json, spec, status: kubelet.statusOf(answer.json, denied) } };
  });
  open.push(proxy);
  const kubeconfig = sandbox.kubeconfig.replace(sandbox.server, proxy.address).replaceAll('sandbox', 'prod');
  const cluster = await connect({ kubeconfigText: kubeconfig });
  open.push(cluster);
  const namespaces = async () => {
    const { json } = await request(sandbox, { path: '/api/v1/namespaces' });
    return listAt(json, 'items').map((item) => (item as { metadata: { name: string } }).metadata.name);
  };
  return { sandbox, proxy, cluster, kubeconfig, namespaces };
}

/** A probe of the tests' times; the namespace that it used is in `names`. */
export function probing(more: Partial<ProbeRequest> = {}): ProbeRequest & { names: string[] } {
  const names: string[] = [];
  return {
    options: QUICK,
    leftovers: [],
    before: async (namespace) => {
      names.push(namespace);
    },
    ...more,
    names,
  };
}
