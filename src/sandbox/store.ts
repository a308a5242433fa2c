import { randomUUID } from 'node:crypto';
import type { Manifest } from '../model/manifest.js';
import { apiVersionOf, type Resource } from './resources.js';

/** What was stored, and for Secrets the prefix under which: empty is plain text. */
export interface Stored {
  object: Manifest;
  prefix: string;
}

export interface Page {
  items: readonly Stored[];
  resourceVersion: string;
  /** Where the next page starts; undefined at the end. */
  next: { start: string; resourceVersion: string } | undefined;
  remaining: number;
}

/** A page was asked for by a state that is not kept any more. */
export class Expired extends Error {
  override name = 'Expired';
}

const KEPT_STATES = 64;

/**
 * Objects in memory, in the order of their keys (`namespace/name`), as etcd keeps them. Objects are never changed in
 * place. Every write moves one counter, the resourceVersion of all.
 */
export class Store {
  #revision = 1_000;
  readonly #objects = new Map<Resource, Map<string, Stored>>();
  /** States that pages are still read from, by resource and revision. */
  readonly #states = new Map<string, readonly [string, Stored][]>();
  /** Called after every write. */
  onWrite: () => void = () => {};

  get revision(): number {
    return this.#revision;
  }

  /** After loading a saved state. */
  set revision(value: number) {
    this.#revision = value;
  }

  get(resource: Resource, namespace: string, name: string): Stored | undefined {
    return this.#of(resource).get(keyOf(namespace, name));
  }

  /** Writes and returns the object with its new resourceVersion. */
  put(resource: Resource, object: Manifest, prefix: string): Manifest {
    this.#revision += 1;
    const { name, namespace = '' } = object.metadata;
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } };
    this.#of(resource).set(keyOf(namespace, name), { object: written, prefix });
    this.onWrite();
    return written;
  }

  /** Puts back an object of a saved state as it is. */
  restore(resource: Resource, object: Manifest, prefix: string): void {
    const { name, namespace = '' } = object.metadata;
    this.#of(resource).set(keyOf(namespace, name), { object, prefix });
  }

  delete(resource: Resource, namespace: string, name: string): void {
    this.#revision += 1;
    this.#of(resource).delete(keyOf(namespace, name));
    this.onWrite();
  }

  /** Every object of a resource, in the order of keys. */
  all(resource: Resource, namespace = ''): readonly Stored[] {
    return this.#sorted(resource)
      .filter(([key]) => namespace === '' || key.startsWith(`${namespace}/`))
      .map(([, stored]) => stored);
  }

  /**
   * One page of the objects that pass the test. Pages of one list all show the state of its first page.
   * Throws `Expired` where that state is gone.
   */
  page(
    resource: Resource,
    ask: {
      namespace: string;
      limit: number;
      from?: { start: string; resourceVersion: string };
      test: (object: Manifest) => boolean;
    },
  ): Page {
    const revision = ask.from?.resourceVersion ?? String(this.#revision);
    const stateKey = `${pathOf(resource)}@${revision}`;
    const state = ask.from === undefined ? this.#sorted(resource) : this.#states.get(stateKey);
    if (state === undefined) throw new Expired();
    const wanted = state.filter(
      ([key, stored]) =>
        (ask.namespace === '' || key.startsWith(`${ask.namespace}/`)) &&
        (ask.from === undefined || key >= ask.from.start) &&
        ask.test(stored.object),
    );
    const items = ask.limit > 0 ? wanted.slice(0, ask.limit) : wanted;
    const after = wanted[items.length];
    if (after !== undefined) this.#keep(stateKey, state);
    return {
      items: items.map(([, stored]) => stored),
      resourceVersion: revision,
      next: after === undefined ? undefined : { start: after[0], resourceVersion: revision },
      remaining: wanted.length - items.length,
    };
  }

  /** Everything, for saving. */
  *entries(): Generator<{ resource: Resource; stored: Stored }> {
    for (const [resource, objects] of this.#objects)
      for (const stored of objects.values()) yield { resource, stored };
  }

  #of(resource: Resource): Map<string, Stored> {
    let found = this.#objects.get(resource);
    if (found === undefined) {
      found = new Map();
      this.#objects.set(resource, found);
    }
    return found;
  }

  #sorted(resource: Resource): [string, Stored][] {
    return [...this.#of(resource)].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  #keep(key: string, state: readonly [string, Stored][]): void {
    this.#states.delete(key);
    this.#states.set(key, state);
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= KEPT_STATES) break;
      this.#states.delete(oldest);
    }
  }
}

function keyOf(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

function pathOf(resource: Resource): string {
  return `${apiVersionOf(resource)}/${resource.plural}`;
}

export function newUid(): string {
  return randomUUID();
}
