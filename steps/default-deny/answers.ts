import { listAt, type Manifest } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { isOurs } from '../../src/model/ours.js';
import { canonical } from '../../src/model/plan.js';
import { type Answers, chosen } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { policyTypes } from './pretences.js';
import { DENY, KUBE_SYSTEM, SAME_NAMESPACE, WORKLOAD } from './state.js';
import type { Openness } from './workloads.js';

const OWN_NAMESPACE = canonical({ podSelector: {} });

/** What the answers leave open. `sameNamespace` was a yes or no once: yes is all traffic, no what is declared. */
export function opennessOf(answers: Answers): Openness {
  return {
    sameNamespace: answers.sameNamespace === true || answers.sameNamespace === 'all',
    outside: answers.egressOutside !== 'closed',
    kept: answers.cuts === undefined ? undefined : new Set(chosen(answers, 'cuts')),
  };
}

/** What our policies of an earlier run leave open in a namespace; undefined where there are none. */
export function opennessToday(now: Snapshot, namespace: string): Openness | undefined {
  const ours = objectsIn(now, 'NetworkPolicy', namespace).filter((policy) =>
    [DENY, SAME_NAMESPACE].some((component) => isOurs(policy, component)),
  );
  if (!ours.some((policy) => isOurs(policy, DENY))) return undefined;
  const egress = ours.filter((policy) => policyTypes(policy).includes('egress'));
  return {
    sameNamespace: ours.some((policy) => hasPeer(policy, (peer) => canonical(peer) === OWN_NAMESPACE)),
    outside: egress.length === 0 || egress.some((policy) => hasPeer(policy, isEverywhere)),
    kept: undefined,
  };
}

/** Whether policies of ours let addresses outside pass in a namespace. */
export function outsideOpen(now: Snapshot, namespace: string): boolean {
  return objectsIn(now, 'NetworkPolicy', namespace).some(
    (policy) =>
      [DENY, SAME_NAMESPACE, WORKLOAD].some((component) => isOurs(policy, component)) &&
      hasPeer(policy, isEverywhere),
  );
}

function hasPeer({ spec }: Manifest, holds: (peer: unknown) => boolean): boolean {
  return [
    ...listAt(spec, 'ingress').flatMap((rule) => listAt(rule, 'from')),
    ...listAt(spec, 'egress').flatMap((rule) => listAt(rule, 'to')),
  ].some(holds);
}

function isEverywhere(peer: unknown): boolean {
  return canonical(peer).includes('"cidr":"0.0.0.0/0"');
}

/** What earlier runs left open, where all namespaces that they closed are alike; otherwise what we recommend. */
export function usualOpenness(now: Snapshot): Openness {
  // What was closed of kube-system says nothing about the others: it is closed by a policy of another form.
  const known = objects(now, 'Namespace')
    .filter(({ metadata }) => metadata.name !== KUBE_SYSTEM)
    .flatMap(({ metadata }) => opennessToday(now, metadata.name) ?? []);
  return {
    sameNamespace: known.length > 0 && known.every(({ sameNamespace }) => sameNamespace),
    outside: known.length === 0 || known.some(({ outside }) => outside),
    kept: undefined,
  };
}
