import type { Need, Right, Verb, Without } from '../../model/rights.js';
import { SERVERS_NEEDS } from '../servers.js';

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
    ...gateNeeds([name]),
    ...SERVERS_NEEDS,
  ];
}

/** What shows that API servers agree: scratch objects with random names, and how the server says that it wrote them. */
export function gateNeeds(resources: readonly string[]): readonly Need[] {
  const kinds = resources.includes('configmaps') ? ['secrets', 'configmaps'] : ['secrets'];
  return [
    ...kinds.flatMap((resource) =>
      (['create', 'patch', 'delete'] as const).map((verb) => ({
        verb,
        group: '',
        resource,
        namespace: 'kube-system',
      })),
    ),
    { verb: 'get' as const, url: '/metrics' },
  ].map((right) => ({
    right,
    for: 'the scratch Secret that shows whether API servers agree before a re-write',
    without: 'refused',
  }));
}
