import { KINDS, type KindName } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import { ourLabels } from '../../src/model/ours.js';
import type { Templates } from '../../src/model/template.js';
import { FLAVOURS, type Flavour } from './guard-flavours.js';
import { GUARD } from './guard-live.js';
import { SHAPES } from './guard-shapes.js';
import { DENY, SAME_NAMESPACE, WORKLOAD } from './state.js';

/** RFC 1918, RFC 6598, RFC 4193. */
const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];

/**
 * The least that each template of this step has to hold: enough to tell, where no templates are at hand, whether
 * anything is left to do.
 */
export const BUILT_IN: Templates = new Map([
  ['default-deny/networkpolicy.yaml', least('default-deny', DENY)],
  ['default-deny/same-namespace.yaml', least('default-deny-same-namespace', SAME_NAMESPACE)],
  ['default-deny/workload.yaml', least('allow', WORKLOAD)],
  [
    'default-deny/kube-system.yaml',
    {
      ...least('default-deny-internet', DENY),
      spec: {
        podSelector: {},
        egress: [
          { to: [{ namespaceSelector: {} }, ...PRIVATE_NETWORKS.map((cidr) => ({ ipBlock: { cidr } }))] },
        ],
      },
    },
  ],
  ...FLAVOURS.flatMap((flavour) => leastGuards(flavour)),
]);

/** The least of a guard, under the names that are given. */
function leastGuards({
  id,
  kind,
  needs,
  template,
  fixedNames = [],
}: Flavour): readonly (readonly [string, Manifest])[] {
  const one = (of: KindName, path: string, spec: Record<string, unknown>): readonly [string, Manifest] => [
    path,
    {
      apiVersion: KINDS[of].apiVersions[0] ?? '',
      kind: KINDS[of].kind,
      metadata: {
        name: fixedNames.find(([fixed]) => fixed === of)?.[1] ?? 'default-deny-new-namespaces',
        labels: ourLabels(GUARD),
      },
      spec,
    },
  ];
  const { fixed } = SHAPES[id];
  const spec = fixed === undefined ? {} : { [fixed[0]]: fixed[1] };
  return [
    one(kind, template, id === 'kyverno' ? { rules: [{}] } : spec),
    ...(needs === undefined ? [] : [one(needs.kind, needs.template, {})]),
  ];
}

function least(name: string, component: string): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, labels: ourLabels(component) },
    spec: { podSelector: {} },
  };
}
