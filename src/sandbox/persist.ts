import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { at, isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import type { NodeState } from './host.js';
import { type Resource, resourceOf } from './resources.js';
import type { Store } from './store.js';

const VERSION = 1;
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** A state file that cannot be used; the message names the file and what was expected. */
export class StateError extends Error {
  override name = 'StateError';
}

export interface SavedState {
  revision: number;
  node: NodeState;
  objects: readonly { resource: Resource; object: Manifest; prefix: string }[];
}

/** The value that stands for every key of a Secret in memory. It is never written to a file. */
export type SecretValue = (key: string) => string;

/**
 * The state of a file, undefined where it does not exist. Secrets come back with made-up values: the file keeps
 * their names, types and keys only. Throws `StateError`.
 */
export async function load(file: string, secretValue: SecretValue): Promise<SavedState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isRecord(error) && error.code === 'ENOENT') return undefined;
    throw new StateError(`${file}: cannot be read (${String(isRecord(error) ? error.code : error)}).`);
  }
  const broken = (expected: string): StateError =>
    new StateError(
      `${file}: not a state of the embedded cluster: expected ${expected}.\nGive another file, or delete this one to start afresh.`,
    );
  let saved: unknown;
  try {
    saved = JSON.parse(text);
  } catch {
    throw broken('JSON');
  }
  if (at(saved, 'kubectlHardenSandbox') !== VERSION) throw broken(`"kubectlHardenSandbox": ${VERSION}`);
  const revision = at(saved, 'revision');
  if (typeof revision !== 'number') throw broken('a number at "revision"');
  const node = at(saved, 'node');
  if (!isManifest(at(node, 'staticPod')) || !isRecord(at(node, 'configurations')))
    throw broken('"staticPod" and "configurations" at "node"');
  const objects = listAt(saved, 'objects').map((entry, index) => {
    const object = at(entry, 'object');
    const resource = isManifest(object) ? resourceOf(object) : undefined;
    if (!isManifest(object) || resource === undefined) throw broken(`an object at "objects[${index}]"`);
    const filled = resource.kind === 'Secret' ? fillSecret(object, secretValue) : object;
    return { resource, object: filled, prefix: stringAt(entry, 'stored') ?? '' };
  });
  if (objects.length === 0) throw broken('a list of objects at "objects"');
  return { revision, node: node as unknown as NodeState, objects };
}

/** Writes the state, readable by its owner only; a reader sees the old file or the new one, never a part. */
export async function save(file: string, store: Store, node: NodeState): Promise<void> {
  const objects = [...store.entries()].map(({ resource, stored }) => ({
    object: isSecret(resource) ? emptySecret(stored.object) : stored.object,
    ...(stored.prefix === '' ? {} : { stored: stored.prefix }),
  }));
  const text = JSON.stringify({ kubectlHardenSandbox: VERSION, revision: store.revision, node, objects });
  const part = `${file}.${randomBytes(4).toString('hex')}.part`;
  try {
    await writeFile(part, text, { mode: 0o600, flag: 'wx' });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw new StateError(`${file}: cannot be written (${String(isRecord(error) ? error.code : error)}).`);
  }
}

function isSecret(resource: Resource): boolean {
  return resource.group === '' && resource.kind === 'Secret';
}

/** A Secret without its values: keys stay, and so does the fact that a copy lies in an annotation. */
function emptySecret(object: Manifest): object {
  const { data, metadata, ...rest } = object;
  const { annotations = {}, ...others } = metadata;
  return {
    ...rest,
    metadata: {
      ...others,
      ...(Object.keys(annotations).length === 0
        ? {}
        : {
            annotations: {
              ...annotations,
              ...(annotations[LAST_APPLIED] === undefined ? {} : { [LAST_APPLIED]: '' }),
            },
          }),
    },
    ...(isRecord(data) ? { data: Object.fromEntries(Object.keys(data).map((key) => [key, ''])) } : {}),
  };
}

function fillSecret(object: Manifest, secretValue: SecretValue): Manifest {
  const data = object.data;
  const filled = isRecord(data)
    ? Object.fromEntries(Object.keys(data).map((key) => [key, secretValue(key)]))
    : undefined;
  const { metadata } = object;
  const applied = metadata.annotations?.[LAST_APPLIED] !== undefined;
  return {
    ...object,
    metadata: applied
      ? {
          ...metadata,
          annotations: { ...metadata.annotations, [LAST_APPLIED]: JSON.stringify({ data: filled }) },
        }
      : metadata,
    ...(filled === undefined ? {} : { data: filled }),
  };
}

function isManifest(value: unknown): value is Manifest {
  return (
    isRecord(value) &&
    typeof value.apiVersion === 'string' &&
    typeof value.kind === 'string' &&
    stringAt(value, 'metadata', 'name') !== undefined
  );
}
