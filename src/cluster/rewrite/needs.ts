import type { Need, Right, Verb, Without } from '../../model/rights.js';
import { SERVERS_NEEDS } from '../servers.js';

const secrets = { group: '', resource: 'secrets' } as const;

/**
 * What a re-write of a resource needs, by its name in encryption configurations. An empty patch needs no value, and RBAC
 * knows no right to a list that leaves values out: whoever may list Secrets may read them.
 */
export function REWRITE_NEEDS(name: string): readonly Need[] {
  const dot = name.indexOf('.');
  const [resource, group] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
  const need = (right: Right, without: Without = 'refused'): Need => ({
    right,
    for: `the re-write of ${name}`,
    without,
  });
  const on = (verb: Verb) => need({ verb, group, resource });
  return [
    on('list'),
    on('patch'),
    need({ verb: 'list', group: '', resource: 'namespaces' }),
    ...GATE_NEEDS,
    ...SERVERS_NEEDS,
  ];
}

/** What shows that API servers agree: a scratch Secret with a random name, and how the server says that it wrote it. */
export const GATE_NEEDS: readonly Need[] = [
  { verb: 'create' as const, ...secrets, namespace: 'kube-system' },
  { verb: 'patch' as const, ...secrets, namespace: 'kube-system' },
  { verb: 'delete' as const, ...secrets, namespace: 'kube-system' },
  { verb: 'get' as const, url: '/metrics' },
].map((right) => ({
  right,
  for: 'the scratch Secret that shows whether API servers agree before a re-write',
  without: 'refused',
}));
