import type { Manifest } from '../../src/model/manifest.js';
import { ourLabels } from '../../src/model/ours.js';
import type { Templates } from '../../src/model/template.js';
import { DENY, SAME_NAMESPACE, WORKLOAD } from './state.js';

/**
 * The least that each template of this step has to hold: enough to tell, where no templates are at hand, whether
 * anything is left to do.
 */
export const BUILT_IN: Templates = new Map([
  ['default-deny/networkpolicy.yaml', least('default-deny', DENY)],
  ['default-deny/same-namespace.yaml', least('default-deny-same-namespace', SAME_NAMESPACE)],
  ['default-deny/workload.yaml', least('allow', WORKLOAD)],
]);

function least(name: string, component: string): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, labels: ourLabels(component) },
    spec: { podSelector: {} },
  };
}
