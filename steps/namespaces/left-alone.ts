import type { Finding } from '../../src/model/finding.js';
import { BUILT_IN, namespaceVerdict, systemNamespaces } from '../../src/model/namespaces.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { counted } from '../../src/model/words.js';

/**
 * The namespaces that no step chooses by itself, by name and with the rule by which they are taken for the system's: the
 * rule can be wrong, and then their owner has to learn of it. Excluded ones are not among them: somebody asked for that.
 */
export function leftAlone(now: Snapshot): readonly Finding[] {
  const system = systemNamespaces(now);
  if (system.length === 0) return [];
  const names = system.map(({ metadata }) => metadata.name);
  const rules = system.map((namespace) => {
    const { name } = namespace.metadata;
    const why = BUILT_IN.includes(name) ? 'made by Kubernetes itself' : namespaceVerdict(now, namespace).why;
    return `${name}: ${why}`;
  });
  const waits = names.includes('kube-system')
    ? ' Of these default-deny closes kube-system only to the Internet, and asks for it apart.'
    : '';
  return [
    {
      id: 'namespaces-left-alone',
      severity: 'info',
      evidence: rules.join('; '),
      message: `${counted(names.length, 'namespace')} of the system ${names.length === 1 ? 'is' : 'are'} left alone unless chosen by name: ${names.join(', ')}.${waits}`,
    },
  ];
}
