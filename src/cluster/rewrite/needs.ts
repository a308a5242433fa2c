import type { Need, Right, Verb, Without } from '../../model/rights.js';
import { isScratchResource } from '../scratch.js';
import { SERVERS_NEEDS } from '../servers.js';

/**
 * What a re-write of a resource needs, by its name in encryption configurations. An empty patch needs no value, and RBAC
 * knows no right to a list that leaves values out: whoever may list Secrets may read them.
 */
export function REWRITE_NEEDS(name: string): readonly Need[] {
  const { resource, group } = groupAndPlural(name);
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

function groupAndPlural(name: string): { group: string; resource: string } {
  const dot = name.indexOf('.');
  return dot < 0
    ? { group: '', resource: name }
    : { group: name.slice(dot + 1), resource: name.slice(0, dot) };
}

/** What shows that API servers agree: scratch objects with random names, and how the server says that it wrote them. */
export function gateNeeds(resources: readonly string[]): readonly Need[] {
  const kinds = ['secrets', ...resources.filter((name) => name !== 'secrets' && isScratchResource(name))];
  return [
    ...kinds.flatMap((name) =>
      (['create', 'patch', 'delete'] as const).map((verb) => ({
        verb,
        ...groupAndPlural(name),
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
