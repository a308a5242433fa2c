import type { Write } from '../../src/model/rights.js';
import { GUARD_KINDS } from '../default-deny/reads.js';
import { REACHED } from '../default-deny/state.js';
import { CLUSTER_WIDE } from './mechanisms.js';

const reached = 'what can reach the metadata address';

/** What the step reads. What of it cannot be read is said, kind by kind. */
export const READS = [
  ...REACHED.map((kind) => ({ kind, as: 'objects' as const, for: reached })),
  ...GUARD_KINDS.map((kind) => ({ kind, as: 'objects' as const, for: 'a guard of new namespaces' })),
  { kind: 'EC2NodeClass', as: 'objects', for: 'metadata options of nodes that Karpenter makes' } as const,
  { kind: 'ServiceAccount', as: 'objects', for: 'identities of their own that pods have' } as const,
  { kind: 'ConfigMap', as: 'objects', for: 'settings of the network plugin' } as const,
  { kind: 'CustomResourceDefinition', as: 'objects', for: 'policies of network plugins' } as const,
];

/** What the step may write. Policies for the whole cluster are there for those who choose them. */
export const WRITES: readonly Write[] = [
  { kind: 'NetworkPolicy', by: 'apply', for: 'policies that leave out the metadata service' },
  { kind: 'NetworkPolicy', by: 'delete', for: 'policies of ours that are needed no more' },
  ...CLUSTER_WIDE.flatMap(({ kind, needs }) =>
    [...(needs === undefined ? [] : [needs.kind]), kind].flatMap((one): Write[] => [
      { kind: one, by: 'apply', for: 'a policy for the whole cluster', option: 'clusterWide' },
      { kind: one, by: 'delete', for: 'such a policy that is needed no more', option: 'clusterWide' },
    ]),
  ),
];
