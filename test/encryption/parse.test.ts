import { faultsText, parseConfiguration, socketOf } from '../../src/encryption/parse.js';

/** Base64 of so many bytes that nothing else looks like: it must never be found in a fault. */
const key = (bytes: number, seed = 'MARKER') =>
  Buffer.from(seed.repeat(20).slice(0, bytes)).toString('base64');
const KEY = key(32);

const providers = (...items: unknown[]) =>
  JSON.stringify(file([{ resources: ['secrets'], providers: items }]));
const file = (resources: unknown) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources,
});
const local = (kind: string, ...keys: unknown[]) => ({ [kind]: { keys } });
const resources = (...lists: string[][]) =>
  JSON.stringify(file(lists.map((list) => ({ resources: list, providers: [{ identity: {} }] }))));
const kms = (more: Record<string, unknown>) => ({
  kms: { apiVersion: 'v2', name: 'vault', endpoint: 'unix:///run/kms/vault.sock', ...more },
});
const faults = (text: string) => {
  const parsed = parseConfiguration(text);
  return 'faults' in parsed ? faultsText(parsed.faults) : '';
};

test('a file with every provider, comments and YAML forms becomes names without values', () => {
  const text = `# by hand
kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
- resources: [events]
  providers: [identity: {}]
- resources:
  - secrets
  - widgets.example.com   # our own
  providers:
  - kms: {apiVersion: v2, name: vault, endpoint: 'unix:///run/kms/vault.sock', timeout: 5s}
  - kms: {name: old, endpoint: 'unix:///run/kms/old.sock', cachesize: 100}
  - secretbox:
      keys:
      - name: key2
        secret: &new ${KEY}
      - {name: key1, secret: "${key(32, 'OTHER-MARKER')}"}
  - aescbc: {keys: [{name: a, secret: ${key(16)}}]}
  - aesgcm: {keys: [{name: a, secret: *new}]}
  - identity: {}
- resources: ['*.*']
  providers: [identity: {}]
`;
  const parsed = parseConfiguration(text);
  expect(parsed).toEqual({
    config: [
      { resources: ['events'], providers: [{ kind: 'identity' }] },
      {
        resources: ['secrets', 'widgets.example.com'],
        providers: [
          {
            kind: 'kms',
            version: 'v2',
            name: 'vault',
            endpoint: 'unix:///run/kms/vault.sock',
            timeout: '5s',
          },
          { kind: 'kms', version: 'v1', name: 'old', endpoint: 'unix:///run/kms/old.sock', cacheSize: 100 },
          {
            kind: 'secretbox',
            keys: [
              { name: 'key2', value: 'kept' },
              { name: 'key1', value: 'kept' },
            ],
          },
          { kind: 'aescbc', keys: [{ name: 'a', value: 'kept' }] },
          { kind: 'aesgcm', keys: [{ name: 'a', value: 'kept' }] },
          { kind: 'identity' },
        ],
      },
      { resources: ['*.*'], providers: [{ kind: 'identity' }] },
    ],
  });
  for (const value of [KEY, 'MARKER', key(16)]) expect(JSON.stringify(parsed)).not.toContain(value);
});

/** What is in the file, and what is said of it: the place, and what was expected there. */
const WRONG: readonly [string, string, string][] = [
  ['nothing', '', 'expected an EncryptionConfiguration of apiserver.config.k8s.io/v1, found none'],
  ['another kind', 'apiVersion: v1\nkind: Pod', 'found Pod of v1'],
  ['the form before 1.13', 'apiVersion: v1\nkind: EncryptionConfig', 'the form before Kubernetes 1.13'],
  ['broken YAML', `resources: [\n  secret: ${KEY}\n`, 'not valid YAML:'],
  ['an alias without anchor', 'resources: *nothing', 'not valid YAML'],
  ['binary', '\u0000\u0001\u0002', 'expected an EncryptionConfiguration'],
  ['no resources', JSON.stringify(file([])), 'resources: expected at least one item'],
  ['an empty entry', JSON.stringify(file([{}])), 'resources[0].resources: expected at least one item'],
  ['an entry that is none', JSON.stringify(file([1])), 'resources[0]: expected resources and providers'],
  ['no provider', providers(), 'resources[0].providers: expected at least one item'],
  ['a provider that is none', providers('x'), 'resources[0].providers[0]: expected one of secretbox'],
  ['an unknown provider', providers({ rot13: {} }), 'resources[0].providers[0].rot13: expected one of'],
  [
    'two providers in one item',
    providers({ identity: {}, secretbox: {} }),
    'resources[0].providers[0]: expected one provider an item, found 2',
  ],
  ['identity without its braces', providers({ identity: null }), 'providers[0].identity: expected {}'],
  ['no key', providers(local('secretbox')), 'providers[0].secretbox.keys: expected at least one item'],
  ['keys that are none', providers({ aescbc: null }), 'providers[0].aescbc.keys: expected at least one key'],
  [
    'a key without name',
    providers(local('secretbox', { name: '', secret: KEY })),
    'providers[0].secretbox.keys[0].name: expected a name',
  ],
  [
    'a name that YAML takes for a number',
    providers(local('secretbox', { name: 1, secret: KEY })),
    'keys[0].name: expected a name',
  ],
  [
    'a key without value',
    providers(local('secretbox', { name: 'a' })),
    'keys[0].secret: expected base64 of 32 bytes, found nothing',
  ],
  [
    'a value that is not base64',
    providers(local('aescbc', { name: 'a', secret: 'MARKER!' })),
    'keys[0].secret: expected base64 of 16, 24 or 32 bytes; it is not base64',
  ],
  [
    'secretbox with 16 bytes',
    providers(local('secretbox', { name: 'a', secret: key(16) })),
    'expected base64 of 32 bytes, found 16',
  ],
  [
    'aescbc with 33 bytes',
    providers(local('aescbc', { name: 'a', secret: key(33) })),
    'expected base64 of 16, 24 or 32 bytes, found 33',
  ],
  [
    'a key where a field belongs',
    providers(local('secretbox', { name: 'a', [key(24)]: KEY })),
    'unknown field (not shown)',
  ],
  [
    'two keys of one name',
    providers(
      local('secretbox', { name: 'a', secret: KEY }),
      local('secretbox', { name: 'a', secret: key(32, 'x') }),
    ),
    'providers[1].secretbox.keys[0].name: expected a name of its own',
  ],
  ['KMS v3', providers(kms({ apiVersion: 'v3' })), 'kms.apiVersion: expected v1 or v2'],
  ['KMS without name', providers(kms({ name: undefined })), 'kms.name: expected the name of the plugin'],
  ['KMS v2 with a colon', providers(kms({ name: 'a:b' })), 'kms.name: expected a name without a colon'],
  ['two KMS of one name', providers(kms({}), kms({})), 'providers[1].kms.name: expected a name of its own'],
  [
    'KMS over TCP',
    providers(kms({ endpoint: 'tcp://127.0.0.1:1' })),
    'kms.endpoint: expected the address of a socket',
  ],
  ['KMS v2 with a cache', providers(kms({ cachesize: 5 })), 'kms.cachesize: expected no cachesize'],
  [
    'KMS v1 with a cache of 0',
    providers(kms({ apiVersion: 'v1', cachesize: 0 })),
    'expected a whole number other than 0',
  ],
  ['KMS without patience', providers(kms({ timeout: '0s' })), 'kms.timeout: expected a duration above zero'],
  ['capitals', resources(['Secrets']), 'resources[0].resources[0]: expected lower case'],
  ['a star alone', resources(['*']), "expected '*.' for the core group"],
  ['a resource across groups', resources(['secrets.*']), 'expected one group'],
  ['events by group', resources(['events.events.k8s.io']), 'expected events'],
  ['extensions', resources(['ingresses.extensions']), 'extensions is gone'],
  ['no REST', resources(['apiserveripinfo']), 'expected a resource that the API serves'],
  ['twice in a list', resources(['secrets', 'secrets.']), 'resources[0].resources[1]: listed twice'],
  [
    'a name beside its wildcard',
    resources(['secrets', '*.']),
    'resources[0].resources[1]: expected no name beside',
  ],
  ['a name beside all', resources(['*.*', 'pods']), 'resources[0].resources[0]: expected no name beside'],
  [
    'a name after its wildcard',
    resources(['*.'], ['secrets']),
    'resources[1].resources[0]: an earlier entry with a wildcard',
  ],
  ['a group after all', resources(['*.*'], ['*.apps']), 'resources[1].resources[0]: an earlier entry'],
];

test.each(WRONG)('%s', (_name, text, expected) => {
  expect(faults(text)).toContain(expected);
});

test('no fault holds anything of a key, wherever it stands', () => {
  const shapes = [
    ...WRONG.map(([, text]) => text),
    // A key in every place where a mistake could put one.
    `kind: ${KEY}`,
    `apiVersion: ${KEY}\nkind: EncryptionConfiguration`,
    `${KEY}`,
    `"${KEY}": {`,
    JSON.stringify({ ...file([]), [KEY]: 1 }),
    JSON.stringify(file([{ resources: [KEY], providers: [{ [key(24)]: KEY }] }])),
    providers({ [KEY]: {}, [key(24)]: {} }),
    providers(local('secretbox', KEY, { name: 'a', secret: `${KEY}!` })),
    providers(kms({ name: 'a', endpoint: KEY, timeout: KEY, cachesize: KEY })),
    `resources:\n - secret: ${KEY}\n  x: ${KEY}`,
  ];
  for (const text of shapes) {
    const said = faults(text);
    expect(said).not.toBe('');
    for (const part of [KEY, key(24), 'MARKER', KEY.slice(0, 12)]) expect(said).not.toContain(part);
  }
});

test('all faults are told at once', () => {
  const text = JSON.stringify(
    file([
      { resources: ['*'], providers: [local('secretbox', { name: '', secret: 'x' })] },
      { resources: [], providers: [] },
    ]),
  );
  expect(faults(text).split('\n')).toHaveLength(5);
});

test('the same key twice is no fault', () => {
  const twice = local('aescbc', { name: 'a', secret: KEY }, { name: 'a', secret: KEY });
  expect(faults(providers(twice))).toBe('');
});

test.each([
  ['unix:///run/kms.sock', '/run/kms.sock'],
  ['unix://run/kms.sock', '/kms.sock'],
  ['unix:///@abstract', '/@abstract'],
  ['unix://', undefined],
  ['/run/kms.sock', undefined],
])('socket of %s', (endpoint, path) => {
  expect(socketOf(endpoint)).toBe(path);
});
