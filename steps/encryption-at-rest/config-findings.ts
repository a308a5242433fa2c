import {
  configText,
  namesFor,
  PLAIN,
  providersFor,
  sameResource,
  writesUnder,
} from '../../src/encryption/configuration.js';
import type { EncryptionConfig, ServerEncryption } from '../../src/model/encryption.js';
import { printable } from '../../src/model/escape.js';
import type { Finding } from '../../src/model/finding.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { SECRETS } from './goals.js';
import { AGAINST } from './providers.js';
import { providerIn } from './state.js';

/** What each API server shows of its configuration, each statement with its source. */
export function statements(now: Snapshot): readonly string[] {
  return said(now).map(({ server, what, source }) => `${server}: ${what} (${source})`);
}

/** The same in parts. */
export function said(now: Snapshot): readonly { server: string; what: string; source: string }[] {
  return (now.encryption?.apiServers ?? []).flatMap((one) => {
    const { server, file, reload, hash, config, problem, stage, same } = one;
    const said: [string, string][] = [];
    if (file !== undefined) said.push([file.value === null ? 'no configuration' : file.value, file.source]);
    if (config !== undefined) said.push([configText(config.value), config.source]);
    if (problem !== undefined) said.push([problem.value, problem.source]);
    if (reload?.value === true) said.push(['reloads its file by itself', reload.source]);
    if (hash !== undefined) said.push([`file of SHA-256 ${hash.value.slice(0, 12)}`, hash.source]);
    if (stage !== undefined) said.push([`stage of rotation: ${stage.value}`, stage.source]);
    if (same !== undefined)
      said.push([`servers have ${same.value ? 'the same file' : 'different files'}`, same.source]);
    return said.map(([what, source]) => ({ server, what, source }));
  });
}

/** Why a configuration that is there does not encrypt Secrets; undefined where it does. */
function without(config: EncryptionConfig): Pick<Finding, 'id' | 'message'> | undefined {
  if (writesUnder(config, SECRETS) !== PLAIN) return undefined;
  const covering = config.flatMap((entry, index) =>
    entry.resources
      .filter((one) => namesFor(SECRETS).some((name) => sameResource(name, one)))
      .map((name) => ({ name, index, encrypts: entry.providers[0]?.kind !== 'identity' })),
  );
  const shadowed = covering.find(({ name, encrypts }) => name.includes('*') && encrypts);
  if (covering.length === 0)
    return {
      id: 'secrets-not-listed',
      message:
        'An encryption configuration is set, but it does not list Secrets: they are stored in plain text.',
    };
  if (shadowed !== undefined)
    return {
      id: 'wildcard-shadowed',
      message: `An encryption configuration encrypts ${shadowed.name}, but another entry decides for Secrets and writes plain text: the more exact name counts.`,
    };
  return {
    id: 'identity-first',
    message:
      'An encryption configuration is set, but identity is the first provider for Secrets: they are stored in plain text.',
  };
}

/** What the documentation says against providers of a configuration: of the one that writes Secrets, and of KMS v1 at all. */
function weaknesses(
  config: EncryptionConfig | null,
): readonly Pick<Finding, 'id' | 'severity' | 'message'>[] {
  const writer = providerIn(writesUnder(config, SECRETS));
  const against = writer === undefined ? undefined : AGAINST[writer];
  const old = providersFor(config, SECRETS).flatMap((one) =>
    one.kind === 'kms' && one.version === 'v1' && writer !== 'kms v1' ? [one.name] : [],
  );
  return [
    ...(against === undefined
      ? []
      : [
          {
            id: 'weak-encryption-provider',
            severity: 'low' as const,
            message: `Secrets are encrypted with ${writer}: ${against}.`,
          },
        ]),
    ...old.map((name) => ({
      id: 'kms-v1',
      severity: 'low' as const,
      message: `The KMS v1 plugin ${printable(name, 100)} can still be read through: ${AGAINST['kms v1']}. An API server without it does not start with this configuration.`,
    })),
  ];
}

/** Findings from configurations that are seen: the same on several API servers is said once. */
export function configFindings(now: Snapshot): readonly Finding[] {
  const found = new Map<
    string,
    { finding: Pick<Finding, 'id' | 'severity' | 'message'>; evidence: string[] }
  >();
  const add = (
    one: ServerEncryption,
    finding: Pick<Finding, 'id' | 'severity' | 'message'>,
    source: string,
  ) => {
    const key = `${finding.id} ${finding.message}`;
    const known = found.get(key) ?? { finding, evidence: [] };
    known.evidence.push(`${one.server}: ${source}`);
    found.set(key, known);
  };
  for (const one of now.encryption?.apiServers ?? []) {
    if (one.problem !== undefined)
      add(
        one,
        {
          id: 'configuration-unclear',
          severity: 'notVisible',
          message: `The encryption configuration of ${printable(one.server, 100)} cannot be taken for what is in force: ${printable(one.problem.value, 500)}`,
        },
        one.problem.source,
      );
    const config = one.config?.value;
    for (const weak of weaknesses(config ?? null))
      add(one, weak, `${configText(config ?? null)} (${one.config?.source})`);
    const fault = config === undefined || config === null ? undefined : without(config);
    if (fault !== undefined && config !== undefined)
      add(one, { ...fault, severity: 'high' }, `${configText(config)} (${one.config?.source})`);
  }
  return [...found.values()].map(({ finding, evidence }) => ({
    ...finding,
    evidence: evidence.map((line) => printable(line, 500)).join('; '),
  }));
}
