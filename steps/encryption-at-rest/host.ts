import { apiServerPods, controlPlaneNodes } from '../../src/model/distributions.js';
import { isRecord, listAt, type Manifest, type Ref, stringAt } from '../../src/model/manifest.js';
import { type HostChange, KEY_PLACEHOLDER } from '../../src/model/plan.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { TemplateError, type Templates, template } from '../../src/model/template.js';

export const CONFIG: Ref = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  name: 'encryption-config',
};
/** A directory of its own: the API server mounts it, and the kubelet reads every file of the manifests directory. */
const DIRECTORY = '/etc/kubernetes/enc';
const CONFIG_PATH = `${DIRECTORY}/encryption-config.yaml`;
const PATCHES = '/etc/kubernetes/patches';
const PATCH_FILE = 'kube-apiserver+json.yaml';
const VOLUME = 'encryption-config';
const TEMPLATE = 'encryption-at-rest/encryption-config.yaml';

export type LocalProvider = 'secretbox' | 'aescbc';

/**
 * The change on the control-plane nodes that turns encryption on: the configuration with a key that the writer makes,
 * and the static pod's change in the form that `kubeadm --patches` reads.
 * @throws TemplateError where the template does not hold a provider with a key for Secrets, and identity after it.
 */
export function enableEncryption(now: Snapshot, provider: LocalProvider, templates: Templates): HostChange {
  return {
    kind: 'host',
    id: `encryption-at-rest/-/${CONFIG.kind}/${CONFIG.name}`,
    ref: CONFIG,
    risk: 'restartsApiServer',
    why: `New Secrets are encrypted with ${provider}; identity stays second so that plain ones can still be read.`,
    breaks: [
      'Whoever loses the key loses every Secret that was written under it: keep a copy outside the cluster first.',
      'Each API server restarts; with a single one the API is away for about a minute, workloads go on.',
      'Older etcd snapshots stay as they are: they hold the Secrets in plain text.',
    ],
    files: [
      {
        path: CONFIG_PATH,
        as: 'encryption-config.yaml',
        mode: 0o600,
        content: configuration(provider, `key-${now.takenAt.slice(0, 7)}`, templates),
      },
      {
        path: `${PATCHES}/${PATCH_FILE}`,
        as: `kubeadm-patches/${PATCH_FILE}`,
        mode: 0o644,
        content: apiServerPatch(apiServerPods(now)[0]),
      },
    ],
    instructions: instructions(now),
  };
}

/** The EncryptionConfiguration: the template with its first provider replaced. It carries no metadata by its schema. */
function configuration(provider: LocalProvider, key: string, templates: Templates): unknown {
  const { metadata: _metadata, ...config } = template(templates, TEMPLATE);
  const entry = listAt(config, 'resources').find((item) => listAt(item, 'resources').includes('secrets'));
  const providers = listAt(entry, 'providers');
  if (!isRecord(entry) || !isRecord(providers[0]) || 'identity' in providers[0])
    throw new TemplateError(
      `templates/${TEMPLATE}: expected an entry of resources for "secrets" whose first provider has a key`,
    );
  if (!providers.some((item) => isRecord(item) && 'identity' in item))
    throw new TemplateError(
      `templates/${TEMPLATE}: expected identity after the provider: Secrets not yet re-written are read through it`,
    );
  entry.providers = [
    { [provider]: { keys: [{ name: key, secret: KEY_PLACEHOLDER }] } },
    ...providers.slice(1),
  ];
  return config;
}

/**
 * JSON patch (RFC 6902) of the API server's static pod: the flag, a read-only mount and its volume. A strategic patch
 * would replace the whole `command`. Each operation appends to a list that kubeadm's manifest has; where one were
 * missing, the patch fails as a whole, while creating a list could replace one. A visible mirror pod tells the
 * container's place, whether it runs by `command` or `args`, and the names of volumes that are taken.
 */
export function apiServerPatch(pod?: Manifest): readonly unknown[] {
  const containers = listAt(pod, 'spec', 'containers');
  const index = Math.max(
    0,
    containers.findIndex((container) => stringAt(container, 'name') === 'kube-apiserver'),
  );
  const byArgs =
    listAt(containers[index], 'args').some(isFlag) && !listAt(containers[index], 'command').some(isFlag);
  const taken = listAt(pod, 'spec', 'volumes').map((volume) => stringAt(volume, 'name'));
  const name = taken.includes(VOLUME) ? `${VOLUME}-files` : VOLUME;
  const base = `/spec/containers/${index}`;
  return [
    append(`${base}/${byArgs ? 'args' : 'command'}`, `--encryption-provider-config=${CONFIG_PATH}`),
    append(`${base}/volumeMounts`, { name, mountPath: DIRECTORY, readOnly: true }),
    append('/spec/volumes', { name, hostPath: { path: DIRECTORY, type: 'Directory' } }),
  ];
}

function append(list: string, value: unknown): unknown {
  return { op: 'add', path: `${list}/-`, value };
}

function isFlag(arg: unknown): boolean {
  return typeof arg === 'string' && arg.startsWith('--');
}

/** How many API servers there are, as far as pods and node labels tell; undefined where nothing tells. */
function apiServers(now: Snapshot): number | undefined {
  const seen = Math.max(
    apiServerPods(now).length,
    controlPlaneNodes(now).length,
    now.encryption?.flags.length ?? 0,
  );
  return seen === 0 ? undefined : seen;
}

/** `kubeadm --patches` replaced `--experimental-patches` in 1.22. */
function patchesFlag(now: Snapshot): string {
  const { major, minor } = now.cluster.version;
  return major === 1 && minor < 22 ? '--experimental-patches' : '--patches';
}

function instructions(now: Snapshot): readonly string[] {
  const count = apiServers(now);
  const patches = patchesFlag(now);
  const before = [
    'On every control-plane node: `grep encryption-provider-config /etc/kubernetes/manifests/kube-apiserver.yaml` must print nothing. If it prints a line, stop: another configuration in its place makes stored Secrets unreadable.',
    'Keep a copy of encryption-config.yaml outside the cluster, where only administrators can read it. Without its key every Secret is lost.',
    'Keep a copy of /etc/kubernetes/manifests/kube-apiserver.yaml in /root. Never put a second file into /etc/kubernetes/manifests: the kubelet starts every file there as a pod.',
  ];
  const place = `install -d -m 0700 ${DIRECTORY} && install -m 0600 -o root -g root encryption-config.yaml ${CONFIG_PATH}`;
  const patch = [
    `\`install -d -m 0755 ${PATCHES} && install -m 0644 kubeadm-patches/${PATCH_FILE} ${PATCHES}/\``,
    "`kubectl -n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}' > /root/kubeadm.yaml`",
    `\`kubeadm init phase control-plane apiserver --config /root/kubeadm.yaml ${patches} ${PATCHES}\`; compare the new manifest with your copy: only the flag, its mount and its volume may differ. Where the API server is not kubeadm's, add --encryption-provider-config=${CONFIG_PATH} to its arguments and restart it.`,
  ];
  const wait =
    'Wait until `kubectl get --raw /readyz` answers ok and the kube-apiserver pod of this node shows the flag. If it does not come back, restore your copy of the manifest; leave encryption-config.yaml where it is.';
  const after = [
    `Give \`${patches} ${PATCHES}\` to every later \`kubeadm upgrade\`: without it the flag is lost, and no Secret can be read.`,
    'Going back later: never by deleting the file. Put identity first on every server, re-write all Secrets, and only then remove the flag.',
  ];
  if (count === 1) return [...before, `\`${place}\``, ...patch, wait, ...after];
  const many =
    count === undefined
      ? 'With more than one API server (how many could not be seen)'
      : `With ${count} API servers`;
  return [
    ...before,
    `${many} two rounds are needed, so that at no moment one server writes what another cannot read. With a single one go straight to round 2, steps of round 1 included.`,
    `Round 1, one control-plane node after the other: \`${place}\`, then in ${CONFIG_PATH} move the entry \`identity: {}\` above the provider with the key; then`,
    ...patch,
    wait,
    `Round 2, only after every server is through round 1, one node after the other: put encryption-config.yaml in place unchanged (provider first): \`${place}\`, then restart the API server: \`crictl stop $(crictl ps --name kube-apiserver -q)\`.`,
    wait,
    ...after,
  ];
}
