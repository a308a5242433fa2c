import type { Declared } from '../../src/declared/index.js';
import { dns } from '../../src/model/dns.js';
import { refText } from '../../src/model/manifest.js';
import { networkPlugin } from '../../src/model/plugins.js';
import { DEPENDS } from '../../src/model/preview.js';
import { type Snapshot, visible } from '../../src/model/snapshot.js';
import { hasAllow } from './allows.js';
import { holdsOwnNode } from './entities.js';
import { flowText, type Lost } from './flows.js';
import type { Closing } from './policy.js';
import { groupsIn } from './selectors.js';
import { DECLARING_KINDS } from './state.js';
import { type Openness, type Side, sidesOf } from './workloads.js';

/** A declared connection that closing a namespace cuts, and why. */
export interface Cut extends Lost {
  reason: string;
}

/** What closing a namespace means for the connections that are declared. */
export interface Effect {
  cut: readonly Cut[];
  /** Connections that need a rule of their own, and have it, with the sides that need one. */
  kept: readonly { flow: Declared; sides: readonly Side[] }[];
}

/** The connections into and out of a namespace that closing it touches, those that are cut in the order of `Declared`. */
export function effectOf(now: Snapshot, namespace: string, close: Closing, open: Openness): Effect {
  const cut = new Map<string, Cut>();
  const kept = new Map<string, { flow: Declared; sides: Side[] }>();
  const workloads = new Set(
    groupsIn(now, namespace).flatMap(({ members }) => members.map(({ name }) => name)),
  );
  for (const name of workloads)
    for (const side of sidesOf(now, namespace, name, close, open.outside)) {
      const text = flowText(side.flow);
      const why = reasonOf(side, open);
      // What one side cuts for certain is cut, whatever the other depends on.
      if (why !== undefined && cut.get(text)?.depends !== false) cut.set(text, { flow: side.flow, ...why });
      else if (why !== undefined) continue;
      else if (hasAllow(side.need)) {
        const known = kept.get(text) ?? { flow: side.flow, sides: [] };
        known.sides.push(side);
        kept.set(text, known);
      }
    }
  return { cut: [...cut.values()], kept: [...kept.values()] };
}

/** Why one side of a connection is cut; undefined where it is kept. */
function reasonOf(
  { flow, need }: Side,
  { kept, sameNamespace }: Openness,
): Pick<Cut, 'reason' | 'depends'> | undefined {
  if (need.kind === 'impossible') return { reason: need.reason, depends: need.depends === true };
  if (need.kind === 'open' || kept === undefined || kept.has(flowText(flow))) return undefined;
  return sameNamespace && isInside(flow)
    ? undefined
    : { reason: 'the answers do not keep it', depends: false };
}

export function isInside({ source, destination }: Declared): boolean {
  return (
    source.kind === 'workload' &&
    destination.kind === 'workload' &&
    source.namespace === destination.namespace
  );
}

/** One line for a connection that is cut: what, how bad, why, and where it is seen. */
export function cutLine({ flow, reason, depends }: Cut): string {
  const { evidence, severity } = flow;
  const shut = flow.why === 'webhook' && severity === 'critical' ? '; it fails shut' : '';
  return `${depends ? `May cut, ${DEPENDS}, ` : 'Cuts '}${flowText(flow)} (${flow.why}, ${severity}${shut}): ${reason}. Seen in ${refText(evidence.object)}, ${evidence.field}: ${evidence.value}`;
}

/** What closing a namespace may cut, in words: declared connections first, the worst of them at the top. */
export function whatBreaks(
  now: Snapshot,
  namespace: string,
  close: Closing,
  open: Openness,
): readonly string[] {
  const { cut, kept } = effectOf(now, namespace, close, open);
  return [
    ...cut.map(cutLine),
    ...byPlugin(now, close, open.outside),
    `${counted(kept.length)} kept by policies of their own; traffic that nothing declares${now.observed === undefined ? '' : ' and no flow log shows'} stops${open.sameNamespace ? ', except inside the namespace' : ''}.`,
    ...(close.egress
      ? [
          open.outside
            ? 'Addresses outside of the cluster stay open, the metadata service excepted.'
            : `Pods lose the Internet, except for addresses that are declared${now.observed === undefined ? '' : ' or were seen'}.`,
        ]
      : []),
    ...undeclared(now),
  ];
}

/** What may be needed without our knowing, because what would declare it could not be read. */
export function undeclared(now: Snapshot): readonly string[] {
  const unread = [...DECLARING_KINDS, 'ConfigMap' as const].filter((kind) => !visible(now, kind));
  return unread.length === 0
    ? []
    : [`Connections that these would declare are not known: ${unread.join(', ')} could not be read.`];
}

function counted(connections: number): string {
  return connections === 1 ? '1 declared connection is' : `${connections} declared connections are`;
}

/** What the network plugin makes of it; `outside`: every address but the metadata service stays open. */
export function byPlugin(now: Snapshot, close: Closing, outside: boolean): readonly string[] {
  const plugin = networkPlugin(now);
  if (plugin.verdict === 'notEnforced')
    return [`${plugin.title} does not enforce NetworkPolicies: this is written, but changes nothing.`];
  return [
    ...(close.ingress && holdsOwnNode(now)
      ? [
          'ConfigMap cilium-config has allow-localhost: policy: probes of the kubelets are cut, and pods restart. Set it to auto first.',
        ]
      : []),
    ...(close.egress && outside && plugin.ipBlockMatchesPods !== false
      ? [
          `${plugin.ipBlockMatchesPods === undefined ? 'Some network plugins match' : `${plugin.title} matches`} pods by address, too: what its pods may open to other pods is then closed by the ingress of those pods alone, as the matrix shows.`,
        ]
      : []),
    ...(close.egress && dns(now).nodeLocal !== undefined && !plugin.ipBlockMatchesNodes
      ? [
          `On ${plugin.title === 'unknown' ? 'some network plugins' : plugin.title} the DNS cache of the nodes may not match an address range: try one namespace first.`,
        ]
      : []),
  ];
}
