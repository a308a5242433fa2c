import { at, isRecord, listAt, type Manifest, stringAt } from './manifest.js';
import type { Change } from './plan.js';

/** Somebody who writes an object again from a source of its own: what is changed in the cluster does not last. */
export interface ManagedBy {
  /** As people know it, with the application or release where that is told: `Argo CD (application shop)`. */
  who: string;
  /** Where it is seen. */
  evidence: string;
}

/** A sign of a manager: an annotation or label by key, or a field manager by name. */
interface Sign {
  tool: string;
  at: 'annotation' | 'label' | 'manager';
  key: RegExp;
  /** Only with this value. */
  value?: RegExp;
  /** What the value names; left out where it names nothing that a person knows. */
  names?: string;
  /** A namespace that such a manager only created for others carries the sign as well, and is no proof there. */
  notOnNamespaces?: true;
}

/**
 * How tools mark what they write. Sources: Argo CD (resource tracking), Flux (kustomize-controller, helm-controller),
 * Helm (`pkg/action/validate.go`: label and annotation together make a release's object; the annotation is enough
 * here), Rancher Fleet, Config Sync, kapp, OLM, addon manager, Terraform.
 */
const SIGNS: readonly Sign[] = [
  { tool: 'Argo CD', at: 'annotation', key: /^argocd\.argoproj\.io\/tracking-id$/, names: 'application' },
  { tool: 'Argo CD', at: 'label', key: /^argocd\.argoproj\.io\/instance$/, names: 'application' },
  { tool: 'Flux', at: 'label', key: /^kustomize\.toolkit\.fluxcd\.io\/name$/, names: 'Kustomization' },
  { tool: 'Flux', at: 'label', key: /^helm\.toolkit\.fluxcd\.io\/name$/, names: 'HelmRelease' },
  { tool: 'Helm', at: 'annotation', key: /^meta\.helm\.sh\/release-name$/, names: 'release' },
  { tool: 'Helm', at: 'label', key: /^app\.kubernetes\.io\/managed-by$/, value: /^(Helm|Tiller)$/ },
  { tool: 'Fleet', at: 'annotation', key: /^objectset\.rio\.cattle\.io\/id$/, names: 'bundle' },
  { tool: 'Config Sync', at: 'annotation', key: /^configmanagement\.gke\.io\/managed$/, value: /^enabled$/ },
  { tool: 'kapp', at: 'label', key: /^kapp\.k14s\.io\/app$/ },
  { tool: 'the Operator Lifecycle Manager', at: 'label', key: /^olm\.owner$/, names: 'owner' },
  {
    tool: "Kubernetes' addon manager",
    at: 'label',
    key: /^addonmanager\.kubernetes\.io\/mode$/,
    value: /^Reconcile$/,
  },
  { tool: 'Argo CD', at: 'manager', key: /^argocd-(application-)?controller$/, notOnNamespaces: true },
  { tool: 'Flux', at: 'manager', key: /^kustomize-controller$/ },
  { tool: 'Flux', at: 'manager', key: /^helm-controller$/, notOnNamespaces: true },
  { tool: 'Helm', at: 'manager', key: /^helm$/, notOnNamespaces: true },
  { tool: 'Terraform', at: 'manager', key: /^(Terraform|HashiCorp)$/ },
  { tool: 'Pulumi', at: 'manager', key: /^pulumi-kubernetes/ },
];

/** Who manages an object from elsewhere, by its marks, its controller or its field managers; undefined: nobody known. */
export function managedBy(object: Manifest): ManagedBy | undefined {
  for (const sign of SIGNS.filter(({ at: where }) => where !== 'manager')) {
    const found = markOf(object, sign);
    if (found !== undefined) return found;
  }
  const owner = listAt(object, 'metadata', 'ownerReferences').find((one) => at(one, 'controller') === true);
  if (owner !== undefined) {
    const who = `${stringAt(owner, 'kind') ?? 'a controller'} ${stringAt(owner, 'name') ?? ''}`.trim();
    return { who, evidence: 'metadata.ownerReferences names it as controller' };
  }
  for (const sign of SIGNS.filter(({ at: where }) => where === 'manager')) {
    const found = managerOf(object, sign);
    if (found !== undefined) return found;
  }
  return undefined;
}

function markOf({ metadata }: Manifest, { tool, at: where, key, value, names }: Sign): ManagedBy | undefined {
  const marks = where === 'annotation' ? metadata.annotations : metadata.labels;
  if (!isRecord(marks)) return undefined;
  const found = Object.entries(marks).find(
    ([name, text]) => key.test(name) && typeof text === 'string' && (value === undefined || value.test(text)),
  );
  if (found === undefined) return undefined;
  // A tracking id is `application:group/kind:namespace/name`.
  const name = String(found[1]).split(':')[0];
  return {
    who: names === undefined || name === '' ? tool : `${tool} (${names} ${name})`,
    evidence: `${where} ${found[0]}`,
  };
}

function managerOf(object: Manifest, { tool, key, notOnNamespaces }: Sign): ManagedBy | undefined {
  if (notOnNamespaces === true && object.kind === 'Namespace') return undefined;
  const manager = listAt(object, 'metadata', 'managedFields')
    .filter((entry) => stringAt(entry, 'subresource') === undefined)
    .map((entry) => stringAt(entry, 'manager') ?? '')
    .find((name) => key.test(name));
  return manager === undefined ? undefined : { who: tool, evidence: `field manager ${manager}` };
}

/**
 * Why a change is left out unless somebody chooses it: its object is managed from elsewhere, or it takes fields over
 * from another field manager. Undefined for all others.
 */
export function ownChoice(change: Change): string | undefined {
  if (change.kind !== 'apply' && change.kind !== 'delete') return undefined;
  const managed = change.before === undefined ? undefined : managedBy(change.before);
  if (managed !== undefined)
    return `Managed by ${managed.who} (${managed.evidence}): change it at its source, with the patch file that generate writes. Made here, it may be taken back from there.`;
  const others = change.kind === 'apply' ? (change.takesOver ?? []) : [];
  return others.length === 0
    ? undefined
    : `Fields that it writes belong to ${others.join(', ')} by now: chosen, it takes them over.`;
}
