import { createHash } from 'node:crypto';
import type { Manifest, ObjectMeta } from '../../model/manifest.js';
import type { SecretSeed, WorkloadSeed } from './build.js';
import { podSpecOf } from './containers.js';

/** Turns seeds into the objects that a cluster would have: workloads with their pods, Services with endpoints. */
export class Expander {
  readonly #salt: string;
  readonly #nodes: readonly { name: string; ip: string }[];
  #pods = 0;

  constructor(salt: string, nodes: readonly { name: string; ip: string }[]) {
    this.#salt = salt;
    this.#nodes = nodes;
  }

  /** A UID of its own for each object of each seeded cluster. */
  uid(...names: string[]): string {
    const hex = createHash('sha256')
      .update([this.#salt, ...names].join('\n'))
      .digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  short(...names: string[]): string {
    const digits = 'bcdfghjklmnpqrstvwxz2456789';
    const bytes = createHash('sha256').update(names.join('\n')).digest();
    return Array.from({ length: 5 }, (_, index) => digits[bytes[index]! % digits.length]).join('');
  }

  workload(seed: WorkloadSeed): Manifest[] {
    const { kind = 'Deployment', namespace, name } = seed;
    const podLabels = { app: name, ...seed.podLabels };
    const spec = podSpecOf(seed);
    const meta = {
      name,
      namespace,
      labels: { ...seed.labels, app: name },
      ...(seed.annotations === undefined ? {} : { annotations: { ...seed.annotations } }),
    };
    const template = { metadata: { labels: podLabels }, spec };
    const selector = { matchLabels: podLabels };
    if (kind === 'Pod') return [this.#pod(seed, name, podLabels, spec)];
    if (kind === 'CronJob')
      return [
        {
          apiVersion: 'batch/v1',
          kind,
          metadata: meta,
          spec: {
            schedule: seed.schedule ?? '0 3 * * *',
            jobTemplate: {
              spec: { template: { ...template, spec: { ...spec, restartPolicy: 'OnFailure' } } },
            },
          },
        },
      ];
    const count = kind === 'DaemonSet' ? this.#nodes.length : (seed.replicas ?? 1);
    const owner: Manifest = {
      apiVersion: 'apps/v1',
      kind,
      metadata: meta,
      spec: {
        ...(kind === 'DaemonSet' ? {} : { replicas: count }),
        ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
        selector,
        template,
      },
      status: statusOf(kind, count),
    };
    if (kind !== 'Deployment') {
      const pods = Array.from({ length: count }, (_, index) =>
        this.#pod(
          seed,
          kind === 'StatefulSet' ? `${name}-${index}` : `${name}-${this.short(name, String(index))}`,
          podLabels,
          spec,
          { kind, name },
          index,
        ),
      );
      return [owner, ...pods];
    }
    const hash = `${this.short(namespace, name, 'hash')}${this.short(name, namespace)}`.slice(0, 9);
    const hashed = { ...podLabels, 'pod-template-hash': hash };
    const setName = `${name}-${hash}`;
    const set: Manifest = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: setName,
        namespace,
        labels: hashed,
        ownerReferences: [this.#owner('apps/v1', 'Deployment', namespace, name)],
      },
      spec: {
        replicas: count,
        selector: { matchLabels: hashed },
        template: { metadata: { labels: hashed }, spec },
      },
      status: statusOf('ReplicaSet', count),
    };
    const pods = Array.from({ length: count }, (_, index) =>
      this.#pod(seed, `${setName}-${this.short(setName, String(index))}`, hashed, spec, {
        kind: 'ReplicaSet',
        name: setName,
      }),
    );
    return [owner, set, ...pods];
  }

  secret(seed: SecretSeed, secretValue: (key: string) => string): Manifest {
    const data = Object.fromEntries(seed.keys.map((key) => [key, secretValue(key)]));
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: seed.name,
        namespace: seed.namespace,
        ...(seed.applied === true
          ? { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data }) } }
          : {}),
      },
      type: seed.type,
      data,
    };
  }

  #pod(
    seed: WorkloadSeed,
    name: string,
    labels: Readonly<Record<string, string>>,
    spec: Record<string, unknown>,
    owner?: { kind: string; name: string },
    fixed?: number,
  ): Manifest {
    const number = this.#pods++;
    const onEach = seed.kind === 'DaemonSet' && fixed !== undefined;
    const index = (onEach ? fixed : number) % this.#nodes.length;
    const node = this.#nodes[index]!;
    const ip = seed.hostNetwork === true ? node.ip : `10.244.${index}.${10 + (number % 240)}`;
    const metadata: ObjectMeta = {
      name,
      namespace: seed.namespace,
      uid: this.uid('Pod', seed.namespace, name),
      labels: { ...labels },
      ...(owner === undefined
        ? {}
        : { ownerReferences: [this.#owner('apps/v1', owner.kind, seed.namespace, owner.name)] }),
    };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { ...spec, nodeName: node.name },
      status: {
        phase: 'Running',
        hostIP: node.ip,
        podIP: ip,
        podIPs: [{ ip }],
        qosClass: seed.containers.every(
          ({ requests, limits }) => requests === undefined && limits === undefined,
        )
          ? 'BestEffort'
          : 'Burstable',
        containerStatuses: seed.containers.map((container) => ({
          name: container.name ?? seed.name,
          ready: true,
          restartCount: 0,
          image: container.image,
          imageID: '',
          state: {},
        })),
      },
    };
  }

  #owner(apiVersion: string, kind: string, namespace: string, name: string) {
    return {
      apiVersion,
      kind,
      name,
      uid: this.uid(kind, namespace, name),
      controller: true,
      blockOwnerDeletion: true,
    };
  }
}

function statusOf(kind: string, count: number): Record<string, unknown> {
  if (kind === 'DaemonSet')
    return {
      currentNumberScheduled: count,
      desiredNumberScheduled: count,
      numberAvailable: count,
      numberMisscheduled: 0,
      numberReady: count,
      updatedNumberScheduled: count,
    };
  const common = { replicas: count, readyReplicas: count, availableReplicas: count };
  return kind === 'ReplicaSet' ? common : { ...common, updatedReplicas: count };
}
