import {
  namesFor,
  PLAIN,
  prefixesOf,
  prefixText,
  providersFor,
  sameResource,
  writesUnder,
} from '../../src/encryption/configuration.js';
import type { Goal } from '../../src/encryption/rounds.js';
import type {
  EncryptionConfig,
  EncryptionProvider,
  LocalProvider,
  StoragePrefix,
} from '../../src/model/encryption.js';
import { at, isRecord, listAt } from '../../src/model/manifest.js';
import { type Answers, type Choice, chosen } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';
import type { Known } from './known.js';
import { mayWriteAgain, offered } from './providers.js';
import { encryptionState } from './state.js';

/** Resource of a Secret, as encryption configurations name it. */
export const SECRETS = 'secrets';

const TEMPLATE = 'encryption-at-rest/encryption-config.yaml';

/** The choices of the question `goal`, and the words of an answers file that are too short for it. */
export interface GoalChoices {
  choices: readonly Choice[];
  /** @see Question */
  unclear: Readonly<Record<string, string>>;
  /** The answer that ends what was begun: a key that API servers can read, and do not all write under. */
  begun: string | undefined;
}

/**
 * What a configuration that exists may be led to; only what makes sense in this state. The value of most names the key
 * that is to write, so that the same answer means the same once it is carried out: then it is to leave all as it is. A
 * word for any new key would make one more at each run, so it is taken only while there is nothing to mix it up with.
 */
export function goalChoices(now: Snapshot, { situation: { servers } }: Known): GoalChoices {
  const writers = writersOf(servers);
  const [writer = ''] = writers;
  const settled = writers.length === 1;
  const readable = allProviders(servers);
  const current = settled ? readable.find((one) => prefixesOf(one)[0] === writer) : undefined;
  const newKey = (kind: LocalProvider) => answerFor(freshKey(now, servers, kind));
  const rotated =
    current !== undefined && 'keys' in current && mayWriteAgain(current) ? current.kind : undefined;
  const there = readable
    .filter((one) => mayWriteAgain(one) && !(settled && prefixesOf(one)[0] === writer))
    .map((provider) => ({ provider, value: answerFor(provider) }));
  const keep: Choice = { value: 'keep', label: 'leave it as it is' };
  const changes = offered(now).flatMap(({ value, label, note = '' }): Choice[] => {
    if (value === 'kms') return [{ value, label: `change to ${label}`, note }];
    if (value === current?.kind) return [];
    const kind = value === 'aescbc' ? 'aescbc' : 'secretbox';
    const clear = !there.some(({ provider }) => provider.kind === kind);
    return [{ value: newKey(kind), ...(clear ? { also: [value] } : {}), label: `change to ${label}`, note }];
  });
  const choices: readonly Choice[] = [
    current === undefined || writer === PLAIN ? keep : { ...keep, also: wordsFor(current) },
    ...there.map(({ provider, value }) => {
      const [prefix = ''] = prefixesOf(provider);
      const note = `${writers.includes(prefix) ? 'some API servers write under it already' : 'API servers can read it already'}: ends what was begun, or takes it back`;
      return { value, label: `write under ${prefixText(prefix)}`, note };
    }),
    ...(rotated === undefined ? [] : [{ value: newKey(rotated), label: 'rotate the key', note: rotated }]),
    ...changes,
    {
      value: 'plainText',
      label: 'back to plain text',
      note: 'the only way to undo encryption: identity first, re-write, then remove',
    },
  ];
  const unclear: Record<string, string> = {};
  for (const kind of LOCAL) {
    const names = there.filter(({ provider }) => provider.kind === kind).map(({ value }) => value);
    if (names.length > 0 && kind !== current?.kind)
      unclear[kind] =
        `the name of the key: ${[...names, newKey(kind)].join(' or ')}, of which the last is a new one`;
  }
  if (rotated !== undefined)
    unclear.rotate = `the name of the new key, as each run would make another one otherwise: ${newKey(rotated)}`;
  return { choices, unclear, begun: there[0]?.value };
}

const LOCAL: readonly LocalProvider[] = ['secretbox', 'aescbc'];

/** What an answers file may say that led to this writer: once it is there, it is to be left as it is. */
function wordsFor(writer: EncryptionProvider): readonly string[] {
  const local = LOCAL.some((kind) => kind === writer.kind);
  return [answerFor(writer), ...(local ? [writer.kind] : [])];
}

/** A provider with one key as the answer to a question: `use/secretbox/key1`. */
function answerFor(provider: EncryptionProvider): string {
  return `use/${prefixText(prefixesOf(provider)[0] ?? '').replaceAll(' ', '/')}`;
}

/** The provider that an answer names: one that is there, or a new key. */
function providerOf(value: string, readable: readonly EncryptionProvider[]): EncryptionProvider | undefined {
  const there = readable.find((one) => answerFor(one) === value);
  const [, kind, name] = /^use\/(secretbox|aescbc)\/(.+)$/.exec(value) ?? [];
  if (there !== undefined || kind === undefined || name === undefined) return there;
  return { kind: kind === 'aescbc' ? 'aescbc' : 'secretbox', keys: [{ name, value: 'fresh' }] };
}

/**
 * Where the answers lead; undefined: nowhere.
 * @throws TemplateError where the template is none for Secrets
 */
export function goalOf(
  now: Snapshot,
  { situation: { servers } }: Known,
  answers: Answers,
  templates: Templates,
): Goal | undefined {
  const more = chosen(answers, 'alsoEncrypt');
  const goal = (provider: EncryptionProvider | undefined, resources: readonly string[]): Goal | undefined =>
    provider === undefined
      ? undefined
      : {
          resources: distinctResources(resources),
          provider,
          removeOld: answers.removeOld === true,
          keyKept: answers.keyKept === true,
        };
  if (servers.every(({ config }) => config === null)) {
    if (answers.enable !== true) return undefined;
    const kind = answers.provider === 'aescbc' ? 'aescbc' : 'secretbox';
    const provider = answers.provider === 'kms' ? plugin(answers) : freshKey(now, servers, kind);
    return goal(provider, [...templateResources(templates), ...more]);
  }
  const covered = coveredWithSecrets(servers);
  const readable = allProviders(servers);
  switch (answers.goal) {
    case 'plainText':
      return goal({ kind: 'identity' }, covered);
    case 'kms':
      return goal(plugin(answers), [...covered, ...more]);
    case 'keep': {
      const writers = writersOf(servers);
      const writer = readable.find((one) => prefixesOf(one)[0] === writers[0]);
      // Nothing is put in order here that nobody asked for. Only Secrets are counted: while they are all under the key,
      // nothing tells that others, which are re-written with them, are not.
      // What was chosen for what is done since is covered by now.
      const isCovered = (name: string) => covered.some((one) => sameResource(one, name));
      const asked =
        more.some((name) => !isCovered(name)) ||
        answers.removeOld === true ||
        encryptionState(now).at !== 'encrypted';
      const confirmed = unfinished(now).filter(isCovered);
      return writers.length === 1 && writer?.kind !== 'identity'
        ? goal(writer, asked ? [...covered, ...more] : [SECRETS, ...confirmed])
        : undefined;
    }
    default:
      return goal(providerOf(String(answers.goal), readable), [...covered, ...more]);
  }
}

/** Other resources than Secrets whose re-write was confirmed in this run, and did not come to its end. */
export function unfinished({ encryption }: Snapshot): readonly string[] {
  return (encryption?.unfinished ?? []).filter((name) => name !== SECRETS);
}

type Servers = Known['situation']['servers'];

/** Prefixes under which any API server writes Secrets. */
export function writersOf(servers: Servers): readonly StoragePrefix[] {
  return [...new Set(servers.map(({ config }) => writesUnder(config, SECRETS)))];
}

/** Every key and plugin that any API server has for Secrets, each once. */
function allProviders(servers: Servers): readonly EncryptionProvider[] {
  const found = new Map<StoragePrefix, EncryptionProvider>();
  for (const { config } of servers)
    for (const provider of providersFor(config, SECRETS))
      for (const one of 'keys' in provider
        ? provider.keys.map((key): EncryptionProvider => ({ kind: provider.kind, keys: [key] }))
        : [provider]) {
        const [prefix = ''] = prefixesOf(one);
        if (!found.has(prefix)) found.set(prefix, one);
      }
  return [...found.values()];
}

/** Secrets, and what is listed by its own name in the entry that decides for them: it shares their keys. */
export function coveredWithSecrets(servers: Servers): readonly string[] {
  return distinctResources([
    SECRETS,
    ...servers.flatMap(({ config }) =>
      (decidingEntry(config)?.resources ?? []).filter((name) => !name.startsWith('*')),
    ),
  ]);
}

function decidingEntry(config: EncryptionConfig | null): EncryptionConfig[number] | undefined {
  for (const name of namesFor(SECRETS)) {
    const found = config?.find((entry) => entry.resources.some((one) => sameResource(one, name)));
    if (found !== undefined) return found;
  }
  return undefined;
}

function distinctResources(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.findIndex((one) => sameResource(one, name)) === index);
}

/** The KMS plugin of the answers; undefined where none is named. */
function plugin({ kmsPlugin }: Answers): EncryptionProvider | undefined {
  const [name = '', endpoint] = String(kmsPlugin ?? '').split(' ');
  return name === '' || endpoint === undefined
    ? undefined
    : { kind: 'kms', version: 'v2', name, endpoint, timeout: '3s' };
}

/**
 * A key named after the month, numbered on from all that any configuration or stored value has: a name that was used
 * before would mean another key in an older snapshot of etcd.
 */
function freshKey(now: Snapshot, servers: Servers, kind: LocalProvider): EncryptionProvider {
  const month = `key-${now.takenAt.slice(0, 7)}`;
  const used = [
    ...Object.keys(now.encryption?.stored ?? {}),
    ...servers.flatMap(({ config }) =>
      (config ?? []).flatMap((entry) => entry.providers.flatMap(prefixesOf)),
    ),
  ];
  const numbers = used.flatMap((prefix) => {
    const name = prefix.split(':').at(-2) ?? '';
    if (name === month) return [1];
    return name.startsWith(`${month}-`) ? [Number(name.slice(month.length + 1)) || 0] : [];
  });
  const last = Math.max(0, ...numbers);
  return { kind, keys: [{ name: last === 0 ? month : `${month}-${last + 1}`, value: 'fresh' }] };
}

/** Resources of the template, which has one entry: for Secrets, a provider with a key first, identity after it. */
function templateResources(templates: Templates): readonly string[] {
  const entries = listAt(template(templates, TEMPLATE), 'resources');
  const resources = listAt(entries[0], 'resources').map(String);
  const providers = listAt(entries[0], 'providers');
  if (
    entries.length !== 1 ||
    !resources.includes(SECRETS) ||
    !isRecord(providers[0]) ||
    'identity' in providers[0]
  )
    throw new TemplateError(
      `templates/${TEMPLATE}: expected one entry of resources, for "secrets", whose first provider has a key`,
    );
  if (!providers.some((item) => isRecord(at(item, 'identity'))))
    throw new TemplateError(
      `templates/${TEMPLATE}: expected identity after the provider: Secrets not yet re-written are read through it`,
    );
  const wildcard = resources.find((name) => name.includes('*'));
  if (wildcard !== undefined)
    throw new TemplateError(
      `templates/${TEMPLATE}: expected each resource by its own name: what ${wildcard} means could not be re-written`,
    );
  return resources;
}
