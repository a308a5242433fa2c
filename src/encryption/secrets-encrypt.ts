import type { EncryptionConfig, EncryptionProvider, LocalProvider } from '../model/encryption.js';
import { isRecord, listAt, stringAt } from '../model/manifest.js';

/** What `k3s secrets-encrypt status` and `rke2 secrets-encrypt status` tell of the server that they ask. */
export interface SecretsEncryptStatus {
  /** Its file; null: there is none. Keys by their names alone. */
  config: EncryptionConfig | null;
  /** How far a rotation of the key is; undefined where there is no file. */
  stage: string | undefined;
  /** Whether all servers have the same file; undefined where there is none. */
  same: boolean | undefined;
}

/** As the command calls what the configuration has; older ones name no type, and have one only. */
const TYPES: Readonly<Record<string, LocalProvider>> = {
  'AES-CBC': 'aescbc',
  'XSalsa20-POLY1305': 'secretbox',
};

/** What may be a name of a key: nothing with the signs of base64, in which a key itself would come. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const STAGE = /^[a-z_]{1,40}$/;

/**
 * The answer of the command, with `--output json` or without; undefined for any other text: whatever is not known in
 * full is not believed, as development versions printed keys in a column of their own.
 */
export function parseSecretsEncryptStatus(text: string): SecretsEncryptStatus | undefined {
  return text.trimStart().startsWith('{') ? fromJson(text) : fromWords(text);
}

function fromJson(text: string): SecretsEncryptStatus | undefined {
  const value = parsed(text);
  if (!isRecord(value)) return undefined;
  // Go leaves out what is false or empty; a server without a file tells neither.
  const { enable, hashmatch = false } = value;
  const stage = stringAt(value, 'stage');
  const active = stringAt(value, 'activekey');
  if (stage === undefined || active === undefined) return undefined;
  const inactive = value.inactivekeys === undefined ? [] : listAt(value, 'inactivekeys');
  if (enable === undefined && stage === '' && active === '' && inactive.length === 0) return NONE;
  if (typeof enable !== 'boolean' || typeof hashmatch !== 'boolean') return undefined;
  const names = [...(active === '' ? [] : [active]), ...inactive];
  const keys = names.map((one) => (typeof one === 'string' ? keyOf(...typed(one)) : undefined));
  return statusOf({ enabled: enable, first: active !== '', keys, stage, same: hashmatch });
}

const NONE: SecretsEncryptStatus = { config: null, stage: undefined, same: undefined };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** `AES-CBC aescbckey`, and `aescbckey` of older ones. */
function typed(text: string): [type: string, name: string] {
  const at = text.indexOf(' ');
  return at < 0 ? ['AES-CBC', text] : [text.slice(0, at), text.slice(at + 1)];
}

const HEADER = /^Active +Key Type +Name$/;
const ROW = /^ (\*| ) +(\S+) +(\S+)$/;

function fromWords(text: string): SecretsEncryptStatus | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const [first = '', second = '', third = '', header = '', rule = '', ...rows] = lines;
  if (first === 'Encryption Status: Disabled, no configuration file found' && lines.length === 1) return NONE;
  const enabled = /^Encryption Status: (Enabled|Disabled)$/.exec(first)?.[1];
  const stage = /^Current Rotation Stage: (\S*)$/.exec(second)?.[1];
  const hashes = /^Server Encryption Hashes: (.+)$/.exec(third)?.[1];
  if (enabled === undefined || stage === undefined || hashes === undefined) return undefined;
  if (!HEADER.test(header) || !/^[- ]+$/.test(rule)) return undefined;
  const found = rows.map((row) => ROW.exec(row));
  if (found.some((row, index) => row === null || (row[1] === '*' && index > 0))) return undefined;
  return statusOf({
    enabled: enabled === 'Enabled',
    first: found[0]?.[1] === '*',
    keys: found.map((row) => keyOf(row?.[2] ?? '', row?.[3] ?? '')),
    stage,
    same: hashes === 'All hashes match',
  });
}

interface Read {
  enabled: boolean;
  /** Whether the first of the keys is the one that writes. */
  first: boolean;
  keys: readonly (EncryptionProvider | undefined)[];
  stage: string;
  same: boolean;
}

function statusOf({ enabled, first, keys, stage, same }: Read): SecretsEncryptStatus | undefined {
  if (keys.includes(undefined) || enabled !== first || !STAGE.test(stage)) return undefined;
  const known = keys.flatMap((key) => key ?? []);
  const providers: EncryptionProvider[] = enabled
    ? [...known, { kind: 'identity' }]
    : [{ kind: 'identity' }, ...known];
  return { config: [{ resources: ['secrets'], providers }], stage, same };
}

function keyOf(type: string, name: string): EncryptionProvider | undefined {
  const kind = TYPES[type];
  return kind === undefined || !NAME.test(name) ? undefined : { kind, keys: [{ name, value: 'kept' }] };
}
