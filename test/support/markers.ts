import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { harden } from './program.js';

const RECORDER = fileURLToPath(new URL('record-processes.cjs', import.meta.url));

/** Answers with which every step has something to write on a cluster that is not the embedded one. */
const ANSWERS = {
  namespaces: { moreNamespaces: '' },
  'default-deny': { namespaces: 'all', sameNamespace: 'all', egressOutside: 'closed' },
  quotas: { namespaces: 'all', limits: false, amendExisting: true },
  'encryption-at-rest': { enable: true, provider: 'secretbox', keyKept: true, rewrite: true },
  'metadata-blocking': { namespaces: 'all' },
};

export interface Cluster {
  server: string;
  token: string;
  /** PEM, base64; absent for a server without TLS. */
  ca?: string;
  context: string;
}

/** What a sweep has found: where a marker stands that nobody may see, and how much was looked at. */
export interface Swept {
  found: string[];
  bytes: number;
  files: number;
  processes: number;
  codes: Record<string, number | undefined>;
  /** How what took itself back stands at the end. */
  standing: string;
}

/**
 * Runs every command on a cluster and searches all that was written to streams and files, and every argument list of
 * every process that was started, for secrets: `markers` as they are and in base64, the token, a password and a key of
 * the kubeconfig, the token that an exec plugin gives, and the keys of encryption configurations outside of these.
 */
export async function sweepMarkers(
  directory: string,
  cluster: Cluster,
  markers: readonly string[],
): Promise<Swept> {
  const file = (name: string) => path.join(directory, name);
  const own = { password: 'marker-password-5f1c', clientKey: 'marker-client-key-77aa' };
  const recorded = file('processes.jsonl');
  await writeFile(recorded, '');
  await writeFile(file('answers.yaml'), stringify(ANSWERS));
  // The token comes from a file that only the plugin reads, so that no argument list has it by the test's own doing.
  await writeFile(file('credential.json'), JSON.stringify({ token: cluster.token }), { mode: 0o600 });
  await writeFile(
    file('plugin.cjs'),
    `const { token } = require(${JSON.stringify(file('credential.json'))});
process.stdout.write(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } }));`,
  );
  const users = {
    inline: {
      token: cluster.token,
    },
    plugin: {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: [file('plugin.cjs')],
        interactiveMode: 'Never',
      },
    },
  };
  for (const [name, user] of Object.entries(users))
    await writeFile(
      file(`${name}.kubeconfig`),
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': cluster.context,
        contexts: [{ name: cluster.context, context: { cluster: 'c', user: 'u' } }],
        clusters: [
          {
            name: 'c',
            cluster: {
              server: cluster.server,
              ...(cluster.ca === undefined ? {} : { 'certificate-authority-data': cluster.ca }),
            },
          },
        ],
        users: [
          { name: 'u', user },
          {
            name: 'other',
            user: { username: 'somebody', password: own.password, 'client-key-data': own.clientKey },
          },
        ],
      }),
      { mode: 0o600 },
    );
  const env = {
    XDG_STATE_HOME: file('state'),
    NODE_OPTIONS: `--require=${RECORDER}`,
    RECORDED_PROCESSES: recorded,
  };
  const outputs: { name: string; text: string }[] = [];
  const codes: Record<string, number | undefined> = {};
  const found: string[] = [];
  const run = async (user: keyof typeof users, ...args: string[]) => {
    const ran = await harden([...args, '--kubeconfig', file(`${user}.kubeconfig`)], env);
    note(args, ran);
  };
  const note = (
    args: readonly string[],
    ran: { code: number | undefined; stdout: string; stderr: string },
  ) => {
    const name = args.filter((arg) => !arg.includes(directory)).join(' ');
    codes[name] = ran.code;
    outputs.push({ name, text: ran.stdout + ran.stderr });
  };
  /**
   * A re-write that comes to its end, on an embedded cluster that encrypts, with a marked Secret that is not encrypted
   * yet. Its file is the cluster itself, with everything in it.
   */
  const embedded = async (): Promise<void> => {
    const state = file('embedded.json');
    const target = ['--sandbox-file', state, '--confirm', 'sandbox'];
    const own = { ...env, XDG_STATE_HOME: file('state-embedded') };
    const encrypt = ['apply', '--step', 'encryption-at-rest', ...target];
    note(encrypt, await harden(encrypt, own));
    const saved = JSON.parse(await readFile(state, 'utf8')) as { objects: unknown[] };
    const metadata = { name: 'marked', namespace: 'shop', uid: 'uid-marked', resourceVersion: '1' };
    const data = { k: Buffer.from(markers[0] ?? '').toString('base64') };
    saved.objects.push({ object: { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data } });
    await writeFile(state, JSON.stringify(saved));
    const rewrite = ['rewrite-secrets', ...target, '-o', 'json'];
    const ran = await harden(rewrite, own);
    note(rewrite, ran);
    if (!ran.stdout.includes('"rewritten": 1,')) found.push('the marked Secret was not re-written');
  };
  const confirm = ['--confirm', cluster.context];
  const answers = ['--answers', file('answers.yaml')];
  const check = ['--confirm-within', '2s', '--health-check', `${process.execPath} -e 'process.exit(1)'`];
  const onEmbedded = embedded();
  await run('inline', 'plan', ...answers);
  await run('plugin', 'plan', ...answers, '-o', 'json');
  await run('inline', 'generate', ...answers, '--output-dir', file('patches'));
  await run('inline', 'reach', '-o', 'json');
  await run('plugin', 'apply', '--step', 'quotas', ...answers, ...confirm, ...check);
  await run('plugin', 'apply', ...answers, ...confirm);
  await run('inline', 'resume', ...answers, ...confirm);
  await run('plugin', 'rewrite-secrets', ...confirm);
  await run('inline', 'undo', ...confirm);
  await run('inline', 'probe', ...confirm, '--probe-timeout', '5');
  // None of these writes, and none is in the way of the others.
  await Promise.all([
    run('inline', 'reach', 'explain', 'shop/web', 'shop/cart', '80', '-o', 'json'),
    ...[
      ['rbac', '--also', 'undo'],
      ['rbac', '-o', 'json', '--resource', 'secrets'],
      ['reach', 'diff', '--from', file('patches'), '--to', file('patches'), '-o', 'json'],
    ].map(async (args) => note(args, await harden(args, env))),
  ]);
  note(['runs'], await harden(['runs', '-o', 'json'], env));
  await onEmbedded;

  const kept = await filesIn(directory, [
    'credential.json',
    'inline.kubeconfig',
    'plugin.kubeconfig',
    'embedded.json',
  ]);
  const configurations = kept.filter(({ text }) => /kind: EncryptionConfiguration/.test(text));
  const keys = configurations.flatMap(({ text }) =>
    [...text.matchAll(/secret: ["']?([A-Za-z0-9+/=]{20,})/g)].map(([, key = '']) => key),
  );
  const wanted = [...markers, cluster.token, ...Object.values(own)].flatMap(forms);
  const look = (name: string, text: string, words: readonly string[]) => {
    for (const word of words) if (text.includes(word)) found.push(`${name} holds ${word.slice(0, 12)}…`);
  };
  const processes = await readFile(recorded, 'utf8');
  for (const { name, text } of outputs) look(name, text, [...wanted, ...keys]);
  for (const one of kept)
    look(one.name, one.text, [...wanted, ...(configurations.includes(one) ? [] : keys)]);
  look('an argument list', processes, [...wanted, ...keys]);
  if (keys.length === 0)
    found.push('no encryption configuration was written: the sweep proves nothing of its keys');
  return {
    found,
    bytes: [...outputs, ...kept].reduce((sum, { text }) => sum + text.length, processes.length),
    files: kept.length,
    processes: processes.split('\n').length - 1,
    codes,
    standing: outputs.at(-1)?.text ?? '',
  };
}

/** A marker as it is, and how it begins in base64. */
function forms(marker: string): string[] {
  const base64 = Buffer.from(marker).toString('base64').replace(/=+$/, '');
  return [marker, base64.slice(0, -2)];
}

async function filesIn(
  directory: string,
  except: readonly string[],
): Promise<{ name: string; text: string }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile() && !except.includes(entry.name))
      .map(async (entry) => {
        const full = path.join(entry.parentPath, entry.name);
        return { name: path.relative(directory, full), text: await readFile(full, 'latin1') };
      }),
  );
}

/** A Secret with markers in its values and in the annotation that kubectl keeps; and the markers. */
export function markedSecret(name: string): { body: unknown; markers: string[] } {
  const markers = [`marker-value-${name}`, `marker-applied-${name}`];
  const [value = '', applied = ''] = markers;
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ stringData: { k: applied } }),
      },
    },
    stringData: { k: value },
  };
  return { body, markers };
}
