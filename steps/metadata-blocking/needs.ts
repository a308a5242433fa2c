import { type AgentContainer, containersOf } from '../../src/model/agents.js';
import { at, listAt, type Manifest, stringAt, stringsAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { once } from '../../src/model/once.js';
import { flag } from '../../src/model/plugins.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { type Workload, workloadOfRef } from '../../src/model/workloads.js';
import { complement, type Requirement } from '../default-deny/complement.js';
import { listedAs } from '../default-deny/kube-system-programs.js';
import { groupsIn, type Selected, selectedWorkloads } from '../default-deny/selectors.js';
import { literalIn } from './literal.js';

/**
 * - `address`: it asks the metadata address, and loses its credentials where that is blocked;
 * - `own`: it has an identity of its own, which it gets elsewhere.
 */
export type Use = 'address' | 'own';

/** A workload and the evidence of how it comes by credentials of the cloud. */
export interface Need {
  /** As the engine names it: `shop/web[Deployment]`. */
  workload: string;
  namespace: string;
  /** Labels of its pods. */
  labels: ReadonlyMap<string, string>;
  use: Use;
  /** For sentences: `IRSA`. */
  what: string;
  /** Object or field, and value. */
  evidence: string;
}

/** What of a workload tells how it comes by credentials. */
interface Signs {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  account: Manifest | undefined;
  accountName: string;
  containers: readonly AgentContainer[];
  /** Variables of its containers; values are looked at, and never shown. */
  env: ReadonlyMap<string, string>;
  /** Where it names a metadata address. */
  literal: string | undefined;
}

interface Row {
  use: Use;
  what: string;
  evidence(signs: Signs): string | undefined;
}

const accountHas =
  (key: string) =>
  ({ account, accountName }: Signs) =>
    account?.metadata.annotations?.[key] === undefined
      ? undefined
      : `ServiceAccount ${accountName}: annotation ${key}`;
const envIs =
  (name: string, wanted: (value: string) => boolean) =>
  ({ env }: Signs) => {
    const value = env.get(name);
    return value !== undefined && wanted(value) ? `variable ${name}` : undefined;
  };

/**
 * Ways to credentials by what they leave in objects. The first that is found counts. Sources: EKS user guide (Pod
 * Identity, IAM roles for service accounts), GKE (Workload Identity Federation), Microsoft Entra Workload ID, the
 * documentation of AAD Pod Identity, kube2iam and kiam, AWS SDK settings.
 */
const WAYS: readonly Row[] = [
  {
    // It asks for its region and VPC there unless it is told them, whatever identity it has.
    use: 'address',
    what: 'AWS Load Balancer Controller, which asks that address for its region and VPC unless --aws-region and --aws-vpc-id are set',
    evidence: ({ containers }) => {
      const found = containers.find(({ image }) => /(^|\/)aws-load-balancer-controller(:|@|$)/.test(image));
      const told = ['aws-region', 'aws-vpc-id'].every((name) => flag(found?.args ?? [], name) !== undefined);
      return found === undefined || told ? undefined : `image ${found.image}`;
    },
  },
  {
    // Whatever identity it has, it asks there as well.
    use: 'address',
    what: 'settings that name the metadata address',
    evidence: ({ literal }) => literal,
  },
  {
    use: 'own',
    what: 'EKS Pod Identity, whose agent answers at another address (169.254.170.23), which stays open',
    evidence: envIs('AWS_CONTAINER_CREDENTIALS_FULL_URI', (value) => /169\.254\.170\.23|::23\]/.test(value)),
  },
  {
    use: 'own',
    what: 'IRSA, which asks STS',
    evidence: (signs) =>
      accountHas('eks.amazonaws.com/role-arn')(signs) ??
      (signs.env.has('AWS_WEB_IDENTITY_TOKEN_FILE') ? 'variable AWS_WEB_IDENTITY_TOKEN_FILE' : undefined),
  },
  {
    use: 'own',
    what: 'Entra Workload ID, which asks Microsoft Entra',
    evidence: ({ labels }) =>
      labels['azure.workload.identity/use'] === 'true' ? 'label azure.workload.identity/use=true' : undefined,
  },
  {
    use: 'address',
    what: 'GKE Workload Identity, which the GKE metadata server answers at that address',
    evidence: accountHas('iam.gke.io/gcp-service-account'),
  },
  {
    use: 'address',
    what: 'AAD Pod Identity, whose node agent answers at that address',
    evidence: ({ labels }) =>
      labels.aadpodidbinding === undefined ? undefined : `label aadpodidbinding=${labels.aadpodidbinding}`,
  },
  {
    use: 'address',
    what: 'kube2iam or kiam, whose node agent answers at that address',
    evidence: ({ annotations }) =>
      annotations['iam.amazonaws.com/role'] === undefined ? undefined : 'annotation iam.amazonaws.com/role',
  },
  {
    use: 'own',
    what: 'settings that turn the metadata address off',
    evidence: envIs('AWS_EC2_METADATA_DISABLED', (value) => value.toLowerCase() === 'true'),
  },
];

/** Every workload off its node's network of which there is evidence, sorted by name. */
export const needs = once((now): readonly Need[] =>
  [...selectedWorkloads(now).values()]
    .filter(({ hostNetwork }) => !hostNetwork)
    .flatMap((selected) => needOf(now, selected) ?? [])
    .sort((a, b) => (a.workload < b.workload ? -1 : 1)),
);

function needOf(now: Snapshot, { ref, name, namespace }: Selected): Need | undefined {
  const found = workloadOfRef(now, ref);
  if (found === undefined) return undefined;
  const signs = signsOf(now, found);
  const labels = new Map(Object.entries(signs.labels));
  for (const { use, what, evidence } of WAYS) {
    const seen = evidence(signs);
    if (seen !== undefined) return { workload: name, namespace, labels, use, what, evidence: seen };
  }
  const images = signs.containers.map(({ image }) => image);
  const row = listedAs({ name: ref.name, images, labels }).find(({ metadata }) => metadata);
  if (row === undefined) return undefined;
  return {
    workload: name,
    namespace,
    labels,
    use: 'address',
    what: `add-ons that take the node's credentials unless they are given their own (${row.what})`,
    evidence: images.length === 0 ? `name ${ref.name}` : `image ${images.join(', ')}`,
  };
}

function signsOf(now: Snapshot, { object, template, templateLabels, pods, ref }: Workload): Signs {
  const [pod] = pods;
  const account = accountOf(template) ?? accountOf(pod?.spec) ?? 'default';
  const made = at(object, 'spec', 'template') ?? at(object, 'spec', 'jobTemplate', 'spec', 'template');
  const env = new Map<string, string>();
  const specs = [template, ...pods.slice(0, 1).map((one) => one.spec)];
  for (const spec of specs)
    for (const container of [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')])
      for (const variable of listAt(container, 'env')) {
        const name = stringAt(variable, 'name');
        if (name !== undefined) env.set(name, stringAt(variable, 'value') ?? '');
      }
  return {
    labels: { ...stringsAt(templateLabels), ...pod?.metadata.labels },
    annotations: { ...stringsAt(made, 'metadata', 'annotations'), ...pod?.metadata.annotations },
    account: objectsIn(now, 'ServiceAccount', ref.namespace ?? '').find(
      ({ metadata }) => metadata.name === account,
    ),
    accountName: `${ref.namespace}/${account}`,
    containers: containersOf(template ?? pod?.spec),
    env,
    literal: literalIn(now, ref.namespace ?? '', specs),
  };
}

function accountOf(spec: unknown): string | undefined {
  return stringAt(spec, 'serviceAccountName');
}

/** No condition on labels. */
export const EVERY_POD: readonly (readonly Requirement[])[] = [[]];

/**
 * The pods of a namespace that are none of these workloads', as conditions on labels: one list for each alternative.
 * @returns undefined where that cannot be said, since their labels are those of all, or in too many ways.
 */
export function allBut(
  now: Snapshot,
  namespace: string,
  kept: readonly Need[],
): readonly (readonly Requirement[])[] | undefined {
  const names = new Set(kept.map(({ workload }) => workload));
  const selectors = groupsIn(now, namespace)
    .filter(({ members }) => members.some(({ name }) => names.has(name)))
    .map(({ selector }) => selector);
  const others = complement(selectors);
  return others?.length === 0 ? undefined : others;
}
