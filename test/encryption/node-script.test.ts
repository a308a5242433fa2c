import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';
import { contentOf } from '../../src/encryption/content.js';
import { nodeScript, outline } from '../../src/encryption/node-script.js';
import { parseConfiguration } from '../../src/encryption/parse.js';
import { withConfiguration } from '../../src/host/control-plane/manifest-edit.js';
import { sha256 } from '../../src/host/control-plane/place.js';
import { configurationOf, readStaticPod } from '../../src/host/control-plane/static-pod.js';
import { filesHost } from '../../src/host/files.js';
import type { EncryptionConfig, EncryptionProvider, ServerRound } from '../../src/model/encryption.js';
import { configText, MANIFEST, secretOf } from '../host/control-plane/configs.js';
import { type Health, prefixes } from '../host/control-plane/fake-node.js';

const configOf = (...providers: string[]): EncryptionConfig => {
  const read = parseConfiguration(configText(...providers));
  if ('faults' in read) throw new Error('faults');
  return read.config;
};

const KUBECTL = `#!/bin/sh
cd "$ROOT"
[ -e up ] || exit 1
case "$*" in
  *--server*readyz*) [ -e readable ] ;;
  *--server*metrics*) echo "process_start_time_seconds $(cat began)e+00" ;;
  *--server*secrets*) [ -e readable ] ;;
  *--server*api-resources*) printf 'secrets\nconfigmaps\n' ;;
  *--server*configmaps*) [ ! -e broken-configmaps ] ;;
  *) exit 9 ;;
esac
`;
/** Kills the script before (odd) or after (even) its call number KILL_AT / 2. */
const MV = `#!/bin/sh
n=$(($(cat "$ROOT/calls" 2>/dev/null || echo 0) + 1))
echo "$n" >"$ROOT/calls"
[ "$((n * 2 - 1))" != "$KILL_AT" ] || kill -9 "$PPID"
[ "$((n * 2 - 1))" != "$KILL_AT" ] || exit 1
/bin/mv "$@"
[ "$((n * 2))" != "$KILL_AT" ] || kill -9 "$PPID"
`;

/** A node in a directory, a supervisor that starts its API server anew when the manifest changes, and kubectl for it. */
class Node {
  readonly root = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-script-'));
  readonly manifest = path.join(this.root, 'etc/kubernetes/manifests/kube-apiserver.yaml');
  readonly file = path.join(this.root, 'etc/kubernetes/enc/encryption-config.yaml');
  readonly folder = path.join(this.root, 'round');
  readonly names = new Set<string>();
  health: (configuration: string | null) => Health = () => 'well';
  stored = [''];
  configuration: string | null = null;
  #text = '';
  #looks = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(manifest = MANIFEST) {
    mkdirSync(path.dirname(this.manifest), { recursive: true });
    mkdirSync(path.join(this.root, 'bin'));
    mkdirSync(this.folder);
    for (const [name, text] of [
      ['kubectl', KUBECTL],
      ['mv', MV],
    ] as const) {
      writeFileSync(path.join(this.root, 'bin', name), text);
      chmodSync(path.join(this.root, 'bin', name), 0o755);
    }
    writeFileSync(this.manifest, manifest, { mode: 0o600 });
    this.#supervise();
    this.#began(Date.now() - 100_000);
    this.#timer = setInterval(() => this.#supervise(), 20);
  }

  /** As if this configuration had always been there. */
  begin(text: string): void {
    mkdirSync(path.dirname(this.file), { recursive: true });
    writeFileSync(this.file, text, { mode: 0o600 });
    writeFileSync(
      this.manifest,
      withConfiguration(MANIFEST, 'm', { file: this.file, sha256: 'f'.repeat(64) }),
    );
    this.#supervise();
    this.stored = [prefixes(text)[0] ?? ''];
    this.#began(Date.now() - 100_000);
  }

  round(more: Partial<ServerRound>): ServerRound {
    return {
      phase: 'write',
      file: this.file,
      before: [null],
      after: configOf('secretbox/key1', 'identity'),
      fallback: configOf('identity', 'secretbox/key1'),
      mustRead: [''],
      mounts: [],
      sockets: [],
      ...more,
    };
  }

  async run(
    shell: string,
    round: ServerRound,
    more: { killAt?: number; wanted?: string; fallback?: string; settle?: string; wait?: string } = {},
  ): Promise<{ code: number | undefined; signal: string | undefined; said: string }> {
    writeFileSync(path.join(this.folder, 'node.sh'), nodeScript(round));
    if (round.after !== null)
      writeFileSync(path.join(this.folder, 'encryption-config.yaml'), more.wanted ?? textOf(round.after));
    if (round.fallback !== null)
      writeFileSync(
        path.join(this.folder, 'encryption-config.fallback.yaml'),
        more.fallback ?? textOf(round.fallback),
      );
    rmSync(path.join(this.root, 'calls'), { force: true });
    const { exitCode, signal, all } = await execa(shell, [path.join(this.folder, 'node.sh')], {
      reject: false,
      all: true,
      env: {
        ROOT: this.root,
        PATH: `${path.join(this.root, 'bin')}:${process.env.PATH}`,
        MANIFEST: this.manifest,
        KUBECTL: path.join(this.root, 'bin/kubectl'),
        KUBECONFIG: '/nowhere',
        WAIT: more.wait ?? '3',
        SETTLE: more.settle ?? '1',
        POLL: '0.1',
        KILL_AT: String(more.killAt ?? 0),
      },
    });
    return { code: exitCode, signal, said: all ?? '' };
  }

  get text(): string {
    return readFileSync(this.manifest, 'utf8');
  }
  get onDisk(): string | null {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8') : null;
  }

  #began(milliseconds: number): void {
    writeFileSync(path.join(this.root, 'began'), String(Math.floor(milliseconds / 1000)));
  }

  #supervise(): void {
    for (const name of readdirSync(path.dirname(this.manifest))) this.names.add(name);
    const { text } = this;
    if (text !== this.#text) {
      this.#text = text;
      const flag = configurationOf(readStaticPod(text, this.manifest));
      this.configuration = flag === undefined ? null : this.onDisk;
      this.#looks = 0;
      this.#began(Date.now());
    }
    const health = this.health(this.configuration);
    const up = health === 'well' || (health !== 'down' && this.#looks++ < health.breaksAfter);
    if (up) this.stored.push(prefixes(this.configuration)[0] ?? '');
    const set = (name: string, value: boolean) => {
      const file = path.join(this.root, name);
      if (value) writeFileSync(file, '');
      else rmSync(file, { force: true });
    };
    set('readable', this.readable);
    set('up', up);
  }

  get readable(): boolean {
    const reads = prefixes(this.configuration);
    return this.stored.every((prefix) => reads.includes(prefix));
  }

  get left(): boolean {
    return existsSync(path.join(this.root, 'etc/kubernetes/kubectl-harden-script'));
  }

  remove(): void {
    clearInterval(this.#timer);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What a manifest says, the order of flags, mounts and volumes aside. */
function saysOf(text: string): unknown {
  const pod = parse(text);
  const [container] = pod.spec.containers;
  for (const list of [container.command, container.volumeMounts, pod.spec.volumes])
    list.sort((a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return pod;
}

/** A file with the values that the tests' keys have. */
function textOf(config: EncryptionConfig): string {
  const providers = config[0]!.providers.flatMap((provider) =>
    'keys' in provider ? provider.keys.map(({ name }) => `${provider.kind}/${name}`) : [provider.kind],
  );
  expect(contentOf(config)).toBeDefined();
  return configText(...providers);
}

let node: Node;
const nodes: Node[] = [];
function newNode(manifest = MANIFEST): Node {
  const made = new Node(manifest);
  nodes.push(made);
  return made;
}
afterEach(() => {
  for (const one of nodes.splice(0)) {
    expect([...one.names]).toEqual(['kube-apiserver.yaml']);
    one.remove();
  }
});
const FRESH: EncryptionProvider = { kind: 'secretbox', keys: [{ name: 'key1', value: 'fresh' }] };
const ON = ['secretbox/key1', 'identity'];
const KEEP = ['identity', 'secretbox/key1'];

/** The same by both shells side by side, each on a node of its own: most of it is waiting. */
async function byBoth(work: (shell: string, node: Node) => Promise<void>): Promise<void> {
  await Promise.all(
    ['dash', 'bash'].map(async (shell) => {
      const own = new Node();
      try {
        await work(shell, own);
        expect([...own.names]).toEqual(['kube-apiserver.yaml']);
      } finally {
        own.remove();
      }
    }),
  );
}

describe('by dash and by bash', () => {
  test(
    'on, rotated, and back to a server without configuration',
    () =>
      byBoth(async (shell, node) => {
        const first = await node.run(shell, node.round({}));
        expect(first).toMatchObject({ code: 0, said: expect.stringContaining('done') });
        expect(node.onDisk).toBe(configText(...ON));
        expect([statSync(node.file).mode & 0o777, statSync(path.dirname(node.file)).mode & 0o777]).toEqual([
          0o600, 0o700,
        ]);
        const added = node.text.split('\n').filter((line) => !MANIFEST.split('\n').includes(line));
        expect(added).toHaveLength(7);
        expect(saysOf(node.text)).toEqual(
          saysOf(withConfiguration(MANIFEST, 'm', { file: node.file, sha256: sha256(configText(...ON)) })),
        );
        expect(first.said).not.toContain(secretOf('key1'));

        const began = readFileSync(path.join(node.root, 'began'), 'utf8');
        expect(await node.run(shell, node.round({}))).toMatchObject({
          code: 0,
          said: expect.stringContaining('already'),
        });
        expect(readFileSync(path.join(node.root, 'began'), 'utf8')).toBe(began);

        const both = configOf('secretbox/key2', 'secretbox/key1', 'identity');
        const rotate = node.round({ before: [configOf(...ON)], after: both, fallback: configOf(...ON) });
        expect(await node.run(shell, rotate)).toMatchObject({ code: 0 });
        expect(node.onDisk).toBe(textOf(both));

        node.stored = [''];
        const plain = configOf('identity', 'secretbox/key2', 'secretbox/key1');
        expect(
          await node.run(shell, node.round({ before: [both], after: plain, fallback: both })),
        ).toMatchObject({ code: 0 });
        node.stored = [''];
        const off = node.round({ phase: 'remove', before: [plain], after: null, fallback: plain });
        expect(await node.run(shell, off)).toMatchObject({ code: 0 });
        expect(node.text).not.toContain('--encryption-provider-config');
        expect(node.onDisk).toBe(textOf(plain));
        expect(node.left).toBe(false);
      }),
    60_000,
  );

  test(
    'breaks after some encrypted writes: goes back to what reads them',
    () =>
      byBoth(async (shell, node) => {
        node.health = (text) => (text === configText(...ON) ? { breaksAfter: 10 } : 'well');
        const ran = await node.run(shell, node.round({}));
        expect(ran).toMatchObject({ code: 1, said: expect.stringContaining('one that reads every key') });
        expect(node.onDisk).toBe(configText(...KEEP));
        expect(node.stored.filter((prefix) => prefix !== '')).toHaveLength(10);
        expect([node.readable, node.left]).toEqual([true, false]);
      }),
    60_000,
  );

  test(
    'a round that writes nothing new goes back to the manifest as it was',
    () =>
      byBoth(async (shell, node) => {
        node.health = (text) => (text === null ? 'well' : 'down');
        const ran = await node.run(
          shell,
          node.round({ phase: 'read', after: configOf(...KEEP), fallback: null }),
        );
        expect(ran).toMatchObject({ code: 1, said: expect.stringContaining('its manifest as it was') });
        expect(node.text).toBe(MANIFEST);
        node.health = () => 'well';
        const again = await node.run(
          shell,
          node.round({ phase: 'read', after: configOf(...KEEP), fallback: null }),
        );
        expect(again.code).toBe(0);
      }),
    60_000,
  );

  /**
   * Where the script is killed: before (odd) or after (even) a rename. What comes after one and before the next is alike
   * but for files that are being prepared, so one shell goes to every second place and the other to some of the rest.
   * KILL_SERIES=all: both to every one.
   */
  const places = (shell: string, health: 'well' | 'breaks') =>
    Array.from({ length: 48 }, (_, index) => index + 1).filter((at) => {
      if (process.env.KILL_SERIES === 'all') return true;
      const after = health === 'well';
      return shell === 'dash' ? at % 2 === (after ? 0 : 1) : at % 6 === (after ? 3 : 0);
    });

  test(
    'killed before and after every rename: the next run brings it to its end',
    () =>
      byBoth(async (shell) => {
        const one = { settle: '0', wait: '2' };
        const killedAt = async (health: 'well' | 'breaks', killAt: number) => {
          const other = new Node();
          try {
            if (health === 'breaks') other.health = (text) => (text === configText(...ON) ? 'down' : 'well');
            const killed = await other.run(shell, other.round({}), { ...one, killAt });
            if (killed.signal === undefined) return killAt;
            expect(killed.signal).toBe('SIGKILL');
            if (other.text.includes('--encryption-provider-config'))
              expect(other.onDisk).toContain(secretOf('key1'));
            const ran = await other.run(shell, other.round({}), one);
            const ended = other.onDisk === (health === 'well' ? configText(...ON) : configText(...KEEP));
            expect({
              killAt,
              health,
              ended,
              readable: other.readable,
              left: other.left,
              names: [...other.names],
              said: ended ? '' : ran.said,
            }).toEqual({
              killAt,
              health,
              ended: true,
              readable: true,
              left: false,
              names: ['kube-apiserver.yaml'],
              said: '',
            });
            return undefined;
          } finally {
            other.remove();
          }
        };
        // Most of it is waiting: nodes of their own go side by side.
        for (const health of ['well', 'breaks'] as const) {
          const at = places(shell, health);
          let unkilled: number | undefined;
          while (unkilled === undefined) {
            expect(at).not.toEqual([]);
            const ends = await Promise.all(at.splice(0, 8).map((killAt) => killedAt(health, killAt)));
            unkilled = ends.find((end) => end !== undefined);
          }
          expect(unkilled).toBeGreaterThan(6);
        }
      }),
    300_000,
  );
});

describe('nothing is touched', () => {
  const refused = async (given: Partial<ServerRound>, message: string, more: { wanted?: string } = {}) => {
    const before = [node.text, node.onDisk];
    const ran = await node.run('dash', node.round(given), more);
    expect(ran).toMatchObject({ code: 1, said: expect.stringContaining(message) });
    expect(ran.said).toContain('Nothing was changed.');
    expect([node.text, node.onDisk, node.left]).toEqual([...before, false]);
    for (const name of ['key1', 'key2', 'keyX']) expect(ran.said).not.toContain(secretOf(name));
  };

  test('where another configuration is in place', async () => {
    node = newNode();
    node.begin(configText('secretbox/key9', 'identity'));
    await refused({}, 'another one than was planned for (secrets | secretbox key9 identity');
    await refused({ file: `${node.file}.other` }, 'another encryption configuration is in place');
  });

  test('where a key of this node is missing, or has another value', async () => {
    node = newNode();
    node.begin(configText(...ON));
    const after = configOf('secretbox/key2', 'secretbox/key1', 'identity');
    const round = { before: [configOf(...ON)], after, fallback: configOf(...ON) };
    const other = textOf(after).replace(secretOf('key1'), secretOf('keyX'));
    await refused(round, 'k8s:enc:secretbox:v1:key1:', { wanted: other });
    await refused(round, 'put the keys of this node', {
      wanted: textOf(after).replace(secretOf('key1'), '<as in the file on the node>'),
    });
    await refused({ ...round, after: configOf('secretbox/key2', 'identity') }, 'k8s:enc:secretbox:v1:key1:');
    await refused(round, 'is not the one of this round', { wanted: configText(...ON) });
  });

  test('where entries of two resources have keys of one name, and one of them got another value', async () => {
    node = newNode();
    const entry = (resource: string, ...names: readonly [string, string][]) =>
      `  - resources:\n      - ${resource}\n    providers:\n      - secretbox:\n          keys:\n${names
        .map(([name, value]) => `            - name: ${name}\n              secret: ${secretOf(value)}\n`)
        .join('')}`;
    const file = (...entries: string[]) =>
      `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n${entries.join('')}`;
    const parsed = (text: string): EncryptionConfig => {
      const read = parseConfiguration(text);
      if ('faults' in read) throw new Error('faults');
      return read.config;
    };
    const maps = entry('configmaps', ['key1', 'key3']);
    const before = file(entry('secrets', ['key1', 'key1']), maps);
    node.begin(before);
    const wanted = (secret: string, map: string) =>
      file(entry('secrets', ['key2', 'key2'], ['key1', secret]), entry('configmaps', ['key1', map]));
    const round = {
      before: [parsed(before)],
      after: parsed(wanted('key1', 'key3')),
      fallback: parsed(before),
    };
    await refused(round, 'k8s:enc:secretbox:v1:key1: of secrets', { wanted: wanted('key9', 'key3') });
    await refused(round, 'k8s:enc:secretbox:v1:key1: of configmaps', { wanted: wanted('key1', 'key9') });
    // A key that may go from one entry may not change in another.
    const last = file(entry('secrets', ['key1', 'key1']), entry('configmaps', ['key1', 'key9']));
    const remove = {
      phase: 'remove' as const,
      before: [parsed(before)],
      after: parsed(last),
      mustRead: [],
      fallback: null,
    };
    await refused(remove, 'of configmaps', { wanted: last });
  });

  test('where what is encrypted besides Secrets cannot be read', async () => {
    node = newNode();
    const after = [{ ...configOf(...ON)[0]!, resources: ['secrets', 'configmaps', 'gone.example.com'] }];
    writeFileSync(path.join(node.root, 'broken-configmaps'), '');
    const wanted = configText(...ON).replace(
      '- secrets',
      '- secrets\n      - configmaps\n      - gone.example.com',
    );
    await refused({ after, fallback: null }, 'it cannot read every stored object of configmaps', { wanted });
  });

  test('where the API server is down, the KMS plugin is not there, or a file lies unused', async () => {
    node = newNode();
    await refused({ sockets: [path.join(node.root, 'kms.sock')] }, 'there is no KMS plugin');
    node.health = () => 'down';
    await new Promise((resolve) => setTimeout(resolve, 100));
    await refused({}, 'not as it should be before a change');
    node.health = () => 'well';
    mkdirSync(path.dirname(node.file));
    writeFileSync(node.file, configText('secretbox/key9', 'identity'));
    await refused({}, 'only copy of a key');
  });

  test.each([
    [
      'flow style',
      MANIFEST.replace(/command:\n( {4}- .*\n)+/, 'command: [kube-apiserver, --secure-port=6443]\n'),
      'form that is not known',
    ],
    [
      'a comment at the head of a list',
      MANIFEST.replace('volumeMounts:\n', 'volumeMounts:\n    # by hand\n'),
      'not written as kubeadm writes it',
    ],
    [
      'a volume of our name',
      MANIFEST.replace('name: ca-certs\n      readOnly', 'name: encryption-config\n      readOnly').replace(
        '    name: ca-certs\n  - hostPath',
        '    name: encryption-config\n  - hostPath',
      ),
      'not written as kubeadm writes it',
    ],
  ])('where the manifest has %s', async (_name, manifest, message) => {
    node = newNode(manifest);
    await refused({}, message);
  });

  test('while the wizard itself is at work there', async () => {
    node = newNode();
    mkdirSync(path.join(node.root, 'etc/kubernetes/kubectl-harden'));
    writeFileSync(path.join(node.root, 'etc/kubernetes/kubectl-harden/change.json'), '{}');
    await refused({}, 'unfinished on this node');
  });
});

test('the socket of a KMS plugin and its directory', async () => {
  node = newNode();
  const socket = path.join(node.root, 'kms.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const mounts = [
    { path: path.dirname(node.file), readOnly: true },
    { path: node.root, readOnly: false },
  ];
  const ran = await node.run('dash', node.round({ sockets: [socket], mounts }));
  await new Promise((resolve) => server.close(resolve));
  expect(ran).toMatchObject({ code: 0 });
  const mounted = readStaticPod(node.text, 'm').value as {
    spec: { containers: { volumeMounts: unknown[] }[] };
  };
  expect(mounted.spec.containers[0]?.volumeMounts).toContainEqual({
    mountPath: node.root,
    name: 'encryption-config-2',
  });
});

test('the script lies with the files of a round, and each of them has the one key', async () => {
  node = newNode();
  const encryption = node.round({
    after: [{ resources: ['secrets'], providers: [FRESH, { kind: 'identity' }] }],
    fallback: [{ resources: ['secrets'], providers: [{ kind: 'identity' }, FRESH] }],
  });
  const left = await filesHost(node.root, () => '04').prepare({
    kind: 'host',
    id: 'encryption-at-rest/-/EncryptionConfiguration/encryption-config',
    ref: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      name: 'encryption-config',
    },
    risk: 'restartsApiServer',
    why: '',
    breaks: [],
    folder: '1-write',
    files: [
      {
        path: node.file,
        as: 'encryption-config.yaml',
        mode: 0o600,
        content: contentOf(encryption.after ?? []),
      },
    ],
    instructions: [],
    encryption,
  });
  expect(left.map((file) => path.basename(file))).toEqual([
    'encryption-config.yaml',
    'node.sh',
    'encryption-config.fallback.yaml',
    'INSTRUCTIONS.md',
  ]);
  const secrets = left.flatMap((file) => readFileSync(file, 'utf8').match(/secret: \S{44}$/gm) ?? []);
  expect(secrets).toHaveLength(2);
  expect(new Set(secrets).size).toBe(1);
});

test('an outline says the same of a configuration as the script reads out of the file', async () => {
  node = newNode();
  expect(outline(configOf('secretbox/key1', 'aescbc/k2', 'identity'))).toBe(
    'secrets | secretbox key1 aescbc k2 identity',
  );
  expect(outline(null)).toBe('-');
});
