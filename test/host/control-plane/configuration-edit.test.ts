import fc from 'fast-check';
import { parse } from 'yaml';
import { mergedConfiguration } from '../../../src/host/control-plane/configuration-edit.js';

const key = (letter: string) => Buffer.alloc(32, letter).toString('base64');
const config = (...providers: unknown[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [{ resources: ['secrets'], providers }],
});
const box = (...names: string[]) => ({
  secretbox: { keys: names.map((name) => ({ name, secret: key(name.at(-1) ?? '') })) },
});
const identity = { identity: {} };

const BY_HAND = `# Keys: Anna has a copy in the safe.
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration   # since 1.13
resources:
- resources:
  - secrets
  providers:
  # the key of 2024
  - secretbox:
      keys:
      - name: key1
        secret: "${key('1')}"   # never change
  # for what is older
  - identity: {}
`;

test('a new key comes first, and every comment stays with what it is about', () => {
  const out = mergedConfiguration(BY_HAND, config(box('key2'), box('key1'), identity));
  expect(out).toBe(`# Keys: Anna has a copy in the safe.
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration # since 1.13
resources:
- resources:
  - secrets
  providers:
  - secretbox:
      keys:
      - name: key2
        secret: ${key('2')}
  # the key of 2024
  - secretbox:
      keys:
      - name: key1
        secret: "${key('1')}" # never change
  # for what is older
  - identity: {}
`);
});

test('providers change places with their comments', () => {
  const out = mergedConfiguration(BY_HAND, config(identity, box('key1')));
  expect(out.indexOf('# for what is older')).toBeLessThan(out.indexOf('identity'));
  expect(out.indexOf('identity')).toBeLessThan(out.indexOf('# the key of 2024'));
  expect(parse(out)).toEqual(config(identity, box('key1')));
});

test('a key within a provider, and more resources', () => {
  const wanted = config(box('key2', 'key1'), identity);
  wanted.resources[0]!.resources.push('configmaps');
  const out = mergedConfiguration(BY_HAND, wanted);
  expect(parse(out)).toEqual(wanted);
  expect(out).toContain('# never change');
});

test('what says the same already stays byte for byte', () => {
  expect(mergedConfiguration(BY_HAND, parse(BY_HAND))).toBe(BY_HAND);
});

test('JSON stays JSON, with its indentation', () => {
  const text = JSON.stringify(config(box('key1'), identity), null, 4);
  const out = mergedConfiguration(text, config(box('key2'), box('key1'), identity));
  expect(JSON.parse(out)).toEqual(config(box('key2'), box('key1'), identity));
  expect(out).toContain('\n    "resources"');
});

describe('no key is lost', () => {
  test('by leaving it out, unless it is named', () => {
    const without = config(box('key2'), identity);
    expect(() => mergedConfiguration(BY_HAND, without)).toThrow('k8s:enc:secretbox:v1:key1:');
    expect(parse(mergedConfiguration(BY_HAND, without, ['k8s:enc:secretbox:v1:key1:']))).toEqual(without);
  });

  test('by another value under its name', () => {
    const other = config({ secretbox: { keys: [{ name: 'key1', secret: key('x') }] } });
    expect(() => mergedConfiguration(BY_HAND, other)).toThrow('another value');
  });

  test('by the same name at another provider, or for another resource', () => {
    expect(() => mergedConfiguration(BY_HAND, config({ aescbc: box('key1').secretbox }))).toThrow(
      'could not read',
    );
    const elsewhere = config(box('key1'));
    elsewhere.resources[0]!.resources = ['configmaps'];
    expect(() => mergedConfiguration(BY_HAND, elsewhere)).toThrow('(secrets)');
  });

  test('a KMS plugin counts as a key', () => {
    const kms = { kms: { apiVersion: 'v2', name: 'vault', endpoint: 'unix:///run/kms.sock' } };
    const text = JSON.stringify(config(kms, identity));
    expect(() => mergedConfiguration(text, config(box('key1'), identity))).toThrow('k8s:enc:kms:v2:vault:');
    const faster = { kms: { ...kms.kms, timeout: '1s' } };
    expect(JSON.parse(mergedConfiguration(text, config(faster, identity)))).toEqual(config(faster, identity));
  });

  test('and no message holds a value', () => {
    const messages = [
      config(box('key2')),
      config({ secretbox: { keys: [{ name: 'key1', secret: key('x') }] } }),
    ].map((wanted) => {
      try {
        return mergedConfiguration(BY_HAND, wanted);
      } catch (error) {
        return String(error);
      }
    });
    for (const message of messages) expect(message).not.toMatch(/MTEx|eHh4/);
  });
});

test.each([
  ['nothing', ''],
  ['no YAML', 'a: ['],
  ['another kind', 'kind: Pod'],
  ['a list', '- a'],
])('%s is refused', (_name, text) => {
  expect(() => mergedConfiguration(text, config(box('key1')))).toThrow('no EncryptionConfiguration');
});

test('anchors never make it say something else', () => {
  const text = BY_HAND.replace('- identity: {}', '- identity: &e {}').replace(
    'providers:\n',
    `providers:\n  - secretbox: &s {keys: [{name: key0, secret: ${key('0')}}]}\n  - secretbox: *s\n`,
  );
  const wanted = config(box('key9'), box('key0'), box('key1'), identity);
  expect(parse(mergedConfiguration(text, wanted))).toEqual(wanted);
});

test('any sequence of orders and added keys says exactly what was meant', () => {
  const provider = fc.oneof(
    fc
      .uniqueArray(fc.constantFrom('k1', 'k2', 'k3', 'k4'), { minLength: 1, maxLength: 3 })
      .map((names) => box(...names)),
    fc.constant(identity),
  );
  const all = ['k1', 'k2', 'k3', 'k4']
    .map((name) => `k8s:enc:secretbox:v1:${name}:`)
    .concat('k8s:enc:secretbox:v1:key1:');
  fc.assert(
    fc.property(fc.array(fc.array(provider, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (steps) => {
      let text = BY_HAND;
      for (const providers of steps) {
        text = mergedConfiguration(text, config(...providers), all);
        expect(parse(text)).toEqual(config(...providers));
      }
      expect(text).toContain('# Keys: Anna');
    }),
  );
});
