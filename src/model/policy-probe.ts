import type { Manifest } from './manifest.js';
import { labelledOurs } from './ours.js';
import { objects, type Snapshot } from './snapshot.js';

/** The label `app.kubernetes.io/component` of all that a live probe creates. */
export const PROBE_COMPONENT = 'policy-probe';
/** Scratch namespaces are called this and twelve hexadecimal digits. */
export const PROBE_PREFIX = 'kubectl-harden-probe-';

/** How a live probe is made. All times in seconds. */
export interface ProbeOptions {
  /** An image whose entry point is `agnhost`, or a copy of one that the nodes can pull without credentials. */
  image: string;
  /** How long a pod may take to start, its image pulled. */
  startSeconds: number;
  /** How long the network plugin may take to put a policy, or its absence, into effect. */
  settleSeconds: number;
  /** How long the scratch namespace may take to be gone once it is deleted. */
  removeSeconds: number;
}

export const PROBE_DEFAULTS: ProbeOptions = {
  image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
  startSeconds: 90,
  settleSeconds: 30,
  removeSeconds: 60,
};

/** Most seconds that a pod may be given to start. */
export const LONGEST_START = 600;

/** The longest that a whole probe can take before it begins to clean up: two pods start, and two changes settle. */
export function probeSeconds({ startSeconds, settleSeconds }: ProbeOptions): number {
  return 2 * startSeconds + 3 * settleSeconds + 30;
}

/** Whether policies had an effect on two pods; `inconclusive`: something else kept it from being seen. */
export type ProbeVerdict = 'enforced' | 'notEnforced' | 'inconclusive';

/** What a live probe found. It is a fact of the run in which it was made. */
export interface ProbeFacts {
  verdict: ProbeVerdict;
  /** What was seen, in sentences; for `inconclusive` why nothing can be said. */
  evidence: readonly string[];
  /** ISO 8601: when it ended. */
  at: string;
  /** Stopped by the user. */
  interrupted: boolean;
  /** Namespaces of this or an earlier probe that are still there, and the command that removes each. */
  left: readonly { namespace: string; command: string }[];
}

/** A scratch namespace of an earlier probe. */
export interface ProbeLeftover {
  name: string;
  uid: string;
}

/** After this time in milliseconds no probe can be at work any more: its namespace was left behind. */
const ABANDONED = 45 * 60_000;

/** Whether a namespace is the scratch namespace of a live probe, of any run: by name and labels. */
export function isProbeNamespace(namespace: Manifest): boolean {
  const { name } = namespace.metadata;
  return (
    /^[0-9a-f]{12}$/.test(name.startsWith(PROBE_PREFIX) ? name.slice(PROBE_PREFIX.length) : '') &&
    labelledOurs(namespace, PROBE_COMPONENT)
  );
}

/** Whether it is one of an earlier probe that was killed, by its age as well; `at` as ISO 8601. */
export function isAbandonedProbe(namespace: Manifest, at: string): boolean {
  const { creationTimestamp, deletionTimestamp } = namespace.metadata;
  const age = Date.parse(at) - Date.parse(creationTimestamp ?? '');
  return isProbeNamespace(namespace) && deletionTimestamp === undefined && age > ABANDONED;
}

/** What earlier probes left behind: the next one removes it. */
export function abandonedProbes(now: Snapshot): readonly ProbeLeftover[] {
  return objects(now, 'Namespace').flatMap((namespace) => {
    const { name, uid } = namespace.metadata;
    return uid !== undefined && isAbandonedProbe(namespace, now.takenAt) ? [{ name, uid }] : [];
  });
}

/** A probe as it is confirmed. */
export interface ProbePlan {
  options: ProbeOptions;
  leftovers: readonly ProbeLeftover[];
}

/** What a probe creates and removes, line by line, for its confirmation. */
export function probeLines({ options, leftovers }: ProbePlan): readonly string[] {
  const { image, removeSeconds } = options;
  const longest = probeSeconds(options) + removeSeconds * (1 + leftovers.length);
  return [
    `creates the namespace ${PROBE_PREFIX}<random>: a pod that listens, pods that connect to it one by one, a NetworkPolicy that denies it`,
    `runs the image ${image} there, without privileges and without a token`,
    'changes nothing in any other namespace',
    'removes that namespace, whatever happens',
    ...leftovers.map(({ name }) => `removes the namespace ${name}, which an earlier probe left behind`),
    `ends within about ${Math.ceil(longest / 60)} minutes where a node is slow or nothing works, else far sooner`,
  ];
}

const HEADLINES: Record<ProbeVerdict, string> = {
  enforced: 'NetworkPolicies are enforced',
  notEnforced: 'NetworkPolicies are not enforced',
  inconclusive: 'Whether NetworkPolicies are enforced could not be found out',
};

/** What a probe found, in one sentence. */
export function probeSentence({ verdict, evidence }: ProbeFacts): string {
  return `${HEADLINES[verdict]}: ${evidence.join('; ')}.`;
}
