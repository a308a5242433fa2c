import { has } from '../../src/model/features.js';
import { listAt, type Manifest, type Ref, refOf, sameRef } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { candidateNamespaces, namespaceKind, systemNamespaces } from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { isManaged, isOurs, MANAGED_BY, managersOf } from '../../src/model/ours.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { networkPlugin } from '../../src/model/plugins.js';
import type { Choice } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { policyTypes } from '../default-deny/pretences.js';
import { matches } from '../default-deny/selectors.js';
import { METADATA } from '../default-deny/state.js';
import { blockable } from './candidates.js';
import { withoutEndpoints } from './excepting.js';
import { mechanismHere } from './here.js';
import { type Need, needs } from './needs.js';
import { exposureOf } from './state.js';

/** A NetworkPolicy whose rules let pods reach the metadata ports, and the same without. */
export interface Leak {
  policy: Manifest;
  egress: readonly unknown[];
  /** One that a step of ours wrote, in a namespace of users. */
  ours: boolean;
  /** Workloads that it selects and that ask the address. */
  needing: readonly Need[];
}

/**
 * The policies that leak and whose rules can leave the addresses out: where nothing for the whole cluster takes back what
 * they allow, and where address ranges match nodes, so that what is written says what it should.
 */
export const leaks = once((now: Snapshot): readonly Leak[] => {
  const endpoints = blockable(now);
  if (mechanismHere(now).by !== 'namespaces' || endpoints.length === 0) return [];
  const { ipv6 } = networkPlugin(now).ranges;
  const within = endpoints.filter(({ address }) => ipv6 || !address.includes(':'));
  return [...candidateNamespaces(now), ...systemNamespaces(now)].flatMap((namespace) => {
    const { name } = namespace.metadata;
    const { policies } = exposureOf(now, name);
    return objectsIn(now, 'NetworkPolicy', name)
      .filter((policy) => !isOurs(policy, METADATA) && policyTypes(policy).includes('egress'))
      .filter((policy) => policies.some((ref: Ref) => sameRef(ref, refOf(policy))))
      .flatMap((policy): Leak[] => {
        const egress = withoutEndpoints(listAt(policy, 'spec', 'egress'), within, has(now, 'endPort'), ipv6);
        if (egress === undefined) return [];
        return [
          {
            policy,
            egress,
            ours:
              isManaged(policy) && othersOf(policy).length === 0 && namespaceKind(now, namespace) === 'user',
            needing: needs(now).filter(
              (need) => need.namespace === name && need.use === 'address' && selects(policy, need),
            ),
          },
        ];
      });
  });
});

function selects({ spec }: Manifest, { labels }: Need): boolean {
  const selector = (spec as { podSelector?: Record<string, unknown> } | undefined)?.podSelector ?? {};
  return matches(selector, labels);
}

function othersOf(policy: Manifest): readonly string[] {
  return [
    ...new Set(managersOf(policy).filter((name) => name !== undefined && name !== MANAGED_BY)),
  ] as string[];
}

/** As a choice: those of others are meant only by their own name. */
export function leakChoice({ policy, ours, needing }: Leak): Choice {
  const { name, namespace } = policy.metadata;
  const value = `${namespace}/${name}`;
  const owners = othersOf(policy);
  const notes = [
    ours
      ? 'written by an earlier step'
      : `somebody else's${owners.length === 0 ? '' : ` (${owners.join(', ')})`}`,
    ...(needing.length === 0
      ? []
      : [`${needing.map(({ workload }) => workload).join(', ')} would lose the address`]),
  ];
  return { value, label: value, note: notes.join(', '), ...(ours ? {} : { apart: true }) };
}

/** Whether leaving the addresses out is proposed. */
export function isProposed({ ours, needing }: Leak): boolean {
  return ours && needing.length === 0;
}

/** The change that leaves the addresses out of a policy's rules, and changes nothing else of it. */
export function exceptChange({ policy, egress, ours, needing }: Leak): ApplyChange {
  const { apiVersion, kind, metadata, spec } = policy;
  const { name, namespace, labels, annotations } = metadata;
  const owners = othersOf(policy);
  const ref = refOf(policy);
  const made = isManaged(policy) && labels?.['app.kubernetes.io/managed-by'] === MANAGED_BY;
  return {
    kind: 'apply',
    id: `metadata-blocking/${namespace}/NetworkPolicy/${name}`,
    ref,
    risk: 'cutsTraffic',
    why: 'Its rules let pods reach the metadata service; they leave the address out, its other ports stay as they are.',
    breaks: [
      ...(ours
        ? []
        : [
            `It is somebody else's${owners.length === 0 ? '' : ` (${owners.join(', ')})`}: what applies it again from its source takes this back, so change it there as well.`,
          ]),
      needing.length === 0
        ? "Pods that it selects and that take the node's own credentials from there lose them."
        : `${needing.map(({ workload, what }) => `${workload} loses it (${what})`).join('; ')}.`,
      'Whether ping and other protocols than TCP, UDP and SCTP still pass to these addresses depends on the network plugin.',
    ],
    manifest: {
      apiVersion,
      kind,
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        // What we own and leave out of an apply would be taken away.
        ...(made && { labels, ...(annotations === undefined ? {} : { annotations }) }),
      },
      // Whole: without its selector it would select every pod, without its types cover less, where it is created anew.
      spec: {
        ...(spec as object),
        policyTypes: policyTypes(policy).map((one) => (one === 'egress' ? 'Egress' : 'Ingress')),
        egress,
      },
    },
    before: policy,
    ...(ours ? {} : { force: true }),
  };
}
