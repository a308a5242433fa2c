import { at, listAt, type Manifest, refOf, refText, stringAt } from '../../src/model/manifest.js';
import { once } from '../../src/model/once.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';

/**
 * Objects by which the API server itself calls a Service of the namespace and fails where it cannot: webhooks that fail
 * shut, conversion of custom resources, aggregated APIs. Where the API server runs is not always told by its objects, so
 * that no policy can be sure to let it in.
 */
export function apiServerCalls(now: Snapshot, namespace: string): readonly string[] {
  return calls(now).get(namespace) ?? [];
}

const calls = once((now): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  const add = (service: unknown, caller: Manifest) => {
    const namespace = stringAt(service, 'namespace');
    if (namespace === undefined) return;
    const known = found.get(namespace) ?? [];
    const text = refText(refOf(caller));
    if (!known.includes(text)) found.set(namespace, [...known, text]);
  };
  for (const kind of ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'] as const)
    for (const config of objects(now, kind))
      for (const webhook of listAt(config, 'webhooks'))
        if ((stringAt(webhook, 'failurePolicy') ?? 'Fail') === 'Fail')
          add(at(webhook, 'clientConfig', 'service'), config);
  for (const definition of objects(now, 'CustomResourceDefinition'))
    if (stringAt(definition, 'spec', 'conversion', 'strategy') === 'Webhook')
      add(at(definition, 'spec', 'conversion', 'webhook', 'clientConfig', 'service'), definition);
  for (const api of objects(now, 'APIService')) add(at(api, 'spec', 'service'), api);
  return found;
});
