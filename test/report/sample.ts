import type { Finding } from '../../src/model/finding.js';
import { type Manifest, refOf } from '../../src/model/manifest.js';
import { type Change, KEY_PLACEHOLDER, type RewriteChange } from '../../src/model/plan.js';
import type { Risk } from '../../src/model/risk.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';
import { assemble, type Decisions, UNDECIDED } from '../../src/wizard/assemble.js';
import type { StepState } from '../../src/wizard/state.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

/** A plan with a change of every kind, a finding of every severity, and names that attack the terminal. */
export function sample(decisions: Readonly<Record<string, Decisions>> = {}): {
  now: Snapshot;
  steps: readonly StepState[];
} {
  const now = snapshotOf({
    context: 'prod-eu-1',
    version: '1.31',
    objects: [
      namespace('shop', { team: 'shop' }),
      object('v1', 'Node', undefined, 'node-1', { spec: { providerID: 'aws:///eu-central-1a/i-0abc' } }),
    ],
  });
  return { now, steps: assemble(now, STEPS, new Map(), (id) => decisions[id] ?? UNDECIDED) };
}

const live = (manifest: Manifest): Manifest => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    uid: 'f5a7-uid',
    resourceVersion: '4711',
    managedFields: [{ manager: 'kubectl' }],
    creationTimestamp: '2025-01-01T00:00:00Z',
  },
});

function apply(
  step: string,
  manifest: Manifest,
  risk: Risk,
  why: string,
  more: Partial<Change> = {},
): Change {
  const { namespace: ns, name } = manifest.metadata;
  return {
    id: `${step}/${ns ?? '-'}/${manifest.kind}/${name}`,
    kind: 'apply',
    ref: refOf(manifest),
    risk,
    why,
    breaks: [],
    manifest,
    ...more,
  } as Change;
}

function stepOf(
  id: string,
  title: string,
  folder: string,
  findings: readonly Finding[],
  changes: readonly Change[],
): Step {
  return {
    id,
    title,
    why: ['First line.', 'Second line.'],
    references: [{ catalogue: 'CIS', id: '5.3.2' }],
    folder,
    reads: [],
    writes: [],
    questions: () => [],
    assess: () => findings,
    plan: () => changes,
  };
}

const SHOP = { apiVersion: 'v1', kind: 'Namespace', name: 'shop' };
const POLICY = object('networking.k8s.io/v1', 'NetworkPolicy', 'shop', 'default-deny', {
  spec: {
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    egress: [{ ports: [{ protocol: 'UDP', port: 53 }] }],
  },
});
const LIMITS = object('v1', 'LimitRange', 'shop', 'defaults', {
  spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '100m', memory: '128Mi' } }] },
});
const QUOTA = object('v1', 'ResourceQuota', 'shop', 'quota', { spec: { hard: { pods: '25' } } });
const OLD = live(object('networking.k8s.io/v1', 'NetworkPolicy', 'shop', "it's-old"));

export const REWRITE: RewriteChange = {
  id: 'encryption-at-rest/-/Secret/all',
  kind: 'rewrite',
  ref: { apiVersion: 'v1', kind: 'Secret', name: 'all' },
  risk: 'rewritesStorage',
  why: 'Secrets written before stay in plain text until they are written again.',
  breaks: [],
  resource: 'secrets',
  count: 412,
};

const STEPS: readonly Step[] = [
  stepOf(
    'namespaces',
    'Namespaces',
    '01-namespaces',
    [
      {
        id: 'workload-in-default',
        severity: 'medium',
        object: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web' },
        evidence: 'metadata.namespace of Deployment default/web',
        message: 'A workload of yours runs in a namespace that everybody shares.',
      },
    ],
    [
      apply(
        'namespaces',
        namespace('team-a', { owner: 'team-a' }),
        'none',
        'Team a has no namespace of its own.',
      ),
      apply('namespaces', namespace('shop', { owner: 'shop' }), 'none', 'Says who is asked about it.', {
        before: live(namespace('shop', { team: 'shop' })),
      }),
    ],
  ),
  stepOf(
    'default-deny',
    'Default-deny',
    '02-default-deny',
    [
      {
        id: 'namespace-open-ingress',
        severity: 'high',
        object: SHOP,
        evidence:
          'no policy selects Deployment shop/web, shop/cart, shop/orders, shop/search, shop/recommendations and 4 more',
        message: 'Pods accept traffic from anywhere.',
      },
      {
        id: 'odd-name',
        severity: 'low',
        object: { ...SHOP, name: 'evil\u001b[2Jname' },
        evidence: 'annotation says \u202eright to left',
        message: 'A name holds control characters.',
      },
    ],
    [
      apply(
        'default-deny',
        namespace('shop', { 'kubernetes.io/metadata.name': 'shop' }),
        'none',
        'Policies select by this label.',
        {
          before: live(namespace('shop', { team: 'shop' })),
        },
      ),
      apply('default-deny', POLICY, 'cutsTraffic', 'Isolates every pod in both directions.', {
        breaks: ['Not known: connections that no object declares.'],
        force: true,
      }),
      {
        id: "default-deny/shop/NetworkPolicy/it's-old",
        kind: 'delete',
        ref: refOf(OLD),
        risk: 'none',
        why: 'It selects nothing.',
        breaks: [],
        before: OLD,
      },
    ],
  ),
  stepOf(
    'quotas',
    'Quotas',
    '03-quotas',
    [],
    [
      apply('quotas', LIMITS, 'none', 'Pods without requests get some.'),
      apply('quotas', QUOTA, 'rejectsWorkloads', 'Nobody takes the whole cluster.'),
    ],
  ),
  stepOf(
    'encryption-at-rest',
    'Encryption at rest',
    '04-encryption-at-rest',
    [
      {
        id: 'unseen',
        severity: 'notVisible',
        evidence: 'metrics: forbidden',
        message: 'Whether Secrets are encrypted could not be seen.',
      },
    ],
    [
      {
        id: 'encryption-at-rest/-/EncryptionConfiguration/encryption-config',
        kind: 'host',
        ref: {
          apiVersion: 'apiserver.config.k8s.io/v1',
          kind: 'EncryptionConfiguration',
          name: 'encryption-config',
        },
        risk: 'restartsApiServer',
        why: 'New Secrets are encrypted.',
        breaks: ['Each API server restarts.'],
        files: [
          {
            path: '/etc/kubernetes/enc/encryption-config.yaml',
            as: 'encryption-config.yaml',
            mode: 0o600,
            content: {
              apiVersion: 'apiserver.config.k8s.io/v1',
              kind: 'EncryptionConfiguration',
              resources: [
                {
                  resources: ['secrets'],
                  providers: [
                    { secretbox: { keys: [{ name: 'key-1', secret: KEY_PLACEHOLDER }] } },
                    { identity: {} },
                  ],
                },
              ],
            },
          },
          {
            path: '/etc/kubernetes/patches/kube-apiserver+json.yaml',
            as: 'kubeadm-patches/kube-apiserver+json.yaml',
            mode: 0o644,
            content: [
              {
                op: 'add',
                path: '/spec/containers/0/command/-',
                value: '--encryption-provider-config=/etc/x',
              },
            ],
          },
        ],
        instructions: ['Keep a copy of the key.', 'Put the files in place.'],
      },
      REWRITE,
    ],
  ),
  stepOf(
    'metadata-blocking',
    'Metadata blocking',
    '05-metadata-blocking',
    [{ id: 'provider', severity: 'info', evidence: 'spec.providerID', message: 'The nodes run on AWS.' }],
    [
      {
        id: 'metadata-blocking/-/Node/hop-limit',
        kind: 'cloud',
        ref: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
        risk: 'none',
        why: 'Pods cannot reach the address of the metadata service any more.',
        breaks: [],
        command: [
          'aws',
          'ec2',
          'modify-instance-metadata-options',
          '--instance-id',
          'i-0abc',
          '--tag',
          "it's one",
        ],
      },
    ],
  ),
];
