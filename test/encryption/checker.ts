import type { Round, Situation } from '../../src/encryption/rounds.js';
import type { EncryptionConfig, StoragePrefix } from '../../src/model/encryption.js';

/**
 * What API servers and storage do, for one resource, apart from how rounds are made. Each server has a configuration in
 * force and one in its file; a file that was placed comes into force at any later moment (a restart, or automatic reload
 * after up to a minute); any server writes at any time; a server that does not come back gets the fallback.
 */
export interface World {
  servers: readonly { name: string; active: EncryptionConfig | null; disk: EncryptionConfig | null }[];
  /** Prefixes under which values exist, sorted. */
  values: readonly StoragePrefix[];
  /** Every prefix that any server ever wrote under. */
  first: readonly StoragePrefix[];
}

export interface Explored {
  /** What went wrong, in words; empty: nothing can. */
  violations: readonly string[];
  /** Every moment, the last one at the end of the rounds. */
  moments: readonly World[];
  /** How it ended where it was not interrupted. */
  ends: readonly World[];
}

/** Prefixes that a configuration has for a resource that it lists by its own name, in order. */
export function listOf(config: EncryptionConfig | null, resource: string): StoragePrefix[] {
  const entry = config?.find(({ resources }) => resources.includes(resource));
  if (entry === undefined) return [''];
  return entry.providers.flatMap((provider) => {
    if (provider.kind === 'identity') return [''];
    if (provider.kind === 'kms') return [`k8s:enc:kms:${provider.version}:${provider.name}:`];
    return provider.keys.map((key) => `k8s:enc:${provider.kind}:v1:${key.name}:`);
  });
}

/** The world as a situation finds it, with these values stored. */
export function worldOf(now: Pick<Situation, 'servers'>, values: readonly StoragePrefix[]): World {
  const servers = now.servers.map(({ name, config }) => ({ name, active: config, disk: config }));
  return { servers, values: [...values].sort(), first: [] };
}

/** Goes through every moment that these rounds can lead to, in every order of events. */
export function explore(start: World, rounds: readonly Round[], resource: string): Explored {
  const violations = new Set<string>();
  const moments = new Map<string, World>();
  let now: World[] = [start];
  for (const [index, round] of rounds.entries()) {
    const reached = reach(now, round, resource, (world) => {
      moments.set(JSON.stringify(world), world);
      for (const what of wrong(world, resource)) violations.add(`round ${index + 1}, ${round.do}: ${what}`);
    });
    now = reached.filter((world) => isOver(world, round, resource));
    if (now.length === 0) break;
  }
  return { violations: [...violations], moments: [...moments.values()], ends: now };
}

function wrong(world: World, resource: string): string[] {
  return world.servers.flatMap(({ name, active, disk }) =>
    world.values.flatMap((value) => {
      const text = value === '' ? 'plain text' : value;
      const never = world.first.includes(value) ? ', which was once first,' : '';
      if (!listOf(active, resource).includes(value)) return [`${name} cannot read ${text}${never}`];
      // Whatever lies on the node is in force after the next restart.
      return listOf(disk, resource).includes(value) ? [] : [`${text}${never} is not in the file of ${name}`];
    }),
  );
}

function reach(from: readonly World[], round: Round, resource: string, see: (world: World) => void): World[] {
  const seen = new Map<string, World>();
  const queue = [...from];
  for (let world = queue.pop(); world !== undefined; world = queue.pop()) {
    const key = JSON.stringify(world);
    if (seen.has(key)) continue;
    seen.set(key, world);
    see(world);
    queue.push(...after(world, round, resource));
  }
  return [...seen.values()];
}

/** Every next moment: one event each. */
function after(world: World, round: Round, resource: string): World[] {
  const writes = world.servers.map(({ active }) => write(world, listOf(active, resource)[0] ?? ''));
  if (round.do === 'rewrite' && round.resource === resource) {
    // Once everything is written again, only what is written now is left.
    const left = [...new Set(world.servers.map(({ active }) => listOf(active, resource)[0] ?? ''))].sort();
    return [...writes, { ...world, values: left, first: union(world.first, left) }];
  }
  const events = [...writes];
  for (const [index, server] of world.servers.entries()) {
    const put = (next: Partial<World['servers'][number]>) =>
      events.push({
        ...world,
        servers: world.servers.with(index, { ...server, ...next }),
      });
    if (JSON.stringify(server.active) !== JSON.stringify(server.disk)) put({ active: server.disk });
    if (round.do !== 'configure') continue;
    for (const change of round.switches) {
      if (!change.servers.includes(server.name)) continue;
      put({ disk: change.after });
      // It breaks, before or after its first writes.
      if (same(server.disk, change.after)) put({ disk: change.fallback, active: change.fallback });
    }
  }
  return events;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function write(world: World, prefix: StoragePrefix): World {
  return { ...world, values: union(world.values, [prefix]), first: union(world.first, [prefix]) };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}

function isOver(world: World, round: Round, resource: string): boolean {
  switch (round.do) {
    case 'configure':
      return round.switches.every(({ servers, after: wanted }) =>
        world.servers.every(
          ({ name, active, disk }) => !servers.includes(name) || (same(active, wanted) && same(disk, wanted)),
        ),
      );
    case 'rewrite': {
      // Ends when it went over all: what is left then is what servers write.
      const written = world.servers.map(({ active }) => listOf(active, resource)[0] ?? '');
      return round.resource !== resource || world.values.every((value) => written.includes(value));
    }
    case 'prove':
      return round.resource !== resource || world.values.every((value) => value === round.under);
    case 'keepKey':
      return true;
  }
}
