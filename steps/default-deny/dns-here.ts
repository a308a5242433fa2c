import { type DnsFacts, dns } from '../../src/model/dns.js';
import { excluded } from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { objects } from '../../src/model/snapshot.js';
import { NAME_LABEL } from './state.js';

/**
 * What is known of DNS, as far as policies may use it: a namespace that lacks the label with its name, and that may not
 * be touched, cannot be selected, so that closing egress would cut names off.
 */
export const dnsHere = once((now): DnsFacts => {
  const facts = dns(now);
  const serving = new Set(facts.services.map(({ ref }) => ref.namespace));
  const untouchable = objects(now, 'Namespace').find(
    ({ metadata }) =>
      serving.has(metadata.name) &&
      metadata.labels?.[NAME_LABEL] !== metadata.name &&
      excluded(now, metadata.name),
  );
  if (facts.missing !== undefined || untouchable === undefined) return facts;
  const { name } = untouchable.metadata;
  return {
    ...facts,
    missing: `Namespace ${name} serves DNS, lacks the label ${NAME_LABEL} and is excluded, so that no policy can select it`,
  };
});
