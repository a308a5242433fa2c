import { sameConfig } from '../../src/encryption/configuration.js';
import type { Situation } from '../../src/encryption/rounds.js';
import { apiServerPods, controlPlaneNodes } from '../../src/model/distributions.js';
import { type EncryptionConfig, EVERY_SERVER, type StoragePrefix } from '../../src/model/encryption.js';
import { listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { type EncryptionState, encrypts } from './state.js';

/** What rounds are planned from, as far as it is known. */
export interface Known {
  situation: Situation;
  /** Whether the names in it are those of nodes; without that, rounds are for every API server there may be. */
  named: boolean;
  /** API servers whose configuration is not seen, and taken for that of the others or from a copy. */
  assumed: readonly string[];
  /** Path of the configuration on the nodes; undefined where there is none yet. */
  file: string | undefined;
  /** Whether each API server reloads its file by itself. */
  reload: boolean;
}

/**
 * The configuration of every API server, or undefined where none is seen: where storage is in plain text and no server
 * has the flag, there is none. Servers that are not seen are taken for what all seen ones have; that is checked on each
 * node before anything is touched.
 */
export function known(now: Snapshot, state: EncryptionState): Known | undefined {
  const { apiServers = [], flags = [] } = now.encryption ?? {};
  // What is broken, or waits for a restart, is no place to start from.
  if (apiServers.some(({ problem }) => problem !== undefined)) return undefined;
  const seen = new Map<string, EncryptionConfig | null>();
  const set = new Set<string>();
  for (const { server, file, config } of apiServers) {
    if (config !== undefined) seen.set(nodeOf(now, server), config.value);
    if (file !== undefined && file.value !== null) set.add(nodeOf(now, server));
  }
  for (const { server, value } of flags)
    if (value === null) seen.set(nodeOf(now, server), null);
    else set.add(nodeOf(now, server));
  const without = state.at === 'plain' || (state.at === 'unseen' && !state.configured);
  if (seen.size === 0 && !without) return undefined;
  const configs = [...seen.values()];
  const [common = null] = configs;
  const pods = apiServerPods(now).map(nodeName);
  const names = [...new Set([...seen.keys(), ...set, ...controlPlaneNodes(now), ...pods])];
  const count = apiServerCount(now);
  const all = names.length === 0 || (count ?? 0) > names.length ? [...names, EVERY_SERVER] : names;
  const unseen = all.filter((name) => !seen.has(name));
  // Which of several configurations an unseen server has cannot be guessed.
  if (unseen.length > 0 && configs.some((config) => !sameConfig(config, common))) return undefined;
  if (common === null && unseen.some((name) => set.has(name))) return undefined;
  const copied = apiServers.flatMap(({ server, assumed }) => (assumed === true ? [nodeOf(now, server)] : []));
  const files = apiServers.flatMap(({ file }) => file?.value ?? []);
  return {
    situation: {
      servers: all.toSorted().map((name) => ({
        name,
        // Null is a configuration as well: none.
        config: seen.has(name) ? (seen.get(name) ?? null) : common,
      })),
      alone: count === 1,
      stored: storedSecrets(now),
    },
    named: !all.includes(EVERY_SERVER),
    assumed: [...unseen, ...copied].filter((name) => name !== EVERY_SERVER),
    file: files[0] === undefined ? undefined : hostPath(apiServerPods(now), files[0]),
    reload: reloads(now),
  };
}

/** How many API servers there are, as far as endpoints, pods, labels and arguments tell; undefined where nothing does. */
export function apiServerCount(now: Snapshot): number | undefined {
  const { servers, flags = [], apiServers = [] } = now.encryption ?? {};
  const most = Math.max(
    servers?.listed ?? 0,
    apiServerPods(now).length,
    controlPlaneNodes(now).length,
    flags.length,
    apiServers.filter(({ server }) => server !== EVERY_SERVER).length,
  );
  return most === 0 ? undefined : most;
}

/** The node of a static pod of the API server; anything else stands for itself. */
function nodeOf(now: Snapshot, server: string): string {
  const pod = apiServerPods(now).find(({ metadata }) => metadata.name === server);
  return pod === undefined ? server : nodeName(pod);
}

function nodeName(pod: Manifest): string {
  return stringAt(pod, 'spec', 'nodeName') ?? pod.metadata.name.replace(/^kube-apiserver-/, '');
}

/** Prefixes of stored Secrets, where all were counted and each with its key. */
function storedSecrets({ encryption }: Snapshot): Readonly<Record<string, readonly StoragePrefix[]>> {
  if (encryption?.stored === undefined) return {};
  const prefixes = Object.entries(encryption.stored).flatMap(([prefix, count]) =>
    count > 0 ? [prefix] : [],
  );
  return prefixes.every((prefix) => prefix === '' || namesKey(prefix)) ? { secrets: prefixes } : {};
}

/** `k8s:enc:secretbox:v1:key1:` does, `k8s:enc:secretbox:v1:` does not. */
function namesKey(prefix: StoragePrefix): boolean {
  return encrypts(prefix) && prefix.split(':').length > 5;
}

function reloads({ encryption }: Snapshot): boolean {
  const servers = encryption?.apiServers ?? [];
  return servers.length > 0 && servers.every(({ reload }) => reload?.value === true);
}

/** The path on the node of a path that the API server sees, through the volumes of its pod. */
export function hostPath(pods: readonly Manifest[], inPod: string): string {
  for (const pod of pods)
    for (const mount of listAt(pod, 'spec', 'containers', 0, 'volumeMounts')) {
      const at = stringAt(mount, 'mountPath')?.replace(/\/$/, '');
      if (at === undefined || (inPod !== at && !inPod.startsWith(`${at}/`))) continue;
      const name = stringAt(mount, 'name');
      const volume = listAt(pod, 'spec', 'volumes').find((one) => stringAt(one, 'name') === name);
      const path = stringAt(volume, 'hostPath', 'path');
      if (path !== undefined) return `${path.replace(/\/$/, '')}${inPod.slice(at.length)}`;
    }
  return inPod;
}
