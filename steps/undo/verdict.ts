import { KINDS, type KindName, kindOf } from '../../src/model/kinds.js';
import { type FieldSet, projected } from '../../src/model/managed-fields.js';
import { type Manifest, refOf, sameRef } from '../../src/model/manifest.js';
import { notVisibleReason, objects, type Snapshot } from '../../src/model/snapshot.js';
import type { DeedWithImages } from '../../src/model/undo.js';
import { ownedAround, sameContent, sameIn } from './fields.js';

/** How one deed is taken back. `live`: the object as it is now. */
export type Act =
  | { do: 'remove'; live: Manifest; breaks: readonly string[] }
  | { do: 'write'; manifest: Manifest; live: Manifest | undefined; breaks: readonly string[] };

/** What becomes of one deed. */
export type Verdict =
  /** Nothing is left of it. */
  | { is: 'undone' }
  | { is: 'act'; act: Act }
  /** Somebody changed what the run wrote; `how` says so in words. */
  | { is: 'changedSince'; how: string; act: Act }
  /** It cannot be taken back from here, or is not the run's any more. */
  | { is: 'notOurs'; severity: 'info' | 'medium' | 'notVisible'; why: string };

/** Judges a deed against the cluster as it is now. */
export function verdictOn(now: Snapshot, deed: DeedWithImages): Verdict {
  if (deed.kind !== 'apply' && deed.kind !== 'delete') return beyondTheApi(deed);
  const hidden = whyHidden(now, deed);
  if (hidden !== undefined)
    return {
      is: 'notOurs',
      severity: 'notVisible',
      why: `Whether it is still as the run left it cannot be seen: ${hidden}.`,
    };
  const live = liveOf(now, deed);
  if (deed.kind === 'delete') return onRemoved(deed, live);
  if (deed.shared === true && live !== undefined)
    return {
      is: 'notOurs',
      severity: 'medium',
      why: 'Somebody created it in the moment in which the run wrote it: compare it by hand.',
    };
  return deed.created ? onCreated(deed, live) : onChanged(deed, live);
}

/** Kinds of changes that leave traces which no object of the API holds. */
const BEYOND: Readonly<Record<string, string>> = {
  rewrite:
    'Re-written Secrets stay as they are stored: they go back to plain text only by the decrypt rounds of the step encryption-at-rest.',
  host: 'Configurations on control-plane nodes are never put back: a key that is taken away makes Secrets unreadable. The run did not turn encryption on: lead it on with the step encryption-at-rest, to another key, another provider or plain text.',
  cloud: 'A command of the provider cannot be taken back from here.',
};

function beyondTheApi({ kind }: DeedWithImages): Verdict {
  return { is: 'notOurs', severity: 'medium', why: BEYOND[kind] ?? 'It cannot be taken back from here.' };
}

function kindNameOf(deed: DeedWithImages): KindName | undefined {
  const kind = kindOf(deed.ref);
  return (Object.keys(KINDS) as KindName[]).find((name) => KINDS[name] === kind);
}

function whyHidden(now: Snapshot, deed: DeedWithImages): string | undefined {
  const name = kindNameOf(deed);
  return name === undefined ? 'this version does not know its kind' : notVisibleReason(now, name);
}

function liveOf(now: Snapshot, deed: DeedWithImages): Manifest | undefined {
  const name = kindNameOf(deed);
  const found = name && objects(now, name).find((object) => sameRef(refOf(object), deed.ref));
  // What is on its way out counts as gone.
  return found === undefined || found.metadata.deletionTimestamp !== undefined ? undefined : found;
}

function onRemoved({ before }: DeedWithImages, live: Manifest | undefined): Verdict {
  if (before === undefined || live !== undefined) return { is: 'undone' };
  return {
    is: 'act',
    act: { do: 'write', manifest: anew(before), live: undefined, breaks: ['It gets a new uid.'] },
  };
}

function onCreated({ after, unheard }: DeedWithImages, live: Manifest | undefined): Verdict {
  if (live === undefined) return { is: 'undone' };
  const act: Act = { do: 'remove', live, breaks: breaksOfRemoving(live) };
  if (after === undefined || unheard)
    return { is: 'changedSince', how: 'the run died while it wrote it, so how it left it is not known', act };
  if (live.metadata.uid !== after.metadata.uid)
    return {
      is: 'notOurs',
      severity: 'info',
      why: 'Another object has this name now: somebody removed that of the run and made their own.',
    };
  // What others add to a namespace's labels is no reason to keep it: what it holds is.
  const same =
    live.kind === 'Namespace' ? sameIn(ownedAround(undefined, after), live, after) : sameContent(live, after);
  return same ? { is: 'act', act } : { is: 'changedSince', how: 'it is not as the run created it', act };
}

function onChanged({ before, after, unheard }: DeedWithImages, live: Manifest | undefined): Verdict {
  if (before === undefined) return { is: 'undone' };
  if (live === undefined || live.metadata.uid !== before.metadata.uid)
    return { is: 'notOurs', severity: 'info', why: 'It is gone, or another object has its name now.' };
  if (after === undefined || unheard)
    return sameContent(live, before)
      ? { is: 'undone' }
      : {
          is: 'notOurs',
          severity: 'medium',
          why: 'The run died while it wrote this, so what is its own in it is not known: compare it by hand.',
        };
  const fields: FieldSet = ownedAround(before, after);
  if (sameIn(fields, live, before)) return { is: 'undone' };
  const act: Act = { do: 'write', manifest: projected(before, fields), live, breaks: [] };
  return sameIn(fields, live, after)
    ? { is: 'act', act }
    : { is: 'changedSince', how: 'fields that the run wrote hold other values now', act };
}

function breaksOfRemoving({ kind }: Manifest): readonly string[] {
  return kind === 'Namespace'
    ? ['It goes only if it holds nothing but what Kubernetes puts into every namespace.']
    : [];
}

/** An object as it was, to be created again. */
function anew(before: Manifest): Manifest {
  const { status: _status, metadata, ...rest } = before;
  const { name, namespace, labels, annotations } = metadata;
  return {
    ...rest,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
