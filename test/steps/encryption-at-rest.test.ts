import { loadTemplates } from '../../src/host/templates.js';
import type { EncryptionConfig, EncryptionProvider } from '../../src/model/encryption.js';
import type { Manifest } from '../../src/model/manifest.js';
import { type CloudChange, type HostChange, KEY_PLACEHOLDER } from '../../src/model/plan.js';
import { type Answers, completeAnswers, needsAnswer } from '../../src/model/question.js';
import type { EncryptionFacts, Snapshot } from '../../src/model/snapshot.js';
import { statusOf } from '../../src/model/step.js';
import { TemplateError } from '../../src/model/template.js';
import { apiServerPatch } from '../../steps/encryption-at-rest/patches.js';
import { encryptionState } from '../../steps/encryption-at-rest/state.js';
import { encryptionAtRest as step } from '../../steps/encryption-at-rest.js';
import { expectGolden, manifestsIn, yamlText } from '../support/golden.js';
import { type NodeSigns, node, pod } from '../support/objects.js';
import { type SnapshotOptions, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const KEY1 = 'k8s:enc:secretbox:v1:key1:';
const KEY2 = 'k8s:enc:secretbox:v1:key2:';

const facts = (more: Partial<EncryptionFacts> = {}): EncryptionFacts => ({
  secrets: 10,
  stored: undefined,
  writes: undefined,
  flags: [],
  servers: { listed: 1, seen: 1 },
  evidence: ['metrics'],
  ...more,
});
const withFacts = (more: Partial<EncryptionFacts>, options: SnapshotOptions = {}): Snapshot =>
  snapshotOf({ ...options, encryption: facts(more) });
const answer = (now: Snapshot, given: Answers = {}): Answers =>
  completeAnswers(step.questions(now, given), given, true);
const changes = (now: Snapshot, given: Answers = {}) => step.plan(now, answer(now, given), templates);
const kinds = (now: Snapshot, given: Answers = {}) => changes(now, given).map((change) => change.kind);
/** Without the note that providers are not seen, which goes with all that is judged by effect alone. */
const ids = (now: Snapshot) =>
  step
    .assess(now, {})
    .map(({ id }) => id)
    .filter((id) => id !== 'configuration-not-visible');
const on = { server: 'kube-apiserver-a', value: '/etc/kubernetes/enc/encryption-config.yaml' };
const off = { server: 'kube-apiserver-b', value: null };

/** What is seen, how it is judged, what is found, what is proposed by default on the embedded cluster. */
const TABLE: readonly [string, Partial<EncryptionFacts>, string, string[], string[]][] = [
  ['all under the key that writes', { stored: { [KEY1]: 10 }, writes: KEY1 }, 'encrypted', [], []],
  ['all under one key, nothing written yet', { stored: { [KEY1]: 10 } }, 'encrypted', [], []],
  ['no Secret yet, new ones are encrypted', { stored: {}, writes: KEY1 }, 'encrypted', [], []],
  ['the key not told', { stored: { [KEY1]: 10 }, writes: 'k8s:enc:secretbox:v1:' }, 'encrypted', [], []],
  [
    'some in plain text',
    { stored: { '': 3, [KEY1]: 7 }, writes: KEY1 },
    'stale',
    ['secrets-stale'],
    ['rewrite'],
  ],
  [
    'some under an old key',
    { stored: { [KEY1]: 3, [KEY2]: 7 }, writes: KEY2 },
    'stale',
    ['secrets-stale'],
    ['rewrite'],
  ],
  [
    'a configuration, nothing written yet',
    { stored: { '': 10 }, flags: [on] },
    'stale',
    ['secrets-stale'],
    ['rewrite'],
  ],
  ['the same, arguments unseen', { stored: { '': 10 } }, 'stale', ['secrets-stale'], ['rewrite']],
  ['plain text', { stored: { '': 10 }, writes: '' }, 'plain', ['secrets-plain'], ['host', 'rewrite']],
  [
    'no Secret yet, new ones in plain text',
    { stored: {}, writes: '' },
    'plain',
    ['secrets-plain'],
    ['host', 'rewrite'],
  ],
  [
    'only arguments seen, without the flag',
    { flags: [off] },
    'plain',
    ['secrets-plain'],
    ['host', 'rewrite'],
  ],
  [
    'identity first',
    { stored: { '': 10 }, writes: '', flags: [on] },
    'configured',
    ['encryption-without-effect'],
    [],
  ],
  [
    'identity first, arguments unseen',
    { stored: { '': 9, [KEY1]: 1 }, writes: '' },
    'configured',
    ['encryption-without-effect'],
    [],
  ],
  [
    'identity first, arguments unseen, nothing encrypted yet',
    { stored: { '': 10 }, writes: '', configured: true },
    'configured',
    ['encryption-without-effect'],
    [],
  ],
  [
    'servers that differ',
    { stored: { '': 10 }, writes: '', flags: [on, off] },
    'configured',
    ['api-servers-differ'],
    [],
  ],
  ['nothing', {}, 'unseen', ['encryption-not-visible'], []],
  ['only that new ones are encrypted', { writes: KEY1 }, 'unseen', ['encryption-not-visible'], []],
  ['only the flag', { flags: [on] }, 'unseen', ['encryption-not-visible'], []],
  ['no Secret, and nothing written', { stored: {} }, 'unseen', ['encryption-not-visible'], []],
];

describe('storage judged by effect', () => {
  test.each(TABLE)('%s', (_name, seen, state, found, proposed) => {
    const now = withFacts(seen);
    expect(encryptionState(now).at).toBe(state);
    expect(ids(now)).toEqual(found);
    expect(kinds(now)).toEqual(proposed);
  });

  test('a flag alone is never taken for encryption', () => {
    for (const stored of [undefined, {}, { '': 1 }])
      expect(encryptionState(withFacts({ stored, flags: [on] })).at).not.toBe('encrypted');
  });

  test('what was not asked is not visible', () => {
    const now = snapshotOf();
    expect(statusOf(step.assess(now, {}), changes(now))).toBe('notVisible');
  });
});

test.each([
  ['aescbc', 'k8s:enc:aescbc:v1:k:'],
  ['aesgcm', 'k8s:enc:aesgcm:v1:k:'],
  ['kms v1', 'k8s:enc:kms:v1:k:'],
])('%s is named weak', (provider, prefix) => {
  const [finding] = step.assess(withFacts({ stored: { [prefix]: 1 }, writes: prefix }), {});
  expect(finding).toMatchObject({ id: 'weak-encryption-provider', severity: 'low' });
  expect(finding?.message).toContain(provider);
});

test('KMS v2 and secretbox are not', () => {
  for (const prefix of ['k8s:enc:kms:v2:k:', KEY1])
    expect(ids(withFacts({ stored: { [prefix]: 1 }, writes: prefix }))).toEqual([]);
});

describe('a configuration that may exist is never replaced', () => {
  const exists = TABLE.filter(([name, , state]) => state !== 'plain' && name !== 'nothing');
  test.each(exists)('%s', (_name, seen) => {
    const now = withFacts(seen);
    expect(kinds(now, { enable: true, rewrite: true, provider: 'secretbox' })).not.toContain('host');
  });

  test('where nothing is seen it is offered, never recommended, and says why', () => {
    const now = withFacts({});
    const enable = step.questions(now).find(({ id }) => id === 'enable');
    expect(enable).toMatchObject({ recommended: false, cautious: false, risk: 'restartsApiServer' });
    expect(kinds(now, { enable: true, rewrite: true })).toEqual(['host', 'rewrite']);
  });
});

describe('API servers that were not seen', () => {
  const all = { stored: { [KEY1]: 10 }, writes: KEY1 };
  test.each<[string, EncryptionFacts['servers'], string[]]>([
    ['the only one was seen', { listed: 1, seen: 1 }, []],
    ['one of three was seen', { listed: 3, seen: 1 }, ['api-servers-not-visible']],
    ['how many there are is not known', { listed: undefined, seen: 1 }, ['api-servers-not-visible']],
  ])('all is encrypted, %s', (_name, servers, found) => {
    const now = withFacts({ ...all, servers: servers ?? { listed: 1, seen: 1 } });
    expect(ids(now)).toEqual(found);
    expect(statusOf(step.assess(now, {}), changes(now))).toBe(found.length > 0 ? 'notVisible' : 'advice');
  });

  test('all of them were tried before a re-write of this run: nothing is left to be said of them', () => {
    const servers = { listed: 3, seen: 1 };
    const now = withFacts({ ...all, servers, agreed: ['https://a', 'https://b', 'https://c'] });
    expect(ids(now)).toEqual([]);
  });

  test('they are a finding beside stale Secrets too, and how many they are is said', () => {
    const now = withFacts({ stored: { '': 3, [KEY1]: 7 }, writes: KEY1, servers: { listed: 3, seen: 1 } });
    expect(ids(now)).toEqual(['secrets-stale', 'api-servers-not-visible']);
    expect(step.assess(now, {})[1]?.message).toContain('2 of 3 API servers');
  });

  const stale = { stored: { '': 3, [KEY1]: 7 }, writes: KEY1 };
  const asked = (servers: EncryptionFacts['servers'], sandbox = false) =>
    step
      .questions(withFacts({ ...stale, servers: servers ?? { listed: undefined, seen: 0 } }, { sandbox }))
      .find(({ id }) => id === 'unreachedServers');

  test('what to do with those that cannot be tried is asked where there may be several, and refused by default', () => {
    expect(asked({ listed: 1, seen: 1 })).toBeUndefined();
    expect(asked({ listed: 3, seen: 1 }, true)).toBeUndefined();
    for (const servers of [{ listed: 3, seen: 1 }, { listed: undefined, seen: 1 }, undefined])
      expect(asked(servers)).toMatchObject({ recommended: 'refuse', cautious: 'refuse', risk: 'none' });
  });

  test('the re-write goes on without them only where the answer says so, and says so itself', () => {
    const now = withFacts({ ...stale, servers: { listed: 3, seen: 1 } });
    expect(changes(now)).toMatchObject([{ kind: 'rewrite' }]);
    expect(changes(now)[0]).not.toHaveProperty('evenIfUntried');
    const [told] = changes(now, { unreachedServers: 'goOn' });
    expect(told).toMatchObject({ kind: 'rewrite', evenIfUntried: true });
    expect(told?.breaks.join()).toContain('not tried');
  });
});

test('the change speaks for our own re-write only: the same words stand beside the script that tests nothing', () => {
  const [rewrite] = changes(withFacts({ stored: { '': 3 }, writes: KEY1 }));
  for (const line of rewrite!.breaks) expect(line).not.toMatch(/this is tested first|they are listed/);
});

test('on a real cluster nothing is done without an answer, and unattended each risky answer is demanded', () => {
  const now = withFacts({ stored: { '': 10 }, writes: '' });
  expect(step.plan(now, completeAnswers(step.questions(now), {}, false), templates)).toEqual([]);
  expect(
    step
      .questions(now)
      .filter(needsAnswer)
      .map(({ id }) => id),
  ).toEqual(['enable', 'keyKept', 'rewrite']);
});

test('KMS v2 before secretbox before aescbc, which is named weak; aesgcm is not offered', () => {
  const provider = (version?: string) =>
    step
      .questions(withFacts({ writes: '' }, version === undefined ? {} : { version }))
      .find(({ id }) => id === 'provider');
  expect(provider()).toMatchObject({
    recommended: 'secretbox',
    choices: [
      { value: 'kms' },
      { value: 'secretbox' },
      { value: 'aescbc', note: expect.stringContaining('weak') },
    ],
  });
  // KMS v2 is stable from 1.29.
  expect(provider('1.28')).toMatchObject({ choices: [{ value: 'secretbox' }, { value: 'aescbc' }] });
});

const kubeadmPod = () => manifestsIn('encryption-at-rest/kubeadm/kube-apiserver.yaml')[0]!;

test('kubeadm, one control-plane node: files, instructions and re-write', () => {
  const now = withFacts(
    {
      stored: { '': 10 },
      writes: '',
      flags: [{ server: 'kube-apiserver-cp1', value: null }],
      servers: { listed: 1, seen: 1 },
    },
    {
      objects: [
        kubeadmPod(),
        node('cp1', {
          labels: { 'node-role.kubernetes.io/control-plane': '' },
          annotations: { 'kubeadm.alpha.kubernetes.io/cri-socket': 'unix:///run/containerd/containerd.sock' },
        }),
      ],
    },
  );
  const text = yamlText({
    questions: step.questions(now),
    findings: step.assess(now, {}),
    changes: changes(now),
  });
  expectGolden('encryption-at-rest/kubeadm/plan.golden.yaml', text);
});

describe('the file', () => {
  const host = (given: Answers = {}) =>
    changes(withFacts({ writes: '' }), given).find((change): change is HostChange => change.kind === 'host')!;

  test('holds no key, is readable by its owner only, and lies outside of the manifests directory', () => {
    const [config, patch] = host().files;
    expect(config).toMatchObject({ as: 'encryption-config.yaml', mode: 0o600 });
    for (const file of [config!, patch!]) expect(file.path).not.toContain('/manifests/');
    expect(config!.content).toEqual({
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [
        {
          resources: ['secrets'],
          providers: [
            { secretbox: { keys: [{ name: 'key-2026-01', secret: KEY_PLACEHOLDER }] } },
            { identity: {} },
          ],
        },
      ],
    });
  });

  test('aescbc where it is chosen', () => {
    expect(JSON.stringify(host({ provider: 'aescbc' }).files[0]!.content)).toContain('"aescbc":{"keys"');
  });

  test('a template without identity, or without a key for Secrets, is refused by name', () => {
    const broken = (providers: unknown[]) =>
      new Map([
        ...templates,
        [
          'encryption-at-rest/encryption-config.yaml',
          {
            apiVersion: 'apiserver.config.k8s.io/v1',
            kind: 'EncryptionConfiguration',
            resources: [{ resources: ['secrets'], providers }],
          } as unknown as Manifest,
        ],
      ]);
    const now = withFacts({ writes: '' });
    for (const providers of [[], [{ identity: {} }], [{ secretbox: { keys: [] } }]])
      expect(() => step.plan(now, answer(now), broken(providers))).toThrow(TemplateError);
  });
});

/** RFC 6902 `add` on a copy; fails where a path's parent is missing, as kubeadm does. */
function patched(document: Manifest, operations: readonly unknown[]): Manifest {
  const copy = structuredClone(document);
  for (const { op, path, value } of operations as { op: string; path: string; value: unknown }[]) {
    if (op !== 'add') throw new Error(`unexpected operation ${op}`);
    const keys = path.split('/').slice(1);
    const last = keys.pop();
    let here: unknown = copy;
    for (const key of keys) here = (here as Record<string, unknown>)[key];
    if (!Array.isArray(here) || last !== '-') throw new Error(`no list at ${path}`);
    here.push(value);
  }
  return copy;
}

const NEEDS = {
  flag: '/etc/kubernetes/enc/encryption-config.yaml',
  mounts: [{ path: '/etc/kubernetes/enc', readOnly: true }],
};

describe('the patch of the static pod', () => {
  const spec = (manifest: Manifest) =>
    manifest.spec as { containers: Record<string, unknown[]>[]; volumes: unknown[] };

  test.each([
    ['without having seen the pod', undefined],
    ['with the mirror pod', kubeadmPod()],
  ])('adds flag, mount and volume to the manifest of kubeadm and changes nothing else, %s', (_name, seen) => {
    const before = kubeadmPod();
    const after = patched(before, apiServerPatch(NEEDS, seen));
    const [was, is] = [spec(before), spec(after)];
    expect(is.containers[0]!.command).toEqual([
      ...was.containers[0]!.command!,
      '--encryption-provider-config=/etc/kubernetes/enc/encryption-config.yaml',
    ]);
    expect(is.containers[0]!.volumeMounts).toEqual([
      ...was.containers[0]!.volumeMounts!,
      { name: 'encryption-config', mountPath: '/etc/kubernetes/enc', readOnly: true },
    ]);
    expect(is.volumes).toEqual([
      ...was.volumes,
      { name: 'encryption-config', hostPath: { path: '/etc/kubernetes/enc', type: 'Directory' } },
    ]);
    is.volumes.pop();
    is.containers[0]!.command!.pop();
    is.containers[0]!.volumeMounts!.pop();
    expect(after).toEqual(before);
  });

  test('fits a pod whose API server is not its first container, runs by args, or has the volume name taken', () => {
    const seen = pod(
      'kube-system',
      'kube-apiserver-a',
      { component: 'kube-apiserver' },
      {
        containers: [
          { name: 'sidecar' },
          { name: 'kube-apiserver', command: ['kube-apiserver'], args: ['--secure-port=6443'] },
        ],
        volumes: [{ name: 'encryption-config' }],
      },
    );
    expect(apiServerPatch(NEEDS, seen)).toMatchObject([
      { path: '/spec/containers/1/args/-' },
      { path: '/spec/containers/1/volumeMounts/-', value: { name: 'encryption-config-files' } },
      { path: '/spec/volumes/-', value: { name: 'encryption-config-files' } },
    ]);
  });

  test('never creates a list: what was read of a pod may leave lists out, and an add would replace them', () => {
    const seen = pod('kube-system', 'kube-apiserver-a', { component: 'kube-apiserver' });
    for (const operation of apiServerPatch(NEEDS, seen) as { path: string }[])
      expect(operation.path).toMatch(/\/-$/);
  });
});

describe('instructions', () => {
  const instructions = (...signs: NodeSigns[]) => {
    const now = withFacts(
      { writes: '', servers: { listed: signs.length, seen: 1 } },
      { objects: signs.map((sign, index) => node(`cp${index + 1}`, sign)) },
    );
    return (changes(now)[0] as HostChange).instructions.join('\n');
  };
  const master = { labels: { 'node-role.kubernetes.io/control-plane': '' } };
  const order = (text: string, ...parts: string[]) => {
    const places = parts.map((part) => text.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  };

  test('one server: look first, keep the key, place the file, then patch', () => {
    const text = instructions(master);
    order(
      text,
      'must print nothing',
      'outside the cluster',
      'install -m 0600',
      'kubeadm init phase',
      '/readyz',
    );
    expect(text).not.toContain('one after the other');
  });

  test('several servers: one after the other, by name', () => {
    order(
      instructions(master, master, master),
      'On cp1, cp2, cp3: one after the other',
      'must print nothing',
    );
  });

  test('how many is not known: on every one', () => {
    const now = withFacts({ writes: '', servers: { listed: undefined, seen: 0 } });
    const text = (changes(now)[0] as HostChange).instructions.join('\n');
    order(text, 'On every control-plane node (how many could not be seen)', 'must print nothing');
  });

  test('kubeadm before 1.22 calls its flag otherwise', () => {
    const now = withFacts({ writes: '' }, { version: '1.20' });
    expect((changes(now)[0] as HostChange).instructions.join()).toContain('--experimental-patches');
  });
});

describe('distributions with a way of their own', () => {
  const table: readonly [string, NodeSigns, string, string][] = [
    [
      'EKS',
      { kubeletVersion: 'v1.31.2-eks-94953ac' },
      'aws eks describe-cluster',
      'aws eks associate-encryption-config',
    ],
    [
      'GKE',
      { kubeletVersion: 'v1.31.2-gke.1' },
      'gcloud container clusters describe',
      'gcloud container clusters update',
    ],
    ['AKS', { labels: { 'kubernetes.azure.com/cluster': 'x' } }, 'az aks show', 'az aks update'],
    [
      'OpenShift',
      { labels: { 'node.openshift.io/os_id': 'rhcos' } },
      'oc get kubeapiserver',
      'oc patch apiserver',
    ],
    ['k3s', { kubeletVersion: 'v1.31.4+k3s1' }, 'k3s secrets-encrypt status', 'k3s secrets-encrypt enable'],
    [
      'RKE2',
      { kubeletVersion: 'v1.31.4+rke2r1' },
      'rke2 secrets-encrypt status',
      'rke2 secrets-encrypt enable',
    ],
    ['Talos', { osImage: 'Talos (v1.9)' }, 'talosctl', 'talosctl apply-config'],
    ['kOps', { labels: { 'kops.k8s.io/instancegroup': 'n' } }, 'kops get secrets', 'kops create secret'],
  ];
  test.each(table)(
    '%s: unseen is a command that asks, plain text a command that turns it on',
    (_n, signs, ask, enable) => {
      const objects = [node('n', signs)];
      const unseen = withFacts({}, { objects });
      expect(step.questions(unseen)).toEqual([]);
      expect(step.assess(unseen, {})).toMatchObject([
        { severity: 'notVisible', message: expect.stringContaining(ask) },
      ]);
      expect(changes(unseen)).toEqual([]);
      const plain = changes(withFacts({ stored: { '': 3 }, writes: '' }, { objects }));
      expect(plain.every((change) => change.kind === 'cloud')).toBe(true);
      expect(plain[0]).toMatchObject({ kind: 'cloud', command: expect.arrayContaining(enable.split(' ')) });
      // What it costs, and whether it can be undone.
      expect(plain[0]?.breaks).toHaveLength(2);
      expect(plain[0]?.breaks[1]).toMatch(/undo|disabled again/);
    },
  );

  /** What `k3s secrets-encrypt status` told on a server node. */
  const told = (config: EncryptionConfig | null, more: { stage?: string; same?: boolean } = {}) => {
    const source = '/usr/local/bin/k3s secrets-encrypt status';
    const seen = <T>(value: T) => ({ value, source });
    return [
      {
        server: 'n',
        config: seen(config),
        ...(config === null ? { file: seen(null) } : {}),
        ...(more.stage === undefined ? {} : { stage: seen(more.stage) }),
        ...(more.same === undefined ? {} : { same: seen(more.same) }),
      },
    ];
  };
  const K3S = [node('n', { kubeletVersion: 'v1.31.4+k3s1' })];
  const identity = { kind: 'identity' as const };
  const key = (kind: 'aescbc' | 'secretbox') => ({ kind, keys: [{ name: 'k', value: 'kept' as const }] });
  const config = (...providers: EncryptionProvider[]): EncryptionConfig => [
    { resources: ['secrets'], providers },
  ];
  const started = { stage: 'start', same: true };

  test.each<[string, EncryptionConfig | null, object, readonly string[]]>([
    ['no file', null, {}, ['enable', 'rotate-keys']],
    ['no key yet', config(identity), started, ['rotate-keys']],
    ['turned off', config(identity, key('aescbc')), started, ['enable', 'reencrypt --force --skip']],
    ['turned off, secretbox', config(identity, key('secretbox')), started, ['enable', 'rotate-keys']],
    ['servers that differ', config(identity, key('aescbc')), { stage: 'start', same: false }, []],
    ['amid a rotation', config(identity, key('aescbc')), { stage: 'reencrypt_active', same: true }, []],
    ['on', config(key('aescbc'), identity), started, []],
  ])('k3s tells of its file: %s', (_name, seen, more, expected) => {
    const apiServers = told(seen, more);
    const on = seen?.[0]?.providers[0]?.kind === 'aescbc';
    const stored = on ? { 'k8s:enc:aescbc:v1:k:': 3 } : { '': 3 };
    const writes = on ? 'k8s:enc:aescbc:v1:k:' : '';
    const now = withFacts({ stored, writes, apiServers }, { objects: K3S });
    const commands = changes(now).map((change) => (change as CloudChange).command.slice(2).join(' '));
    expect(commands).toEqual(expected);
    for (const { evidence } of step.assess(now, {}).filter(({ id }) => id === 'identity-first'))
      expect(evidence).toContain('(/usr/local/bin/k3s secrets-encrypt status)');
  });

  test.each<[string, string, boolean, readonly string[], string]>([
    ['a rotation to go on with', 'prepare', true, ['rotation-unfinished'], 'k3s secrets-encrypt rotate`'],
    ['a re-write under way', 'reencrypt_active', true, ['rotation-unfinished'], 'reencrypt_finished'],
    ['servers to be restarted', 'reencrypt_finished', false, ['api-servers-differ'], 'Restart each'],
    ['all well', 'reencrypt_finished', true, [], ''],
  ])('k3s tells how far a rotation is: %s', (_name, stage, same, expected, words) => {
    const writes = 'k8s:enc:aescbc:v1:k:';
    const apiServers = told(config(key('aescbc'), identity), { stage, same });
    const now = withFacts({ stored: { [writes]: 3 }, writes, apiServers }, { objects: K3S });
    const found = step.assess(now, {}).filter(({ id }) => id !== 'weak-encryption-provider');
    expect(found.map(({ id }) => id)).toEqual(expected);
    expect(found.map(({ message }) => message).join()).toContain(words);
    for (const { evidence } of found) expect(evidence).toContain('/usr/local/bin/k3s secrets-encrypt status');
  });

  test('what a configuration writes is known before anything was written under it', () => {
    const off = told(config(identity, key('aescbc')), started);
    const now = withFacts({ stored: { '': 3 }, apiServers: off }, { objects: K3S });
    expect(encryptionState(now).at).toBe('configured');
    expect(ids(now)).toEqual(['identity-first']);
    expect(changes(now).map(({ kind }) => kind)).toEqual(['cloud', 'cloud']);
    const on = told(config(key('aescbc'), identity), started);
    const stale = encryptionState(withFacts({ stored: { '': 3 }, apiServers: on }, { objects: K3S }));
    expect(stale).toMatchObject({ at: 'stale', writes: 'k8s:enc:aescbc:v1:k:', stale: 3 });
    // One whose file is not seen may write in another way.
    const more = [...off, { server: 'other' }];
    expect(encryptionState(withFacts({ stored: { '': 3 }, apiServers: more }, { objects: K3S })).at).toBe(
      'stale',
    );
  });

  test('a file of k3s that encrypts nothing is not for a person to edit', () => {
    const now = withFacts({ stored: { '': 3 }, writes: '', configured: true }, { objects: K3S });
    const [found] = step.assess(now, {});
    expect(found?.message).toContain('k3s secrets-encrypt enable');
    expect(found?.message).not.toContain('that very file');
  });

  test('MicroK8s, for which no command is known, gets neither files nor a made-up command', () => {
    const now = withFacts(
      { writes: '' },
      { objects: [node('n', { labels: { 'microk8s.io/cluster': 'true' } })] },
    );
    expect(step.questions(now)).toEqual([]);
    expect(ids(now)).toEqual(['secrets-plain']);
  });
});

test('the re-write counts every Secret and speaks of the gate', () => {
  const [rewrite] = changes(withFacts({ stored: { '': 3, [KEY1]: 7 }, writes: KEY1 }));
  expect(rewrite).toMatchObject({ kind: 'rewrite', resource: 'secrets', count: 10, risk: 'rewritesStorage' });
});
