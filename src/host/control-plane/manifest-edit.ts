import { posix } from 'node:path';
import { isNode, isScalar, type YAMLSeq } from 'yaml';
import { printable } from '../../model/escape.js';
import { at, isRecord, listAt, stringAt } from '../../model/manifest.js';
import { canonical } from '../../model/plan.js';
import { HostError } from '../errors.js';
import { added, appended, removed, replaced, type Splice, SpliceError, spliced } from './splice.js';
import {
  configurationOf,
  FLAG,
  mapIn,
  mountsOf,
  onNode,
  readStaticPod,
  type StaticPod,
  seqIn,
  sourceOf,
  volumeNames,
} from './static-pod.js';

/**
 * Annotation that carries the SHA-256 of the configuration file. The kubelet starts a static pod anew when anything in
 * its manifest changes, so a changed file restarts the server by it, and the mirror pod shows which file was meant.
 */
export const STAMP = 'kubectl-harden/encryption-config-sha256';
const VOLUME = 'encryption-config';

export interface Wanted {
  /** Path of the configuration, on the node and in the pod. Ignored where the manifest names one already. */
  file: string;
  /** SHA-256 of the configuration's text, hex. */
  sha256: string;
  /** Directories of the node that the pod needs besides: those of KMS plugins' sockets. */
  mounts?: readonly { path: string; readOnly: boolean }[];
}

/**
 * The manifest with the API server started on this configuration: the flag, a read-only mount of the file's directory
 * and its volume, each only where missing, and the stamp. Comments, order and every other line stay as they are. Where
 * the flag is there already, its file is kept; the caller has to have written that one.
 * @throws HostError where the text cannot be edited so that exactly this changes
 */
export function withConfiguration(text: string, file: string, wanted: Wanted): string {
  const pod = readStaticPod(text, file);
  const there = configurationOf(pod);
  const edit = new Edit(pod);
  if (there === undefined) {
    edit.append(['spec', 'containers', pod.container, pod.list], `${FLAG}=${wanted.file}`);
  }
  if (there === undefined) edit.mount(posix.dirname(wanted.file), true);
  for (const { path, readOnly } of wanted.mounts ?? []) edit.mount(path, readOnly);
  edit.annotate(STAMP, wanted.sha256);
  return edit.done();
}

/**
 * The manifest without an encryption configuration: flag, stamp, and the mount and volume that only held it and that
 * carry our name.
 * @throws HostError where the text cannot be edited so that exactly this changes
 */
export function withoutConfiguration(text: string, file: string): string {
  const pod = readStaticPod(text, file);
  const there = configurationOf(pod);
  if (there === undefined) return text;
  const edit = new Edit(pod);
  edit.removeFlag();
  const directory = posix.dirname(there.path);
  for (const { name, mountPath } of mountsOf(pod))
    if (mountPath === directory && name.startsWith(VOLUME)) edit.unmount(name);
  edit.unannotate(STAMP);
  return edit.done();
}

/** Edits text and value side by side: in the end the one has to say exactly what the other does. */
class Edit {
  readonly #pod: StaticPod;
  readonly #value: Record<string, unknown>;
  readonly #splices: Splice[] = [];
  readonly #names: Set<string>;
  readonly #mounted = new Set<string>();

  constructor(pod: StaticPod) {
    this.#pod = pod;
    this.#value = structuredClone(pod.value);
    this.#names = new Set(volumeNames(pod));
  }

  append(path: readonly (string | number)[], item: unknown): void {
    const parent = path.slice(0, -1);
    const key = String(path.at(-1));
    const owner = at(this.#value, ...parent);
    if (!isRecord(owner)) throw this.#odd(`has no ${parent.join('.')}`);
    const list = seqIn(this.#pod, path);
    this.#try(() => {
      if (list !== undefined)
        return appended(this.#pod.text, list, { lines: linesOf(item), flow: JSON.stringify(item) });
      const map = mapIn(this.#pod, parent);
      // A second list for the same new key would not be seen by the first edit.
      if (map === undefined || Array.isArray(owner[key]) || owner[key] !== undefined)
        throw new SpliceError(`${key} is not written as a list`);
      const lines = linesOf(item);
      return added(this.#pod.text, map, {
        lines: [`${key}:`, ...lines.map((line, index) => `${index === 0 ? '- ' : '  '}${line}`)],
        flow: `${JSON.stringify(key)}: ${JSON.stringify([item])}`,
      });
    });
    owner[key] = [...listAt(owner, key), item];
  }

  /** Mounts a directory of the node at the same path of the pod, unless it is there. */
  mount(directory: string, readOnly: boolean): void {
    if (onNode(this.#pod, directory) === directory || this.#mounted.has(directory)) return;
    this.#mounted.add(directory);
    const taken = mountsOf(this.#pod).find(({ mountPath }) => posix.resolve(mountPath) === directory);
    if (taken !== undefined)
      throw this.#odd(
        `mounts something else at ${directory} (volume ${taken.name}); give the file another directory`,
      );
    const name = this.#freeName();
    this.append(['spec', 'containers', this.#pod.container, 'volumeMounts'], {
      mountPath: directory,
      name,
      ...(readOnly ? { readOnly } : {}),
    });
    this.append(['spec', 'volumes'], { hostPath: { path: directory, type: 'Directory' }, name });
  }

  annotate(key: string, value: string): void {
    const metadata = mapIn(this.#pod, ['metadata']);
    if (metadata === undefined) throw this.#odd('has no metadata');
    const annotations = mapIn(this.#pod, ['metadata', 'annotations']);
    const old = annotations?.get(key, true);
    if (at(this.#value, 'metadata', 'annotations', key) === value) return;
    const pair = { lines: [`${key}: "${value}"`], flow: `${JSON.stringify(key)}: ${JSON.stringify(value)}` };
    this.#try(() => {
      if (isScalar(old)) return replaced(this.#pod.text, old, value);
      if (annotations !== undefined && annotations.items.length > 0)
        return added(this.#pod.text, annotations, pair);
      if (metadata.has('annotations')) throw new SpliceError('annotations is empty');
      return added(this.#pod.text, metadata, {
        lines: ['annotations:', ...pair.lines.map((line) => `  ${line}`)],
        flow: `"annotations": {${pair.flow}}`,
      });
    });
    const owner = this.#value.metadata as Record<string, unknown>;
    owner.annotations = { ...(isRecord(owner.annotations) ? owner.annotations : {}), [key]: value };
  }

  /** An annotation that stays when it cannot be taken out alone does no harm: it only says what once was. */
  unannotate(key: string): void {
    const annotations = mapIn(this.#pod, ['metadata', 'annotations']);
    const index = annotations?.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key) ?? -1;
    const pair = annotations?.items[index];
    if (annotations === undefined || pair === undefined || !isNode(pair.key) || !isNode(pair.value)) return;
    if (annotations.items.length === 1 || annotations.flow === true) return;
    const from = this.#pod.text.lastIndexOf('\n', (pair.key.range?.[0] ?? 0) - 1) + 1;
    const end = this.#pod.text.indexOf('\n', pair.value.range?.[1] ?? 0);
    this.#splices.push({ from, to: end < 0 ? this.#pod.text.length : end + 1, text: '' });
    const { [key]: _gone, ...rest } = at(this.#value, 'metadata', 'annotations') as Record<string, unknown>;
    (this.#value.metadata as Record<string, unknown>).annotations = rest;
  }

  removeFlag(): void {
    const path = ['spec', 'containers', this.#pod.container, this.#pod.list] as const;
    const words = this.#pod.arguments;
    const index = words.findIndex((word) => word === FLAG || word.startsWith(`${FLAG}=`));
    const gone = words[index] === FLAG ? [index, index + 1] : [index];
    for (const one of gone) this.#remove(path, one);
    this.#set(path, (list) => list.filter((_item, at) => !gone.includes(at)));
  }

  unmount(name: string): void {
    const mounts = ['spec', 'containers', this.#pod.container, 'volumeMounts'] as const;
    const volumes = ['spec', 'volumes'] as const;
    const others = listAt(this.#value, 'spec', 'containers')
      .concat(listAt(this.#value, 'spec', 'initContainers'))
      .flatMap((one) => listAt(one, 'volumeMounts'))
      .filter((mount) => stringAt(mount, 'name') === name);
    if (others.length > 1 || sourceOf(this.#pod, name) === undefined) return;
    // A mount that nothing uses does no harm; a list that ends up without an item may be no list any more.
    const alone = (list: YAMLSeq | undefined) => list?.flow !== true && list?.items.length === 1;
    if ([mounts, volumes].some((path) => alone(seqIn(this.#pod, path)))) return;
    for (const path of [mounts, volumes]) {
      const index = listAt(this.#value, ...path).findIndex((one) => stringAt(one, 'name') === name);
      this.#remove(path, index);
      this.#set(path, (list) => list.filter((one) => stringAt(one, 'name') !== name));
    }
  }

  /** The new text, once it is proven to say what was meant and nothing else. */
  done(): string {
    const text = spliced(this.#pod.text, this.#splices);
    let said: unknown;
    try {
      said = readStaticPod(text, this.#pod.file).value;
    } catch {
      said = undefined;
    }
    if (canonical(said) !== canonical(this.#value))
      throw this.#odd('is written in a way that cannot be edited with certainty (anchors, or flow style)');
    return text;
  }

  #remove(path: readonly (string | number)[], index: number): void {
    this.#try(() => {
      const list = seqIn(this.#pod, path);
      if (list === undefined) throw new SpliceError(`${path.at(-1)} is not written as a list`);
      return removed(this.#pod.text, list, index);
    });
  }

  #set(path: readonly (string | number)[], change: (list: unknown[]) => unknown[]): void {
    const owner = at(this.#value, ...path.slice(0, -1));
    if (isRecord(owner)) owner[String(path.at(-1))] = change(listAt(this.#value, ...path));
  }

  #try(splice: () => Splice): void {
    try {
      this.#splices.push(splice());
    } catch (error) {
      if (!(error instanceof SpliceError)) throw error;
      throw this.#odd(`cannot be edited: ${error.message}`);
    }
  }

  #freeName(): string {
    for (let at = 1; ; at++) {
      const name = at === 1 ? VOLUME : `${VOLUME}-${at}`;
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      return name;
    }
  }

  #odd(what: string): HostError {
    return new HostError(
      `${printable(this.#pod.file)} ${printable(what, 400)}.\nNothing was changed; make the change by hand, as the instructions say.`,
    );
  }
}

/** A text or a map of texts, maps and flags as block YAML, without indentation. */
function linesOf(value: unknown): string[] {
  if (!isRecord(value)) return [scalar(value)];
  return Object.entries(value).flatMap(([key, inner]) =>
    isRecord(inner)
      ? [`${key}:`, ...linesOf(inner).map((line) => `  ${line}`)]
      : [`${key}: ${scalar(inner)}`],
  );
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  // A path or a flag; whatever else is quoted.
  return /^(\/|--)[A-Za-z0-9_/.=-]+$|^[a-zA-Z][A-Za-z0-9-]+$/.test(value) &&
    !/^(y|n|yes|no|on|off|true|false|null)$/i.test(value)
    ? value
    : JSON.stringify(value);
}
