import { REACH_KINDS } from '../../src/reach/index.js';
import { GUARD_KINDS } from '../default-deny/reads.js';

const reached = 'what can reach the metadata address';

/** What the step reads. What of it cannot be read is said, kind by kind. */
export const READS = [
  ...REACH_KINDS.map((kind) => ({ kind, as: 'objects' as const, for: reached })),
  ...GUARD_KINDS.map((kind) => ({ kind, as: 'objects' as const, for: 'a guard of new namespaces' })),
  { kind: 'ConfigMap', as: 'objects', for: 'settings of the network plugin' } as const,
  { kind: 'CustomResourceDefinition', as: 'objects', for: 'policies of network plugins' } as const,
];
