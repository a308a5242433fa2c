import { createHash } from 'node:crypto';
import { versionHas } from '../model/features.js';
import { stringAt } from '../model/manifest.js';
import { rightKey } from '../model/rights.js';
import type { ClusterInfo } from '../model/snapshot.js';
import { type Cluster, ClusterError, type RewriteOptions } from '../wizard/ports.js';
import { lacking } from './access.js';
import { Client } from './client.js';
import { versionOf } from './discovery.js';
import { gate } from './gate.js';
import { type KubeconfigSource, type Selected, selectContext } from './kubeconfig.js';
import { claim, unclaim } from './lease.js';
import { proveRewrite, rewriteObjects, sizeOfRewrite } from './rewrite/rewrite.js';
import { applyObject, deleteObject, getObject } from './write.js';

export interface ConnectOptions extends KubeconfigSource {
  /** The kubeconfig is the embedded cluster's. */
  sandbox?: boolean;
  /** Version of this program, for the User-Agent. */
  version?: string;
}

/** Connections kept to the API server. */
const SOCKETS = 48;
/**
 * Objects re-written a second where nobody says otherwise. About what the documented command reaches on a near server
 * (300) and a sixth of what one server on two shared cores bears (1,300), so that others notice little of it: every
 * re-write is a write to etcd and an event to all who watch.
 */
const MODERATE = 200;
/** Requests of a re-write at a time at most: more gained nothing on the servers that were measured. */
const MOST_AT_ONCE = 64;

/**
 * Connects to the cluster of a context: its credentials are fetched and its version and identity read.
 * @throws ClusterError where the kubeconfig is broken, the server cannot be reached or does not accept the credentials
 */
export async function connect(options: ConnectOptions): Promise<Cluster> {
  const selected = selectContext(options);
  const client = new Client(
    selected,
    { server: selected.server, sockets: SOCKETS, keepAlive: true },
    { agent: `kubectl-harden/${options.version ?? 'dev'}` },
  );
  const info = await identify(client, selected, options.sandbox === true);
  return {
    info: async () => info,
    read: async (queries, onProgress = () => {}) =>
      (await import('./read.js')).readAll(client, queries, onProgress),
    get: (ref) => getObject(client, ref),
    apply: (manifest, { dryRun, force } = {}) =>
      applyObject(client, manifest, {
        ...(dryRun === undefined ? {} : { dryRun }),
        ...(force === undefined ? {} : { force }),
        strict: versionHas(info.version, 'fieldValidation'),
      }),
    delete: (ref, deletion = {}) => deleteObject(client, ref, deletion),
    contents: async (namespace) => (await import('./contents.js')).contentsOf(client, namespace),
    lacks: async (uses) => {
      const { needsOf } = await import('./rights.js');
      const needs = uses.map(needsOf);
      const lacks = new Set((await lacking(client, needs.flat())).map(({ right }) => rightKey(right)));
      return needs.map((some) => some.filter(({ right }) => lacks.has(rightKey(right))));
    },
    claim: (own, gone) => claim(client, own, gone),
    unclaim: (run, gone) => unclaim(client, run, gone),
    gate: (trial) => gate(client, trial),
    probePolicies: async (request) =>
      (await import('./probe/index.js')).probePolicies(client, kubectlFor(options, selected), request),
    rewrite: (rewrite) => rewriteObjects(client, { ...rewrite, ...paced(rewrite, info.sandbox) }),
    rewriteSize: (resources) => sizeOfRewrite(client, resources),
    proveRewrite: (proof) => proveRewrite(client, { ...proof, ...paced(proof, info.sandbox) }),
    close: async () => client.close(),
  };
}

/** How people reach the same cluster with kubectl. */
function kubectlFor({ kubeconfigPath }: ConnectOptions, { context }: Selected): readonly string[] {
  const file = kubeconfigPath === undefined ? [] : ['--kubeconfig', kubeconfigPath];
  return ['kubectl', ...file, '--context', context];
}

function paced(given: Pick<RewriteOptions, 'maxRate' | 'concurrency'>, sandbox: boolean) {
  return {
    maxRate: given.maxRate ?? (sandbox ? 0 : MODERATE),
    concurrency: given.concurrency ?? MOST_AT_ONCE,
  };
}

async function identify(client: Client, selected: Selected, sandbox: boolean): Promise<ClusterInfo> {
  try {
    const [version, id] = await Promise.all([versionOf(client), identityOf(client, selected)]);
    return { context: sandbox ? 'sandbox' : selected.context, id, version, sandbox };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The uid of kube-system; for accounts that may not read it a digest of the server's address stands in. */
async function identityOf(client: Client, selected: Selected): Promise<string> {
  try {
    const { body } = await client.json(
      { method: 'GET', path: '/api/v1/namespaces/kube-system' },
      { doing: 'read namespace kube-system, which identifies the cluster' },
    );
    const uid = stringAt(body, 'metadata', 'uid');
    if (uid !== undefined && uid !== '') return uid;
    throw new ClusterError(
      'server',
      'The namespace kube-system has no uid.\nIs this a Kubernetes API server?',
    );
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'forbidden') throw error;
    return `address-${createHash('sha256').update(selected.server).digest('hex').slice(0, 16)}`;
  }
}
