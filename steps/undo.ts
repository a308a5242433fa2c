import type { Finding } from '../src/model/finding.js';
import { KINDS, type KindName, kindOf } from '../src/model/kinds.js';
import { type Ref, refText } from '../src/model/manifest.js';
import { labelledOurs } from '../src/model/ours.js';
import type { ApplyChange, Change, DeleteChange } from '../src/model/plan.js';
import { type Answers, chosen, type Question } from '../src/model/question.js';
import type { Uses, Write } from '../src/model/rights.js';
import type { Risk } from '../src/model/risk.js';
import type { Query, Snapshot } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import type { DeedWithImages } from '../src/model/undo.js';
import { FLAVOURS } from './default-deny/guard-flavours.js';
import { flavourOf, GUARD, includes } from './default-deny/guard-live.js';
import { SHAPES } from './default-deny/guard-shapes.js';
import { previewOf } from './default-deny/preview.js';
import { READS } from './default-deny/reads.js';
import {
  DECRYPT_ASKS,
  DECRYPT_READS,
  DECRYPT_WRITES,
  decryptFindings,
  decryptPlan,
  decryptQuestions,
  isEncryption,
  turnedOn,
} from './undo/encryption.js';
import { type Verdict, verdictOn } from './undo/verdict.js';

/**
 * The undoing of a run as a step: what the run created is removed, what it changed gets back the fields that it wrote,
 * newest first. What somebody changed since is taken back only where an answer says so. Encryption that it turned on is
 * taken off in rounds back to plain text, last of all.
 * @param deeds newest first
 */
export function undoStep(run: string, deeds: readonly DeedWithImages[]): Step {
  // Turning encryption on is taken back as a whole, and not round by round.
  const decrypts = turnedOn(deeds);
  const ordered = closingFirst(decrypts ? deeds.filter((deed) => !isEncryption(deed)) : deeds);
  const verdicts = (now: Snapshot) => ordered.map((deed) => ({ deed, verdict: verdictOn(now, deed) }));
  const uses = usesOfKinds(kindsOf(deeds));
  return {
    id: 'undo',
    title: `Undo of run ${run}`,
    why: [
      'What the run created is removed; what it changed gets back the fields that it wrote.',
      'Everything else stays as it is, with what others changed since.',
    ],
    references: [],
    folder: 'undo',
    takesBack: true,
    asks: ['changedSince', ...(decrypts ? DECRYPT_ASKS : [])],
    reads: [...uses.reads, ...(decrypts ? DECRYPT_READS : [])],
    writes: [...uses.writes, ...(decrypts ? DECRYPT_WRITES : [])],
    questions: (now, given) => [
      ...questions(verdicts(now)),
      ...(decrypts ? decryptQuestions(now, given) : []),
    ],
    assess: (now, answers) => [
      ...verdicts(now).flatMap((one) => findings(one, answers)),
      ...(decrypts ? decryptFindings(now, answers) : []),
    ],
    plan: (now, answers, templates) => [
      ...plan(verdicts(now), answers),
      ...(decrypts ? decryptPlan(now, answers, templates) : []),
    ],
    preview: previewOf,
  };
}

interface Judged {
  deed: DeedWithImages;
  verdict: Verdict;
}

/**
 * The guard of new namespaces goes before all: while it is there, a namespace that loses its policies is closed by it.
 * Within a namespace what closes it for every pod goes before what allows, and policies of Cilium, which only allow, go
 * last: a run that was resumed may have written an allow after the deny, and without it the deny would cut.
 */
function closingFirst(deeds: readonly DeedWithImages[]): readonly DeedWithImages[] {
  const closes = ({ ref, after }: DeedWithImages) => {
    const selector = (after?.spec as { podSelector?: object } | undefined)?.podSelector;
    return ref.kind === 'NetworkPolicy' && selector !== undefined && Object.keys(selector).length === 0;
  };
  const order = (deed: DeedWithImages) =>
    isGuard(deed) ? -1 : closes(deed) ? 0 : deed.ref.kind === 'CiliumNetworkPolicy' ? 2 : 1;
  return deeds.toSorted((a, b) => order(a) - order(b));
}

/** Other steps write policies of the same kinds: the label tells a guard. */
function isGuard({ ref, after, before }: DeedWithImages): boolean {
  const image = after ?? before;
  return flavourOf(ref) !== undefined && (image === undefined || labelledOurs(image, GUARD));
}

/** Whether a deed is a guard that decides about a namespace once its policies are gone. */
function guards(deed: DeedWithImages, { namespace }: Ref): boolean {
  const flavour = flavourOf(deed.ref);
  if (flavour === undefined || namespace === undefined || !isGuard(deed)) return false;
  return includes({ excluded: SHAPES[flavour.id].excluded(deed.after?.spec) ?? [] }, namespace);
}

/** The kinds of what the run wrote. */
function kindsOf(deeds: readonly DeedWithImages[]): readonly KindName[] {
  const kinds = new Set(deeds.map(({ ref }) => kindOf(ref)));
  return (Object.keys(KINDS) as KindName[]).filter((name) => name !== 'Secret' && kinds.has(KINDS[name]));
}

/** What taking back objects of these kinds reads and writes. */
function usesOfKinds(kinds: readonly KindName[]): Uses {
  return {
    reads: [...READS, ...kinds.map((kind): Query => ({ kind, as: 'objects', for: 'what the run wrote' }))],
    writes: kinds.flatMap((kind): Write[] => [
      { kind, by: 'delete', for: 'the removal of what the run created' },
      { kind, by: 'apply', for: 'the fields that the run changed' },
    ]),
  };
}

/** What the undo of a run with such writes needs. A re-write is not undone by it. */
export function undoUses(writes: readonly Write[]): Uses {
  return usesOfKinds([...new Set(writes.flatMap((write) => ('kind' in write ? [write.kind] : [])))]);
}

function questions(judged: readonly Judged[]): readonly Question[] {
  const since = judged.filter(({ verdict }) => verdict.is === 'changedSince');
  if (since.length === 0) return [];
  return [
    {
      id: 'changedSince',
      type: 'choices',
      message: 'Somebody changed these since. Which are taken back all the same?',
      help: 'What they changed is lost where it concerns what the run wrote; an object that the run created goes as a whole.',
      risk: 'none',
      choices: since.map(({ deed, verdict }) => ({
        value: deed.change,
        label: refText(deed.ref),
        note: verdict.is === 'changedSince' ? verdict.how : '',
      })),
      recommended: [],
      cautious: [],
    },
  ];
}

/** What taking back an object of a kind can do. */
const RISKS: Readonly<Record<string, Risk>> = {
  LimitRange: 'rejectsWorkloads',
  ResourceQuota: 'rejectsWorkloads',
  NetworkPolicy: 'cutsTraffic',
  CiliumNetworkPolicy: 'cutsTraffic',
  AdminNetworkPolicy: 'cutsTraffic',
  ...Object.fromEntries(FLAVOURS.map(({ kind }) => [KINDS[kind].kind, 'cutsTraffic' as const])),
};

function plan(judged: readonly Judged[], answers: Answers): readonly Change[] {
  const anyway = new Set(chosen(answers, 'changedSince'));
  const changes: Change[] = [];
  const guarding: DeedWithImages[] = [];
  for (const { deed, verdict } of judged) {
    const act =
      verdict.is === 'act'
        ? verdict.act
        : verdict.is === 'changedSince' && anyway.has(deed.change)
          ? verdict.act
          : undefined;
    if (act === undefined) continue;
    const id = idOf(deed.ref);
    const newer = [
      ...changes.filter((one) => within(one.ref, deed.ref)).map((one) => one.id),
      ...guarding
        .filter((guard) => isPolicy(deed.ref) && guards(guard, deed.ref))
        .map(({ ref }) => idOf(ref)),
    ];
    if (isGuard(deed)) guarding.push(deed);
    const common = {
      id,
      ref: deed.ref,
      why: `The run ${deed.created ? 'created' : deed.kind === 'delete' ? 'removed' : 'changed'} it.`,
      breaks: verdict.is === 'changedSince' ? [`Changed since by somebody: ${verdict.how}.`] : act.breaks,
      ...(newer.length === 0 ? {} : { requires: newer }),
    };
    changes.push(
      act.do === 'remove'
        ? ({
            ...common,
            kind: 'delete',
            risk: 'none',
            before: act.live,
            ...(deed.ref.kind === 'Namespace' ? { onlyIfEmpty: true } : {}),
          } satisfies DeleteChange)
        : ({
            ...common,
            kind: 'apply',
            risk: RISKS[deed.ref.kind] ?? 'none',
            manifest: act.manifest,
            ...(act.live === undefined ? {} : { before: act.live }),
          } satisfies ApplyChange),
    );
  }
  return changes;
}

function idOf({ kind, namespace, name }: Ref): string {
  return `undo/${namespace ?? '-'}/${kind}/${name}`;
}

/** What was written later in the same namespace is taken back earlier: what is left out keeps what came before it. */
function within(newer: Ref, older: Ref): boolean {
  if (older.kind === 'Namespace') return newer.namespace === older.name;
  const together = newer.kind === older.kind || (isPolicy(newer) && isPolicy(older));
  return newer.namespace !== undefined && newer.namespace === older.namespace && together;
}

function isPolicy({ kind }: Ref): boolean {
  return kind === 'NetworkPolicy' || kind === 'CiliumNetworkPolicy';
}

function findings({ deed, verdict }: Judged, answers: Answers): readonly Finding[] {
  const found = (id: string, severity: Finding['severity'], message: string): Finding[] => [
    { id, severity, object: deed.ref, evidence: `change ${deed.change} of the run`, message },
  ];
  switch (verdict.is) {
    case 'changedSince':
      return chosen(answers, 'changedSince').includes(deed.change)
        ? []
        : found('changed-since', 'medium', `It is left as it is: ${verdict.how}.`);
    case 'notOurs':
      return found('not-undone', verdict.severity, verdict.why);
    default:
      return [];
  }
}
