import { isRecord, listAt, type Manifest } from '../../src/model/manifest.js';
import { isOurs, ourLabels } from '../../src/model/ours.js';
import type { MetadataEndpoint } from '../../src/model/providers.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';
import { refuseOpening } from '../default-deny/opening.js';
import { allBut, otherRules } from '../default-deny/outside.js';
import { freeName } from '../default-deny/policy.js';
import { METADATA } from '../default-deny/state.js';

const TEMPLATE = 'metadata-blocking/networkpolicy.yaml';

/**
 * A policy for a namespace whose egress nothing closes: it allows everything except the metadata ports. Pods, addresses
 * of both families and the other ports of the metadata addresses are listed each, since the API cannot deny.
 * @param ranges whether the server knows `endPort`; without it only DNS and NTP of those addresses live on.
 * @throws TemplateError where the template is not a policy of egress for every pod.
 */
export function metadataPolicy(
  namespace: string,
  endpoints: readonly MetadataEndpoint[],
  ranges: boolean,
  existing: readonly Manifest[],
  templates: Templates,
): Manifest {
  const filled = template(templates, TEMPLATE);
  const spec = isRecord(filled.spec) ? filled.spec : {};
  const everyPod = isRecord(spec.podSelector) && Object.keys(spec.podSelector).length === 0;
  const types = listAt(spec, 'policyTypes');
  if (filled.kind !== 'NetworkPolicy' || !everyPod || types.length !== 1 || types[0] !== 'Egress')
    throw new TemplateError(
      `templates/${TEMPLATE}: expected a NetworkPolicy with podSelector: {} and policyTypes: [Egress]`,
    );
  refuseOpening(TEMPLATE, spec);
  return {
    ...filled,
    metadata: {
      ...filled.metadata,
      name: nameFor(filled.metadata.name, existing),
      namespace,
      labels: { ...filled.metadata.labels, ...ourLabels(METADATA) },
    },
    spec: {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [
        ...listAt(spec, 'egress'),
        { to: [{ namespaceSelector: {} }, allBut('0.0.0.0/0', endpoints), allBut('::/0', endpoints)] },
        ...otherRules(endpoints, ranges),
      ],
    },
  };
}

/** Our own policy keeps its name; one of the same name that is not ours is never touched. */
function nameFor(wanted: string, existing: readonly Manifest[]): string {
  const ours = existing.find((policy) => isOurs(policy, METADATA));
  return ours?.metadata.name ?? freeName(wanted, new Set(existing.map(({ metadata }) => metadata.name)));
}
