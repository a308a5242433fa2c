import fc from 'fast-check';
import { configText } from '../../src/encryption/configuration.js';
import { parseSecretsEncryptStatus } from '../../src/encryption/secrets-encrypt.js';

const words = (enabled: string, stage: string, hashes: string, rows: readonly string[]) =>
  [
    `Encryption Status: ${enabled}`,
    `Current Rotation Stage: ${stage}`,
    `Server Encryption Hashes: ${hashes}`,
    '',
    'Active  Key Type  Name',
    '------  --------  ----',
    ...rows,
    '',
  ].join('\n');
const SAME = 'All hashes match';
const APART = 'hash does not match between node-1 and node-2';

/** What is answered, and what is read of it: providers, stage, whether servers have the same. */
const KNOWN: readonly [string, string | object, string, string | undefined, boolean | undefined][] = [
  [
    'no file',
    'Encryption Status: Disabled, no configuration file found\n',
    'no configuration',
    undefined,
    undefined,
  ],
  ['no file, as JSON', { stage: '', activekey: '' }, 'no configuration', undefined, undefined],
  [
    'enabled',
    words('Enabled', 'start', SAME, [' *      AES-CBC   aescbckey']),
    'secrets: aescbc aescbckey, then identity',
    'start',
    true,
  ],
  [
    'rotated, before a restart',
    words('Enabled', 'rotate', APART, [
      ' *      AES-CBC   aescbckey-2021-12-10T22:54:38Z',
      '        AES-CBC   aescbckey',
    ]),
    'secrets: aescbc aescbckey-2021-12-10T22:54:38Z, then aescbc aescbckey, then identity',
    'rotate',
    false,
  ],
  [
    'rotated, as JSON of a newer one',
    {
      stage: 'reencrypt_finished',
      activekey: 'XSalsa20-POLY1305 secretboxkey',
      enable: true,
      hashmatch: true,
      inactivekeys: ['AES-CBC aescbckey'],
    },
    'secrets: secretbox secretboxkey, then aescbc aescbckey, then identity',
    'reencrypt_finished',
    true,
  ],
  [
    'as JSON of an older one, which names no type; false is left out',
    { stage: 'prepare', activekey: 'aescbckey', enable: true, hasherror: APART, inactivekeys: ['new'] },
    'secrets: aescbc aescbckey, then aescbc new, then identity',
    'prepare',
    false,
  ],
  [
    'disabled',
    words('Disabled', 'start', SAME, ['        AES-CBC   aescbckey']),
    'secrets: identity, then aescbc aescbckey',
    'start',
    true,
  ],
  [
    'disabled, as JSON',
    { stage: 'start', activekey: '', enable: false, hashmatch: true, inactivekeys: ['AES-CBC aescbckey'] },
    'secrets: identity, then aescbc aescbckey',
    'start',
    true,
  ],
  [
    'a file that has no key yet',
    { stage: 'start', activekey: '', enable: false, hashmatch: true },
    'secrets: identity',
    'start',
    true,
  ],
];

test.each(KNOWN)('%s', (_name, answer, config, stage, same) => {
  const status = parseSecretsEncryptStatus(typeof answer === 'string' ? answer : JSON.stringify(answer));
  expect(status && configText(status.config)).toBe(config);
  expect(status).toMatchObject({ stage, same });
});

const KEY = 'c2VjcmV0IGlzIHNlY3VyZSBvZiAzMiBieXRlcyEhISE=';

test.each<[string, string]>([
  ['nothing', ''],
  ['an error of the program', 'FATA[0000] see server log for details: 401 Unauthorized'],
  ['another JSON', '{"enabled":true}'],
  ['broken JSON', '{"enable":true'],
  ['a type that is not known', words('Enabled', 'start', SAME, [' *      AES-GCM   key'])],
  [
    'a column more, as development versions had for the key',
    words('Enabled', 'start', SAME, [` *      AES-CBC   aescbckey   ${KEY}`]),
  ],
  [
    'another header',
    words('Enabled', 'start', SAME, [' *      AES-CBC   a']).replace('Name', 'Name  Secret'),
  ],
  [
    'a key in place of its name',
    JSON.stringify({ stage: 'start', activekey: `AES-CBC ${KEY}`, enable: true }),
  ],
  ['enabled without a key', words('Enabled', 'start', SAME, [])],
  ['disabled with a key that writes', words('Disabled', 'start', SAME, [' *      AES-CBC   aescbckey'])],
  [
    'a second key that writes',
    words('Enabled', 'start', SAME, [' *      AES-CBC   a', ' *      AES-CBC   b']),
  ],
  ['a stage with control characters', words('Enabled', '\u001b[2J', SAME, [' *      AES-CBC   a'])],
])('%s is not believed', (_name, text) => {
  expect(parseSecretsEncryptStatus(text)).toBeUndefined();
});

test('whatever is answered, nothing is read of it but names of keys and a stage', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      KEY,
      SAME,
      'Enabled',
      ' *      AES-CBC   a',
      '{"stage":"start",',
      '"enable":true}',
      '\n',
      '\u0000',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      expect(JSON.stringify(parseSecretsEncryptStatus(pieces.join('')) ?? null)).not.toContain(KEY);
    }),
  );
});
