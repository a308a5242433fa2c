import type { Distribution, EncryptionCommands } from '../../src/model/distributions.js';
import type { ServerEncryption } from '../../src/model/encryption.js';
import { printable } from '../../src/model/escape.js';
import type { Finding } from '../../src/model/finding.js';
import type { Snapshot } from '../../src/model/snapshot.js';

/** How a distribution turns encryption on from what is seen of it; undefined where it has no way. */
export type Way = Pick<EncryptionCommands, 'enable' | 'costs' | 'undo'>;

/**
 * The commands that turn encryption on. k3s and RKE2 have other ones for each state of their file; where that is not
 * seen, those for servers that once had it on.
 */
export function wayOf(now: Snapshot, where: Distribution): Way | undefined {
  const { encryption: commands, id } = where;
  const told = now.encryption?.apiServers?.find(
    ({ config, stage }) => ownProgram(id) && toldBy(config, stage),
  );
  if (commands === undefined || told?.config === undefined) return commands;
  const { value: config } = told.config;
  const run = (...words: string[]) => [id, 'secrets-encrypt', ...words];
  const restarted = 'Each server is restarted, one after the other,';
  const [first] = config ?? [];
  const keys = first?.providers.filter(({ kind }) => kind !== 'identity') ?? [];
  const pace = `${where.title} re-writes about 5 Secrets a second.`;
  if (config === null)
    return {
      ...commands,
      enable: [run('enable'), run('rotate-keys')],
      costs: `Only in releases from 2026 on; before, ${where.title} does not support it for a cluster that was first started without. ${restarted} with --secrets-encryption after the first command, and once more after the second. ${pace}`,
    };
  // Its re-write knows AES-CBC alone; a rotation does both.
  const aes = keys.length > 0 && keys.every(({ kind }) => kind === 'aescbc');
  if (keys.length === 0)
    return { ...commands, enable: [run('rotate-keys')], costs: `${restarted} after the command. ${pace}` };
  const second = aes ? run('reencrypt', '--force', '--skip') : run('rotate-keys');
  return {
    ...commands,
    enable: [run('enable'), second],
    costs: `${restarted} after the first command${aes ? '' : ', and after the second'}. ${pace}`,
  };
}

function ownProgram(id: string): boolean {
  return id === 'k3s' || id === 'rke2';
}

/** Whether it is the distribution's own program that told: it knows no file, or the stage. */
function toldBy(config: ServerEncryption['config'], stage: ServerEncryption['stage']): boolean {
  return config !== undefined && (config.value === null || stage !== undefined);
}

/** Whether a file of the distribution's own is seen that encrypts nothing: its commands turn that on. */
export function turnedOff(now: Snapshot, { id }: Distribution): boolean {
  const told = (now.encryption?.apiServers ?? []).filter(({ stage }) => stage !== undefined);
  return (
    ownProgram(id) &&
    told.length > 0 &&
    told.every(
      ({ config, stage, same }) =>
        config?.value?.[0]?.providers[0]?.kind === 'identity' &&
        same?.value !== false &&
        NEXT[stage?.value ?? ''] === undefined,
    )
  );
}

/** What a rotation that is under way waits for, by its stage. */
const NEXT: Readonly<Record<string, (program: string) => string>> = {
  prepare: (program) => `restart each server, then \`${program} secrets-encrypt rotate\``,
  rotate: (program) => `restart each server, then \`${program} secrets-encrypt reencrypt\``,
  reencrypt_request: (program) => `wait until \`${program} secrets-encrypt status\` says reencrypt_finished`,
  reencrypt_active: (program) => `wait until \`${program} secrets-encrypt status\` says reencrypt_finished`,
};

/** A rotation of the key that is not at its end, and servers that have not taken it up. */
export function rotationFindings(now: Snapshot, where: Distribution): readonly Finding[] {
  return (now.encryption?.apiServers ?? []).flatMap(({ server, stage, same }): Finding[] => {
    const next = NEXT[stage?.value ?? ''];
    const name = printable(server, 100);
    return [
      ...(stage === undefined || next === undefined
        ? []
        : [
            {
              id: 'rotation-unfinished',
              severity: 'medium' as const,
              evidence: `${name}: ${stage.value} (${stage.source})`,
              message: `A rotation of the key of ${where.title} is at stage ${stage.value}: ${next(where.id)}. Restart no server while it re-writes.`,
            },
          ]),
      ...(same?.value !== false
        ? []
        : [
            {
              id: 'api-servers-differ',
              severity: 'high' as const,
              evidence: `${name}: servers have different files (${same.source})`,
              message: `Servers of ${where.title} have different encryption configurations: what one writes another may not be able to read. Restart each, one after the other: that brings them to the same.`,
            },
          ]),
    ];
  });
}
