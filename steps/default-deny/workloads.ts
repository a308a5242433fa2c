import { createHash } from 'node:crypto';
import { type Declared, observedNote } from '../../src/declared/index.js';
import { once } from '../../src/model/once.js';
import { networkPlugin } from '../../src/model/plugins.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { egressNeed, entityRulesOf, hasAllow, ingressNeed, type Need, rulesOf } from './allows.js';
import { counted, flowText } from './flows.js';
import type { Closing } from './policy.js';
import { groupsIn, type PodSelector } from './selectors.js';
import { namespaceState } from './state.js';

/** What the answers say about what stays open. */
export interface Openness {
  sameNamespace: boolean;
  outside: boolean;
  /** Connections that are to be kept, as `flowText` names them; undefined: all. */
  kept: ReadonlySet<string> | undefined;
}

/** One policy for the pods that a workload's selector selects. */
export interface WorkloadAllows {
  name: string;
  selector: PodSelector;
  close: Closing;
  ingress: readonly unknown[];
  egress: readonly unknown[];
  /** Of these, the connections that only a flow log showed, for the next run. */
  note: string | undefined;
  /** The same for peers that only entities of Cilium name. */
  entities: { ingress: readonly unknown[]; egress: readonly unknown[] };
}

/** A declared connection with what one side of it needs. */
export interface Side {
  flow: Declared;
  direction: keyof Closing;
  need: Need;
}

interface Sides {
  ingress: ReadonlyMap<string, readonly Declared[]>;
  egress: ReadonlyMap<string, readonly Declared[]>;
}

const sides = once((now): Sides => {
  const nameOf = (peer: Declared['source']) => (peer.kind === 'workload' ? peer.name : '');
  return {
    ingress: Map.groupBy(counted(now), ({ destination }) => nameOf(destination)),
    egress: Map.groupBy(counted(now), ({ source }) => nameOf(source)),
  };
});

const NONE: readonly Declared[] = [];
const LONGEST = 200;

/** The directions of a workload that our policies decide about: no policy of others selects its pods there. */
function closingOf(now: Snapshot, namespace: string, workload: string, close: Closing): Closing {
  const { ingress, egress } = namespaceState(now, namespace);
  return {
    ingress: close.ingress && ingress.free.includes(workload),
    egress: close.egress && egress.free.includes(workload),
  };
}

/** Both sides of a workload's declared connections, as far as closing its namespace touches them. */
export function sidesOf(
  now: Snapshot,
  namespace: string,
  workload: string,
  closing: Closing,
  outside: boolean,
): readonly Side[] {
  const close = closingOf(now, namespace, workload, closing);
  return [
    ...(close.ingress ? (sides(now).ingress.get(workload) ?? NONE) : NONE).map((flow) => ({
      flow,
      direction: 'ingress' as const,
      need: ingressNeed(now, flow),
    })),
    ...(close.egress ? (sides(now).egress.get(workload) ?? NONE) : NONE)
      .map((flow) => ({ flow, direction: 'egress' as const, need: egressNeed(now, flow, outside) }))
      // Rules for DNS stand in every policy; those that no address range of it matches are on the nodes' network.
      .filter(
        ({ flow: { why, destination }, need }) =>
          why !== 'dns' ||
          destination.kind !== 'workload' ||
          (!networkPlugin(now).ipBlockMatchesNodes && ['entities', 'impossible'].includes(need.kind)),
      ),
  ];
}

/** A policy for each selector of a namespace's workloads; none where policies of others decide about all their pods. */
export function workloadAllows(
  now: Snapshot,
  namespace: string,
  closing: Closing,
  { outside, kept }: Openness,
): readonly WorkloadAllows[] {
  return groupsIn(now, namespace).flatMap(({ first, selector, members }) => {
    const closes = members.map(({ name }) => closingOf(now, namespace, name, closing));
    const close = {
      ingress: closes.some(({ ingress }) => ingress),
      egress: closes.some(({ egress }) => egress),
    };
    if (!close.ingress && !close.egress) return [];
    const sides = members
      .flatMap(({ name }) => sidesOf(now, namespace, name, closing, outside))
      .filter(({ flow }) => kept?.has(flowText(flow)) ?? true);
    const needs = (direction: keyof Closing) =>
      sides.filter((side) => side.direction === direction).map(({ need }) => need);
    return [
      {
        name: nameOf(first.ref.kind, first.ref.name),
        selector,
        close,
        ingress: rulesOf(needs('ingress'), 'from'),
        egress: rulesOf(needs('egress'), 'to'),
        note: observedNote(sides.filter(({ need }) => hasAllow(need)).map(({ flow }) => flow)),
        entities: {
          ingress: entityRulesOf(needs('ingress'), 'from'),
          egress: entityRulesOf(needs('egress'), 'to'),
        },
      },
    ];
  });
}

/** What a workload's policy is called. */
export function nameOf(kind: string, name: string): string {
  const whole = `allow-${kind.toLowerCase()}-${name}`;
  if (whole.length <= LONGEST) return whole;
  return `${whole.slice(0, LONGEST - 9)}-${createHash('sha256').update(whole).digest('hex').slice(0, 8)}`;
}
