import { decisionsFrom } from '../../src/commands/decisions.js';
import { parseAnswers } from '../../src/host/answers.js';
import { resolveAnswers } from '../../src/host/resolve.js';
import { loadTemplates } from '../../src/host/templates.js';
import type { EncryptionConfig, EncryptionProvider } from '../../src/model/encryption.js';
import type { Change, HostChange } from '../../src/model/plan.js';
import { type Answers, completeAnswers, type Question } from '../../src/model/question.js';
import type { EncryptionFacts, Snapshot } from '../../src/model/snapshot.js';
import type { DeedWithImages } from '../../src/model/undo.js';
import { patchFiles } from '../../src/report/patchfiles.js';
import { assemble, pending, UNDECIDED } from '../../src/wizard/assemble.js';
import { unansweredQuestions } from '../../src/wizard/unattended.js';
import { encryptionAtRest as step } from '../../steps/encryption-at-rest.js';
import { undoStep } from '../../steps/undo.js';
import { expectGolden, yamlText } from '../support/golden.js';
import { node, pod } from '../support/objects.js';
import { type SnapshotOptions, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const FILE = '/etc/kubernetes/enc/encryption-config.yaml';
const prefix = (kind: string, name: string) => `k8s:enc:${kind}:v1:${name}:`;
const box = (...names: string[]): EncryptionProvider => ({
  kind: 'secretbox',
  keys: names.map((name) => ({ name, value: 'kept' })),
});
const identity: EncryptionProvider = { kind: 'identity' };
const secrets = (...providers: EncryptionProvider[]): EncryptionConfig => [
  { resources: ['secrets'], providers },
];

/** A kubeadm cluster of these API servers, each with the configuration that was seen in its file. */
function cluster(
  configs: readonly (EncryptionConfig | null | undefined)[],
  more: Partial<EncryptionFacts> = {},
  options: SnapshotOptions = {},
): Snapshot {
  const names = configs.map((_, index) => `cp${index + 1}`);
  return snapshotOf({
    encryption: {
      secrets: 10,
      stored: undefined,
      writes: undefined,
      servers: { listed: configs.length, seen: 1 },
      flags: names.flatMap((name, index) =>
        configs[index] === undefined
          ? []
          : [{ server: `kube-apiserver-${name}`, value: configs[index] === null ? null : FILE }],
      ),
      apiServers: names.flatMap((server, index) => {
        const config = configs[index];
        return config === undefined
          ? []
          : [
              {
                server,
                file: { value: config === null ? null : FILE, source: 'its arguments' },
                config: { value: config, source: 'its file' },
              },
            ];
      }),
      evidence: ['metrics'],
      ...more,
    },
    objects: names.flatMap((name) => [
      node(name, {
        labels: { 'node-role.kubernetes.io/control-plane': '' },
        annotations: { 'kubeadm.alpha.kubernetes.io/cri-socket': 'unix:///run/containerd/containerd.sock' },
      }),
      pod(
        'kube-system',
        `kube-apiserver-${name}`,
        { component: 'kube-apiserver' },
        { nodeName: name, containers: [{ name: 'kube-apiserver', command: ['kube-apiserver'] }] },
      ),
    ]),
    ...options,
  });
}

const PLAIN = { stored: { '': 10 }, writes: '' };
const KEY1 = { stored: { [prefix('secretbox', 'key1')]: 10 }, writes: prefix('secretbox', 'key1') };
const YES: Answers = { enable: true, keyKept: true, rewrite: true };
const completed = (now: Snapshot, given: Answers) =>
  completeAnswers(step.questions(now, given), given, false);
const changes = (now: Snapshot, given: Answers) => step.plan(now, completed(now, given), templates);
const ids = (now: Snapshot, given: Answers) =>
  changes(now, given).map(({ id }) => id.split('/').slice(2).join('/'));
const findings = (now: Snapshot, given: Answers = {}) => step.assess(now, completed(now, given));
const goals = (now: Snapshot) => {
  const goal = step.questions(now).find((question) => question.id === 'goal');
  return goal?.type === 'choice' ? goal.choices.map(({ value }) => value) : [];
};

/** The folder that `generate` writes, as one text; what waits for a key as its placeholder. */
function folder(now: Snapshot, answers: Answers): string {
  const states = assemble(now, [step], templates, () => ({ answers: completed(now, answers), excluded: [] }));
  return patchFiles(now, states)
    .filter(({ path }) => path.startsWith(step.folder) && !path.endsWith('.sh'))
    .map(
      (file) =>
        `==== ${file.path} ${file.mode.toString(8)}\n${'text' in file ? file.text : yamlText(file.keyed)}`,
    )
    .join('\n');
}

const three = <T>(value: T) => [value, value, value];
/** Name of the golden folder, the cluster, the answers. */
const FOLDERS: readonly [string, Snapshot, Answers][] = [
  ['one-server', cluster([null], PLAIN), YES],
  ['three-servers', cluster(three(null), PLAIN), { ...YES, alsoEncrypt: ['configmaps'] }],
  [
    'rotation',
    cluster(three(secrets(box('key1'), identity)), KEY1),
    { ...YES, goal: 'use/secretbox/key-2026-01', removeOld: true },
  ],
  [
    'to-kms',
    cluster(three(secrets(box('key1'))), KEY1),
    { ...YES, goal: 'kms', kmsPlugin: 'vault unix:///run/kms/vault.sock', removeOld: true },
  ],
  [
    'back-to-plain',
    cluster(three(secrets(box('key1'))), KEY1),
    { ...YES, goal: 'plainText', removeOld: true },
  ],
];

test.each(FOLDERS)('generate: %s', (name, now, answers) => {
  const text = folder(now, answers);
  expect(text).not.toMatch(/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])/);
  expectGolden(`encryption-at-rest/${name}/folder.golden.txt`, text);
});

test('every change requires all before it, and a re-write before keys go must be proven', () => {
  for (const [, now, answers] of FOLDERS) {
    const all = changes(now, answers);
    expect(all.map(({ requires = [] }) => requires.length)).toEqual(all.map((_, index) => index));
    const removes = all.some((change) => change.kind === 'host' && change.encryption?.phase === 'remove');
    for (const change of all)
      if (change.kind === 'rewrite') expect(change.mustBeProven === true).toBe(removes);
  }
});

test('where counters say that no value is under the old key, it goes only after a pass that must be proven', () => {
  const now = cluster([secrets(box('key1'), box('old'), identity)], KEY1);
  const given = { goal: 'keep', keyKept: true, rewrite: true, removeOld: true };
  const all = changes(now, given);
  expect(all).toMatchObject([
    { kind: 'rewrite', mustBeProven: true, under: prefix('secretbox', 'key1') },
    { kind: 'host', encryption: { phase: 'remove' }, requires: [all[0]?.id] },
  ]);
  expect(changes(now, { ...given, rewrite: false })).toEqual([]);
});

test('each file is what its round is to have in force', () => {
  for (const [, now, answers] of FOLDERS)
    for (const change of changes(now, answers)) {
      if (change.kind !== 'host') continue;
      const { after, servers } = change.encryption!;
      expect(change.files.some(({ as }) => as === 'encryption-config.yaml')).toBe(after !== null);
      expect(servers?.length).toBe(now.encryption?.servers?.listed);
    }
});

test('what is seen of each API server stands in a table with its source, also where all is well', () => {
  const now = cluster([secrets(box('key1'), identity), undefined], KEY1, {});
  const [table] = step.tables?.(now, now) ?? [];
  expect(table?.rows.map((row) => row.map(({ text }) => text))).toEqual([
    ['cp1', FILE, 'its arguments'],
    ['cp1', 'secrets: secretbox key1, then identity', 'its file'],
  ]);
  expect(step.tables?.(snapshotOf({}), snapshotOf({}))).toEqual([]);
});

describe('the answers hold it back', () => {
  const now = cluster(three(null), PLAIN);
  const rotate = { goal: 'use/secretbox/key-2026-01', removeOld: true };
  const encrypted = cluster(three(secrets(box('key1'))), KEY1);
  test.each<[string, Snapshot, Answers, string[]]>([
    ['no copy of the key: only the first round', now, { ...YES, keyKept: false }, ['encryption-config-read']],
    [
      'one server, no copy of the key: it is made, and not used',
      cluster([null], PLAIN),
      { ...YES, keyKept: false },
      ['encryption-config-read'],
    ],
    [
      'no re-write: no key goes',
      encrypted,
      { ...rotate, keyKept: true, rewrite: false },
      ['encryption-config-read', 'encryption-config'],
    ],
    [
      'old keys may stay',
      encrypted,
      { ...rotate, ...YES, removeOld: false },
      ['encryption-config-read', 'encryption-config', '*'],
    ],
    ['nothing asked for', encrypted, {}, []],
    ['KMS without a plugin', encrypted, { ...YES, goal: 'kms' }, []],
  ])('%s', (_name, snapshot, given, expected) => {
    expect(ids(snapshot, given).map((id) => id.split('/').at(-1))).toEqual(expected);
  });

  test('and that is said', () => {
    expect(findings(encrypted, { goal: 'kms' }).map(({ id }) => id)).toContain('kms-plugin-not-named');
    expect(findings(encrypted, rotate).map(({ id }) => id)).toContain('key-not-kept');
  });
});

test('what shares the keys of Secrets is not re-written for ever, and is said to be out of sight', () => {
  const both = [{ resources: ['secrets', 'configmaps'], providers: [box('key1'), identity] }];
  const now = cluster(three(both), KEY1);
  expect(changes(now, YES)).toEqual([]);
  // The answer of before the rounds, where the question is still asked for others.
  expect(step.plan(now, { ...YES, goal: 'keep', alsoEncrypt: ['configmaps'] }, templates)).toEqual([]);
  expect(findings(now).map(({ id }) => id)).toContain('other-resources-not-visible');
  const stale = cluster(three(both), { ...KEY1, stored: { '': 1, ...KEY1.stored } });
  expect(ids(stale, YES)).toEqual(['Secret/*', 'ConfigMap/*']);
  expect(ids(now, { ...YES, removeOld: true })).toEqual([
    'Secret/*',
    'ConfigMap/*',
    'EncryptionConfiguration/encryption-config-remove',
  ]);
});

describe('a run that stopped between the re-write of Secrets and that of what shares their key', () => {
  const both = [{ resources: ['secrets', 'configmaps'], providers: [box('key1'), identity] }];
  const left = { unfinished: ['configmaps'] };
  test.each<[string, Snapshot, string[]]>([
    ['goes on with it', cluster(three(both), { ...KEY1, ...left }), ['ConfigMap/*']],
    [
      'so it does where the configuration is not seen',
      cluster(three(undefined), { ...KEY1, configured: true, ...left }),
      ['ConfigMap/*'],
    ],
    [
      'or Secrets are not all under the key',
      cluster(three(undefined), { ...KEY1, stored: { '': 1, ...KEY1.stored }, ...left }),
      ['Secret/*', 'ConfigMap/*'],
    ],
    ['but not with what the key is not for', cluster(three(secrets(box('key1'))), { ...KEY1, ...left }), []],
    ['nor where nothing encrypts any more', cluster(three(null), { ...PLAIN, ...left }), []],
  ])('%s', (_name, now, expected) => {
    expect(ids(now, { rewrite: true })).toEqual(expected);
    expect(ids(now, { rewrite: false })).toEqual([]);
  });
});

describe('goals', () => {
  test('only what makes sense in the state', () => {
    expect(goals(cluster([null], PLAIN))).toEqual([]);
    expect(goals(cluster([secrets(box('key1'))], KEY1))).toEqual([
      'keep',
      'use/secretbox/key-2026-01',
      'kms',
      'use/aescbc/key-2026-01',
      'plainText',
    ]);
  });

  test('a key named like this month is numbered on, and never used again', () => {
    const now = cluster([secrets(box('key-2026-01-4'))]);
    expect(goals(now)).toContain('use/secretbox/key-2026-01-5');
  });

  test('aesgcm is recognised and led away from', () => {
    const gcm: EncryptionProvider = { kind: 'aesgcm', keys: [{ name: 'g', value: 'kept' }] };
    const offered = goals(cluster([secrets(gcm)], { writes: prefix('aesgcm', 'g'), stored: {} }));
    expect(offered.join()).not.toContain('aesgcm');
    expect(offered).toContain('use/secretbox/key-2026-01');
  });

  test('the same answer means the same once it is carried out', () => {
    const done = cluster([secrets(box('key-2026-01'))], {
      stored: { [prefix('secretbox', 'key-2026-01')]: 10 },
      writes: prefix('secretbox', 'key-2026-01'),
    });
    expect(changes(done, { ...YES, goal: 'use/secretbox/key-2026-01', removeOld: true })).toEqual([]);
  });

  describe('a word of an answers file never makes one more key at each run', () => {
    const KEY = 'use/secretbox/key-2026-01';
    const answered = (now: Snapshot, word: string) => {
      const given = new Map([['goal', { value: word, where: 'answers.yaml:1' }]]);
      return resolveAnswers('encryption-at-rest', step.questions(now), given).answers.goal;
    };
    const gcm: EncryptionProvider = { kind: 'aesgcm', keys: [{ name: 'g', value: 'kept' }] };
    const begun = cluster([secrets(gcm, ...[box('key-2026-01')])]);
    test.each<[string, Snapshot, string, string | RegExp]>([
      ['another provider, from nothing of it', cluster([secrets(gcm)]), 'secretbox', KEY],
      [
        'the same while it is begun',
        begun,
        'secretbox',
        /:1: .*"secretbox"; expected .*key-2026-01 or use.*-2,/,
      ],
      ['the name of that key', begun, KEY, KEY],
      ['the same when it is done', cluster([secrets(box('key-2026-01'))]), 'secretbox', 'keep'],
      ['the name when it is done', cluster([secrets(box('key-2026-01'))]), KEY, 'keep'],
      ['the next key by its name', cluster([secrets(box('key1'))]), KEY, KEY],
      [
        'rotation without a name',
        cluster([secrets(box('key1'))]),
        'rotate',
        /:1: .*"rotate"; .*key-2026-01\.$/,
      ],
      [
        'a name that is no longer free',
        cluster([secrets(box('key2'))]),
        'use/secretbox/key1',
        /expected one of/,
      ],
      ['plain text is no key', cluster([secrets(identity, box('key1'))]), 'identity', /expected one of/],
    ])('%s', (_name, now, word, expected) => {
      if (typeof expected === 'string') expect(answered(now, word)).toBe(expected);
      else expect(() => answered(now, word)).toThrow(expected);
    });
  });

  describe('an answers file that turned encryption on serves every run after it', () => {
    const file = (text: string) => parseAnswers(text, 'answers.yaml', [step]);
    const answeredBy = (now: Snapshot, text: string) => {
      const { decisions } = decisionsFrom(file(text), now, [step], templates);
      const [state] = assemble(now, [step], templates, (id) => decisions.get(id) ?? UNDECIDED);
      return {
        open: unansweredQuestions({ snapshot: now, steps: state === undefined ? [] : [state] }),
        changes: (state === undefined ? [] : pending(state)).map((change) =>
          change.kind === 'host' ? `${change.encryption?.phase} ${change.encryption?.servers}` : change.kind,
        ),
      };
    };
    const ON = 'encryption-at-rest: {enable: true, keyKept: true, rewrite: true}';
    const read = secrets(identity, box('key1'));
    test.each<[string, Snapshot, string, readonly string[]]>([
      ['from nothing', cluster(three(null), PLAIN), ON, ['read', 'write', 'rewrite']],
      ['once it is on: nothing', cluster(three(secrets(box('key1'), identity)), KEY1), ON, []],
      [
        'on one of three servers: the rest',
        cluster([read, null, null], PLAIN),
        ON,
        ['read', 'write', 'rewrite'],
      ],
      [
        'with values left: those',
        cluster(three(secrets(box('key1'), identity)), { ...KEY1, stored: { '': 3, ...KEY1.stored } }),
        ON,
        ['rewrite'],
      ],
      [
        'begun with another provider: not without a word',
        cluster([read, null, null], PLAIN),
        ON.replace('enable: true', 'enable: true, provider: aescbc'),
        [],
      ],
      ['that says no', cluster([read, null, null], PLAIN), ON.replace('enable: true', 'enable: false'), []],
    ])('%s', (_name, now, text, phases) => {
      const { open, changes } = answeredBy(now, text);
      expect(open).toEqual([]);
      expect(changes.map((change) => change.split(' ')[0])).toEqual(phases);
    });

    test('back to plain text as well, and does not turn it on again', () => {
      const BACK = 'encryption-at-rest: {goal: plainText, keyKept: true, rewrite: true, removeOld: true}';
      const on = answeredBy(cluster(three(secrets(box('key1'), identity)), KEY1), BACK);
      expect([on.open, on.changes.length]).toEqual([[], 3]);
      expect(answeredBy(cluster(three(null), PLAIN), BACK)).toEqual({ open: [], changes: [] });
    });

    test('what it says nothing to is still asked', () => {
      const now = cluster(three(secrets(box('key1'), identity)), KEY1);
      expect(answeredBy(now, 'encryption-at-rest: {keyKept: true, rewrite: true}').open).toEqual([
        'encryption-at-rest.goal',
        'encryption-at-rest.removeOld',
      ]);
    });
  });

  test('KMS v2 is not offered before 1.29', () => {
    expect(goals(cluster([secrets(box('key1'))], KEY1, { version: '1.28' }))).not.toContain('kms');
  });
});

describe('what was begun is seen in the cluster, and goes on or back', () => {
  const read = secrets(identity, box('key1'));
  const write = secrets(box('key1'), identity);
  const names = (now: Snapshot, given: Answers) =>
    changes(now, given).map((change) =>
      change.kind === 'host'
        ? `${change.encryption?.phase} ${change.encryption?.servers?.join()}`
        : change.kind,
    );

  test('a first round on one of three servers', () => {
    const now = cluster([read, null, null], PLAIN);
    expect(goals(now)).toContain('use/secretbox/key1');
    expect(names(now, { ...YES, goal: 'use/secretbox/key1' })).toEqual([
      'read cp2,cp3',
      'write cp1,cp2,cp3',
      'rewrite',
    ]);
    expect(names(now, { ...YES, goal: 'plainText', removeOld: true })).toEqual(['remove cp1']);
  });

  test('a second round on one of two servers', () => {
    const now = cluster([write, read], { stored: { '': 9, [prefix('secretbox', 'key1')]: 1 } });
    expect(names(now, { ...YES, goal: 'use/secretbox/key1' })).toEqual(['write cp2', 'rewrite']);
    expect(names(now, { ...YES, goal: 'plainText', removeOld: true })).toEqual([
      'write cp1',
      'rewrite',
      'remove cp1,cp2',
    ]);
  });
});

describe('API servers that are not seen', () => {
  test('are taken for what the seen one has, and that is said', () => {
    const now = cluster([secrets(box('key1')), undefined, undefined], KEY1);
    const [first] = changes(now, { ...YES, goal: 'use/secretbox/key-2026-01' }) as HostChange[];
    expect(first?.encryption?.servers).toEqual(['cp1', 'cp2', 'cp3']);
    expect(first?.breaks.join()).toContain('cp2, cp3 is not seen');
  });

  test('are never taken for what only some of the others have', () => {
    const now = cluster([secrets(box('key1')), secrets(identity, box('key1')), undefined], KEY1);
    expect(goals(now)).toEqual([]);
    expect(changes(now, { ...YES, goal: 'plainText' })).toEqual([]);
  });

  test('with the flag set are never taken for having none', () => {
    const now = cluster([null, undefined], {
      flags: [{ server: 'kube-apiserver-cp2', value: FILE }],
    });
    expect(changes(now, YES)).toEqual([]);
  });
});

describe('configurations that do not encrypt', () => {
  const wild = (first: EncryptionProvider): EncryptionConfig => [
    { resources: ['secrets'], providers: [identity] },
    { resources: ['*.*'], providers: [first] },
  ];
  test.each<[string, EncryptionConfig, string]>([
    ['identity first', secrets(identity, box('key1')), 'identity-first'],
    ['Secrets not listed', [{ resources: ['configmaps'], providers: [box('key1')] }], 'secrets-not-listed'],
    ['a wildcard shadowed by an earlier entry', wild(box('key1')), 'wildcard-shadowed'],
  ])('%s', (_name, config, id) => {
    const found = findings(cluster([config], PLAIN));
    expect(found.map((one) => one.id)).toEqual([id]);
    expect(found[0]?.evidence).toContain('cp1');
    expect(found[0]?.evidence).toContain('its file');
  });

  const kms = (version: 'v1' | 'v2'): EncryptionProvider => ({
    kind: 'kms',
    version,
    name: 'vault',
    endpoint: 'unix:///run/kms/vault.sock',
  });
  const local = (kind: 'aescbc' | 'aesgcm'): EncryptionProvider => ({
    kind,
    keys: [{ name: 'k', value: 'kept' }],
  });
  test.each<[string, EncryptionProvider[], string[], string]>([
    ['aescbc', [local('aescbc')], ['weak-encryption-provider'], 'padding oracle'],
    ['aesgcm', [local('aesgcm')], ['weak-encryption-provider'], '200,000 writes'],
    ['KMS v1', [kms('v1')], ['weak-encryption-provider'], 'deprecated'],
    ['KMS v1 that only reads', [kms('v2'), kms('v1')], ['kms-v1'], 'does not start'],
    ['secretbox', [box('key1')], [], ''],
    ['KMS v2', [kms('v2'), local('aescbc')], [], ''],
  ])('weak providers, also where storage is not seen: %s', (_name, providers, ids, words) => {
    const now = cluster(three(secrets(...providers, identity)));
    const found = findings(now).filter(({ id }) => id !== 'encryption-not-visible');
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(found.map(({ message }) => message).join()).toContain(words);
    for (const { evidence } of found)
      for (const source of ['cp1', 'cp3', 'its file']) expect(evidence).toContain(source);
  });

  test('a file that cannot be read is not visible, and nothing is planned from it', () => {
    const source = 'the file on cp1';
    const now = cluster([undefined], {
      ...KEY1,
      apiServers: [{ server: 'cp1', problem: { value: 'resources[0]: expected a list', source } }],
    });
    expect(findings(now)).toContainEqual(
      expect.objectContaining({ id: 'configuration-unclear', severity: 'notVisible' }),
    );
    expect(goals(now)).toEqual([]);
  });

  test('a value under a key that nobody has stops everything, with words', () => {
    const now = cluster([secrets(box('key1'))], {
      ...KEY1,
      stored: { [prefix('secretbox', 'gone')]: 1, [prefix('secretbox', 'key1')]: 9 },
    });
    const given = { ...YES, goal: 'use/secretbox/key-2026-01' };
    expect(changes(now, given)).toEqual([]);
    expect(findings(now, given)).toContainEqual(
      expect.objectContaining({ id: 'no-safe-way', message: expect.stringContaining('secretbox gone') }),
    );
  });
});

describe('undo of a run that turned encryption on', () => {
  const turning = changes(cluster(three(null), PLAIN), YES);
  const deeds = (of: readonly Change[]): DeedWithImages[] =>
    of.map(({ id, kind, ref, ...change }) => ({
      step: step.id,
      change: id,
      kind,
      ref,
      created: true,
      unheard: false,
      ...('encryption' in change && change.encryption?.turnsOn === true ? { turnsOn: true as const } : {}),
    }));
  const undo = undoStep('0001', deeds(turning));
  const on = (now: Snapshot, given: Answers = { decrypt: true }) => {
    const answers = completeAnswers(undo.questions(now, given), given, false);
    return {
      asks: undo.questions(now, given).map(({ id }) => id),
      does: undo
        .plan(now, answers, templates)
        .map((change) => (change.kind === 'host' ? change.encryption?.phase : change.kind)),
      finds: undo.assess(now, answers).map(({ id, severity }) => `${severity} ${id}`),
    };
  };
  const encrypted = cluster(three(secrets(box('key1'), identity)), KEY1);
  const reading = secrets(identity, box('key1'));

  test('is the way back to plain text, never a file that is put back', () => {
    expect(on(encrypted)).toEqual({
      asks: ['decrypt', 'unreachedServers'],
      does: ['write', 'rewrite', 'remove'],
      finds: [],
    });
    const whole = cluster(three(secrets(box('key1'))), KEY1);
    expect(on(whole).does).toEqual(['read', 'write', 'rewrite', 'remove']);
    for (const change of undo.plan(encrypted, { decrypt: true }, templates))
      if (change.kind === 'host') expect(change.encryption?.turnsOn).toBeUndefined();
  });

  test('goes on from wherever it was left, and has an end', () => {
    const some = { stored: { '': 4, [prefix('secretbox', 'key1')]: 6 } };
    expect(on(cluster([reading, secrets(box('key1'), identity), reading], some)).does).toEqual([
      'write',
      'rewrite',
      'remove',
    ]);
    expect(on(cluster(three(reading), { ...some, writes: '' })).does).toEqual(['rewrite', 'remove']);
    expect(on(cluster([null, reading, reading], PLAIN)).does).toEqual(['remove']);
    expect(on(cluster(three(null), PLAIN))).toEqual({ asks: [], does: [], finds: [] });
  });

  test('takes nothing off that nobody said yes to, and says what stays', () => {
    expect(on(encrypted, {})).toEqual({
      asks: ['decrypt'],
      does: [],
      finds: ['medium encryption-stays'],
    });
    const unseen = cluster([undefined], { ...KEY1, apiServers: [], flags: [{ server: 'cp1', value: FILE }] });
    expect(on(unseen)).toEqual({ asks: [], does: [], finds: ['notVisible encryption-stays'] });
    const lost = cluster(three(secrets(box('key1'))), {
      ...KEY1,
      stored: { [prefix('secretbox', 'gone')]: 1 },
    });
    expect(on(lost)).toMatchObject({ does: [], finds: ['high encryption-stays'] });
  });

  test('of one that rotated the key: nothing is taken back, and the way on is named', () => {
    const rotating = changes(encrypted, { ...YES, goal: 'use/secretbox/key-2026-01', removeOld: true });
    const other = undoStep('0002', deeds(rotating));
    expect(other.plan(encrypted, {}, templates)).toEqual([]);
    const found = other.assess(encrypted, {});
    expect(found.map(({ id }) => id)).toEqual(found.map(() => 'not-undone'));
    expect(found[0]?.message).toContain('step encryption-at-rest');
  });
});

test('which plugin is asked only where KMS is chosen', () => {
  const asked = (now: Snapshot, given: Answers) => step.questions(now, given).map(({ id }) => id);
  const [off, on] = [cluster([null], PLAIN), cluster([secrets(box('key1'))], KEY1)];
  expect(asked(off, {})).not.toContain('kmsPlugin');
  expect(asked(off, { provider: 'kms' }).slice(0, 2)).toEqual(['provider', 'kmsPlugin']);
  expect(asked(on, { provider: 'kms' })).not.toContain('kmsPlugin');
  expect(asked(on, { goal: 'kms' }).slice(0, 2)).toEqual(['goal', 'kmsPlugin']);
  expect(asked(cluster([null], PLAIN, { version: '1.28' }), { provider: 'kms' })).not.toContain('kmsPlugin');
});

test('who led it back to plain text is not advised to turn it on again', () => {
  const recommended = (given: Answers) =>
    step.questions(cluster([null], PLAIN), given).find(({ id }) => id === 'enable')?.recommended;
  expect([recommended({}), recommended({ goal: 'plainText' })]).toEqual([true, false]);
});

test('every question may be answered at any time', () => {
  const asked = new Set(
    [cluster([null], PLAIN), cluster(three(secrets(box('key1'))), KEY1)].flatMap((now) =>
      step.questions(now).map((question: Question) => question.id),
    ),
  );
  expect([...asked].filter((id) => !step.asks?.includes(id))).toEqual([]);
});
