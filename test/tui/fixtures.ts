import { diffOf } from '../../src/model/diff.js';
import type { Finding } from '../../src/model/finding.js';
import type { Manifest } from '../../src/model/manifest.js';
import { type Change, type HostChange, planOf, type RewriteChange } from '../../src/model/plan.js';
import type { Answers, Question } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';
import type { Checked, Screen, StepState, WizardState } from '../../src/wizard/state.js';
import { object, snapshotOf } from '../support/snapshot.js';

/** A cluster on AWS with Calico and the namespaces of a small shop. */
export function shopSnapshot(context = 'prod-eu-1', sandbox = false): Snapshot {
  const namespaces = ['cert-manager', 'kube-system', 'legacy-ftp', 'payments', 'shop'];
  return snapshotOf({
    context,
    sandbox,
    objects: [
      ...namespaces.map((name) => object('v1', 'Namespace', undefined, name)),
      object('v1', 'Node', undefined, 'node-1', {
        spec: { providerID: 'aws:///eu-central-1a/i-0a1b2c3d4e5f60718' },
      }),
      object('apps/v1', 'DaemonSet', 'kube-system', 'calico-node', {
        spec: { template: { spec: { containers: [{ name: 'calico-node' }] } } },
        status: { numberReady: 1 },
      }),
      object('apps/v1', 'Deployment', 'shop', 'web'),
      object('apps/v1', 'Deployment', 'payments', 'api'),
      ...Array.from({ length: 12 }, (_, i) => object('v1', 'Pod', 'shop', `web-${i}`)),
    ],
  });
}

export function stepValue(id: string, title: string, why: readonly [string, string]): Step {
  return {
    id,
    title,
    why,
    references: [
      { catalogue: 'guide', id: 'network policies' },
      { catalogue: 'CIS', id: '5.3.2' },
    ],
    folder: id,
    reads: [],
    writes: [],
    questions: () => [],
    assess: () => [],
    plan: () => [],
  };
}

/** A NetworkPolicy as a change; `lines` makes its difference as long as that. */
export function policyChange(namespace: string, name: string, lines = 0): Change {
  const manifest: Manifest = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: { app: name } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
            ...Array.from({ length: lines }, (_, i) => ({
              ipBlock: { cidr: `10.${i >> 8}.${i & 255}.0/24` },
            })),
          ],
          ports: [{ port: 8080 }],
        },
      ],
    },
  };
  return {
    id: `default-deny/${namespace}/NetworkPolicy/${name}`,
    kind: 'apply',
    ref: { apiVersion: manifest.apiVersion, kind: manifest.kind, namespace, name },
    risk: 'cutsTraffic',
    why: `Ingress ${namespace}/${name}, backend ${name}:80 → 8080`,
    breaks: ['connections that no object declares are cut'],
    manifest,
  };
}

export const REWRITE: RewriteChange = {
  id: 'encryption-at-rest/-/Secret/all',
  kind: 'rewrite',
  ref: { apiVersion: 'v1', kind: 'Secret', name: 'all' },
  risk: 'rewritesStorage',
  why: 'Secrets stored before encryption stay readable in etcd until they are written again.',
  breaks: [],
  resource: 'secrets',
  count: 10_000,
};

export const HOST: HostChange = {
  id: 'encryption-at-rest/-/Host/kube-apiserver',
  kind: 'host',
  ref: { apiVersion: 'v1', kind: 'Host', name: 'kube-apiserver' },
  risk: 'restartsApiServer',
  why: 'The API server encrypts only with --encryption-provider-config.',
  breaks: ['the API server restarts once on each control-plane node'],
  files: [],
  instructions: ['Copy the file.', 'Wait for the API server.'],
};

/** What a server's dry run says that accepts everything. */
export function accepted(changes: readonly Change[]): Checked[] {
  return changes.map((change) => ({
    change: change.id,
    diff:
      change.kind === 'apply' ? diffOf(change.before, change.manifest) : [{ sign: ' ', text: change.why }],
    check: { by: 'server', warnings: [] },
  }));
}

export interface StepParts {
  questions?: readonly Question[];
  answers?: Answers;
  answered?: readonly string[];
  findings?: readonly Finding[];
  changes?: readonly Change[];
}

export function stepState(step: Step, parts: StepParts = {}, more: Partial<StepState> = {}): StepState {
  const { questions = [], findings = [], changes = [] } = parts;
  return {
    step,
    status: changes.length > 0 ? 'changes' : findings.length > 0 ? 'advice' : 'ok',
    questions,
    answers: parts.answers ?? {},
    answered: parts.answered ?? [],
    findings,
    plan: planOf(step.id, changes),
    excluded: [],
    checked: accepted(changes),
    done: [],
    ...more,
  };
}

export const QUESTIONS: readonly Question[] = [
  {
    id: 'namespaces',
    type: 'choices',
    message: 'Which namespaces shall be closed?',
    help: 'Each gets one policy that selects every pod.',
    risk: 'cutsTraffic',
    choices: [
      {
        value: 'legacy-ftp',
        label: 'legacy-ftp',
        note: '1 workload, host network: policies cannot cover it',
      },
      { value: 'payments', label: 'payments', note: '6 workloads, open' },
      { value: 'shop', label: 'shop', note: '14 workloads, open' },
    ],
    recommended: ['payments', 'shop'],
    cautious: [],
  },
  {
    id: 'inside',
    type: 'choice',
    message: 'Traffic inside a namespace?',
    risk: 'cutsTraffic',
    choices: [
      { value: 'all', label: 'all of it stays' },
      { value: 'declared', label: 'only declared connections' },
    ],
    recommended: 'all',
    cautious: 'all',
  },
  { id: 'dns', type: 'confirm', message: 'Allow DNS?', risk: 'none', recommended: true, cautious: true },
  {
    id: 'headroom',
    type: 'number',
    message: 'Headroom in percent?',
    risk: 'none',
    min: 0,
    max: 400,
    recommended: 25,
    cautious: 25,
  },
];

export const ANSWERS: Answers = { namespaces: ['payments', 'shop'], inside: 'all', dns: true, headroom: 25 };

export const FINDINGS: readonly Finding[] = [
  ...['legacy-ftp', 'payments', 'shop', 'cart', 'search', 'mail'].map(
    (name): Finding => ({
      id: 'namespace-open',
      severity: 'high',
      object: { apiVersion: 'v1', kind: 'Namespace', name },
      evidence: 'no policy selects its pods',
      message: 'The namespace accepts traffic from anywhere.',
    }),
  ),
  {
    id: 'policy-isolates-less',
    severity: 'medium',
    object: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      namespace: 'shop',
      name: 'deny-all',
    },
    evidence: 'spec.policyTypes is [Ingress]',
    message: 'The policy is called deny-all but leaves egress open.',
  },
];

const WHY: Record<string, readonly [string, string]> = {
  namespaces: [
    'Policies, quotas and rights hold per namespace.',
    'Workloads belong in a namespace of their team.',
  ],
  'default-deny': [
    'A pod that no policy selects accepts traffic from anywhere.',
    'One policy a namespace closes that.',
  ],
  quotas: ['One namespace can take the resources of all others.', 'A quota bounds what it can ask for.'],
  'encryption-at-rest': ['Whoever reads etcd reads every Secret.', 'Encryption keeps backups unreadable.'],
  'metadata-blocking': ['The metadata address hands out credentials of the node.', 'Pods seldom need it.'],
};

/** Five steps, each standing differently. */
export function shopSteps(): StepState[] {
  const value = (id: string, title: string) => stepValue(id, title, WHY[id] as readonly [string, string]);
  const deny = ['web', 'cart', 'default-deny'].map((name) => policyChange('shop', name));
  const pay = ['api', 'default-deny'].map((name) => policyChange('payments', name));
  return [
    stepState(value('namespaces', 'Namespaces')),
    stepState(value('default-deny', 'Default-deny'), {
      questions: QUESTIONS,
      answers: ANSWERS,
      findings: FINDINGS,
      changes: [...deny, ...pay],
    }),
    stepState(value('quotas', 'Quotas'), {}, { status: 'skipped', skipped: 'later' }),
    stepState(
      value('encryption-at-rest', 'Encryption at rest'),
      {
        findings: [
          {
            id: 'not-visible',
            severity: 'notVisible',
            evidence: 'pods of kube-system',
            message: 'The API server is not visible.',
          },
        ],
      },
      { status: 'notVisible' },
    ),
    stepState(value('metadata-blocking', 'Metadata blocking'), {
      findings: [
        { id: 'x', severity: 'info', evidence: 'nodes', message: 'IMDSv2 keeps most pods out already.' },
      ],
    }),
  ];
}

/** The wizard in the shop's cluster at a screen, with the second step at hand. */
export function shopState(screen: Screen, more: Partial<WizardState> = {}): WizardState {
  return {
    run: '7f3a',
    screen,
    snapshot: shopSnapshot(),
    steps: shopSteps(),
    current: 1,
    notice: undefined,
    written: false,
    directory: '~/.local/state/kubectl-harden/7f3a',
    ...more,
  };
}

/** The same with the step at hand changed. */
export function withStep(state: WizardState, change: (step: StepState) => StepState): WizardState {
  return { ...state, steps: state.steps.map((step, i) => (i === state.current ? change(step) : step)) };
}
