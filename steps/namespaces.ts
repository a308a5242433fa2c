import type { Finding } from '../src/model/finding.js';
import { at, type Manifest, refOf, refText } from '../src/model/manifest.js';
import { BUILT_IN, excluded, namespaceKind } from '../src/model/namespaces.js';
import { hasOwner, namespaceNameFor, ownerOf } from '../src/model/owners.js';
import type { Change } from '../src/model/plan.js';
import { type Answers, chosen, type Question } from '../src/model/question.js';
import { objects, type Snapshot, visible } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import { userSigns } from '../src/model/system-workloads.js';
import { type Templates, template } from '../src/model/template.js';
import { counted } from '../src/model/words.js';
import { hidden, WORKLOAD_KINDS, type Workload, workloadsIn } from '../src/model/workloads.js';
import { tables } from './namespaces/inventory.js';
import { leftAlone } from './namespaces/left-alone.js';
import { MIGRATION_WRITES, movable } from './namespaces/migration/migration.js';
import {
  MIGRATION_ASKS,
  migrationChanges,
  migrationFindings,
  migrationQuestions,
  migrationStepFiles,
  migrationTarget,
} from './namespaces/migration/step.js';
import {
  ownerKeys,
  PROPOSAL_ASKS,
  PROPOSAL_WRITES,
  proposalChanges,
  proposalQuestions,
  purposeOfAll,
} from './namespaces/proposals.js';
import { READS } from './namespaces/reads.js';

const TEMPLATE = 'namespaces/namespace.yaml';
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** A namespace that could be created, and for whom. */
interface Proposal {
  name: string;
  /** Undefined where nobody said: then the namespace says none. */
  owner: string | undefined;
  /** What it is for, where somebody said. */
  purpose?: string | undefined;
  why: string;
}

/** Separate namespaces for separate teams; nothing of theirs in the namespaces of the cluster itself. */
export const namespaces: Step = {
  id: 'namespaces',
  title: 'Namespaces',
  why: [
    'Policies, quotas and rights hold per namespace: whoever shares one shares them all.',
    'Workloads belong in a namespace of their team, never in those of Kubernetes itself.',
  ],
  references: [
    { catalogue: 'guide', id: 'Network separation and hardening, Namespaces; appendix D' },
    { catalogue: 'CIS', id: '5.6.1' },
    { catalogue: 'CIS', id: '5.6.4' },
    { catalogue: 'Kubescape', id: 'C-0061' },
    { catalogue: 'Kubescape', id: 'C-0209' },
    { catalogue: 'Kubescape', id: 'C-0212' },
    { catalogue: 'Trivy', id: 'KSV-0037' },
  ],
  folder: '01-namespaces',
  asks: ['newNamespaces', 'moreNamespaces', ...PROPOSAL_ASKS, ...MIGRATION_ASKS],
  reads: READS,
  writes: [
    { kind: 'Namespace', by: 'apply', for: 'namespaces of their own for teams, and their labels' },
    ...PROPOSAL_WRITES,
    ...MIGRATION_WRITES,
  ],
  questions,
  assess,
  plan,
  tables,
  files: migrationStepFiles,
};

function questions(now: Snapshot, given: Answers = {}): readonly Question[] {
  const proposals = proposalsFor(now);
  const found: Question[] =
    proposals.length === 0
      ? []
      : [
          {
            id: 'newNamespaces',
            type: 'choices',
            message: 'Which namespaces shall be created?',
            help: 'One for each team that is named by a label but has no namespace of its own. Nothing is moved.',
            risk: 'none',
            choices: proposals.map(({ name, why }) => ({ value: name, label: name, note: why })),
            recommended: proposals.map(({ name }) => name),
            cautious: [],
          },
        ];
  return [
    ...found,
    {
      id: 'moreNamespaces',
      type: 'text',
      message:
        'Other namespaces to create? (name=owner or name=owner/purpose, separated by commas; empty: none)',
      help: 'Owner and purpose become labels of the namespace. Those that exist already are left as they are.',
      risk: 'none',
      pattern: { source: LIST.source, expected: 'a list such as payments=team-pay/cards, web=team-shop' },
      recommended: '',
      cautious: '',
    },
    ...proposalQuestions(now),
    ...migrationQuestions(now, given),
  ];
}

function assess(now: Snapshot, answers: Answers): readonly Finding[] {
  return [
    ...notVisible(now),
    ...misplaced(now),
    ...proposalsFor(now).map(
      ({ owner, why }): Finding => ({
        id: 'team-without-namespace',
        severity: 'low',
        evidence: why,
        message: `Team ${owner} has no namespace of its own.`,
      }),
    ),
    ...ownNamespaces(now).flatMap((namespace) => namespaceFindings(now, namespace)),
    ...leftAlone(now),
    ...migrationFindings(now, answers),
  ];
}

function plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  if (!visible(now, 'Namespace')) return [];
  const existing = new Set(objects(now, 'Namespace').map((ns) => ns.metadata.name));
  const wanted = chosen(answers, 'newNamespaces');
  const all = [
    ...proposalsFor(now).filter(({ name }) => wanted.includes(name)),
    ...typed(answers),
    ...forMigration(now, answers),
  ];
  const created = all
    .filter(({ name }, index) => all.findIndex((other) => other.name === name) === index)
    .filter(({ name }) => !existing.has(name) && !excluded(now, name))
    .map((proposal): Change => {
      const manifest = filled(template(templates, TEMPLATE), proposal);
      return {
        id: `namespaces/-/Namespace/${proposal.name}`,
        kind: 'apply',
        ref: refOf(manifest),
        risk: 'none',
        why: proposal.why,
        breaks: ['nothing moves by itself: workloads stay where they are until they are deployed anew'],
        manifest,
      };
    });
  const target = migrationTarget(answers)?.name;
  const place = created.find(({ ref }) => ref.name === target)?.id;
  const places = new Map(created.map(({ id, ref }) => [ref.name, id]));
  return [
    ...created,
    ...proposalChanges(now, answers, templates, places),
    ...migrationChanges(now, answers, place),
  ];
}

/** The namespace that a move was asked for; its owner as said, or the one that all that moves has. */
function forMigration(now: Snapshot, answers: Answers): readonly Proposal[] {
  const target = migrationTarget(answers);
  if (target === undefined || excluded(now, 'default') || movable(now).length === 0) return [];
  const owners = new Set(workloadsIn(now, 'default').map((workload) => ownerOfWorkload(workload)?.owner));
  const [only] = owners;
  const owner = target.owner ?? (owners.size === 1 ? only : undefined);
  return [{ name: target.name, owner, why: `asked for, for what moves out of default` }];
}

/** The template with name, owner and purpose; the name label is given, because servers below 1.21 do not set it. */
function filled(manifest: Manifest, { name, owner, purpose }: Proposal): Manifest {
  const keys = ownerKeys(manifest);
  const named = [...keys.owner, ...keys.purpose];
  const kept = Object.entries(manifest.metadata.labels ?? {}).filter(([key]) => !named.includes(key));
  const said = (some: readonly string[], value: string | undefined) =>
    value === undefined ? [] : some.map((key) => [key, value] as const);
  const labels = {
    ...Object.fromEntries([...kept, ...said(keys.owner, owner), ...said(keys.purpose, purpose)]),
    [NAME_LABEL]: name,
  };
  return { ...manifest, metadata: { ...manifest.metadata, name, labels } };
}

/** A namespace for each team that labels of misplaced workloads name and that has none, sorted by name. */
function proposalsFor(now: Snapshot): readonly Proposal[] {
  const all = objects(now, 'Namespace');
  if (!visible(now, 'Namespace')) return [];
  const taken = new Map(all.map((ns) => [ns.metadata.name, ownerOf(ns.metadata.labels)?.owner]));
  const owners = new Set([...taken.values()].flatMap((owner) => (owner === undefined ? [] : folded(owner))));
  const teams = new Map<string, { owner: string; workloads: Workload[] }>();
  for (const { workload } of misplacedWorkloads(now)) {
    const owner = ownerOfWorkload(workload)?.owner;
    if (owner === undefined || owners.has(folded(owner))) continue;
    const team = teams.get(folded(owner));
    if (team === undefined) teams.set(folded(owner), { owner, workloads: [workload] });
    else team.workloads.push(workload);
  }
  return [...teams.values()]
    .flatMap(({ owner, workloads }): Proposal[] => {
      const name = freeName(owner, taken);
      if (name === undefined) return [];
      const places = [...new Set(workloads.map((w) => w.ref.namespace ?? ''))].toSorted();
      return [
        {
          name,
          owner,
          purpose: purposeOfAll(workloads),
          why: `team ${owner}: ${counted(workloads.length, 'workload')} in ${places.join(', ')}`,
        },
      ];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** A name that no namespace has; none where one of the team's name says no other owner: that is the team's own. */
function freeName(owner: string, taken: ReadonlyMap<string, string | undefined>): string | undefined {
  const name = namespaceNameFor(owner);
  if (name === undefined || !taken.has(name)) return name;
  const other = `team-${name}`;
  return taken.get(name) === undefined || taken.has(other) ? undefined : other;
}

/** Spellings of an owner that come to the same name are the same owner. */
function folded(owner: string): string {
  return namespaceNameFor(owner) ?? owner;
}

const NAME = '(?!kube-)[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const OWNER = '[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?';
const PAIR = `\\s*${NAME}\\s*=\\s*${OWNER}(?:\\s*/\\s*${OWNER})?\\s*`;
const LIST = new RegExp(`^\\s*$|^${PAIR}(?:,${PAIR})*$`);

/** The namespaces of a typed list; none where it is not one. */
function typed(answers: Answers): readonly Proposal[] {
  const text = answers.moreNamespaces;
  if (typeof text !== 'string' || text.trim() === '' || !LIST.test(text)) return [];
  return text.split(',').map((pair) => {
    const [name = '', owner = '', purpose] = pair.split(/[=/]/).map((part) => part.trim());
    return { name, owner, purpose, why: `asked for, for ${owner}` };
  });
}

/** Workloads of users in `default` and in the namespaces of Kubernetes itself, with the signs by which they are. */
function misplacedWorkloads(now: Snapshot): readonly Misplaced[] {
  return ['default', ...BUILT_IN]
    .filter((name) => !excluded(now, name))
    .flatMap((name) =>
      workloadsIn(now, name).flatMap((workload): readonly Misplaced[] => {
        if (name !== 'kube-system') return [{ workload, signs: undefined }];
        const signs = userSigns(workload);
        return signs === undefined ? [] : [{ workload, signs }];
      }),
    );
}

interface Misplaced {
  workload: Workload;
  signs: string | undefined;
}

function ownerOfWorkload({ object, templateLabels }: Workload): { key: string; owner: string } | undefined {
  return ownerOf(at(object, 'metadata', 'labels')) ?? ownerOf(templateLabels);
}

function misplaced(now: Snapshot): readonly Finding[] {
  return misplacedWorkloads(now).map(({ workload, signs }) => {
    const { ref, pods } = workload;
    const owner = ownerOfWorkload(workload);
    const evidence = [
      refText(ref),
      counted(pods.length, 'pod'),
      ...(signs === undefined ? [] : [signs]),
      ...(owner === undefined || signs?.includes(`label ${owner.key}=`)
        ? []
        : [`label ${owner.key}=${owner.owner}`]),
    ];
    const isDefault = ref.namespace === 'default';
    return {
      id: isDefault ? 'workload-in-default' : 'workload-in-system-namespace',
      severity: 'medium',
      object: ref,
      evidence: evidence.join(', '),
      message: isDefault
        ? `${ref.kind} ${ref.name} runs in the namespace default; deploy it in one of its team.`
        : `${ref.kind} ${ref.name} runs in ${ref.namespace}, which belongs to Kubernetes; deploy it in one of its team.`,
    };
  });
}

/** Namespaces of users. */
function ownNamespaces(now: Snapshot): readonly Manifest[] {
  return objects(now, 'Namespace').filter(
    (ns) => !excluded(now, ns.metadata.name) && ns.metadata.deletionTimestamp === undefined,
  );
}

function namespaceFindings(now: Snapshot, namespace: Manifest): readonly Finding[] {
  const { name } = namespace.metadata;
  const object = refOf(namespace);
  const findings: Finding[] = [];
  if (name !== 'default' && namespaceKind(now, namespace) === 'user' && !hasOwner(namespace))
    findings.push({
      id: 'namespace-without-owner',
      severity: 'low',
      object,
      evidence: `Namespace ${name}: no label team or owner`,
      message: `Nothing says whose namespace ${name} is; label it, for example owner=TEAM.`,
    });
  if (name.startsWith('kube-') && !BUILT_IN.includes(name) && !KNOWN_RESERVED.includes(name))
    findings.push({
      id: 'namespace-reserved-name',
      severity: 'low',
      object,
      evidence: `Namespace ${name}: the prefix kube- is reserved for Kubernetes`,
      message: `Namespace ${name} looks like one of Kubernetes itself, so tools leave it unprotected; rename it.`,
    });
  return findings;
}

/** Namespaces of add-ons that have long been called so. */
const KNOWN_RESERVED = ['kube-flannel', 'kube-router', 'kube-ovn'];

function notVisible(now: Snapshot): readonly Finding[] {
  const reasons = hidden(now, ['Namespace', ...WORKLOAD_KINDS]);
  if (reasons.length === 0) return [];
  return [
    {
      id: 'workloads-not-visible',
      severity: 'notVisible',
      evidence: reasons.join('; '),
      message: 'Not all namespaces and workloads could be seen: more may be in the wrong place.',
    },
  ];
}
