import { at, isRecord, listAt, type Manifest, type Ref, refOf, stringAt } from '../model/manifest.js';
import { expand } from './expand.js';
import { namesInList } from './lists.js';
import { type Mention, mentionsInValue } from './mentions.js';
import { nameSays, portNames, portNumber, wordsOf } from './names.js';
import { mentionsInText } from './texts.js';

/** A host that a pod's specification mentions, and where. */
export interface Mentioned {
  mention: Mention;
  /** Port that another setting gives for it. */
  companion: number | undefined;
  object: Ref;
  field: string;
  /** Whether it stands in a value of its own (env, argument) rather than in running text. */
  ownValue: boolean;
}

/** What the reader of a pod's settings has to know beside the pod. */
export interface Surroundings {
  namespace: string;
  /** A ConfigMap of the pod's namespace. */
  configMap(name: string): Manifest | undefined;
  /** Value of a variable that the kubelet sets for a Service, such as `CARTS_SERVICE_HOST`. */
  serviceVariable(name: string): string | undefined;
  /** Hosts in a long text; the same text is often mounted by many. */
  textMentions(text: string): readonly Mention[];
}

/** A setting of a container, its references already replaced. */
interface Setting {
  object: Ref;
  field: string;
  name: string | undefined;
  value: string;
  /** What stands after it on a command line. */
  next?: string | undefined;
  /** It is there for references alone: it says nothing of itself. */
  quiet?: true;
}

/** Every host that a pod's containers mention in env, command and arguments, and in the ConfigMaps that the pod uses. */
export function mentionedIn(owner: Ref, spec: unknown, around: Surroundings): Mentioned[] {
  const out: Mentioned[] = [];
  let variables = new Map<string, string>();
  for (const list of ['initContainers', 'containers'] as const)
    for (const container of listAt(spec, list)) {
      const path = `${list}[${stringAt(container, 'name') ?? ''}]`;
      const env = environment(owner, path, container, around);
      const values = new Map(env.map(({ name, value }) => [name ?? '', value]));
      variables = new Map([...variables, ...values]);
      const lookUp = (name: string) => values.get(name) ?? around.serviceVariable(name);
      const args = commandLine(owner, path, container, lookUp);
      for (const settings of [env, args]) addAll(out, settings, around);
    }
  for (const setting of mounted(spec, around)) {
    const text = expand(
      setting.value,
      (name) => variables.get(name) ?? around.serviceVariable(environmentName(name)),
    );
    for (const mention of mentionsIn(setting.name, text, around))
      out.push({
        mention,
        companion: undefined,
        object: setting.object,
        field: setting.field,
        ownValue: !isText(text),
      });
  }
  return out;
}

function environmentName(name: string): string {
  return name.toUpperCase().replace(/[.-]/g, '_');
}

function addAll(out: Mentioned[], settings: readonly Setting[], around: Surroundings): void {
  const ports = new Map(
    settings.map(({ name, value }) => [wordsOf(name ?? '').join(' '), portNumber(value.trim())]),
  );
  for (const { object, field, name, value, next, quiet } of settings) {
    if (quiet) continue;
    const mentions = mentionsIn(name, value, around);
    if (mentions.length === 0) continue;
    const companion =
      name === undefined
        ? undefined
        : portNames(name)
            .map((port) => ports.get(port))
            .find((p) => p !== undefined);
    for (const mention of mentions)
      out.push({
        mention,
        companion: companion ?? portNumber(next),
        object,
        field,
        ownValue: !isText(value),
      });
  }
}

/** A setting of its own as a value, such as `redis.host=cache` for a whole file or `(HOST=db)` of a descriptor. */
const SETTING = /(?:^\s*-{0,2}|\()[A-Za-z][\w.-]{0,100}=./;

function mentionsIn(name: string | undefined, value: string, around: Surroundings): readonly Mention[] {
  const text = isText(value);
  if (!text && (nameSays(name).notHost || !SETTING.test(value)))
    return [...mentionsInValue(name, value), ...namesInList(name, value, false)];
  const mentions = around.textMentions(value);
  return value.trim().includes('\n') ? mentions : [...mentions, ...namesInList(name, value, true)];
}

/** Whether a value is running text, a script, a file or settings of its own (`Server=db;Database=x`) rather than one value or a list. */
function isText(value: string): boolean {
  const trimmed = value.trim();
  if (trimmed.includes(';') && trimmed.includes('=')) return true;
  return (
    trimmed.includes('\n') || /[^\s,;]\s+[^\s,;]/.test(trimmed.slice(0, 20_000)) || trimmed.startsWith('{')
  );
}

/** Variables of a container in the order in which the kubelet sets them; values of Secrets are never among them. */
function environment(owner: Ref, path: string, container: unknown, around: Surroundings): Setting[] {
  const out = new Map<string, Setting>();
  for (const source of listAt(container, 'envFrom')) {
    const map = around.configMap(stringAt(source, 'configMapRef', 'name') ?? '');
    const prefix = stringAt(source, 'prefix') ?? '';
    if (map !== undefined)
      for (const [key, value] of dataOf(map))
        out.set(prefix + key, { object: refOf(map), field: `data[${key}]`, name: prefix + key, value });
  }
  for (const entry of listAt(container, 'env')) {
    const name = stringAt(entry, 'name');
    if (name === undefined) continue;
    const setting = variable(owner, `${path}.env[${name}]`, name, entry, around);
    if (setting === undefined) continue;
    const lookUp = (other: string) => out.get(other)?.value ?? around.serviceVariable(other);
    out.set(name, { ...setting, value: expand(setting.value, lookUp) });
  }
  return [...out.values()];
}

function variable(
  owner: Ref,
  field: string,
  name: string,
  entry: unknown,
  around: Surroundings,
): Setting | undefined {
  const plain = stringAt(entry, 'value');
  if (plain !== undefined) return { object: owner, field, name, value: plain };
  if (stringAt(entry, 'valueFrom', 'fieldRef', 'fieldPath') === 'metadata.namespace')
    return { object: owner, field, name, value: around.namespace, quiet: true };
  const map = around.configMap(stringAt(entry, 'valueFrom', 'configMapKeyRef', 'name') ?? '');
  const key = stringAt(entry, 'valueFrom', 'configMapKeyRef', 'key');
  const value = key === undefined ? undefined : stringAt(map, 'data', key);
  if (map === undefined || value === undefined) return undefined;
  return { object: refOf(map), field: `data[${key}]`, name, value };
}

/** Command and arguments; a flag names the value that follows it. The program itself is no host. */
function commandLine(
  owner: Ref,
  path: string,
  container: unknown,
  lookUp: (name: string) => string | undefined,
): Setting[] {
  const words = (['command', 'args'] as const).flatMap((list) =>
    listAt(container, list).flatMap((word, index) =>
      typeof word === 'string' && !(list === 'command' && index === 0)
        ? [{ word: expand(word, lookUp), field: `${path}.${list}[${index}]` }]
        : [],
    ),
  );
  return words.map(({ word, field }, i) => {
    const flag = /^--?([A-Za-z][\w.-]{0,200})=/.exec(word);
    const setting = { object: owner, field, next: words[i + 1]?.word };
    if (flag !== null) return { ...setting, name: flag[1], value: word.slice(flag[0].length) };
    // As the clients of MySQL take it.
    if (/^-h[a-z][a-z0-9-]*$/.test(word)) return { ...setting, name: 'host', value: word.slice(2) };
    const before = /^--?([A-Za-z][\w.-]{0,200})$/.exec(words[i - 1]?.word ?? '')?.[1];
    return { ...setting, name: word.startsWith('-') ? undefined : before, value: word };
  });
}

/** The files that ConfigMaps put into the pod. */
function mounted(spec: unknown, around: Surroundings): Setting[] {
  const out: Setting[] = [];
  const add = (source: unknown) => {
    const map = around.configMap(stringAt(source, 'name') ?? '');
    if (map === undefined) return;
    const items = at(source, 'items');
    const only = Array.isArray(items) ? new Set(items.map((item) => at(item, 'key'))) : undefined;
    for (const [key, value] of dataOf(map))
      if (only === undefined || only.has(key))
        out.push({ object: refOf(map), field: `data[${key}]`, name: key, value });
  };
  for (const volume of listAt(spec, 'volumes')) {
    if (at(volume, 'configMap') !== undefined) add(at(volume, 'configMap'));
    for (const source of listAt(volume, 'projected', 'sources')) add(at(source, 'configMap'));
  }
  return out;
}

function dataOf(map: Manifest): [string, string][] {
  const data = at(map, 'data');
  if (!isRecord(data)) return [];
  return Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

/** The ConfigMaps to which pods of this specification refer, by name: what has to be read to know their connections. */
export function referencedConfigMaps(spec: unknown): readonly string[] {
  const names = new Set<unknown>();
  for (const container of [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')]) {
    for (const source of listAt(container, 'envFrom')) names.add(at(source, 'configMapRef', 'name'));
    for (const entry of listAt(container, 'env'))
      names.add(at(entry, 'valueFrom', 'configMapKeyRef', 'name'));
  }
  for (const volume of listAt(spec, 'volumes')) {
    names.add(at(volume, 'configMap', 'name'));
    for (const source of listAt(volume, 'projected', 'sources')) names.add(at(source, 'configMap', 'name'));
  }
  return [...names].filter((name): name is string => typeof name === 'string').sort();
}

/**
 * A reader of long texts that remembers what it found: many pods mount the same file. What is read by its form alone and
 * can be no Service is not kept.
 */
export function rememberingReader(
  mayBeService: (host: string) => boolean,
): (text: string) => readonly Mention[] {
  const known = new Map<string, readonly Mention[]>();
  return (text) => {
    let found = known.get(text);
    if (found === undefined) {
      found = mentionsInText(text).filter(
        ({ host, tentative }) => tentative === undefined || [host, ...tentative].every(mayBeService),
      );
      known.set(text, found);
    }
    return found;
  };
}
