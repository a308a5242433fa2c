import type { Query } from '../../src/model/snapshot.js';
import { REACH_KINDS } from './state.js';

const objects = (kind: Exclude<Query, { probe: unknown }>['kind'], what: string) =>
  ({ kind, as: 'objects', for: what }) as const;

/** What the step reads. What of it cannot be read is said, kind by kind. */
export const READS = [
  ...REACH_KINDS.map((kind) => objects(kind, 'what may connect to what')),
  objects('Service', 'DNS, and Services that are called from outside'),
  objects('Ingress', 'backends that closing would cut'),
  objects('ValidatingWebhookConfiguration', 'webhooks that closing would cut'),
  objects('MutatingWebhookConfiguration', 'webhooks that closing would cut'),
  objects('APIService', 'aggregated APIs that closing would cut'),
  objects(
    'CustomResourceDefinition',
    'conversion webhooks that closing would cut, and policies of network plugins',
  ),
  objects('ConfigMap', 'settings of the network plugin'),
];
