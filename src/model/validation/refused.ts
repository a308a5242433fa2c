import { at, groupOf, listAt, type Manifest } from '../manifest.js';
import { TEMPLATES } from '../workloads.js';
import { validateLabels, validateSelector } from './labels.js';
import { policyVersions } from './policy-versions.js';
import { validateContainerPorts, validateIngress, validateService } from './ports.js';
import { dnsLabel, dnsSubdomain, Problems, pathSegment } from './rules.js';

type Check = (object: Manifest, problems: Problems) => void;

/** Kinds whose names are no DNS subdomains, by group. Service: a digit in front is taken by newer servers. */
const NAMES: Readonly<Record<string, (name: string) => string[]>> = {
  '/Namespace': dnsLabel,
  '/Service': dnsLabel,
  'certificates.k8s.io/CertificateSigningRequest': pathSegment,
  'certificates.k8s.io/ClusterTrustBundle': pathSegment,
  'networking.k8s.io/IPAddress': pathSegment,
};
/** Groups whose objects may be named by anything that is one segment of a path. */
const FREE_NAMES: ReadonlySet<string> = new Set(['rbac.authorization.k8s.io', 'apiregistration.k8s.io']);

const CHECKS: Readonly<Record<string, Check>> = {
  '/Service': validateService,
  'networking.k8s.io/Ingress': validateIngress,
  '/Pod': (pod, problems) => validatePod(pod, '', problems),
};

/**
 * What an API server would refuse of an object's name, namespace, labels, selectors and ports, in its own words; empty
 * where it would take them. Kinds of other groups than those of Kubernetes have rules of their own: of them, only what
 * no server takes is said. Policies are judged by whoever reads them.
 */
export function refused(object: Manifest): readonly string[] {
  const problems = new Problems();
  const group = groupOf(object.apiVersion);
  const versions = policyVersions(object.kind, group);
  if (versions !== undefined && !versions.includes(object.apiVersion))
    problems.invalid(
      'apiVersion',
      object.apiVersion,
      `no server that is known here has ${object.kind} in this version (known: ${versions.join(', ')})`,
    );
  const key = `${group}/${object.kind}`;
  const { name, namespace } = object.metadata;
  for (const why of (NAMES[key] ?? nameRule(group))(name)) problems.invalid('metadata.name', name, why);
  if (namespace !== undefined)
    for (const why of dnsLabel(namespace)) problems.invalid('metadata.namespace', namespace, why);
  validateLabels(object.metadata.labels, 'metadata.labels', problems);
  CHECKS[key]?.(object, problems);
  if (WORKLOAD_GROUPS.has(group)) validateTemplate(object, problems);
  return problems.causes
    .filter(({ reason, field }) => !(reason === 'FieldValueRequired' && NAME_OF_PORT.test(field)))
    .map(({ field, message }) => `${field}: ${message}`);
}

/** Published manifests leave the names of several ports out; which port leads where is clear all the same. */
const NAME_OF_PORT = /^spec\.ports\[\d+\]\.name$/;

const WORKLOAD_GROUPS: ReadonlySet<string> = new Set(['', 'apps', 'batch', 'extensions']);

function nameRule(group: string): (name: string) => string[] {
  const isOwn = !group.includes('.') || group.endsWith('.k8s.io');
  return isOwn && !FREE_NAMES.has(group) ? dnsSubdomain : pathSegment;
}

/** Selector and pod template of a kind that makes pods. */
function validateTemplate(object: Manifest, problems: Problems): void {
  const path = Object.hasOwn(TEMPLATES, object.kind)
    ? TEMPLATES[object.kind as keyof typeof TEMPLATES]
    : undefined;
  if (path === undefined) return;
  if (object.kind === 'ReplicationController')
    validateLabels(at(object, 'spec', 'selector'), 'spec.selector', problems);
  else validateSelector(at(object, 'spec', 'selector'), 'spec.selector', problems);
  const field = path.join('.');
  const template = at(object, ...path);
  validateLabels(at(template, 'metadata', 'labels'), `${field}.metadata.labels`, problems);
  validatePod(template, `${field}.`, problems);
}

function validatePod(pod: unknown, field: string, problems: Problems): void {
  for (const list of ['initContainers', 'containers'])
    for (const [index, container] of listAt(pod, 'spec', list).entries())
      validateContainerPorts(container, `${field}spec.${list}[${index}]`, problems);
}
