import { dns } from '../../src/model/dns.js';
import { at, isRecord, listAt, type Manifest, refText, stringAt } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { objects, type Snapshot, visible } from '../../src/model/snapshot.js';
import type { Closing } from './policy.js';

/**
 * What closing a namespace may cut, in words: first what is not known, then what the cluster's own objects declare about
 * the Services of the namespace; what fails shut comes first.
 */
export function whatBreaks(
  now: Snapshot,
  namespace: string,
  close: Closing,
  sameNamespace: boolean,
): readonly string[] {
  return [
    ...byPlugin(now, close),
    'Connections between namespaces and to the outside were not examined; traffic that nothing declares will stop.',
    ...(sameNamespace
      ? []
      : ['Traffic inside the namespace stops too, except where other policies allow it.']),
    ...(close.egress
      ? [
          'Pods lose the Kubernetes API, other namespaces and the Internet, except where other policies allow them.',
        ]
      : []),
    ...(close.ingress ? [...undeclared(now), ...declared(now, namespace)] : []),
  ];
}

/** Kinds in which connections into a namespace are declared. */
const DECLARING = [
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'CustomResourceDefinition',
  'APIService',
  'Ingress',
  'Service',
] as const;

/** What may be called from outside without our knowing, because what would declare it could not be read. */
function undeclared(now: Snapshot): readonly string[] {
  const unread = DECLARING.filter((kind) => !visible(now, kind));
  return unread.length === 0
    ? []
    : [`Whether the API server or others call in here is not known: ${unread.join(', ')} could not be read.`];
}

/** What the network plugin makes of it. */
function byPlugin(now: Snapshot, close: Closing): readonly string[] {
  const plugin = networkPlugin(now);
  if (plugin.verdict === 'notEnforced')
    return [`${plugin.title} does not enforce NetworkPolicies: this is written, but changes nothing.`];
  return close.egress && dns(now).nodeLocal !== undefined && !plugin.ipBlockMatchesNodes
    ? [
        `On ${plugin.title === 'unknown' ? 'some network plugins' : plugin.title} the DNS cache of the nodes may not match an address range: try one namespace first.`,
      ]
    : [];
}

/** Connections into a namespace that objects of the cluster declare. Each line names the object. */
export function declared(now: Snapshot, namespace: string): readonly string[] {
  const hooks = (['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'] as const)
    .flatMap((kind) => objects(now, kind))
    .flatMap((config) => webhookLines(config, namespace));
  return [
    ...hooks.filter((line) => line.fails).map((line) => line.text),
    ...hooks.filter((line) => !line.fails).map((line) => line.text),
    ...objects(now, 'CustomResourceDefinition').flatMap((crd) => conversionLine(crd, namespace)),
    ...objects(now, 'APIService').flatMap((api) => aggregatedLine(api, namespace)),
    ...objectsIn(now, 'Ingress', namespace).map((ingress) => ingressLine(ingress)),
    ...objectsIn(now, 'Service', namespace).flatMap((service) => exposedLine(service)),
  ].filter((line) => line !== '');
}

function webhookLines(config: Manifest, namespace: string): { fails: boolean; text: string }[] {
  const services = new Map<string, boolean>();
  for (const webhook of listAt(config, 'webhooks')) {
    const service = at(webhook, 'clientConfig', 'service');
    if (stringAt(service, 'namespace') !== namespace) continue;
    const name = stringAt(service, 'name') ?? '';
    const fails = (stringAt(webhook, 'failurePolicy') ?? 'Fail') === 'Fail';
    services.set(name, fails || services.get(name) === true);
  }
  const ref = refText({ apiVersion: config.apiVersion, kind: config.kind, name: config.metadata.name });
  return [...services].map(([name, fails]) => ({
    fails,
    text: fails
      ? `${ref} calls Service ${namespace}/${name} and fails shut: without it the API server refuses what the webhook covers.`
      : `${ref} calls Service ${namespace}/${name} and is skipped when it does not answer.`,
  }));
}

function conversionLine(crd: Manifest, namespace: string): string[] {
  const conversion = at(crd, 'spec', 'conversion');
  const service = at(conversion, 'webhook', 'clientConfig', 'service');
  if (stringAt(conversion, 'strategy') !== 'Webhook' || stringAt(service, 'namespace') !== namespace)
    return [];
  return [
    `CustomResourceDefinition ${crd.metadata.name} is converted by Service ${namespace}/${stringAt(service, 'name') ?? ''}: without it its objects cannot be read.`,
  ];
}

function aggregatedLine(api: Manifest, namespace: string): string[] {
  if (stringAt(api, 'spec', 'service', 'namespace') !== namespace) return [];
  const name = stringAt(api, 'spec', 'service', 'name') ?? '';
  return [
    `APIService ${api.metadata.name} is served by Service ${namespace}/${name}: without it that API is gone.`,
  ];
}

function ingressLine(ingress: Manifest): string {
  const backends = [
    at(ingress, 'spec', 'defaultBackend'),
    at(ingress, 'spec', 'backend'),
    ...listAt(ingress, 'spec', 'rules').flatMap((rule) =>
      listAt(rule, 'http', 'paths').map((path) => at(path, 'backend')),
    ),
  ].filter(isRecord);
  const names = backends.map(
    (backend) => stringAt(backend, 'service', 'name') ?? stringAt(backend, 'serviceName'),
  );
  const services = [...new Set(names.filter((name) => name !== undefined))].sort();
  return services.length === 0
    ? ''
    : `${refText({ ...ingress, name: ingress.metadata.name, namespace: ingress.metadata.namespace ?? '' })} sends to Service ${services.join(', ')}: the ingress controller is not let in by this policy.`;
}

function exposedLine(service: Manifest): string[] {
  const type = stringAt(service, 'spec', 'type');
  if (type !== 'LoadBalancer' && type !== 'NodePort') return [];
  return [
    `Service ${service.metadata.namespace}/${service.metadata.name} is of type ${type}: clients outside of the cluster are not let in by this policy.`,
  ];
}
