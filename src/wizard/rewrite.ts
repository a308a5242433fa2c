import { type Reached, reachedIn } from '../model/journal.js';
import { type Ref, refText } from '../model/manifest.js';
import { judge, missedOf, type ProofMeans, type RewriteProof, type StoredCounts } from '../model/rewrite.js';
import {
  type Cluster,
  ClusterError,
  type Journal,
  type RewriteFailure,
  type RewriteProgress,
  type RewriteResult,
} from './ports.js';

/** What a re-write is carried out with. */
export interface RewritePorts {
  cluster: Cluster;
  journal: Journal;
  /** How etcd itself keeps the objects of a resource, by prefix, or in words why that cannot be seen. */
  etcdCounts?(resource: string): Promise<StoredCounts | string> | string;
}

export interface RewriteRequest {
  step: string;
  /** Id of the change in the journal. */
  change: string;
  /** `secrets`, `configmaps`, `widgets.example.com`. */
  resources: readonly string[];
  /** Go on although some API servers could not be tried from here. */
  evenIfUntried: boolean;
  /** What API servers have to write under; empty: plain text. Left out: any key. */
  under?: string;
  /** Look afterwards how objects are stored; without it the proof has the counters only. */
  prove: boolean;
  maxRate?: number;
  concurrency?: number;
}

/** `closed`: the gate refused, nothing was re-written. */
export type RewriteOutcome =
  | { end: 'closed'; reason: string; untried?: readonly string[]; evidence: readonly string[] }
  | { end: 'interrupted' | 'ended'; done: RewriteDone };

/** What a re-write did, earlier parts of the run included. */
export interface RewriteDone {
  result: Omit<RewriteResult, 'interrupted' | 'metrics' | 'reached'>;
  proof: RewriteProof | undefined;
  /** What the gate saw, could not try, and left behind. */
  evidence: readonly string[];
  /** Every API server there is, where the gate tried each; undefined where it went on without some. */
  agreed: readonly string[] | undefined;
  /** Whether it went on behind the place that an earlier part had come to. */
  resumed: boolean;
}

export interface RewriteListener {
  progress(progress: RewriteProgress): void;
  /** The pass is over, and how objects are stored is being looked at. */
  proving?(): void;
}

/**
 * Gate, re-write, proof. How far it is done is journaled about once a second, so that a run that was killed goes on there:
 * what was in hand is re-written again, which changes nothing. It goes on only where the API server still writes the same
 * form; otherwise it begins anew.
 * @throws ClusterError where nothing more could succeed, with what the gate saw
 */
export async function carryOutRewrite(
  { cluster, journal, etcdCounts }: RewritePorts,
  request: RewriteRequest,
  signal: AbortSignal,
  listener: RewriteListener,
): Promise<RewriteOutcome> {
  const { step, change, resources, prove } = request;
  const before = await journal.entries();
  await journal.append({ type: 'applying', step, change });
  const gate = await cluster.gate({
    resources,
    ...(request.evenIfUntried ? { evenIfUntried: true } : {}),
    ...(request.under === undefined ? {} : { under: request.under }),
  });
  const { evidence } = gate;
  if (!gate.open) {
    const { reason, untried } = gate;
    return { end: 'closed', reason, evidence, ...(untried === undefined ? {} : { untried }) };
  }
  const reached = reachedIn(before, step, change, gate.writes);
  const pace = {
    ...(request.maxRate === undefined ? {} : { maxRate: request.maxRate }),
    ...(request.concurrency === undefined ? {} : { concurrency: request.concurrency }),
  };
  try {
    const {
      interrupted,
      metrics,
      reached: all,
      ...result
    } = await cluster.rewrite({
      signal,
      resources,
      ...pace,
      ...(reached === undefined ? {} : { from: reached }),
      onProgress: listener.progress,
      onCheckpoint: ({ place, counts, failures }) =>
        journal.append({ type: 'rewriting', step, change, writes: gate.writes, place, counts, failures }),
    });
    const failures = [...(reached?.failures ?? []), ...result.failures];
    const done = {
      result: { ...result, failures },
      proof: undefined,
      evidence,
      agreed: gate.untried.length === 0 ? gate.servers : undefined,
      resumed: reached !== undefined,
    };
    if (interrupted) return { end: 'interrupted', done };
    const { rewritten, unchanged, gone, refused } = result;
    // From here on a resumed run begins anew: it tries again what was refused.
    const counts = { rewritten, unchanged, gone, refused };
    await journal.append({ type: 'rewritten', step, change, writes: gate.writes, counts });
    if (prove) listener.proving?.();
    const byCount = all === undefined ? [] : [all];
    const seen = prove ? await cluster.proveRewrite({ signal, resources, ...pace }) : byCount;
    const etcd = await etcdMeans(resources, etcdCounts, rewritten + unchanged);
    const means = [metricsMeans(metrics, reached), ...seen, etcd];
    const proof = { objects: counted(means), stale: rewritten, writes: gate.writes, means };
    return { end: 'ended', done: { ...done, proof } };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new ClusterError(error.reason, seenWith(error.message, evidence));
  }
}

/** A text with what the gate saw: what was not tried, or was left behind, is told however it ends. */
export function seenWith(text: string, evidence: readonly string[]): string {
  return evidence.length === 0 ? text : `${text}\nSeen: ${evidence.join('; ')}.`;
}

/** The outcome in a line or two, as the result of a change. */
export function outcomeText({ result, proof }: RewriteDone): string {
  const { rewritten, unchanged, gone, refused } = result;
  const counts = `re-written ${rewritten}, already ${unchanged}, gone meanwhile ${gone}, refused ${refused}`;
  if (proof === undefined) return counts;
  return `${counts}\n${verdictText(proof)}: ${proof.means.map(meansText).join('; ')}`;
}

/** What a proof comes to, in words. */
export function verdictText(proof: RewriteProof): string {
  switch (judge(proof)) {
    case 'proven':
      return 'Proven';
    case 'contradicted':
      return missedOf(proof) > 0
        ? 'Not proven, some were not reached'
        : 'Not proven, some are stored in another form';
    case 'unproven':
      return 'Not proven';
  }
}

/** One means of a proof in words. */
export function meansText({ means, used, words }: ProofMeans): string {
  return used ? words : `${NAMES[means]} not available: ${words}`;
}

const NAMES: Readonly<Record<ProofMeans['means'], string>> = {
  metrics: 'counters of writes',
  readAudit: 'read audit',
  finalPass: 'final pass',
  count: 'count over all namespaces',
  etcd: 'etcd itself',
};

/** Failures by name, at most so many. */
export function failuresText(failures: readonly RewriteFailure[], most: number): string[] {
  const named = failures.slice(0, most).map(({ ref, reason }) => `${shortName(ref)}: ${reason}`);
  return failures.length > most ? [...named, `and ${failures.length - most} more`] : named;
}

function shortName(ref: Ref): string {
  return ref.kind === 'Secret' ? `${ref.namespace}/${ref.name}` : refText(ref);
}

/** Counters tell of this part of the run only. */
function metricsMeans(metrics: ProofMeans, reached: Reached | undefined): ProofMeans {
  if (!metrics.used || reached === undefined) return metrics;
  return { ...metrics, words: `${metrics.words}, since the run was resumed` };
}

async function etcdMeans(
  resources: readonly string[],
  etcdCounts: RewritePorts['etcdCounts'],
  known: number,
): Promise<ProofMeans> {
  const unused = (words: string): ProofMeans => ({ means: 'etcd', used: false, words });
  if (etcdCounts === undefined)
    return unused('only from a control-plane node, with the certificates of etcd');
  const stored: Record<string, number> = {};
  for (const resource of resources) {
    const counts = await etcdCounts(resource);
    if (typeof counts === 'string') return unused(counts);
    for (const [prefix, count] of Object.entries(counts)) stored[prefix] = (stored[prefix] ?? 0) + count;
  }
  const all = Object.values(stored).reduce((sum, count) => sum + count, 0);
  // Nothing at all is what a wrong place looks like, and would prove anything.
  if (all === 0 && known > 0) return unused('it shows none of them where they should be');
  const forms = Object.entries(stored).map(
    ([prefix, count]) =>
      `${count.toLocaleString('en-US')} ${prefix === '' ? 'in plain text' : `as ${prefix}`}`,
  );
  return { means: 'etcd', used: true, stored, words: `etcd itself holds ${forms.join(', ') || 'none'}` };
}

function counted(means: readonly ProofMeans[]): number | undefined {
  const stored = means.map((one) => (one.used ? one.stored : undefined)).findLast((s) => s !== undefined);
  return stored === undefined ? undefined : Object.values(stored).reduce((sum, count) => sum + count, 0);
}
