import { configText, PLAIN, prefixText, readsUnder } from '../../src/encryption/configuration.js';
import { contentOf } from '../../src/encryption/content.js';
import { socketOf } from '../../src/encryption/parse.js';
import type { Round, Switch } from '../../src/encryption/rounds.js';
import { apiServerPods } from '../../src/model/distributions.js';
import type { EncryptionConfig, RoundPhase } from '../../src/model/encryption.js';
import { listAt, type Ref, stringAt } from '../../src/model/manifest.js';
import type { HostChange, HostFile } from '../../src/model/plan.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { writersOf } from './goals.js';
import { instructions } from './instructions.js';
import type { Known } from './known.js';
import { clusterConfigurationFile, directoryOf, type PodNeeds, patchFile } from './patches.js';

export const CONFIG: Ref = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  name: 'encryption-config',
};
/** A directory of its own: the API server mounts it, and the kubelet reads every file of the manifests directory. */
const CONFIG_PATH = '/etc/kubernetes/enc/encryption-config.yaml';

type Configure = Extract<Round, { do: 'configure' }>;

/** One round as host changes: one for each way in which servers are switched in it, most often one. */
export function hostChanges(
  now: Snapshot,
  known: Known,
  round: Configure,
  folder: string,
): readonly HostChange[] {
  return round.switches.map((change, index) => {
    const more = index === 0 ? '' : `-${index + 1}`;
    const ref = { ...CONFIG, name: `${NAMES[round.phase]}${more}` };
    const file = known.file ?? CONFIG_PATH;
    const needs = podNeeds(now, change, file);
    return {
      kind: 'host',
      id: `encryption-at-rest/-/${ref.kind}/${ref.name}`,
      ref,
      risk: 'restartsApiServer',
      folder: `${folder}${more}`,
      why: whyOf(round.phase, change),
      breaks: breaksOf(known, round.phase, change, file),
      files: filesOf(now, change, needs, file),
      instructions: instructions(now, known, { phase: round.phase, change, file, needs }),
      encryption: {
        phase: round.phase,
        ...(round.phase !== 'remove' && turnsOn(known) ? { turnsOn: true as const } : {}),
        ...(known.named ? { servers: change.servers } : {}),
        file,
        before: [change.before],
        after: change.after,
        fallback: change.fallback,
        mustRead: round.mustRead,
        mounts: needs.mounts,
        sockets: newSockets(change),
      },
    };
  });
}

/** No API server writes a Secret under a key before. */
function turnsOn({ situation }: Known): boolean {
  return writersOf(situation.servers).every((prefix) => prefix === PLAIN);
}

/** By phase, and not by number: the same round has the same name when it is planned again later. */
const NAMES: Readonly<Record<RoundPhase, string>> = {
  read: 'encryption-config-read',
  write: 'encryption-config',
  remove: 'encryption-config-remove',
};

/** Flag and mounts that the pod does not have yet. */
function podNeeds(now: Snapshot, { before, after }: Switch, file: string): PodNeeds {
  if (after === null) return { mounts: [] };
  const sockets = newSockets({ before, after }).map((socket) => ({
    path: directoryOf(socket),
    readOnly: false,
  }));
  const missing = sockets.filter(({ path }) => !isMounted(now, path));
  if (before !== null) return { mounts: missing };
  const own = { path: directoryOf(file), readOnly: true };
  return { flag: file, mounts: [own, ...missing.filter(({ path }) => path !== own.path)] };
}

function isMounted(now: Snapshot, path: string): boolean {
  return apiServerPods(now).some((pod) =>
    listAt(pod, 'spec', 'containers', 0, 'volumeMounts').some((mount) => {
      const at = stringAt(mount, 'mountPath');
      return at !== undefined && (path === at || path.startsWith(`${at.replace(/\/$/, '')}/`));
    }),
  );
}

/** Sockets of KMS plugins that were not used before. */
function newSockets({ before, after }: Pick<Switch, 'before' | 'after'>): readonly string[] {
  const old = new Set(socketsOf(before));
  return [...new Set(socketsOf(after))].filter((socket) => !old.has(socket));
}

function socketsOf(config: EncryptionConfig | null): readonly string[] {
  return (config ?? []).flatMap(({ providers }) =>
    providers.flatMap((provider) =>
      provider.kind === 'kms' ? [socketOf(provider.endpoint) ?? provider.endpoint] : [],
    ),
  );
}

function filesOf(now: Snapshot, { after }: Switch, needs: PodNeeds, file: string): readonly HostFile[] {
  if (after === null) return [];
  const pod = needs.flag !== undefined || needs.mounts.length > 0;
  return [
    { path: file, as: 'encryption-config.yaml', mode: 0o600, content: contentOf(after) },
    ...(pod ? [patchFile(now, needs), clusterConfigurationFile(now, needs)] : []),
  ];
}

function whyOf(phase: RoundPhase, { before, after }: Switch): string {
  const [resource = 'secrets'] = after?.[0]?.resources ?? before?.[0]?.resources ?? [];
  const [writes = ''] = readsUnder(after, resource);
  switch (phase) {
    case 'read':
      return 'Every API server learns to read what is going to be written, before any of them writes it.';
    case 'write':
      return writes === ''
        ? 'New values are stored in plain text again; those under a key can still be read.'
        : `New values are encrypted with ${prefixText(writes)}; what is stored in another form can still be read.`;
    case 'remove':
      return after === null
        ? 'Nothing is encrypted any more: the API server needs no configuration.'
        : `What no stored value needs any more is taken out; left is ${configText(after)}.`;
  }
}

function breaksOf(
  known: Known,
  phase: RoundPhase,
  { before, after }: Switch,
  file: string,
): readonly string[] {
  const fresh =
    phase !== 'remove' &&
    (after ?? []).some(({ providers }) =>
      providers.some(
        (provider) => 'keys' in provider && provider.keys.some(({ value }) => value === 'fresh'),
      ),
    );
  const kms = newSockets({ before, after }).length > 0;
  return [
    ...(fresh
      ? [
          'Whoever loses the key loses every Secret that was written under it: keep a copy outside the cluster first.',
        ]
      : []),
    ...(kms
      ? [
          'Secrets can be read only while the plugin answers on every control-plane node, and its key can never be got back: protect it where it is kept.',
        ]
      : []),
    known.reload && before !== null && after !== null
      ? 'Each API server takes up the new file by itself, within about a minute.'
      : 'Each API server restarts; with a single one the API is away for about a minute, workloads go on.',
    ...(known.assumed.length > 0
      ? [
          `The configuration of ${known.assumed.join(', ')} is not seen and taken for that of the others, or of the copy that was given: compare \`sha256sum ${file}\` on each of them before the first is changed.`,
        ]
      : []),
    ...(phase === 'remove'
      ? [
          'Only after the proof: whatever is still stored under it can never be read again.',
          'Ten minutes after the re-write at the earliest: until etcd compacts (every five minutes by default), a watch may begin at an old revision.',
        ]
      : []),
    'Older etcd snapshots stay as they are: each needs the keys of its time for as long as it is kept.',
  ];
}
