import { isRecord, listAt, type Manifest } from '../../src/model/manifest.js';
import { ourLabels } from '../../src/model/ours.js';
import type { MetadataEndpoint } from '../../src/model/providers.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';
import type { Requirement } from '../default-deny/complement.js';
import { refuseOpening } from '../default-deny/opening.js';
import { everyAddress, otherRules } from '../default-deny/outside.js';
import { named } from '../default-deny/policy.js';
import { METADATA } from '../default-deny/state.js';

const TEMPLATE = 'metadata-blocking/networkpolicy.yaml';

/**
 * The policies for a namespace whose egress nothing closes: they allow everything except the metadata ports. Pods,
 * addresses of both families and the other ports of the metadata addresses are listed each, since the API cannot deny.
 * @param ranges whether the server knows `endPort`; without it only DNS and NTP of those addresses live on.
 * @param others the pods that are meant, as alternative lists of conditions; one empty list: every pod.
 * @param ipv6 whether the plugin carries out rules about IPv6; without it none is written
 * @throws TemplateError where the template is not a policy of egress for every pod.
 */
export function metadataPolicies(
  namespace: string,
  endpoints: readonly MetadataEndpoint[],
  ranges: boolean,
  existing: readonly Manifest[],
  others: readonly (readonly Requirement[])[],
  ipv6: boolean,
  templates: Templates,
): readonly Manifest[] {
  const filled = template(templates, TEMPLATE);
  const spec = isRecord(filled.spec) ? filled.spec : {};
  const everyPod = isRecord(spec.podSelector) && Object.keys(spec.podSelector).length === 0;
  const types = listAt(spec, 'policyTypes');
  if (filled.kind !== 'NetworkPolicy' || !everyPod || types.length !== 1 || types[0] !== 'Egress')
    throw new TemplateError(
      `templates/${TEMPLATE}: expected a NetworkPolicy with podSelector: {} and policyTypes: [Egress]`,
    );
  refuseOpening(TEMPLATE, spec);
  const policies = others.map((conditions) => ({
    ...filled,
    metadata: {
      ...filled.metadata,
      namespace,
      labels: { ...filled.metadata.labels, ...ourLabels(METADATA) },
    },
    spec: {
      podSelector: conditions.length === 0 ? {} : { matchExpressions: conditions },
      policyTypes: ['Egress'],
      egress: [
        ...listAt(spec, 'egress'),
        { to: [{ namespaceSelector: {} }, ...everyAddress(endpoints, ipv6)] },
        ...otherRules(
          endpoints.filter(({ address }) => ipv6 || !address.includes(':')),
          ranges,
        ),
      ],
    },
  }));
  return named(policies, existing, METADATA);
}
