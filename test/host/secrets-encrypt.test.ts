import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { programHere } from '../../src/commands/control-plane.js';
import { askedHere, serverProgram } from '../../src/host/secrets-encrypt.js';
import type { EncryptionFacts } from '../../src/model/snapshot.js';
import type { ServerSight } from '../../src/wizard/ports.js';
import { basics, recording, status } from '../cluster/recording.js';

const PLANTED = 'cGxhbnRlZCBrZXkgb2YgMzIgYnl0ZXMgaXMgaGVyZSE=';
const ENABLED = '{"stage":"start","activekey":"AES-CBC aescbckey","enable":true,"hashmatch":true}';
const NODE = hostname().toLowerCase();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-k3s-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A program of this name on PATH that records its arguments and does as the lines of shell say. */
async function fake(name: string, lines: readonly string[]): Promise<NodeJS.ProcessEnv> {
  const file = path.join(directory, name);
  const record = `printf '%s\\n' "$*" >> ${path.join(directory, 'calls')}`;
  await writeFile(file, ['#!/bin/sh', record, ...lines, ''].join('\n'));
  await chmod(file, 0o755);
  return { PATH: `${directory}:/usr/bin:/bin` };
}
const calls = async () =>
  (await readFile(path.join(directory, 'calls'), 'utf8').catch(() => ''))
    .split('\n')
    .filter((one) => one !== '');

const K3S = serverProgram('v1.31.4+k3s1', 'https://cluster.example:6443') ?? fail();
const up = (cluster = 'ours'): ServerSight => ({ at: 'up', ready: true, cluster });
const asked = (env: NodeJS.ProcessEnv, sight = up(), timeout = 5_000) =>
  askedHere({ program: K3S, server: { look: async () => sight }, cluster: 'ours', env, timeout });

function fail(): never {
  throw new Error('no program');
}

test('what is printed as the source is what was run', async () => {
  const env = await fake('k3s', [`echo '${ENABLED}'`]);
  const [one] = await asked(env);
  const source = `${directory}/k3s secrets-encrypt status --server https://127.0.0.1:6443 --output json`;
  expect(one).toEqual({
    server: NODE,
    config: {
      value: [
        {
          resources: ['secrets'],
          providers: [{ kind: 'aescbc', keys: [{ name: 'aescbckey', value: 'kept' }] }, { kind: 'identity' }],
        },
      ],
      source,
    },
    stage: { value: 'start', source },
    same: { value: true, source },
  });
  expect((await calls()).map((call) => `${directory}/k3s ${call}`)).toEqual([source]);
});

test('a program that knows no JSON is asked in words', async () => {
  const env = await fake('k3s', [
    'case "$*" in *output*) echo "flag provided but not defined: -output" >&2; exit 1;; esac',
    'echo "Encryption Status: Disabled, no configuration file found"',
  ]);
  const [one] = await asked(env);
  expect(one).toMatchObject({ config: { value: null }, file: { value: null } });
  expect(one?.config?.source).not.toContain('json');
  expect(await calls()).toHaveLength(2);
});

test.each<[string, readonly string[], string]>([
  ['an error', [`echo 'FATA ${PLANTED}' >&2; echo ${PLANTED}; exit 3`], 'exit code 3'],
  [
    'an answer that is not known',
    [`echo 'Key Type  Name  Secret'; echo 'AES-CBC a ${PLANTED}'`],
    'no form that is known',
  ],
  ['an answer without end', [`yes ${PLANTED}`], 'answers more'],
  ['silence', ['exec sleep 30'], 'did not end within 0.5 s'],
  [
    'what ignores being asked to end',
    ["trap '' TERM", 'while :; do sleep 0.1; done'],
    'did not end within 0.5 s',
  ],
])(
  '%s: not visible, with the reason, and nothing of what it said',
  async (_name, lines, reason) => {
    const env = await fake('k3s', lines);
    const seen = await asked(env, up(), 500);
    expect(seen).toEqual([
      {
        server: NODE,
        problem: { value: expect.stringContaining(reason), source: expect.stringContaining('k3s') },
      },
    ]);
    expect(JSON.stringify(seen)).not.toContain(PLANTED);
  },
  20_000,
);

test('a file that cannot be run is said', async () => {
  const env = await fake('k3s', []);
  await writeFile(path.join(directory, 'k3s'), '#!/nonexistent/interpreter\n');
  expect(await asked(env)).toMatchObject([
    { problem: { value: expect.stringContaining('could not be run') } },
  ]);
});

test.each<[string, ServerSight]>([
  ['is of another cluster', up('theirs')],
  ['is not there', { at: 'down', reason: 'refused' }],
  ['cannot be judged', { at: 'strange', reason: '401' }],
])('nothing is run where the API server of this machine %s', async (_name, sight) => {
  const env = await fake('k3s', [`echo '${ENABLED}'`]);
  expect(await asked(env, sight)).toEqual([]);
  expect(await calls()).toEqual([]);
});

test('nothing is run from a directory that PATH names relative to where somebody is', async () => {
  await fake('k3s', [`echo '${ENABLED}'`]);
  const relative = path.relative(process.cwd(), directory);
  expect(await asked({ PATH: `${relative}::.` })).toEqual([]);
  expect(await calls()).toEqual([]);
});

test.each<[string, string, object | undefined]>([
  ['v1.31.4', 'https://127.0.0.1:6443', undefined],
  ['v1.31.4-eks-1', 'https://127.0.0.1:6443', undefined],
  [
    'v1.31.4+k3s1',
    'https://127.0.0.1:7443',
    { address: 'https://127.0.0.1:7443', supervisor: 'https://127.0.0.1:7443' },
  ],
  ['v1.31.4+k3s1', 'https://lb.example', { address: 'https://127.0.0.1:6443' }],
  [
    'v1.31.4+rke2r1',
    'https://lb.example',
    { address: 'https://127.0.0.1:6443', supervisor: 'https://127.0.0.1:9345' },
  ],
])('%s at %s', (version, server, expected) => {
  const program = serverProgram(version, server);
  if (expected === undefined) expect(program).toBeUndefined();
  else expect(program).toMatchObject(expected);
});

test('over a kubeconfig of the node itself: the server proves that it is of the cluster, then its program is asked', async () => {
  const env = await fake('k3s', [`echo '${ENABLED}'`]);
  const server = await recording(
    (seen) =>
      basics(seen) ?? (seen.path === '/readyz' ? { text: 'ok' } : status(404, 'NotFound', 'not found')),
  );
  try {
    const about = { cluster: 'uid-of-kube-system', version: 'v1.31.4+k3s1', env };
    const facts = { servers: { listed: 1, seen: 1 }, apiServers: [{ server: 'the only API server' }] };
    const look = programHere({ kubeconfigText: server.kubeconfig }, about);
    const [one] = await look(facts as unknown as EncryptionFacts);
    // The only one is called as it is already.
    expect(one).toMatchObject({ server: 'the only API server', stage: { value: 'start' } });
    expect(await calls()).toEqual([`secrets-encrypt status --server ${server.address} --output json`]);
    const other = programHere({ kubeconfigText: server.kubeconfig }, { ...about, cluster: 'another' });
    expect(await other(facts as unknown as EncryptionFacts)).toEqual([]);
    expect(await calls()).toHaveLength(1);
  } finally {
    await server.close();
  }
});
