import { posix } from 'node:path';
import type { EncryptionEntry, EncryptionProvider, ServerEncryption } from '../model/encryption.js';
import { isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import type { HostChange } from '../model/plan.js';
import type { Host, HostOutcome } from '../wizard/ports.js';
import type { Api } from './api.js';
import { type Configuration, readConfiguration } from './encryption.js';
import { jsonPatch } from './patch.js';
import { coreResource } from './resources.js';

const FLAG = '--encryption-provider-config';

/** What is kept of the simulated control-plane node: no key, only what the files say about providers. */
export interface NodeState {
  /** The static pod of the API server, as its manifest file says. */
  staticPod: Manifest;
  /** Encryption configurations by their path on the node. */
  configurations: Readonly<Record<string, NonNullable<Configuration>>>;
}

/**
 * The simulated control-plane node. Files are put where they belong, JSON patches change the static pod as kubeadm
 * would, and the API server restarts with what its arguments now say. Keys are never made: of an encryption
 * configuration only the names of providers and keys are kept.
 */
export class SimulatedNode implements Host {
  readonly #api: Api;
  readonly #saved: () => Promise<void>;
  #state: NodeState;

  constructor(api: Api, state: NodeState, saved: () => Promise<void>) {
    this.#api = api;
    this.#state = state;
    this.#saved = saved;
    const { configuration } = check(state);
    api.encryption.restart(configuration, new Date());
  }

  /** What its API server runs with, as a look at the node's files shows it. */
  look(): ServerEncryption {
    const { staticPod } = this.#state;
    const file = flagOf(staticPod)?.slice(FLAG.length + 1) ?? null;
    const source = `files of the embedded node`;
    const { configuration } = check(this.#state);
    return {
      server:
        stringAt(staticPod, 'spec', 'nodeName') ?? staticPod.metadata.name.replace(/^kube-apiserver-/, ''),
      file: { value: file, source },
      reload: { value: false, source },
      config: { value: configuration?.map(entryOf) ?? null, source },
    };
  }

  get state(): NodeState {
    return this.#state;
  }

  async apply(change: HostChange): Promise<HostOutcome> {
    const next = place(this.#state, change);
    const left = (reason: string): HostOutcome => ({
      state: 'left',
      reason,
      files: change.files.map(({ path }) => path),
    });
    if (typeof next === 'string') return left(next);
    const { configuration, problem } = check(next);
    if (problem !== undefined) return left(`the API server would not start: ${problem}`);
    this.#state = next;
    this.#api.encryption.restart(configuration, new Date());
    this.#mirror();
    await this.#saved();
    const first = configuration?.[0]?.providers[0];
    return {
      state: 'applied',
      evidence: `${next.staticPod.metadata.name} restarted with ${flagOf(next.staticPod) ?? `no ${FLAG}`}${
        first === undefined ? '' : `; Secrets are now written by ${first.provider}`
      }`,
    };
  }

  /** The kubelet shows a static pod as a mirror pod, and makes that anew when the manifest changes. */
  #mirror(): void {
    const pods = coreResource('Pod');
    const { staticPod } = this.#state;
    const { name, namespace = 'kube-system' } = staticPod.metadata;
    const live = this.#api.store.get(pods, namespace, name)?.object;
    this.#api.write(pods, { ...live, ...mirrorPod(staticPod, live) });
  }
}

function entryOf({ resources, providers }: NonNullable<Configuration>[number]): EncryptionEntry {
  return {
    resources,
    providers: providers.map(({ provider, keys }): EncryptionProvider => {
      if (provider !== 'secretbox' && provider !== 'aescbc' && provider !== 'aesgcm')
        return { kind: 'identity' };
      return { kind: provider, keys: keys.map((name) => ({ name, value: 'kept' })) };
    }),
  };
}

/** The static pod as the API shows it. */
export function mirrorPod(staticPod: Manifest, live?: Manifest): Manifest {
  return { ...live, ...staticPod, metadata: { ...live?.metadata, ...staticPod.metadata } };
}

/** The node's state after the files of a change are in place, or why they cannot be. */
function place(state: NodeState, change: HostChange): NodeState | string {
  let { staticPod } = state;
  const configurations: Record<string, NonNullable<Configuration>> = { ...state.configurations };
  const { after, sockets = [] } = change.encryption ?? {};
  if (sockets.length > 0) return `no KMS plugin answers at ${sockets.join(', ')} on this node`;
  if (after === null) return { staticPod: withoutFlag(staticPod), configurations };
  for (const file of change.files) {
    if (file.path === '') continue; // for people
    const configuration = readConfiguration(file.content);
    if (configuration !== undefined) {
      if ((file.mode & 0o077) !== 0) return `${file.path} would be readable by others than root`;
      configurations[file.path] = configuration;
    } else if (Array.isArray(file.content)) {
      try {
        staticPod = jsonPatch(staticPod, file.content) as Manifest;
      } catch {
        return `${file.path} does not fit the static pod ${staticPod.metadata.name}`;
      }
    } else return `${file.path} is neither an EncryptionConfiguration nor a JSON patch`;
  }
  return { staticPod, configurations };
}

/** As kubeadm makes the manifest anew without the patch; the file stays where it is. */
function withoutFlag(pod: Manifest): Manifest {
  const copy = structuredClone(pod);
  const container = listAt(copy, 'spec', 'containers')[0];
  if (isRecord(container))
    container.command = listAt(container, 'command').filter((word) => !String(word).startsWith(`${FLAG}=`));
  return copy;
}

/** Whether the API server could start from this state, and with which configuration. */
function check(state: NodeState): { configuration: Configuration; problem?: string } {
  const path = flagOf(state.staticPod)?.slice(FLAG.length + 1);
  if (path === undefined) return { configuration: undefined };
  const inside = mounted(state.staticPod, path);
  if (inside === undefined)
    return { configuration: undefined, problem: `${path} is not mounted into its pod` };
  const configuration = state.configurations[inside];
  if (configuration === undefined)
    return { configuration: undefined, problem: `there is no ${inside} on the node` };
  return { configuration };
}

function flagOf(pod: Manifest): string | undefined {
  return listAt(pod, 'spec', 'containers', 0, 'command')
    .map(String)
    .findLast((argument) => argument.startsWith(`${FLAG}=`));
}

/** The path on the node of a path in the pod, through its hostPath volumes. */
function mounted(pod: Manifest, path: string): string | undefined {
  for (const mount of listAt(pod, 'spec', 'containers', 0, 'volumeMounts')) {
    const at = stringAt(mount, 'mountPath') ?? '';
    const relative = posix.relative(at, path);
    if (at === '' || relative.startsWith('..')) continue;
    const volume = listAt(pod, 'spec', 'volumes').find(
      (one) => stringAt(one, 'name') === stringAt(mount, 'name'),
    );
    const source = isRecord(volume) ? stringAt(volume, 'hostPath', 'path') : undefined;
    if (source !== undefined) return posix.join(source, relative);
  }
  return undefined;
}
