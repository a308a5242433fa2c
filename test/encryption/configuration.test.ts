import { prefixText, readsUnder, sameConfig, writesUnder } from '../../src/encryption/configuration.js';
import { filledContent, MissingKey } from '../../src/encryption/content.js';
import { configurationOf } from '../../src/encryption/parse.js';
import type { EncryptionConfig, EncryptionEntry, EncryptionProvider } from '../../src/model/encryption.js';
import { at } from '../../src/model/manifest.js';

const box = (...names: string[]): EncryptionProvider => ({
  kind: 'secretbox',
  keys: names.map((name) => ({ name, value: 'kept' })),
});
const identity: EncryptionProvider = { kind: 'identity' };
const entry = (resources: string, ...providers: EncryptionProvider[]): EncryptionEntry => ({
  resources: resources.split(' '),
  providers,
});
const K = (name: string) => `k8s:enc:secretbox:v1:${name}:`;

/** Configuration, resource, what is written under and what is read. */
const WHO: readonly [string, EncryptionConfig | null, string, string[]][] = [
  ['no configuration', null, 'secrets', ['']],
  ['not listed', [entry('configmaps', box('a'))], 'secrets', ['']],
  ['provider first', [entry('secrets', box('b', 'a'), identity)], 'secrets', [K('b'), K('a'), '']],
  ['identity first', [entry('secrets', identity, box('a'))], 'secrets', ['', K('a')]],
  ['the core group', [entry('*.', box('a'))], 'secrets', [K('a')]],
  ['the core group does not mean another', [entry('*.', box('a'))], 'widgets.example.com', ['']],
  ['a group', [entry('*.example.com', box('a'))], 'widgets.example.com', [K('a')]],
  ['everything', [entry('*.*', box('a'))], 'widgets.example.com', [K('a')]],
  [
    'an earlier entry exempts it from the wildcard',
    [entry('secrets', identity), entry('*.*', box('a'))],
    'secrets',
    [''],
  ],
  ['its group comes before everything', [entry('*.', box('a')), entry('*.*', box('b'))], 'secrets', [K('a')]],
  [
    'two entries of one name: the earlier writes, both read',
    [entry('secrets', box('a')), entry('secrets', box('b'))],
    'secrets',
    [K('a'), K('b')],
  ],
  ['written with a dot', [entry('secrets.', box('a'))], 'secrets', [K('a')]],
];

test.each(WHO)('%s', (_name, config, resource, reads) => {
  expect(readsUnder(config, resource)).toEqual(reads);
  expect(writesUnder(config, resource)).toBe(reads[0]);
});

test.each([
  ['', 'plain text'],
  ['k8s:enc:aescbc:v1:key1:', 'aescbc key1'],
  ['k8s:enc:kms:v2:vault:', 'KMS v2 vault'],
])('%s in words', (prefix, text) => {
  expect(prefixText(prefix)).toBe(text);
});

test('configurations are the same by what they do', () => {
  const fresh: EncryptionProvider = { kind: 'secretbox', keys: [{ name: 'a', value: 'fresh' }] };
  expect(sameConfig([entry('a b', box('a'))], [entry('b. a', fresh)])).toBe(true);
  expect(sameConfig([entry('a', box('a'), identity)], [entry('a', identity, box('a'))])).toBe(false);
  expect(sameConfig(null, [])).toBe(false);
});

describe('the content of the next file', () => {
  const file = (...entries: [string, Record<string, string>][]) => ({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: entries.map(([resources, keys]) => ({
      resources: resources.split(' '),
      providers: [{ secretbox: { keys: Object.entries(keys).map(([name, secret]) => ({ name, secret })) } }],
    })),
  });
  const key = (text: string) => Buffer.from(text.padEnd(32)).toString('base64');
  const secrets = (content: unknown, index = 0) =>
    (at(content, 'resources', index, 'providers', 0, 'secretbox', 'keys') as { secret: string }[]).map(
      ({ secret }) => secret,
    );
  const fresh = (name: string) => ({ name, value: 'fresh' as const });
  const kept = (name: string) => ({ name, value: 'kept' as const });
  const rotation: EncryptionConfig = [
    {
      resources: ['secrets'],
      providers: [{ kind: 'secretbox', keys: [kept('old'), fresh('new')] }, identity],
    },
  ];
  let made = 0;
  const newKey = () => key(`made ${++made}`);
  beforeEach(() => {
    made = 0;
  });

  test('keeps what has to stay and makes what is new, once', () => {
    const first = filledContent(rotation, [file(['secrets', { old: key('old') }])], newKey);
    expect(secrets(first)).toEqual([key('old'), key('made 1')]);
    expect(secrets(filledContent(rotation, [first], newKey))).toEqual([key('old'), key('made 1')]);
    expect(made).toBe(1);
    expect(configurationOf(first)).toHaveProperty('config');
  });

  test('a key that has to stay and is nowhere stops it', () => {
    for (const files of [[], [file(['secrets', { other: key('x') }])]])
      expect(() => filledContent(rotation, files, newKey)).toThrow(MissingKey);
  });

  test('a placeholder of a plan is no value', () => {
    const planned = file(['secrets', { old: '<as in the file on the node>' }]);
    expect(() => filledContent(rotation, [planned], newKey)).toThrow(MissingKey);
  });

  test('of two keys with one name the one of the same resource stays', () => {
    const two = file(['configmaps', { old: key('c') }], ['secrets', { old: key('s') }]);
    expect(secrets(filledContent(rotation, [two], newKey))[0]).toBe(key('s'));
    const elsewhere = rotation.map((one) => ({ ...one, resources: ['pods'] }));
    expect(() => filledContent(elsewhere, [two], newKey)).toThrow(/several values/);
  });

  test('one fresh name is one key in every entry', () => {
    const both: EncryptionConfig = ['secrets', 'configmaps'].map((resource) => ({
      resources: [resource],
      providers: [{ kind: 'secretbox', keys: [fresh('new')] }],
    }));
    const content = filledContent(both, [], newKey);
    expect(secrets(content, 1)).toEqual(secrets(content, 0));
  });
});
