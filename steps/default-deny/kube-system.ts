import { type DnsFacts, ownNameservers } from '../../src/model/dns.js';
import { at, type Manifest } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { systemNamespaces } from '../../src/model/namespaces.js';
import type { ApplyChange, DeleteChange } from '../../src/model/plan.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import type { Templates } from '../../src/model/template.js';
import { egressNeed, entityRulesOf, type Need } from './allows.js';
import { byPlugin, cutLine, undeclared } from './breaks.js';
import { closing, entitiesBeside, inForce, reopening } from './closing.js';
import { EVERY_NODE } from './entities.js';
import { kubeSystemAllows } from './kube-system-allows.js';
import { keptBy, TEMPLATE } from './kube-system-kept.js';
import { refuseInternet } from './opening.js';
import { asWorkload, type Closing, filled, named, ourPolicies, outsideOf } from './policy.js';
import type { PodSelector } from './selectors.js';
import { DENY, KUBE_SYSTEM, namespaceState, WORKLOAD } from './state.js';

/** Its pods serve every namespace: who may reach them is not touched. */
const EGRESS: Closing = { ingress: false, egress: true };

/** Why egress of kube-system is not closed by this step, in words; undefined where it can be. */
export function obstacle(now: Snapshot, facts: DnsFacts): string | undefined {
  if (!systemNamespaces(now).some(({ metadata }) => metadata.name === KUBE_SYSTEM))
    return 'it is not among the namespaces that may be changed';
  const state = namespaceState(now, KUBE_SYSTEM);
  if (!state.egress.closable) return 'policies of others decide about its egress already';
  if (!closing(state, facts).egress) return facts.missing ?? 'how names are resolved is not known';
  if (outsideOf(objectsIn(now, 'NetworkPolicy', KUBE_SYSTEM), 'egress', true) === 'unknown')
    return 'policies of others select pods in too many ways to tell which are left';
  const api = egressNeed(now, API_CALL, false);
  return api.kind === 'impossible' ? api.reason : undefined;
}

/** A call that nearly every pod of kube-system makes. */
const API_CALL: Parameters<typeof egressNeed>[1] = {
  source: { kind: 'namespace', namespace: KUBE_SYSTEM },
  destination: { kind: 'apiServer' },
  protocol: 'TCP',
  port: undefined,
  why: 'kubernetes-api',
  severity: 'critical',
  evidence: {
    object: { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'kubernetes' },
    field: '',
    value: '',
  },
};

/**
 * The changes that close egress of kube-system to the Internet: a policy for each workload that is known to need
 * addresses there, complete alone, then one for all pods that policies of others do not narrow already.
 * @throws TemplateError where the template is of another shape
 */
export function closeKubeSystem(
  now: Snapshot,
  facts: DnsFacts,
  templates: Templates,
): readonly (ApplyChange | DeleteChange)[] {
  if (obstacle(now, facts) !== undefined) return [];
  const kept = keptBy(now, templates);
  const { allows, cut, listed } = kubeSystemAllows(now, kept);
  const existing = objectsIn(now, 'NetworkPolicy', KUBE_SYSTEM);
  const filling = new Map([[TEMPLATE, kept.template]]);
  const input = { namespace: KUBE_SYSTEM, dns: facts, nameservers: ownNameservers(now, KUBE_SYSTEM) };
  const policy = (component: string, selector: Manifest['spec'] & object, egress: readonly unknown[]) =>
    filled(
      TEMPLATE,
      filling,
      input,
      component,
      { selector: { ...selector }, close: EGRESS, ingress: [], egress: [...kept.more, ...egress] },
      refuseInternet,
    );
  const workloads = allows.map((one) =>
    asWorkload(policy(WORKLOAD, one.selector, one.egress), one, existing),
  );
  const free = outsideOf(existing, 'egress', true);
  const selectors = typeof free === 'string' ? [{}] : free.map((matchExpressions) => ({ matchExpressions }));
  const denies = named(
    selectors.map((selector) => policy(DENY, selector, [])),
    existing,
    DENY,
  );
  const { hostNetwork } = namespaceState(now, KUBE_SYSTEM);
  const breaks = [
    ...cut.map(cutLine),
    ...byPlugin(now, EGRESS, false),
    ...listed.map((line) => `Stays open: ${line}.`),
    'A controller that comes later and needs the Internet lacks it until this step has run again.',
    ...(hostNetwork.length === 0
      ? []
      : [`On their node's network, covered by no policy: ${hostNetwork.join(', ')}.`]),
    ...undeclared(now),
  ];
  const why =
    'Closes the Internet to every pod of kube-system, new ones included; inside of the cluster all stays open.';
  return inForce(
    { workloads, manifests: denies, beside: nodesBeside(now, denies) },
    existing,
    { breaks, why },
    reopening(now, KUBE_SYSTEM, namespaceState(now, KUBE_SYSTEM), EGRESS),
  );
}

/** Where no address range matches nodes and the API server, what keeps them open to the same pods as the denies close. */
function nodesBeside(now: Snapshot, denies: readonly Manifest[]) {
  // Without SCTP: agents that are not set up for it refuse the whole policy.
  const ports = [{ protocol: 'TCP' }, { protocol: 'UDP' }];
  const open: Need = { kind: 'entities', entities: [...EVERY_NODE, 'kube-apiserver'], ports };
  const allowing = denies.map(({ metadata, spec }) => ({
    name: metadata.name,
    selector: at(spec, 'podSelector') as PodSelector,
    entities: { ingress: [], egress: entityRulesOf([open], 'to') },
  }));
  const beside = entitiesBeside(now, KUBE_SYSTEM, allowing, denies);
  const ids = beside.writes.map(({ id }) => id);
  return { ...beside, ids: () => ids };
}

/** Whether policies of this step stand in kube-system. */
export function closedBefore(now: Snapshot): boolean {
  return ourPolicies(objectsIn(now, 'NetworkPolicy', KUBE_SYSTEM), DENY).length > 0;
}
