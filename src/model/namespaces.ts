import type { Manifest } from './manifest.js';
import { objects, type Snapshot } from './snapshot.js';

/** `system`: left alone unless asked for. `infrastructure`: platform parts, shown but not chosen by default. */
export type NamespaceKind = 'system' | 'infrastructure' | 'user';

/** The namespaces that Kubernetes itself creates (documentation: Namespaces, initial namespaces), `default` aside. */
export const BUILT_IN: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];

/**
 * Names and prefixes (ending in `*`) by distribution and add-on. Names are only a hint: an administrator can choose
 * any namespace. Sources: the distributions' own documentation and published exclusion lists of policy engines.
 */
const BY_NAME: readonly (readonly [NamespaceKind, readonly string[]])[] = [
  ['system', ['kube-*']],
  ['system', ['local-path-storage', 'kubernetes-dashboard', 'metallb-system']],
  [
    'system',
    [
      'calico-system',
      'calico-apiserver',
      'tigera-*',
      'kube-flannel',
      'cilium',
      'cilium-*',
      'antrea-system',
      'ovn-kubernetes',
    ],
  ],
  ['system', ['gke-*', 'gmp-system', 'gmp-public', 'config-management-*', 'cnrm-system', 'asm-system']],
  ['system', ['amazon-cloudwatch', 'amazon-guardduty', 'aws-observability']],
  ['system', ['app-routing-system', 'aks-istio-*', 'aks-command', 'azure-arc', 'dataprotection-microsoft']],
  ['system', ['openshift', 'openshift-*']],
  [
    'system',
    [
      'cattle-*',
      'fleet-*',
      'rancher-operator-system',
      'longhorn-system',
      'cis-operator-system',
      'compliance-operator-system',
    ],
  ],
  [
    'infrastructure',
    [
      'istio-system',
      'istio-operator',
      'linkerd*',
      'cert-manager',
      'gatekeeper-system',
      'kyverno',
      'karpenter',
    ],
  ],
  [
    'infrastructure',
    ['argocd', 'flux-system', 'monitoring', 'prometheus*', 'ingress-nginx', 'traefik', 'external-secrets'],
  ],
  [
    'infrastructure',
    ['external-dns', 'velero', 'crossplane-system', 'knative-*', 'rook-ceph', 'vault', 'keda'],
  ],
];

/** Labels by which distributions mark namespaces as their own. */
const SYSTEM_LABELS = [
  'openshift.io/run-level',
  'addonmanager.kubernetes.io/mode',
  'control-plane',
  'kubernetes.azure.com/managedby',
];

/** Whether a namespace belongs to the cluster, to its platform or to its users; judged by name and labels. */
export function namespaceKind(namespace: Manifest): NamespaceKind {
  const { name, labels } = namespace.metadata;
  for (const [kind, patterns] of BY_NAME)
    if (patterns.some((pattern) => globMatches(pattern, name))) return kind;
  return SYSTEM_LABELS.some((label) => labels?.[label] !== undefined) ? 'system' : 'user';
}

/** Namespaces that a step may propose changes for: not system, not excluded, not being deleted; sorted by name. */
export function candidateNamespaces(now: Snapshot): readonly Manifest[] {
  return objects(now, 'Namespace')
    .filter((ns) => namespaceKind(ns) !== 'system' && !excluded(now, ns.metadata.name))
    .filter((ns) => ns.metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Whether `--exclude-namespace` names it. */
export function excluded(now: Snapshot, namespace: string): boolean {
  return now.scope.exclude.some((glob) => globMatches(glob, namespace));
}

/** Shell-like match of a whole name: `*` any run of characters, `?` one character. Time grows with both lengths only. */
export function globMatches(glob: string, name: string): boolean {
  let [at, here] = [0, 0];
  // Where to go on if what follows the last `*` does not fit: one character later.
  let star = -1;
  let resume = 0;
  while (here < name.length) {
    if (glob[at] === '*') {
      star = at++;
      resume = here;
    } else if (at < glob.length && (glob[at] === '?' || glob[at] === name[here])) {
      at++;
      here++;
    } else if (star >= 0) {
      at = star + 1;
      here = ++resume;
    } else return false;
  }
  while (glob[at] === '*') at++;
  return at === glob.length;
}
