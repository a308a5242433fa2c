import { GUARD_KINDS } from '../default-deny/reads.js';
import { REACHED } from '../default-deny/state.js';

const reached = 'what can reach the metadata address';

/** What the step reads. What of it cannot be read is said, kind by kind. */
export const READS = [
  ...REACHED.map((kind) => ({ kind, as: 'objects' as const, for: reached })),
  ...GUARD_KINDS.map((kind) => ({ kind, as: 'objects' as const, for: 'a guard of new namespaces' })),
  { kind: 'ServiceAccount', as: 'objects', for: 'identities of their own that pods have' } as const,
  { kind: 'ConfigMap', as: 'objects', for: 'settings of the network plugin' } as const,
  { kind: 'CustomResourceDefinition', as: 'objects', for: 'policies of network plugins' } as const,
];
