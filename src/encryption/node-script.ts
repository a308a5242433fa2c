import type { EncryptionConfig, ServerRound } from '../model/encryption.js';
import type { HostChange, HostFile } from '../model/plan.js';
import { quoted } from '../model/shell.js';
import { namedIn, outlineName, prefixesIn, sameConfig } from './configuration.js';
import { contentOf } from './content.js';
import { SCRIPT_BODY } from './node-script-body.js';

/** Names of the files beside the script. */
export const ROUND_FILES = {
  script: 'node.sh',
  /** The configuration of the round. */
  configuration: 'encryption-config.yaml',
  /** What to go back to, where that is not what the node has before. */
  fallback: 'encryption-config.fallback.yaml',
} as const;

/** Whether going back takes a file of its own. */
export function needsFallbackFile({ before, fallback }: ServerRound): boolean {
  return fallback !== null && !before.some((one) => sameConfig(one, fallback));
}

/**
 * What lies beside the files of a round for whoever does it on a node without the wizard: the script, and the
 * configuration to go back to where that is one of its own. Not part of a plan, as it follows from it.
 */
export function roundFiles({ encryption: round }: HostChange): readonly HostFile[] {
  if (round === undefined) return [];
  const { fallback } = round;
  return [
    { path: '', as: ROUND_FILES.script, mode: 0o755, content: nodeScript(round) },
    ...(fallback !== null && needsFallbackFile(round)
      ? [{ path: '', as: ROUND_FILES.fallback, mode: 0o600, content: contentOf(fallback) }]
      : []),
  ];
}

/**
 * `node.sh`: one round on one node, with the safety of the wizard on a node: checks first, all prepared before anything
 * is touched, one rename a file, waiting for the new process, and a way back that reads every key. To be run on each node
 * of the round, one after the other; it may be run again at any time. It holds no key: files beside it do.
 */
export function nodeScript(round: ServerRound): string {
  const { before, after, fallback, file, mounts, phase, mustRead } = round;
  const mayGo =
    phase === 'remove'
      ? before
          .flatMap((config) => (config ?? []).flatMap(({ providers }) => prefixesIn(providers)))
          .filter((prefix) => prefix !== '' && !mustRead.includes(prefix))
      : [];
  const back = fallback === null ? 'manifest' : needsFallbackFile(round) ? 'file' : 'before';
  const values: readonly (readonly [string, string])[] = [
    ['FILE', file],
    ['BEFORE', before.map(outline).join('\n')],
    ['AFTER', outline(after)],
    ['BACK', back],
    ['MAY_GO', mayGo.join('\n')],
    ['MOUNTS', mounts.map(({ path, readOnly }) => `${path} ${readOnly ? 'ro' : 'rw'}`).join('\n')],
    ['SOCKETS', round.sockets.join('\n')],
    ['RESOURCES', namedIn([...before, after]).join('\n')],
  ];
  const head = values.map(([name, value]) => `${name}=${quoted(value)}`).join('\n');
  return SCRIPT_BODY.replace('@VALUES@', () => head);
}

/**
 * A configuration in one line, without values, as the script reads it out of a file in block style:
 * `secrets configmaps | secretbox key1 identity`; entries are separated by `/`, and none is `-`.
 */
export function outline(config: EncryptionConfig | null): string {
  if (config === null) return '-';
  return config
    .map(({ resources, providers }) => {
      const names = resources.map(outlineName);
      const kinds = providers.map((provider) => {
        if (provider.kind === 'identity') return 'identity';
        if (provider.kind === 'kms') return `kms ${provider.name}`;
        return [provider.kind, ...provider.keys.map(({ name }) => name)].join(' ');
      });
      return `${names.join(' ')} | ${kinds.join(' ')}`;
    })
    .join(' / ');
}
