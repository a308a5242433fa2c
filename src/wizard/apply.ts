import { KINDS, type KindName, kindOf } from '../model/kinds.js';
import { type Manifest, refText } from '../model/manifest.js';
import type { ApplyChange, Basis, Change, DeleteChange, RewriteChange } from '../model/plan.js';
import { judge, missedOf } from '../model/rewrite.js';
import { declares } from '../model/rights.js';
import { isOursAlone } from '../model/undo.js';
import { heldIn } from './contents.js';
import { type Cluster, ClusterError, type Host, type Journal, type RewriteProgress } from './ports.js';
import { carryOutRewrite, failuresText, meansText, outcomeText, seenWith } from './rewrite.js';
import { settle } from './settle.js';
import type { Done, StepState } from './state.js';
import { whyWarned } from './unwarned.js';

export interface ApplyPorts {
  cluster: Cluster;
  host: Host;
  journal: Journal;
}

export interface ApplyListener {
  applying(change: string): void;
  rewriting(progress: RewriteProgress): void;
  done(done: Done): void;
}

/** `lost`: the server does not answer, no longer knows us or took a right away; going on would only fail again. */
export type ApplyEnd =
  | { end: 'applied' }
  | { end: 'interrupted' }
  | { end: 'stale'; objects: readonly string[] }
  | { end: 'lost'; reason: string };

/**
 * Makes confirmed changes in their order. First every object is read again: if one has moved since the plan, nothing is
 * written. Each change is journaled before and after. A lost server ends it all, and so does a right that was there when
 * it was confirmed and is gone. Any other failure holds back what depends on it: the later changes of the same namespace,
 * and the re-write of Secrets where the configuration on a node is not in place.
 */
export async function applyChanges(
  ports: ApplyPorts,
  step: StepState,
  changes: readonly Change[],
  signal: AbortSignal,
  listener: ApplyListener,
): Promise<ApplyEnd> {
  const stale = [
    ...(await movedSince(ports.cluster, step.plan.basis, changes)),
    ...(await unserved(ports.cluster, changes)),
  ];
  if (stale.length > 0) return { end: 'stale', objects: stale };
  // What failed or was left: by the scope that it holds back, and by the id that later changes may require.
  const held = new Map<string, string>();
  for (const change of changes) {
    if (signal.aborted) return { end: 'interrupted' };
    const scope = scopeOf(change);
    const blocker = [scope, ...(change.requires ?? [])]
      .map((key) => held.get(key))
      .find((name) => name !== undefined);
    let done: Done;
    try {
      done =
        blocker === undefined
          ? await applyOne(ports, step, change, signal, listener)
          : heldBack(change, blocker);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      await ports.journal.append({
        type: 'failed',
        step: step.step.id,
        change: change.id,
        reason: error.message,
      });
      return { end: 'lost', reason: error.message };
    }
    if (done.outcome !== 'applied' && done.outcome !== 'interrupted') {
      const name = blocker ?? refText(change.ref);
      held.set(change.id, name);
      if (!held.has(scope)) held.set(scope, name);
      const type = done.outcome === 'failed' ? 'failed' : 'left';
      await ports.journal.append({ type, step: step.step.id, change: change.id, reason: done.message });
    }
    listener.done(done);
    if (done.outcome === 'interrupted') return { end: 'interrupted' };
  }
  return { end: 'applied' };
}

function isLost({ reason }: ClusterError): boolean {
  return reason === 'unreachable' || reason === 'unauthorized' || reason === 'forbidden';
}

/** What must not go on once a change of it has failed. */
function scopeOf(change: Change): string {
  if (change.kind === 'host' || change.kind === 'rewrite') return 'encryption';
  if (change.kind === 'cloud') return change.id;
  return change.ref.namespace ?? (change.ref.kind === 'Namespace' ? change.ref.name : change.id);
}

/** Files for a node are not left ahead of time: a later round is planned from what API servers have by then. */
function heldBack(change: Change, blocker: string): Done {
  const then = change.kind === 'host' ? '; its files are written when that is done' : '';
  return { change: change.id, outcome: 'left', message: `waits for ${blocker}${then}` };
}

/** The objects that are no longer as they were when the plan was made, as text. */
async function movedSince(
  cluster: Cluster,
  basis: readonly Basis[],
  changes: readonly Change[],
): Promise<string[]> {
  const wanted = new Set(changes.map((c) => refText(c.ref)));
  const entries = basis.filter((entry) => wanted.has(refText(entry.ref)));
  const moved: string[] = [];
  let at = 0;
  const worker = async () => {
    while (at < entries.length) {
      const entry = entries[at++];
      if (entry === undefined) continue;
      const live = await cluster.get(entry.ref);
      const same =
        entry.uid === undefined
          ? live === undefined
          : live?.metadata.uid === entry.uid && live.metadata.resourceVersion === entry.resourceVersion;
      if (!same) moved.push(refText(entry.ref));
    }
  };
  await Promise.all(Array.from({ length: Math.min(8, entries.length) }, worker));
  return moved.sort();
}

/**
 * Kinds for the whole cluster that the server served when the plan was made and serves no more: a definition of them was
 * removed. Asked before anything is written, so that of several objects that belong together not the first alone is.
 */
async function unserved(cluster: Cluster, changes: readonly Change[]): Promise<string[]> {
  const wanted = changes.filter(({ kind, ref }) => kind === 'apply' && ref.namespace === undefined);
  const custom = (Object.keys(KINDS) as KindName[]).filter(
    (name) => name !== 'Namespace' && wanted.some(({ ref }) => kindOf(ref) === KINDS[name]),
  );
  if (custom.length === 0) return [];
  const { listings } = await cluster.read(
    custom.map((kind) => ({ kind, as: 'names', for: 'whether it can be written still' })),
  );
  return custom
    .filter((kind) => listings.get(kind)?.state === 'absent')
    .map((kind) => `${KINDS[kind].kind} (the server serves it no more)`);
}

async function applyOne(
  ports: ApplyPorts,
  step: StepState,
  change: Change,
  signal: AbortSignal,
  listener: ApplyListener,
): Promise<Done> {
  listener.applying(change.id);
  const refusal = step.checked.find((c) => c.change === change.id && c.check.by === 'refusal');
  if (refusal?.check.by === 'refusal')
    return { change: change.id, outcome: 'failed', message: refusal.check.reason };
  if (!declares(step.step, change))
    return { change: change.id, outcome: 'failed', message: `${step.step.id} does not write such objects` };
  try {
    switch (change.kind) {
      case 'apply':
        return await applyObject(ports, step.step.id, change, signal);
      case 'delete':
        return await deleteObject(ports, step.step.id, change);
      case 'host': {
        const turnsOn = change.encryption?.turnsOn === true ? { turnsOn: true as const } : {};
        await ports.journal.append({ type: 'applying', step: step.step.id, change: change.id, ...turnsOn });
        const outcome = await ports.host.apply(change);
        if (outcome.state === 'left') return { change: change.id, outcome: 'left', message: outcome.reason };
        await ports.journal.append({ type: 'applied', step: step.step.id, change: change.id });
        return { change: change.id, outcome: 'applied', message: outcome.evidence };
      }
      case 'cloud':
        return {
          change: change.id,
          outcome: 'left',
          message: `run it with the provider: ${change.command.join(' ')}`,
        };
      case 'rewrite':
        return await rewrite(ports, step.step.id, change, signal, listener);
    }
  } catch (error) {
    if (!(error instanceof ClusterError) || isLost(error)) throw error;
    // Steps plan on what earlier steps leave behind, and nobody has to apply those first.
    if (error.reason === 'notFound' && change.kind === 'apply' && change.ref.namespace !== undefined) {
      const message = `namespace ${change.ref.namespace} does not exist yet: an earlier step creates it`;
      return { change: change.id, outcome: 'left', message };
    }
    return { change: change.id, outcome: 'failed', message: error.message };
  }
}

async function applyObject(
  { cluster, journal }: ApplyPorts,
  step: string,
  change: ApplyChange,
  signal: AbortSignal,
): Promise<Done> {
  const live = await cluster.get(change.ref);
  // Server-side apply has no way to say "only create": what somebody else made since then would be merged into.
  if (change.before === undefined && live !== undefined) {
    const message = 'somebody created it meanwhile; it was left as it is and is part of the next plan';
    return { change: change.id, outcome: 'stale', message };
  }
  const unseen = await unseenNamespaces(cluster, change);
  if (unseen !== undefined) return { change: change.id, outcome: 'stale', message: unseen };
  if (change.unwarned !== undefined) {
    // What runs may have changed since it was looked at.
    const { warnings } = await cluster.apply(change.manifest, { dryRun: true, force: change.force === true });
    const warned = await whyWarned(cluster, change.unwarned.canary, warnings);
    if (warned !== undefined) return { change: change.id, outcome: 'left', message: warned };
  }
  const before = live === undefined ? {} : { before: await journal.keep(live) };
  await journal.append({ type: 'applying', step, change: change.id, ...before });
  const { object, created } = await cluster.apply(preconditioned(change), { force: change.force === true });
  const { uid, resourceVersion } = object.metadata;
  // Whether it was there in that moment: an answer that was lost and asked for again looks alike, but is ours alone.
  const shared = live === undefined && !created && !isOursAlone(object);
  await journal.append({
    type: 'applied',
    step,
    change: change.id,
    created,
    ...(shared ? { shared } : {}),
    after: await journal.keep(object),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  });
  if (shared) {
    const message =
      'somebody created it in that moment, and what was planned is now part of theirs: compare it';
    return { change: change.id, outcome: 'failed', message };
  }
  const after = await settle(cluster, change, object, signal);
  if (!after.holds) return { change: change.id, outcome: 'failed', message: after.message };
  const message = [created ? 'created' : 'changed', after.message].filter((part) => part !== undefined);
  return { change: change.id, outcome: 'applied', message: message.join('; ') };
}

/** Why a change that acts on every namespace that it does not name is not written: it would act on one that nobody saw. */
async function unseenNamespaces(cluster: Cluster, change: ApplyChange): Promise<string | undefined> {
  if (change.namespaces === undefined) return undefined;
  const query = { kind: 'Namespace', as: 'names', for: 'namespaces created meanwhile' } as const;
  const listing = (await cluster.read([query])).listings.get('Namespace');
  if (listing?.state !== 'read')
    return `whether namespaces were created meanwhile cannot be seen: ${listing?.reason ?? 'they were not read'}`;
  const known = new Set(change.namespaces);
  const created = listing.items.map(({ metadata }) => metadata.name).filter((name) => !known.has(name));
  return created.length === 0
    ? undefined
    : `Namespace ${created.sort().join(', ')} was created meanwhile and would be closed unseen; it is part of the next plan`;
}

/**
 * The same object with uid and resourceVersion of the plan: the server refuses it if it moved in this moment, and without
 * the uid it would make one anew that was removed.
 */
function preconditioned({ manifest, before }: ApplyChange): Manifest {
  const { uid, resourceVersion } = before?.metadata ?? {};
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}

async function deleteObject(
  { cluster, journal }: ApplyPorts,
  step: string,
  change: DeleteChange,
): Promise<Done> {
  const live = await cluster.get(change.ref);
  if (change.onlyIfEmpty === true) {
    const held = heldIn(change.ref.name, await cluster.contents(change.ref.name));
    if (held !== undefined) return { change: change.id, outcome: 'left', message: held };
  }
  const before = live === undefined ? {} : { before: await journal.keep(live) };
  await journal.append({ type: 'applying', step, change: change.id, ...before });
  const { uid, resourceVersion } = change.before.metadata;
  const existed = await cluster.delete(change.ref, {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  });
  await journal.append({ type: 'applied', step, change: change.id });
  return { change: change.id, outcome: 'applied', message: existed ? 'removed' : 'was gone already' };
}

async function rewrite(
  { cluster, journal, host }: ApplyPorts,
  step: string,
  change: RewriteChange,
  signal: AbortSignal,
  listener: ApplyListener,
): Promise<Done> {
  const outcome = await carryOutRewrite(
    {
      cluster,
      journal,
      ...(host.stored === undefined ? {} : { etcdCounts: (resource) => host.stored?.(resource) ?? '' }),
    },
    {
      step,
      change: change.id,
      resources: [change.resource],
      evenIfUntried: change.evenIfUntried === true,
      ...(change.under === undefined ? {} : { under: change.under }),
      prove: true,
    },
    signal,
    { progress: (progress) => listener.rewriting(progress) },
  );
  if (outcome.end === 'closed')
    return { change: change.id, outcome: 'left', message: seenWith(outcome.reason, outcome.evidence) };
  const { done } = outcome;
  const { evidence, proof } = done;
  const message = seenWith(outcomeText(done), evidence);
  const id = { change: change.id, ...(done.agreed === undefined ? {} : { agreed: done.agreed }) };
  if (outcome.end === 'interrupted') return { ...id, outcome: 'interrupted', message };
  if (done.result.failures.length > 0) {
    const failed = `${outcomeText(done)}\n${failuresText(done.result.failures, 5).join('; ')}`;
    return { ...id, outcome: 'failed', message: seenWith(failed, evidence) };
  }
  // What comes after it takes keys away: without the proof it must not.
  if (change.mustBeProven === true && (proof === undefined || judge(proof) !== 'proven'))
    return {
      ...id,
      outcome: 'failed',
      message: `${message}\nNot every value is proven to be in its new form, so no key is taken away: run this again, or look into etcd.`,
    };
  if (proof !== undefined && missedOf(proof) > 0) return { ...id, outcome: 'failed', message };
  const seen = [...evidence, ...(proof?.means ?? []).map(meansText)];
  await journal.append({ type: 'applied', step, change: change.id, evidence: seen });
  return { ...id, outcome: 'applied', message };
}
