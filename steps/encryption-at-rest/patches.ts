import { apiServerPods } from '../../src/model/distributions.js';
import { listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import type { HostFile } from '../../src/model/plan.js';
import type { Snapshot } from '../../src/model/snapshot.js';

export const PATCHES_DIRECTORY = '/etc/kubernetes/patches';
export const PATCH_NAME = 'kube-apiserver+json.yaml';
const VOLUME = 'encryption-config';
const FLAG = 'encryption-provider-config';

/** What the API server's static pod has to be given. */
export interface PodNeeds {
  /** Path of the configuration, where its flag is to be set. */
  flag?: string;
  mounts: readonly { path: string; readOnly: boolean }[];
}

/**
 * JSON patch (RFC 6902) of the API server's static pod: the flag, mounts and their volumes. A strategic patch would
 * replace the whole `command`. Each operation appends to a list that kubeadm's manifest has; where one were missing, the
 * patch fails as a whole, while creating a list could replace one. A visible mirror pod tells the container's place,
 * whether it runs by `command` or `args`, and the names of volumes that are taken.
 */
export function apiServerPatch(needs: PodNeeds, pod?: Manifest): readonly unknown[] {
  const containers = listAt(pod, 'spec', 'containers');
  const index = Math.max(
    0,
    containers.findIndex((container) => stringAt(container, 'name') === 'kube-apiserver'),
  );
  const byArgs =
    listAt(containers[index], 'args').some(isFlag) && !listAt(containers[index], 'command').some(isFlag);
  const base = `/spec/containers/${index}`;
  const names = volumeNames(needs, pod);
  return [
    ...(needs.flag === undefined
      ? []
      : [append(`${base}/${byArgs ? 'args' : 'command'}`, `--${FLAG}=${needs.flag}`)]),
    ...needs.mounts.flatMap(({ path, readOnly }, number) => [
      append(`${base}/volumeMounts`, {
        name: names[number],
        mountPath: path,
        ...(readOnly ? { readOnly } : {}),
      }),
      append('/spec/volumes', { name: names[number], hostPath: { path, type: 'Directory' } }),
    ]),
  ];
}

function append(list: string, value: unknown): unknown {
  return { op: 'add', path: `${list}/-`, value };
}

function isFlag(arg: unknown): boolean {
  return typeof arg === 'string' && arg.startsWith('--');
}

/** One name for each mount, none of them taken in the pod. */
function volumeNames({ mounts }: PodNeeds, pod?: Manifest): readonly string[] {
  const taken = new Set(listAt(pod, 'spec', 'volumes').map((volume) => stringAt(volume, 'name')));
  return mounts.map((_mount, index) => {
    const base = index === 0 ? VOLUME : `${VOLUME}-${index + 1}`;
    return taken.has(base) ? `${base}-files` : base;
  });
}

/** The patch as a file for `kubeadm --patches`. */
export function patchFile(now: Snapshot, needs: PodNeeds): HostFile {
  return {
    path: `${PATCHES_DIRECTORY}/${PATCH_NAME}`,
    as: `kubeadm-patches/${PATCH_NAME}`,
    mode: 0o644,
    content: apiServerPatch(needs, apiServerPods(now)[0]),
  };
}

/**
 * The same for kubeadm's own configuration, to be merged into it instead of keeping the patch: flags are a list since
 * v1beta4 (kubeadm 1.31) and a map before.
 */
export function clusterConfigurationFile(now: Snapshot, needs: PodNeeds): HostFile {
  const { major, minor } = now.cluster.version;
  const names = volumeNames(needs, apiServerPods(now)[0]);
  const version = major > 1 || minor >= 31 ? 'v1beta4' : minor >= 22 ? 'v1beta3' : 'v1beta2';
  const args = needs.flag === undefined ? [] : [{ name: FLAG, value: needs.flag }];
  return {
    path: '',
    as: 'kubeadm-cluster-configuration.yaml',
    mode: 0o644,
    content: {
      apiVersion: `kubeadm.k8s.io/${version}`,
      kind: 'ClusterConfiguration',
      apiServer: {
        ...(args.length === 0
          ? {}
          : {
              extraArgs:
                version === 'v1beta4'
                  ? args
                  : Object.fromEntries(args.map(({ name, value }) => [name, value])),
            }),
        extraVolumes: needs.mounts.map(({ path, readOnly }, number) => ({
          name: names[number],
          hostPath: path,
          mountPath: path,
          ...(readOnly ? { readOnly } : {}),
          pathType: 'Directory',
        })),
      },
    },
  };
}

/** `kubeadm --patches` replaced `--experimental-patches` in 1.22. */
export function patchesFlag(now: Snapshot): string {
  const { major, minor } = now.cluster.version;
  return major === 1 && minor < 22 ? '--experimental-patches' : '--patches';
}

/** The directory of an absolute path. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
