import { configText, prefixesOf, prefixText } from '../../src/encryption/configuration.js';
import type { Switch } from '../../src/encryption/rounds.js';
import type { EncryptionConfig, RoundPhase } from '../../src/model/encryption.js';
import { quoted } from '../../src/model/shell.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import type { Known } from './known.js';
import { directoryOf, PATCH_NAME, PATCHES_DIRECTORY, type PodNeeds, patchesFlag } from './patches.js';

/** One way in which API servers are switched in one round. */
export interface Work {
  phase: RoundPhase;
  change: Switch;
  /** The configuration on the node. */
  file: string;
  needs: PodNeeds;
}

/** How a configuration that cannot be seen from here is shown to the wizard. */
export const FROM_COPY = '--encryption-config COPY';

const MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';

/** What a person does on each control-plane node, in order. */
export function instructions(now: Snapshot, known: Known, work: Work): readonly string[] {
  const patch = work.needs.flag !== undefined || work.needs.mounts.length > 0 || work.change.after === null;
  return [
    ...where(known, work),
    quickest(work),
    ...checks(work, patch),
    ...place(work),
    ...(patch ? podChange(now, work) : restart(known, work)),
    wait(work),
    ...goBack(work, patch),
    ...then(now, work),
  ];
}

function where({ situation, named }: Known, { change }: Work): readonly string[] {
  if (situation.alone) return [];
  const on = named
    ? `On ${change.servers.join(', ')}`
    : 'On every control-plane node (how many could not be seen)';
  return [
    `${on}: one after the other, each step below on one node, and on with the next only when its API server is back. The round is over when every one is through; nothing of a later folder before that.`,
  ];
}

function quickest({ change }: Work): string {
  const byHand = [
    ...(keyNames(change.after, 'kept').length > 0 ? ['put keys that stay into encryption-config.yaml'] : []),
    ...(keyNames(change.after, 'fresh').length > 0 ? ['keep a copy of the key'] : []),
    'tell kubeadm (patches or ClusterConfiguration) for its later upgrades',
  ];
  return `Quickest: \`sh node.sh\` in a copy of this folder on the node, as root. It checks, changes, waits and goes back by itself, and may be run again at any time. It does not ${byHand.join(', nor ')}: for that, and for everything by hand, the steps below.`;
}

function checks({ change, file }: Work, patch: boolean): readonly string[] {
  return [
    change.before === null
      ? `\`grep encryption-provider-config ${MANIFEST}\` must print nothing. If it prints a line, stop: another configuration in its place makes stored Secrets unreadable.`
      : `${file} must have these providers, in this order: ${configText(change.before)}. If it does not, stop: the new file would leave out what is in it.`,
    ...sockets(change.after, change.before).map(
      (endpoint) =>
        `The KMS plugin must run on this node and answer at ${endpoint}: \`test -S ${endpoint.replace(/^unix:\/\//, '')}\`.`,
    ),
    ...(patch
      ? [
          `Keep a copy of ${MANIFEST} in /root. Never put a second file into /etc/kubernetes/manifests: the kubelet starts every file there as a pod.`,
        ]
      : []),
  ];
}

function sockets(after: EncryptionConfig | null, before: EncryptionConfig | null): readonly string[] {
  const of = (config: EncryptionConfig | null) =>
    (config ?? []).flatMap(({ providers }) =>
      providers.flatMap((provider) => (provider.kind === 'kms' ? [provider.endpoint] : [])),
    );
  const old = of(before);
  return [...new Set(of(after))].filter((endpoint) => !old.includes(endpoint));
}

function keyNames(config: EncryptionConfig | null, value: 'kept' | 'fresh'): readonly string[] {
  const names = (config ?? []).flatMap(({ providers }) =>
    providers.flatMap((provider) =>
      'keys' in provider
        ? provider.keys
            .filter((key) => key.value === value)
            .flatMap((key) => prefixesOf({ kind: provider.kind, keys: [key] }).map(prefixText))
        : [],
    ),
  );
  return [...new Set(names)];
}

function place({ phase, change, file }: Work): readonly string[] {
  const { before, after } = change;
  if (after === null) return [];
  const fresh = keyNames(after, 'fresh');
  const kept = keyNames(after, 'kept');
  const directory = quoted(directoryOf(file));
  return [
    ...(fresh.length > 0 && phase !== 'remove'
      ? [
          `Keep a copy of encryption-config.yaml outside the cluster, where only administrators can read it: it holds the key ${fresh.join(', ')}, the same in every folder. Without it every Secret written under it is lost.`,
        ]
      : []),
    ...(kept.length > 0
      ? [
          `In encryption-config.yaml put the key ${kept.join(', ')} in place of \`<as in the file on the node>\`, exactly as it stands in ${file}. Never leave one out.`,
        ]
      : []),
    before === null
      ? `\`install -d -m 0700 ${directory} && install -m 0600 -o root -g root encryption-config.yaml ${quoted(file)}\``
      : `\`install -m 0600 -o root -g root encryption-config.yaml ${quoted(`${file}.new`)} && mv ${quoted(`${file}.new`)} ${quoted(file)}\``,
  ];
}

function podChange(now: Snapshot, { change, needs }: Work): readonly string[] {
  const patches = patchesFlag(now);
  const config =
    "`kubectl -n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}' > /root/kubeadm.yaml`";
  if (change.after === null)
    return [
      `Take the flag away where it comes from: \`rm ${PATCHES_DIRECTORY}/${PATCH_NAME}\` where that sets it, else its lines in the ClusterConfiguration of kubeadm-config.`,
      config,
      `\`kubeadm init phase control-plane apiserver --config /root/kubeadm.yaml\`, with \`${patches} ${PATCHES_DIRECTORY}\` where you have other patches; only the flag, its mount and its volume may be gone. Leave the configuration file where it is.`,
    ];
  const flag = needs.flag === undefined ? [] : [`--encryption-provider-config=${needs.flag}`];
  const mounts = needs.mounts.map(({ path }) => `a mount of ${path}`);
  return [
    `\`install -d -m 0755 ${PATCHES_DIRECTORY} && install -m 0644 kubeadm-patches/${PATCH_NAME} ${PATCHES_DIRECTORY}/\`. Or, instead and never both: merge kubeadm-cluster-configuration.yaml into the ClusterConfiguration of the ConfigMap kube-system/kubeadm-config, and leave out ${patches} below.`,
    config,
    `\`kubeadm init phase control-plane apiserver --config /root/kubeadm.yaml ${patches} ${PATCHES_DIRECTORY}\`; compare the new manifest with your copy: only ${[...flag, ...mounts].join(', ')} may be new. Where the API server is not kubeadm's, give it these yourself and restart it.`,
  ];
}

const RESTART = '`crictl stop $(crictl ps --name kube-apiserver -q)`';

function restart({ reload }: Known, { file }: Work): readonly string[] {
  return [
    reload
      ? `The API server takes up ${file} by itself: wait for a minute.`
      : `Restart the API server; the kubelet starts it again: ${RESTART}.`,
  ];
}

function wait({ change }: Work): string {
  const flag =
    change.before === null
      ? ' and the kube-apiserver pod of this node shows the flag'
      : change.after === null
        ? ' and the kube-apiserver pod of this node shows the flag no more'
        : '';
  return `Wait until \`kubectl get --raw /readyz\` answers ok through this node${flag}.`;
}

function encryptsFirst({ providers }: EncryptionConfig[number]): boolean {
  return providers[0]?.kind !== 'identity';
}

/** No older file is ever put back once a value may be stored under the new key. */
function goBack({ change, file }: Work, patch: boolean): readonly string[] {
  const { before, after, fallback } = change;
  if (after === null) return [`If it does not come back, restore your copy of ${MANIFEST}.`];
  if (fallback === null)
    return [
      `If it does not come back, restore your copy of ${MANIFEST}; leave encryption-config.yaml where it is.`,
    ];
  const again = `put the providers of ${file} into this order: ${configText(fallback)}; then ${RESTART}`;
  if (before === null)
    return [
      `If it does not come back, do not take the file away: ${again}. Only where the API server never answered with the new flag, restore your copy of the manifest.`,
    ];
  return [
    `If it does not come back, ${again}.${patch ? ` Then restore your copy of ${MANIFEST} if need be.` : ''}`,
  ];
}

function then(now: Snapshot, { phase, change, file }: Work): readonly string[] {
  const patches = patchesFlag(now);
  return [
    ...(change.before === null
      ? [
          `Give \`${patches} ${PATCHES_DIRECTORY}\` to every later \`kubeadm upgrade\`, unless the ClusterConfiguration has the flag: without it the flag is lost, and no Secret can be read.`,
        ]
      : []),
    ...(change.after === null
      ? [
          `Keep ${file}, or a copy of it, for as long as you keep etcd snapshots from before: their values need its keys.`,
        ]
      : []),
    ...(phase !== 'remove' && change.after !== null
      ? [
          `When the round is over on every node, go on: with the next folder here or, where there is none, with \`kubectl harden ${FROM_COPY}\`, in which the copy is of ${file} as it is by then. It plans from what API servers have, and goes no further where one has another file.`,
        ]
      : []),
    ...(phase === 'write' && change.after !== null && change.after.some(encryptsFirst)
      ? ['Going back later: never by deleting the file. Let `kubectl harden` lead you back to plain text.']
      : []),
  ];
}
