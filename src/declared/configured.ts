import { at, listAt, type Manifest, stringAt } from '../model/manifest.js';
import { parseAddress } from '../reach/address.js';
import { type Made, namespaceOf } from './cluster.js';
import { type Collector, evidence } from './collect.js';
import type { Mention } from './mentions.js';
import { chosenPorts, isApiServer, isHeadless, type Target } from './services.js';
import { type Mentioned, mentionedIn, rememberingReader } from './settings.js';
import type { Peer } from './types.js';
import { FILE_ENDINGS, SCHEMA_HOSTS } from './words.js';

/** What a mention leads to. */
type Found =
  | { kind: 'targets'; targets: readonly Target[] }
  /** It has the form of a Service's name or port that is not there. */
  | { kind: 'dangling'; reason: string }
  | { kind: 'nothing' };

const NOTHING: Found = { kind: 'nothing' };

/** Connections that workloads' own settings declare: env, command, arguments, referenced ConfigMaps. */
export function configured(collector: Collector): void {
  const names = new Set(collector.cluster.of('Service').map(({ metadata }) => metadata.name));
  const textMentions = rememberingReader((host) => host.split('.', 2).some((label) => names.has(label)));
  const services = Map.groupBy(collector.cluster.of('Service'), namespaceOf);
  const variables = new Map<string, ReadonlyMap<string, string>>();
  for (const made of collector.cluster.workloads) {
    const { namespace } = made.peer;
    let own = variables.get(namespace);
    if (own === undefined) {
      own = serviceVariables(services.get(namespace) ?? []);
      variables.set(namespace, own);
    }
    const known = own;
    const around = {
      namespace,
      configMap: (name: string) => collector.cluster.one('ConfigMap', namespace, name),
      serviceVariable: (name: string) => known.get(name),
      textMentions,
    };
    for (const spec of made.specs)
      for (const mentioned of mentionedIn(made.object, spec, around)) add(collector, made, mentioned);
  }
}

function add(collector: Collector, made: Made, mentioned: Mentioned): void {
  const { mention, object, field } = mentioned;
  const source: Peer = made.peer;
  if (mention.tentative !== undefined && !isMeant(collector, made.peer.namespace, mention)) return;
  const found = resolve(collector, made.peer.namespace, mentioned);
  const proof = evidence(object, field, mention.text);
  if (found.kind === 'targets')
    for (const target of found.targets) collector.add(source, target, 'config', proof);
  if (found.kind === 'dangling' && mention.tentative === undefined)
    collector.dangling({
      source,
      host: mention.host,
      port: mention.port,
      evidence: proof,
      reason: found.reason,
    });
}

/** Whether what was read by its form alone is a Service or a pod of one, and has the port that is written. */
function isMeant(collector: Collector, namespace: string, mention: Mention): boolean {
  const isNamed = (host: string) =>
    ['service', 'pod'].includes(serviceNamed(collector, namespace, host).kind);
  if (![mention.host, ...(mention.tentative ?? [])].every(isNamed)) return false;
  const named = serviceNamed(collector, namespace, mention.host);
  if (mention.port === undefined || named.kind !== 'service') return true;
  const found = collector.services.get(named.namespace, named.name);
  return found !== undefined && chosenPorts(found, { number: mention.port }).length > 0;
}

function resolve(collector: Collector, namespace: string, mentioned: Mentioned): Found {
  const { mention } = mentioned;
  if (isLoopback(mention.host)) return NOTHING;
  if (parseAddress(mention.host) !== undefined) return address(collector, mentioned);
  const named = serviceNamed(collector, namespace, mention.host);
  if (named.kind === 'service') return service(collector, named, mentioned);
  if (named.kind === 'pod') return pod(collector, named.workload, mentioned);
  if (named.kind === 'missing') return { kind: 'dangling', reason: named.reason };
  return isOutside(mentioned)
    ? {
        kind: 'targets',
        targets: [
          { peer: { kind: 'external', host: mention.host }, protocol: 'TCP', port: portOf(mentioned) },
        ],
      }
    : NOTHING;
}

type Named =
  | { kind: 'service'; namespace: string; name: string }
  /** A pod by its own name, so without the address translation of a Service. */
  | { kind: 'pod'; workload: number }
  | { kind: 'missing'; reason: string }
  | { kind: 'none' };

/**
 * What a host name stands for, as the cluster's DNS resolves it: `svc`, `svc.ns`, `svc.ns.svc` and with the cluster's
 * domain; before each of these the name of a pod behind the Service.
 */
function serviceNamed(collector: Collector, namespace: string, host: string): Named {
  const labels = host.split('.');
  const has = (ns: string | undefined, name: string | undefined) =>
    ns !== undefined &&
    name !== undefined &&
    (collector.services.get(ns, name) !== undefined || isApiServer(ns, name));
  const svc = labels.indexOf('svc');
  if (svc >= 2) {
    const [name, ns] = labels.slice(svc - 2, svc);
    if (!has(ns, name)) return { kind: 'missing', reason: `there is no Service ${ns}/${name}` };
    const pod = svc === 3 ? podNamed(collector, ns, name, labels[0]) : undefined;
    return pod ?? { kind: 'service', namespace: ns ?? '', name: name ?? '' };
  }
  const [first, second, third] = labels;
  if (labels.length === 1 && has(namespace, first)) return { kind: 'service', namespace, name: first ?? '' };
  if (labels.length === 2 && has(second, first))
    return { kind: 'service', namespace: second ?? '', name: first ?? '' };
  if (labels.length === 2) {
    const pod = podNamed(collector, namespace, second, first);
    if (pod !== undefined) return pod;
  }
  if (labels.length === 3) {
    const pod = podNamed(collector, third, second, first);
    if (pod !== undefined) return pod;
  }
  if (labels.length === 2 && second !== undefined && collector.cluster.hasNamespace(second))
    return { kind: 'missing', reason: `there is no Service ${second}/${first}` };
  return { kind: 'none' };
}

/**
 * What the name of a pod before that of its Service leads to: of a headless one, to the pods behind it; of another only
 * where a pod has that host name and the Service as its subdomain, as endpoints carry no other host names (CoreDNS, plugin
 * kubernetes; Kubernetes, endpoints controller). Undefined where there is no such Service.
 */
function podNamed(
  collector: Collector,
  namespace: string | undefined,
  name: string | undefined,
  hostname: string | undefined,
): Named | undefined {
  if (namespace === undefined || name === undefined || hostname === undefined) return undefined;
  const found = collector.services.get(namespace, name);
  if (found === undefined) return undefined;
  if (isHeadless(found)) return { kind: 'service', namespace, name };
  const workload = collector.cluster.hostNamed(namespace, name, hostname);
  return workload === undefined
    ? { kind: 'missing', reason: `no pod behind Service ${namespace}/${name} has the name ${hostname}` }
    : { kind: 'pod', workload };
}

function pod(collector: Collector, workload: number, mentioned: Mentioned): Found {
  const targets = collector.services.podTargets(workload, { number: portOf(mentioned) });
  return targets.length > 0
    ? { kind: 'targets', targets }
    : { kind: 'dangling', reason: 'the pod of this name declares no port' };
}

function service(
  collector: Collector,
  { namespace, name }: { namespace: string; name: string },
  mentioned: Mentioned,
): Found {
  const { mention, companion } = mentioned;
  const found = collector.services.get(namespace, name);
  // The API server is told apart by its binding to a service account's rights as well; here it is named outright.
  if (found === undefined)
    return { kind: 'targets', targets: [{ peer: { kind: 'apiServer' }, protocol: 'TCP', port: undefined }] };
  if (mention.port !== undefined) {
    const targets = collector.services.targets(found, { number: mention.port });
    return targets.length > 0
      ? { kind: 'targets', targets }
      : { kind: 'dangling', reason: noPort(namespace, name, mention.port) };
  }
  if (stringAt(found, 'spec', 'type') === 'ExternalName') {
    const targets = collector.services.targets(found, { number: portOf(mentioned) });
    if (targets.length > 0) return { kind: 'targets', targets };
  }
  // A port from elsewhere only narrows: where the Service does not have it, it belongs to something else.
  for (const port of [companion, mention.schemePort]) {
    if (port === undefined || chosenPorts(found, { number: port }).length === 0) continue;
    const targets = collector.services.targets(found, { number: port });
    if (targets.length > 0) return { kind: 'targets', targets };
  }
  const targets = collector.services.targets(found);
  return targets.length > 0
    ? { kind: 'targets', targets }
    : { kind: 'dangling', reason: `nothing is behind Service ${namespace}/${name}` };
}

function noPort(namespace: string, name: string, port: number): string {
  return `Service ${namespace}/${name} has no port ${port}, or nothing is behind it`;
}

function address(collector: Collector, mentioned: Mentioned): Found {
  const { mention, ownValue } = mentioned;
  const { host } = mention;
  const found = collector.services.atAddress(host);
  if (found !== undefined)
    return service(collector, { namespace: namespaceOf(found), name: found.metadata.name }, mentioned);
  // A number in four parts alone may be a version or a mask.
  if (mention.form === 'name' && !(mention.hinted && ownValue)) return NOTHING;
  const port = portOf(mentioned);
  const target: Target = { peer: collector.services.peerAt(host, port), protocol: 'TCP', port };
  return { kind: 'targets', targets: [target] };
}

function portOf({ mention, companion }: Mentioned): number | undefined {
  return mention.port ?? companion ?? mention.schemePort;
}

/**
 * Whether a name that is no Service's stands for something outside. A URL does; other dotted words do where something
 * says that they are hosts, and their end is no file's.
 */
function isOutside({ mention, ownValue }: Mentioned): boolean {
  const { host, form, hinted } = mention;
  const last = host.slice(host.lastIndexOf('.') + 1);
  if (!host.includes('.') || SCHEMA_HOSTS.has(host) || !/^[a-z]{2,}$/.test(last)) return false;
  if (form === 'url') return true;
  if (FILE_ENDINGS.has(last)) return false;
  return form === 'address' ? hinted || ownValue : hinted;
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    /^127\.[0-9.]+$/.test(host) ||
    ['0.0.0.0', '::', '::1'].includes(host)
  );
}

/** Variables that the kubelet sets in every pod for the Services of its namespace: host, and port (the first one). */
function serviceVariables(services: readonly Manifest[]): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const found of services) {
    const stem = found.metadata.name.toUpperCase().replace(/-/g, '_');
    out.set(`${stem}_SERVICE_HOST`, found.metadata.name);
    const port = at(listAt(found, 'spec', 'ports')[0], 'port');
    if (typeof port === 'number') out.set(`${stem}_SERVICE_PORT`, String(port));
  }
  out.set('KUBERNETES_SERVICE_HOST', 'kubernetes.default.svc');
  out.set('KUBERNETES_SERVICE_PORT', '443');
  return out;
}
