import { REACH_KINDS } from '../../src/reach/index.js';

const reached = 'what can reach the metadata address';

/** What the step reads. What of it cannot be read is said, kind by kind. */
export const READS = [
  ...REACH_KINDS.map((kind) => ({ kind, as: 'objects' as const, for: reached })),
  { kind: 'ConfigMap', as: 'objects', for: 'settings of the network plugin' } as const,
  { kind: 'CustomResourceDefinition', as: 'objects', for: 'policies of network plugins' } as const,
];
