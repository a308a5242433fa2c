import type { Finding } from '../../src/model/finding.js';
import { listAt, type Manifest, refOf, refText, sameRef } from '../../src/model/manifest.js';
import { unknownFields } from './fields.js';
import type { DirectionState, NamespaceState } from './state.js';

type Direction = 'ingress' | 'egress';

/** Policies of a namespace that isolate less than they seem to. */
export function pretences(policies: readonly Manifest[], state: NamespaceState): readonly Finding[] {
  return policies.flatMap((policy) => [...withUnknownFields(policy), ...byName(policy, state)]);
}

/** Fields that the server dropped: the policy is not what its author wrote. */
function withUnknownFields(policy: Manifest): readonly Finding[] {
  return unknownFields(policy).map(({ path, where }) => ({
    id: 'policy-unknown-field',
    severity: 'medium' as const,
    object: refOf(policy),
    evidence: `${path} in ${where}`,
    message: `${refText(refOf(policy))} was written with the field ${path}, which the API does not know and drops${hint(policy, path)}.`,
  }));
}

function hint(policy: Manifest, path: string): string {
  if (path !== 'spec.policyType') return '';
  const types = policyTypes(policy).join(' and ');
  return `; it should be policyTypes, and without it the policy covers only ${types}`;
}

/** What a name promises is only a hint; the finding is made where the effect falls short of it. */
function byName(policy: Manifest, state: NamespaceState): readonly Finding[] {
  const short = promisedBy(policy.metadata.name).flatMap((direction) => {
    const why = shortfall(policy, direction, state[direction]);
    return why === undefined ? [] : [{ direction, why }];
  });
  if (short.length === 0) return [];
  const ref = refOf(policy);
  const open = short.map(({ direction }) => `${direction}: ${openText(state[direction])}`);
  return [
    {
      id: 'policy-isolates-less',
      severity: 'medium',
      object: ref,
      evidence: `policyTypes in effect: ${policyTypes(policy).join(', ')}; ${open.join('; ')}`,
      message: `${refText(ref)} isolates less than its name says: ${short.map(({ why }) => why).join(', and ')}.`,
    },
  ];
}

function shortfall(policy: Manifest, direction: Direction, effect: DirectionState): string | undefined {
  if (effect.closed) return undefined;
  if (!policyTypes(policy).includes(direction)) return `it does not cover ${direction}`;
  if (effect.openBy.some((one) => sameRef(one, refOf(policy))))
    return `a rule of it lets everything pass on ${direction}`;
  return effect.unselected.length > 0 ? `its selector leaves pods out on ${direction}` : undefined;
}

function openText(effect: DirectionState): string {
  const { unselected } = effect;
  if (unselected.length === 0) return 'new pods are open';
  const shown = unselected.slice(0, 5).join(', ');
  return `${shown}${unselected.length > 5 ? ` and ${unselected.length - 5} more` : ''} open`;
}

/** Directions that a policy's name promises to close; empty where it promises nothing of the kind. */
export function promisedBy(name: string): readonly Direction[] {
  if (!/deny|isolat|lockdown/.test(name) || /metadata|imds/.test(name)) return [];
  const egress = /egress|outbound|outgoing|(^|-)to-/.test(name);
  const ingress = /ingress|inbound|incoming|(^|-)from-/.test(name);
  if (egress === ingress) return ['ingress', 'egress'];
  return egress ? ['egress'] : ['ingress'];
}

/** The directions that a policy covers, by the API's defaulting: always ingress, egress where it has such rules. */
export function policyTypes(policy: Manifest): readonly Direction[] {
  const given = listAt(policy, 'spec', 'policyTypes');
  if (given.length > 0)
    return (['ingress', 'egress'] as const).filter((d) =>
      given.includes(d === 'ingress' ? 'Ingress' : 'Egress'),
    );
  return listAt(policy, 'spec', 'egress').length > 0 ? ['ingress', 'egress'] : ['ingress'];
}
