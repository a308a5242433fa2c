import type { Ref } from './manifest.js';

/** `notVisible` stands for what could not be seen: it is never counted as fine, nor as a fault. */
export type Severity = 'high' | 'medium' | 'low' | 'info' | 'notVisible';

/** Something true about the cluster that the administrator should know. */
export interface Finding {
  /** Stable, kebab-case, unique by kind of finding, e.g. `namespace-open-ingress`. */
  id: string;
  severity: Severity;
  object?: Ref;
  /** Where this is seen: object and field, metric, or what could not be read and why. */
  evidence: string;
  /** One sentence for a person. */
  message: string;
}
