import type { DnsFacts } from '../../src/model/dns.js';
import type { Finding } from '../../src/model/finding.js';
import { refOf } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import type { Answers, Question } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { objects } from '../../src/model/snapshot.js';
import { SOMEWHERE } from './addresses.js';
import { BUILT_IN } from './built-in.js';
import { hostNetwork, listed } from './findings.js';
import { closedBefore, closeKubeSystem, obstacle } from './kube-system.js';
import { kubeSystemAllows } from './kube-system-allows.js';
import { keptBy } from './kube-system-kept.js';
import { ourPolicies } from './policy.js';
import { DENY, KUBE_SYSTEM, namespaceState, reachIn, WORKLOAD } from './state.js';

const NOTHING = 'No Connections';
/** Addresses that nothing singles out, one of each family (documentation ranges, RFC 5737 and 3849). */
const OUTSIDE = [SOMEWHERE, '2001:db8:ffff::fe'];

/** Whether kube-system is closed to the Internet; none where nothing is left to close, or where it cannot be. */
export function kubeSystemQuestion(now: Snapshot, facts: DnsFacts): readonly Question[] {
  if (closeKubeSystem(now, facts, BUILT_IN).length === 0) return [];
  const { cut } = kubeSystemAllows(now, keptBy(now, BUILT_IN));
  const uncovered = namespaceState(now, KUBE_SYSTEM).hostNetwork.length;
  return [
    {
      id: 'kubeSystem',
      type: 'confirm',
      message: 'Is egress of kube-system to the Internet closed as well?',
      help: [
        'Pods, private networks, the API, upstream DNS, cloud and CSI controllers stay.',
        ...(cut.length > 0
          ? [`Cuts ${cut.length} declared ${cut.length === 1 ? 'connection' : 'connections'}.`]
          : []),
        ...(uncovered > 0 ? [`${uncovered} on the node's network: not coverable.`] : []),
      ].join(' '),
      risk: 'none',
      recommended: false,
      cautious: false,
    },
  ];
}

/** How egress of kube-system stands, by effect; said where the answers ask for it or an earlier run closed it. */
export function kubeSystemFindings(now: Snapshot, facts: DnsFacts, answers: Answers): readonly Finding[] {
  const object = objects(now, 'Namespace').find(({ metadata }) => metadata.name === KUBE_SYSTEM);
  const ours = closedBefore(now);
  if (object === undefined || (answers.kubeSystem !== true && !ours)) return [];
  const open = openToInternet(now);
  const ref = refOf(object);
  const why = obstacle(now, facts);
  const hosts = hostNetwork(object, namespaceState(now, KUBE_SYSTEM));
  const everything = open.filter(({ conn }) => conn === 'All Connections');
  if (everything.length > 0)
    return [
      {
        id: 'kube-system-open-internet',
        severity: 'medium',
        object: ref,
        evidence: `any port of any address: ${listed(everything.map(({ name }) => name))}`,
        message: `Pods of ${KUBE_SYSTEM} may connect to the Internet.${why === undefined ? '' : ` Nothing is proposed: ${why}.`}`,
      },
      ...hosts,
    ];
  const policies = objectsIn(now, 'NetworkPolicy', KUBE_SYSTEM);
  const exceptions = open.map(({ name, conn }) => `${name} (${conn})`);
  return [
    {
      id: 'kube-system-internet-closed',
      severity: 'info',
      object: ref,
      evidence: `${ourPolicies(policies, DENY).length + ourPolicies(policies, WORKLOAD).length} policies of this step; open to any address: ${exceptions.length === 0 ? 'none' : listed(exceptions)}`,
      message: `Egress of ${KUBE_SYSTEM} to the Internet is closed${exceptions.length === 0 ? '' : `, except for ${exceptions.length} of its workloads on the ports that they need`}. Private networks stay open.`,
    },
    ...hosts,
  ];
}

/** Who of kube-system may connect to an address that nothing singles out, and on what. */
function openToInternet(now: Snapshot): readonly { name: string; conn: string }[] {
  const reach = reachIn(now);
  const sources = [
    { name: 'pods to come', endpoint: { freshPod: KUBE_SYSTEM } },
    ...reach.workloads
      .filter(({ namespace, hostNetwork: onNode }) => namespace === KUBE_SYSTEM && !onNode)
      .map(({ name }) => ({ name, endpoint: { workload: name } })),
  ];
  return sources.flatMap(({ name, endpoint }) => {
    const conns = OUTSIDE.map((address) => reach.between(endpoint, { address })).filter((c) => c !== NOTHING);
    return conns.length === 0 ? [] : [{ name, conn: [...new Set(conns)].join('; ') }];
  });
}
