import type { Flows } from '../model/flow.js';
import { unfinishedRewrites } from '../model/journal.js';
import type { Change } from '../model/plan.js';
import type { Need, Rights, Uses } from '../model/rights.js';
import type { EncryptionFacts, Query, Snapshot } from '../model/snapshot.js';
import type { Step } from '../model/step.js';
import { applyChanges } from './apply.js';
import { check } from './check.js';
import { type Effect, next, type Setting, start, type Transition, type WizardEvent } from './machine.js';
import {
  type Claim,
  type Clock,
  type Cluster,
  ClusterError,
  type Host,
  type Journal,
  type Look,
} from './ports.js';
import { makeProbe } from './probe.js';
import type { Checked, Session, UserEvent, WizardState } from './state.js';
import { whyNeverBack } from './take-back.js';
import { canTakeBack, type Guardian } from './waiting.js';

export interface SessionPorts {
  /** Claims the cluster before the first write; released when the session ends. */
  claim: () => Promise<Claim>;
  cluster: Cluster;
  host: Host;
  journal: Journal;
  clock: Clock;
  look?: Look;
  /** Where steps can take themselves back. */
  guardian?: Guardian;
}

export interface SessionOptions extends Setting {
  /** Globs of namespaces to leave alone. */
  exclude: readonly string[];
  /** Said from the start on. */
  notice?: string;
  /** Flow logs that every snapshot holds. */
  observed?: readonly Flows[];
  /** Called with what nobody foresaw, for the error report of the caller; the session then fails in an orderly way. */
  onUnexpected?: (error: unknown) => void;
}

/**
 * Runs the state machine over the ports: the only place where effects happen. The terminal wizard, the line prompts and
 * the unattended commands all drive this.
 */
export function createSession(ports: SessionPorts, options: SessionOptions): Session {
  const listeners = new Set<() => void>();
  const end = Promise.withResolvers<number>();
  let [state, first]: [WizardState, readonly Effect[]] = [
    ...start(ports.journal.run, ports.journal.directory),
  ] as [WizardState, readonly Effect[]];
  if (options.notice !== undefined) state = { ...state, notice: options.notice };
  let stopping = new AbortController();
  let claimed: Claim | undefined;
  let looking: NodeJS.Timeout | undefined;
  // Journal entries go to disk in order, and the session does not end before the last of them.
  let written: Promise<void> = Promise.resolve();

  const send = (event: WizardEvent): void => {
    const [after, effects]: Transition = next(state, event, options);
    if (after !== state) {
      state = after;
      for (const listener of listeners) listener();
    }
    for (const effect of effects) run(effect);
  };

  const failed = (error: unknown): void => {
    if (!(error instanceof ClusterError)) options.onUnexpected?.(error);
    send({ type: 'failure', message: error instanceof Error ? error.message : String(error) });
  };

  /** The cluster for this run until its end; undefined where another run has it, which is said then. */
  const claim = async (): Promise<AbortSignal | undefined> => {
    const before = claimed;
    claimed ??= await ports.claim();
    if (!claimed.held) {
      const { reason } = claimed;
      claimed = undefined;
      send({ type: 'failure', message: reason });
      return undefined;
    }
    if (before === undefined && claimed.note !== undefined) send({ type: 'noted', note: claimed.note });
    return claimed.lost;
  };

  const perform = async (effect: Effect): Promise<void> => {
    switch (effect.do) {
      case 'read':
        send({
          type: 'snapshot',
          snapshot: withUnfinished(
            await takeSnapshot(ports, options, (progress) => send({ type: 'reading', progress })),
            await ports.journal.entries(),
          ),
        });
        return;
      case 'check':
        send({ type: 'checked', checked: await checkAll(ports.cluster, effect.changes, options) });
        return;
      case 'apply': {
        stopping = new AbortController();
        await written;
        const lost = await claim();
        if (lost === undefined) return;
        if (effect.within > 0) {
          if (ports.guardian === undefined) throw new Error('nobody could take it back');
          await ports.guardian.watch(effect.step.step.id, effect.within);
          await look();
        }
        const stopped = AbortSignal.any([stopping.signal, lost]);
        const result = await applyChanges(ports, effect.step, effect.changes, stopped, {
          applying: (change) => send({ type: 'applying', change }),
          rewriting: (progress) => send({ type: 'rewriting', progress }),
          done: (done) => send({ type: 'done', done }),
        });
        if (lost.aborted) send({ type: 'failure', message: TAKEN_OVER });
        else if (result.end === 'stale') send({ type: 'stale', objects: result.objects });
        else if (result.end === 'lost') send({ type: 'failure', message: result.reason });
        else send({ type: 'applied', interrupted: result.end === 'interrupted' });
        if (effect.within > 0) await look();
        return;
      }
      case 'probe': {
        stopping = new AbortController();
        await written;
        const lost = await claim();
        if (lost === undefined) return;
        const facts = await makeProbe(ports, effect.plan, {
          signal: AbortSignal.any([stopping.signal, lost]),
          onStage: (stage) => send({ type: 'probing', stage }),
          onNamespace: (namespace) => send({ type: 'scratch', namespace }),
        });
        send({ type: 'probed', facts });
        return;
      }
      case 'keep':
        await ports.guardian?.keep();
        await look();
        return;
      case 'stop':
        stopping.abort();
        return;
      case 'journal':
        written = written.then(() => ports.journal.append(effect.entry));
        return written;
      case 'end':
        await written.catch(() => undefined);
        clearTimeout(looking);
        if (claimed?.held === true) await claimed.release().catch(() => undefined);
        end.resolve(effect.code);
        return;
    }
  };

  /** Looks how what waits to be kept stands, and again every second while anything does. */
  const look = async (): Promise<void> => {
    if (ports.guardian === undefined || state.screen.at === 'left') return;
    const sight = await ports.guardian.look();
    send({ type: 'seen', sight });
    clearTimeout(looking);
    if (sight.waiting.length === 0) return;
    looking = setTimeout(() => void look().catch(failed), 1_000);
    looking.unref();
  };

  const run = (effect: Effect): void => {
    perform(effect).catch(failed);
  };

  for (const effect of first) run(effect);
  first = [];
  return {
    get state() {
      return state;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    send: (event: UserEvent) => send(event),
    ended: end.promise,
  };
}

/** What the server says to changes; where they may be written provisionally, also whether they could be taken back. */
async function checkAll(
  cluster: Cluster,
  changes: readonly Change[],
  { offer }: Pick<Setting, 'offer'>,
): Promise<readonly Checked[]> {
  const provisional = offer !== undefined && canTakeBack(changes);
  const [checked, stays] = await Promise.all([
    check(cluster, changes),
    provisional ? whyNeverBack(cluster, changes) : new Map<string, string>(),
  ]);
  return checked.map((one) => {
    const why = stays.get(one.change);
    return why === undefined ? one : { ...one, stays: why };
  });
}

const TAKEN_OVER =
  'Another run took over this cluster meanwhile; this one stopped after the object in hand. What is done stays done.';

/** Reads what the chosen steps need, once each. */
export async function takeSnapshot(
  ports: Pick<SessionPorts, 'cluster' | 'clock' | 'look'>,
  options: Pick<SessionOptions, 'exclude' | 'observed'> & {
    steps: readonly (Pick<Step, 'reads'> & Partial<Pick<Step, 'id' | 'writes'>>)[];
  },
  onProgress?: Parameters<Cluster['read']>[1],
): Promise<Snapshot> {
  const cluster = await ports.cluster.info();
  const queries = distinct([...ALWAYS, ...options.steps.flatMap((step) => step.reads)]);
  const [{ listings, encryption }, rights] = await Promise.all([
    ports.cluster.read(queries, onProgress),
    rightsFor(ports.cluster, options.steps),
  ]);
  return {
    cluster,
    takenAt: ports.clock.now().toISOString(),
    listings,
    rights: onServed(rights, listings),
    scope: { exclude: options.exclude },
    ...(options.observed === undefined || options.observed.length === 0
      ? {}
      : { observed: options.observed }),
    ...(encryption === undefined ? {} : { encryption: await lookedAt(encryption, ports.look) }),
  };
}

/** Only Secrets are counted by stored form: that others were left by a re-write that stopped, the journal alone tells. */
function withUnfinished(read: Snapshot, entries: Awaited<ReturnType<Journal['entries']>>): Snapshot {
  const unfinished = unfinishedRewrites(entries);
  if (read.encryption === undefined || unfinished.length === 0) return read;
  return { ...read, encryption: { ...read.encryption, unfinished } };
}

/** What this account lacks for each step. What cannot be asked is said, and shows when it is tried. */
async function rightsFor(
  cluster: Cluster,
  all: readonly (Pick<Step, 'reads'> & Partial<Pick<Step, 'id' | 'writes'>>)[],
): Promise<Rights> {
  const steps = all.flatMap(({ id, reads, writes }) =>
    id === undefined || writes === undefined ? [] : [{ id, reads, writes }],
  );
  if (steps.length === 0) return { lacks: new Map() };
  try {
    const lacks = await cluster.lacks(steps.map(usesOf));
    return { lacks: new Map(steps.map(({ id }, index) => [id, lacks[index] ?? []])) };
  } catch (error) {
    if (!(error instanceof ClusterError) || ['unreachable', 'unauthorized'].includes(error.reason))
      throw error;
    return { unknown: error.message };
  }
}

/** A kind that the server lacks needs no right. */
function onServed(rights: Rights, listings: Snapshot['listings']): Rights {
  if ('unknown' in rights) return rights;
  const served = ({ kind }: Need) => kind === undefined || listings.get(kind)?.state !== 'absent';
  return { lacks: new Map([...rights.lacks].map(([id, needs]) => [id, needs.filter(served)])) };
}

/** All that a step reads and writes, with what is read for the header of every one. */
export function usesOf({ reads, writes }: Pick<Step, 'reads' | 'writes'>): Uses {
  return { reads: [...ALWAYS, ...reads], writes };
}

/** What was seen from outside, and over it what the files on this machine say. */
async function lookedAt(facts: EncryptionFacts, look: Look | undefined): Promise<EncryptionFacts> {
  const seen = (await look?.(facts)) ?? [];
  if (seen.length === 0) return facts;
  const servers = new Map((facts.apiServers ?? []).map((one) => [one.server, one]));
  for (const one of seen) {
    // What its own file says counts more than a copy that does not fit.
    const { problem: _problem, assumed: _assumed, ...known } = servers.get(one.server) ?? one;
    servers.set(one.server, { ...known, ...one });
  }
  return { ...facts, apiServers: [...servers.values()] };
}

/** For the header: provider and network plugin. */
const ALWAYS: readonly Query[] = [
  { kind: 'Namespace', as: 'objects', for: 'the overview' },
  { kind: 'Node', as: 'objects', for: 'the provider' },
  { kind: 'DaemonSet', as: 'objects', for: 'the network plugin' },
];

/** One query for each kind; whole objects win over names. */
function distinct(queries: readonly Query[]): Query[] {
  const byKey = new Map<string, Query>();
  for (const query of queries) {
    const key = 'probe' in query ? `probe ${query.probe}` : query.kind;
    const known = byKey.get(key);
    if (known === undefined || ('as' in query && query.as === 'objects')) byKey.set(key, query);
  }
  return [...byKey.values()];
}
