import { at, stringAt } from '../../src/model/manifest.js';

/** What a cluster's nodes and network do to the pods of a probe. */
export interface Network {
  /** Whether a policy that selects a pod cuts what it does not allow. */
  enforces: boolean;
  /** Milliseconds that a policy, or its absence, takes to have an effect. */
  delay?: number;
  /** Clients never reach anything, with these last words. */
  deaf?: string;
  /** Once cut, a connection never comes back: as of a server that died. */
  dies?: boolean;
  /** What becomes of a pod in place of running, by its name. */
  instead?: (name: string) => object | undefined;
}

/** `instead` of a node that cannot pull the image. */
export const BACK_OFF = {
  phase: 'Pending',
  containerStatuses: [
    {
      name: 'agnhost',
      state: {
        waiting: {
          reason: 'ImagePullBackOff',
          message: 'Back-off pulling image\u001b[31m "example.test/a:1"',
        },
      },
    },
  ],
};

/** `instead` of a cluster whose nodes all refuse the pod. */
export const UNSCHEDULED = {
  phase: 'Pending',
  conditions: [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/3 nodes are available: 3 node(s) had untolerated taints.',
    },
  ],
};

/** `instead` of an image that is not the one that is needed. */
export const OTHER_IMAGE = {
  phase: 'Failed',
  containerStatuses: [
    {
      name: 'agnhost',
      state: { terminated: { exitCode: 128, reason: 'StartError', message: 'no such file' } },
    },
  ],
};

const ended = (exitCode: number, message: string) => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  podIP: '10.0.0.8',
  containerStatuses: [{ name: 'agnhost', state: { terminated: { exitCode, reason: 'Error', message } } }],
});

/** The part of a kubelet and a network plugin: gives a pod the status that it would get. */
export class Kubelet {
  readonly #network: Network;
  readonly #statuses = new Map<string, object>();
  #denied = false;
  #since = 0;
  #cut = false;

  constructor(network: Network) {
    this.#network = network;
  }

  /** The status of a pod; `denied`: a policy that denies ingress is there. */
  statusOf(pod: unknown, denied: boolean): object {
    if (denied !== this.#denied) [this.#denied, this.#since] = [denied, performance.now()];
    const uid = stringAt(pod, 'metadata', 'uid') ?? '';
    const known = this.#statuses.get(uid);
    if (known !== undefined) return known;
    const status = this.#run(pod);
    this.#statuses.set(uid, status);
    return status;
  }

  #run(pod: unknown): object {
    const name = stringAt(pod, 'metadata', 'name') ?? '';
    const { enforces, delay = 0, deaf, dies, instead } = this.#network;
    const other = instead?.(name);
    if (other !== undefined) return other;
    if (at(pod, 'spec', 'containers', 0, 'args', 0) === 'serve-hostname')
      return {
        phase: 'Running',
        podIP: '10.0.0.7',
        containerStatuses: [{ name: 'agnhost', state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }],
      };
    if (at(pod, 'spec', 'containers', 0, 'args', 1) !== '10.0.0.7:8080') return ended(1, 'REFUSED\n');
    if (deaf !== undefined) return ended(1, deaf);
    const settled = performance.now() - this.#since >= delay;
    const cut = enforces && (this.#denied === settled || (dies === true && this.#cut));
    this.#cut ||= cut;
    return cut ? ended(1, 'TIMEOUT\n') : ended(0, '');
  }
}
