import type { EncryptionConfig, EncryptionProvider, RoundPhase, StoragePrefix } from '../model/encryption.js';
import {
  PLAIN,
  prefixesIn,
  prefixesOf,
  prefixText,
  providersFor,
  readsUnder,
  sameConfig,
  writesUnder,
} from './configuration.js';
import { distinct, hasKey, ordered, type Providers, pluginTwice, singles, withLists } from './lists.js';

/** The API servers as they are, and what may be in storage. */
export interface Situation {
  /**
   * Every API server with the configuration that it has in force, and in its file: one that was just placed and waits for
   * automatic reload has to be waited for before anything is planned.
   */
  servers: readonly { name: string; config: EncryptionConfig | null }[];
  /** Nobody else writes: there is one API server, and that is known. */
  alone: boolean;
  /**
   * Prefixes under which values of a resource exist, as counted; whatever a server writes under may exist besides. A
   * resource that is left out was not counted: a value may exist under all that any server reads.
   */
  stored: Readonly<Record<string, readonly StoragePrefix[]>>;
}

/** Where all this is to lead. */
export interface Goal {
  /** Each by its own name, none by a wildcard. */
  resources: readonly string[];
  /** Writes in the end: one key, one KMS plugin, or identity, which is back to plain text. */
  provider: EncryptionProvider;
  /** In the end nothing else is left that reads, as soon as it is proven that nothing needs it. */
  removeOld: boolean;
  /** Whether a copy of a new key is kept already. Otherwise it lies on every server before anything is written under it. */
  keyKept: boolean;
}

/** Servers that go from one configuration to another. */
export interface Switch {
  servers: readonly string[];
  before: EncryptionConfig | null;
  after: EncryptionConfig | null;
  /** See `ServerRound.fallback`. */
  fallback: EncryptionConfig | null;
}

export type Round =
  /** One server after the other; over when each of them has `after` in force. */
  | { do: 'configure'; phase: RoundPhase; switches: readonly Switch[]; mustRead: readonly StoragePrefix[] }
  /** A person keeps a copy of a key outside of the cluster. */
  | { do: 'keepKey'; prefix: StoragePrefix }
  | { do: 'rewrite'; resource: string; under: StoragePrefix }
  /** Every value is under this prefix; where that is not so, the rounds end here. */
  | { do: 'prove'; resource: string; under: StoragePrefix };

/** `refused`: there is no safe way, and why. */
export type Rounds = { rounds: readonly Round[] } | { refused: string };

/**
 * The rounds that lead from a situation to a goal. One rule makes them all, whatever came before, a roll-back of something
 * interrupted included: first every server learns to read all that is or will be written; only then does any server
 * write anything new; only when nothing is stored under a key any more, proven, is it taken away.
 */
export function roundsTo(now: Situation, goal: Goal): Rounds {
  const plan = new Planner(now, goal);
  return plan.refusal === undefined ? { rounds: plan.rounds() } : { refused: plan.refusal };
}

/** The rounds back to plain text: the only way to undo encryption. */
export function decryptRounds(now: Situation, resources: readonly string[]): Rounds {
  return roundsTo(now, { resources, provider: { kind: 'identity' }, removeOld: true, keyKept: true });
}

type Server = Situation['servers'][number];

class Planner {
  readonly #now: Situation;
  readonly #goal: Goal;
  readonly #target: StoragePrefix;
  /** All providers that any server has for a resource, the goal's among them, each with one key. */
  readonly #all: ReadonlyMap<string, readonly EncryptionProvider[]>;
  readonly refusal: string | undefined;

  constructor(now: Situation, goal: Goal) {
    this.#now = now;
    this.#goal = goal;
    this.#target = prefixesOf(goal.provider)[0] ?? PLAIN;
    this.#all = new Map(goal.resources.map((resource) => [resource, this.#everyProvider(resource)]));
    this.refusal = this.#refused();
  }

  #everyProvider(resource: string): readonly EncryptionProvider[] {
    const known = this.#now.servers.flatMap(({ config }) => singles(providersFor(config, resource)));
    return distinct([...known, this.#goal.provider]);
  }

  /** What may be stored of a resource: what was counted or, where nothing was, all that is read; and what is written. */
  #mayExist(resource: string): readonly StoragePrefix[] {
    const { servers, stored } = this.#now;
    const counted = Object.hasOwn(stored, resource)
      ? stored[resource]
      : servers.flatMap(({ config }) => readsUnder(config, resource));
    return [...new Set([...(counted ?? []), ...servers.map(({ config }) => writesUnder(config, resource))])];
  }

  #refused(): string | undefined {
    for (const resource of this.#goal.resources) {
      const readable = prefixesIn(this.#all.get(resource) ?? []);
      const lost = this.#mayExist(resource).filter((prefix) => !readable.includes(prefix));
      if (lost[0] !== undefined)
        return `Values of ${resource} are stored under ${prefixText(lost[0])}, and no configuration that is seen has it: put it back first.`;
    }
    for (const round of this.rounds())
      if (round.do === 'configure')
        for (const { after, fallback } of round.switches) {
          const twice = pluginTwice(after) ?? pluginTwice(fallback);
          if (twice !== undefined)
            return `The KMS plugin ${twice} would have to stand in two entries of one configuration, which the API server refuses: give all its resources the same entry first.`;
        }
    return undefined;
  }

  rounds(): readonly Round[] {
    const { resources, removeOld } = this.#goal;
    const under = this.#target;
    let servers = this.#now.servers;
    const rounds: Round[] = [];
    const configure = (phase: RoundPhase, listOf: (server: Server, resource: string) => Providers) => {
      const next = servers.map((server) => ({
        name: server.name,
        config: withLists(server.config, resources, (resource) => listOf(server, resource)),
      }));
      const switches = this.#switches(servers, next);
      servers = next;
      if (switches.length === 0) return;
      const mustRead = phase === 'remove' ? [under] : resources.flatMap((one) => this.#mayExist(one));
      rounds.push({ do: 'configure', phase, switches, mustRead: [...new Set(mustRead)] });
    };
    const writing = this.#changesWriter();
    if (writing && !(this.#now.alone && this.#goal.keyKept))
      configure('read', (server, resource) => this.#readingAll(server, resource));
    if (writing && !this.#goal.keyKept && hasKey(this.#goal.provider))
      rounds.push({ do: 'keepKey', prefix: under });
    configure('write', (server, resource) => this.#targetFirst(server, resource));
    const before = rounds.length;
    if (removeOld) configure('remove', (_server, resource) => this.#targetAlone(resource));
    const removes = rounds.length > before;
    // What was counted may be wrong, or older than a write: before anything goes, a pass over all has to prove it.
    const pass = removes && !this.#removalBegun();
    const passed = resources.filter((resource) => pass || this.#mayBeStale(resource));
    const proven = removes ? resources : passed;
    rounds.splice(
      before,
      0,
      ...passed.map((resource): Round => ({ do: 'rewrite', resource, under })),
      ...proven.map((resource): Round => ({ do: 'prove', resource, under })),
    );
    return rounds;
  }

  #changesWriter(): boolean {
    return this.#now.servers.some(({ config }) =>
      this.#goal.resources.some((resource) => writesUnder(config, resource) !== this.#target),
    );
  }

  /**
   * Some API server has come to the end already. The pass was before that, and can be made no more: nothing is
   * re-written while API servers have different files.
   */
  #removalBegun(): boolean {
    return this.#now.servers.some(({ config }) =>
      this.#goal.resources.every((resource) =>
        readsUnder(config, resource).every((prefix) => prefix === this.#target),
      ),
    );
  }

  #mayBeStale(resource: string): boolean {
    return this.#mayExist(resource).some((prefix) => prefix !== this.#target);
  }

  /** Writes as before, reads everything; the new key comes second. */
  #readingAll({ config }: Server, resource: string): Providers {
    const all = this.#all.get(resource) ?? [];
    const readable = readsUnder(config, resource);
    const needed = [this.#target, ...this.#mayExist(resource)];
    if (needed.every((prefix) => readable.includes(prefix))) return providersFor(config, resource);
    return ordered([writesUnder(config, resource), this.#target], all);
  }

  #targetFirst({ config }: Server, resource: string): Providers {
    const all = this.#all.get(resource) ?? [];
    const readable = readsUnder(config, resource);
    const enough = this.#mayExist(resource).every((prefix) => readable.includes(prefix));
    if (readable[0] === this.#target && enough) return providersFor(config, resource);
    return ordered([this.#target], all);
  }

  #targetAlone(resource: string): Providers {
    return (this.#all.get(resource) ?? []).filter((provider) => prefixesOf(provider)[0] === this.#target);
  }

  #switches(before: readonly Server[], after: readonly Server[]): readonly Switch[] {
    const switches: { servers: string[]; change: Omit<Switch, 'servers'> }[] = [];
    for (const [index, { name, config }] of before.entries()) {
      const next = after[index]?.config ?? null;
      if (sameConfig(config, next)) continue;
      const known = switches.find(
        ({ change }) => sameConfig(change.before, config) && sameConfig(change.after, next),
      );
      if (known !== undefined) known.servers.push(name);
      else
        switches.push({
          servers: [name],
          change: { before: config, after: next, fallback: this.#fallback(config, next) },
        });
    }
    return switches.map(({ servers, change }) => ({ servers, ...change }));
  }

  /** Writes as before and reads what either may have written. */
  #fallback(before: EncryptionConfig | null, after: EncryptionConfig | null): EncryptionConfig | null {
    const { resources } = this.#goal;
    if (resources.every((one) => readsUnder(before, one).includes(writesUnder(after, one)))) return before;
    return withLists(before, resources, (resource) =>
      ordered(
        [writesUnder(before, resource), writesUnder(after, resource)],
        distinct([...singles(providersFor(before, resource)), ...singles(providersFor(after, resource))]),
      ),
    );
  }
}
