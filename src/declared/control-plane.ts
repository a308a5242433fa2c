import { at, isRecord, listAt, type Manifest, refOf, refText, stringAt } from '../model/manifest.js';
import { namespaceOf } from './cluster.js';
import { type Collector, evidence } from './collect.js';
import { METRICS_SERVER, running } from './programs.js';
import type { Target } from './services.js';
import type { Peer, Severity, Why } from './types.js';

const API_SERVER: Peer = { kind: 'apiServer' };
const KUBELET_PORT = 10_250;

/** What the API server calls (webhooks, conversion, aggregated APIs), and who calls it or the kubelets. */
export function controlPlane(collector: Collector): void {
  webhooks(collector);
  conversions(collector);
  aggregated(collector);
  apiClients(collector);
  kubelets(collector);
}

interface Call {
  object: Manifest;
  field: string;
  why: Why;
  severity: Severity;
}

/** A call of the API server to a Service; port 443 where none is said (API: ServiceReference). */
function called(collector: Collector, service: unknown, { object, field, why, severity }: Call): void {
  const name = stringAt(service, 'name');
  const namespace = stringAt(service, 'namespace');
  if (name === undefined || namespace === undefined) return;
  const port = at(service, 'port');
  const number = typeof port === 'number' ? port : 443;
  const found = collector.services.get(namespace, name);
  const targets = found === undefined ? [] : collector.services.targets(found, { number });
  const proof = evidence(refOf(object), field, `${namespace}/${name}:${number}`);
  if (targets.length === 0)
    collector.dangling({
      source: API_SERVER,
      host: `${name}.${namespace}`,
      port: number,
      evidence: proof,
      reason: `no pod is behind port ${number} of Service ${namespace}/${name}`,
    });
  for (const target of targets) collector.add(API_SERVER, target, why, proof, severity);
}

/** `failurePolicy` is Fail where it is not said (API v1): then a call that cannot get through blocks the request. */
function webhooks(collector: Collector): void {
  for (const kind of ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'])
    for (const object of collector.cluster.of(kind, 'admissionregistration.k8s.io'))
      listAt(object, 'webhooks').forEach((hook, i) => {
        const severity = stringAt(hook, 'failurePolicy') === 'Ignore' ? 'medium' : 'critical';
        const field = `webhooks[${stringAt(hook, 'name') ?? i}].clientConfig.service`;
        called(collector, at(hook, 'clientConfig', 'service'), { object, field, why: 'webhook', severity });
      });
}

/** Without conversion, objects of a stored version other than the asked one cannot be read at all. */
function conversions(collector: Collector): void {
  for (const object of collector.cluster.of('CustomResourceDefinition', 'apiextensions.k8s.io')) {
    if (stringAt(object, 'spec', 'conversion', 'strategy') !== 'Webhook') continue;
    const field = 'spec.conversion.webhook.clientConfig.service';
    const service =
      at(object, 'spec', 'conversion', 'webhook', 'clientConfig', 'service') ??
      at(object, 'spec', 'conversion', 'webhookClientConfig', 'service');
    called(collector, service, { object, field, why: 'crd-conversion', severity: 'critical' });
  }
}

function aggregated(collector: Collector): void {
  for (const object of collector.cluster.of('APIService', 'apiregistration.k8s.io'))
    called(collector, at(object, 'spec', 'service'), {
      object,
      field: 'spec.service',
      why: 'aggregated-api',
      severity: 'high',
    });
}

/** Where a service account's rights come from. */
interface Binding {
  object: Manifest;
  field: string;
  subject: string;
}

/**
 * Pods that hold a token of a service account which some binding names, itself or by its groups. The bindings of
 * groups that every cluster has from the start (label `kubernetes.io/bootstrapping`) say nothing about a pod.
 */
function apiClients(collector: Collector): void {
  const bindings = bindingsBySubject(collector);
  const target: Target = { peer: API_SERVER, protocol: 'TCP', port: undefined };
  for (const made of collector.cluster.workloads)
    for (const spec of made.specs) {
      const { namespace } = made.peer;
      const account = stringAt(spec, 'serviceAccountName') ?? stringAt(spec, 'serviceAccount') ?? 'default';
      if (!hasToken(spec, collector.cluster.one('ServiceAccount', namespace, account))) continue;
      const found =
        bindings.get(`account ${namespace}/${account}`) ??
        bindings.get(`group system:serviceaccounts:${namespace}`) ??
        bindings.get('group system:serviceaccounts') ??
        bindings.get('group system:authenticated');
      if (found === undefined) continue;
      const value = `${found.subject}, serviceAccountName ${account} in ${refText(made.object)}`;
      collector.add(made.peer, target, 'kubernetes-api', evidence(refOf(found.object), found.field, value));
    }
}

function bindingsBySubject(collector: Collector): ReadonlyMap<string, Binding> {
  const out = new Map<string, Binding>();
  for (const kind of ['ClusterRoleBinding', 'RoleBinding'])
    for (const object of collector.cluster.of(kind, 'rbac.authorization.k8s.io')) {
      const isDefault = object.metadata.labels?.['kubernetes.io/bootstrapping'] !== undefined;
      listAt(object, 'subjects').forEach((subject, i) => {
        const key = subjectKey(subject, kind === 'RoleBinding' ? namespaceOf(object) : undefined);
        if (key === undefined || out.has(key) || (isDefault && key.startsWith('group '))) return;
        out.set(key, { object, field: `subjects[${i}]`, subject: key });
      });
    }
  return out;
}

/** A subject that is a service account or a group of them. Users named `system:serviceaccount:ns:name` are the same. */
function subjectKey(subject: unknown, own: string | undefined): string | undefined {
  const kind = stringAt(subject, 'kind');
  const name = stringAt(subject, 'name');
  if (name === undefined) return undefined;
  if (kind === 'ServiceAccount') {
    const namespace = stringAt(subject, 'namespace') ?? own;
    return namespace === undefined ? undefined : `account ${namespace}/${name}`;
  }
  if (kind === 'User' && name.startsWith('system:serviceaccount:'))
    return `account ${name.slice('system:serviceaccount:'.length).replace(':', '/')}`;
  return kind === 'Group' && (name.startsWith('system:serviceaccounts') || name === 'system:authenticated')
    ? `group ${name}`
    : undefined;
}

/** Whether pods get a token: the pod's word counts before the account's, and a volume may bring one in any case. */
function hasToken(spec: unknown, account: Manifest | undefined): boolean {
  const projected = listAt(spec, 'volumes').some((volume) =>
    listAt(volume, 'projected', 'sources').some((source) => isRecord(at(source, 'serviceAccountToken'))),
  );
  if (projected) return true;
  const automount =
    at(spec, 'automountServiceAccountToken') ?? at(account, 'automountServiceAccountToken') ?? true;
  return automount !== false;
}

/** metrics-server reads every node's kubelet. It is known by its APIService, by its image or by its label. */
function kubelets(collector: Collector): void {
  const sources = new Map<string, { peer: Peer; proof: ReturnType<typeof evidence> }>();
  for (const object of collector.cluster.of('APIService', 'apiregistration.k8s.io')) {
    if (stringAt(object, 'spec', 'group') !== 'metrics.k8s.io') continue;
    const namespace = stringAt(object, 'spec', 'service', 'namespace') ?? '';
    const service = collector.services.get(namespace, stringAt(object, 'spec', 'service', 'name') ?? '');
    const proof = evidence(refOf(object), 'spec.service', 'metrics.k8s.io');
    if (service !== undefined)
      for (const { peer } of collector.services.targets(service))
        if (peer.kind === 'workload') sources.set(peer.name, { peer, proof });
  }
  for (const peer of running(collector, [METRICS_SERVER]))
    if (peer.kind === 'workload' && !sources.has(peer.name))
      sources.set(peer.name, { peer, proof: evidence(peer.ref, 'containers.image', 'metrics-server') });
  const ports = new Set(
    collector.cluster.of('Node').flatMap((node) => {
      const port = at(node, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port');
      return typeof port === 'number' ? [port] : [];
    }),
  );
  for (const { peer, proof } of sources.values())
    for (const port of ports.size > 0 ? ports : [KUBELET_PORT])
      collector.add(peer, { peer: { kind: 'nodes' }, protocol: 'TCP', port }, 'kubelet', proof);
}
