import { printable } from '../model/escape.js';
import { at, isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import { ClusterError, type LocalApiServer, type ServerSight } from '../wizard/ports.js';
import { Client } from './client.js';
import { readMetrics } from './encryption.js';
import { type KubeconfigSource, type Selected, selectContext } from './kubeconfig.js';
import { pages, TABLE } from './list.js';
import { collectionPath, resolveResources, SECRETS } from './rewrite/resource.js';

/** One try each: whoever waits for a server asks again by itself. */
const ONCE = { attempts: 1, firstWait: 0, longestWait: 0, longestRetryAfter: 0 };

/**
 * The API server at an address of this machine, asked with the credentials of a context but past its load balancer. Its
 * certificate has to be signed by the context's authority and be for one of the names that API servers carry.
 * @param address `https://192.0.2.10:6443`
 * @throws ClusterError where the kubeconfig is broken
 */
export function localApiServer(
  source: KubeconfigSource & { version?: string },
  address: string,
): LocalApiServer {
  const selected = withoutProxy(selectContext(source));
  const names = [
    new URL(address).hostname.replace(/^\[|\]$/g, ''),
    new URL(selected.server).hostname.replace(/^\[|\]$/g, ''),
    'kubernetes.default.svc',
    'kubernetes',
  ];
  const client = new Client(
    selected,
    // No connection is kept: the process at its other end is about to be another one.
    { server: address, sockets: 4, keepAlive: false, certificateNames: names },
    { agent: `kubectl-harden/${source.version ?? 'dev'}`, retry: ONCE },
  );
  return {
    look: () => look(client),
    readsSecrets: (resources = []) => readsAll(client, resources),
    pod: (name) => podOf(client, name),
    pods: () => podsOf(client),
    close: () => client.close(),
  };
}

/** What is on this machine is not reached by way of another. */
function withoutProxy(selected: Selected): Selected {
  const { 'proxy-url': _proxy, ...cluster } = selected.cluster;
  return { ...selected, cluster };
}

async function look(client: Client): Promise<ServerSight> {
  try {
    const { body } = await client.json(
      { method: 'GET', path: '/api/v1/namespaces/kube-system' },
      { doing: 'read namespace kube-system' },
    );
    const cluster = stringAt(body, 'metadata', 'uid');
    if (cluster === undefined) return { at: 'strange', reason: 'what answers is no API server' };
    const ready = await client.send(
      { method: 'GET', path: '/readyz?verbose=true', headers: { Accept: 'text/plain' } },
      { doing: 'ask whether the API server is ready' },
    );
    if (ready.status === 401 || ready.status === 403)
      return { at: 'strange', reason: 'you may not read /readyz of the API server' };
    const metrics = await readMetrics(client);
    const facts = typeof metrics === 'string' ? undefined : metrics;
    const startedAt = Number(facts?.startedAt);
    // Served as `sha256:` and the digest.
    const configuration = /(?:^|:)([0-9a-f]{64})$/.exec(facts?.configuration ?? '')?.[1];
    return {
      at: 'up',
      ready: ready.status === 200,
      ...(ready.status === 200 ? {} : { failing: failing(ready.body.toString('utf8')) }),
      cluster,
      ...(Number.isFinite(startedAt) ? { startedAt } : {}),
      ...(configuration === undefined ? {} : { configuration }),
    };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    const reason = printable(error.message.split('\n').slice(-1)[0] ?? error.message, 200);
    const strange = error.lasting || error.reason === 'unauthorized' || error.reason === 'forbidden';
    return strange ? { at: 'strange', reason } : { at: 'down', reason };
  }
}

/** Names of the checks that fail, of an answer such as `[-]etcd failed: reason withheld`. */
function failing(text: string): string {
  const names = [...text.matchAll(/^\[-\]([\w./-]+)/gm)].map((match) => match[1] ?? '');
  return names.slice(0, 8).join(', ') || 'no check is named';
}

async function readsAll(client: Client, resources: readonly string[]): Promise<boolean | undefined> {
  const secrets = await reads(client, SECRETS.name);
  if (secrets !== true) return secrets;
  for (const name of resources)
    if (name !== SECRETS.name && (await reads(client, name)) === false) return false;
  return true;
}

/** A list of all objects in the form without objects: the server reads every value, and sends none. */
async function reads(client: Client, name: string): Promise<boolean | undefined> {
  try {
    const [resource = SECRETS] = await resolveResources(client, [name]);
    const call = {
      path: collectionPath(resource, ''),
      doing: `list all ${printable(name, 100)} by name`,
      accept: TABLE,
      query: { includeObject: 'None' },
      secret: true,
    };
    for await (const _page of pages(client, call));
    return true;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return ['forbidden', 'unauthorized', 'invalid'].includes(error.reason) ? undefined : false;
  }
}

async function podOf(client: Client, name: string): Promise<Manifest | undefined> {
  try {
    const path = `/api/v1/namespaces/kube-system/pods/${encodeURIComponent(name)}`;
    const { body } = await client.json({ method: 'GET', path }, { doing: `read pod kube-system/${name}` });
    return isRecord(body) && at(body, 'metadata', 'name') === name ? (body as Manifest) : undefined;
  } catch (error) {
    if (error instanceof ClusterError) return undefined;
    throw error;
  }
}

async function podsOf(client: Client): Promise<readonly Manifest[]> {
  const path = '/api/v1/namespaces/kube-system/pods?labelSelector=component%3Dkube-apiserver';
  try {
    const { body } = await client.json(
      { method: 'GET', path },
      { doing: 'list pods in namespace kube-system' },
    );
    return listAt(body, 'items').filter((pod): pod is Manifest => isRecord(pod) && isRecord(pod.metadata));
  } catch (error) {
    if (error instanceof ClusterError) return [];
    throw error;
  }
}
