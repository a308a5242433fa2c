import { type Distribution, distribution } from '../src/model/distributions.js';
import type { Finding } from '../src/model/finding.js';
import type { Change, CloudChange, RewriteChange } from '../src/model/plan.js';
import type { Answers, Question } from '../src/model/question.js';
import type { Snapshot } from '../src/model/snapshot.js';
import type { Step } from '../src/model/step.js';
import type { Templates } from '../src/model/template.js';
import { CONFIG, enableEncryption, type LocalProvider } from './encryption-at-rest/host.js';
import { type EncryptionState, encryptionState, providerIn } from './encryption-at-rest/state.js';

/** Whether Secrets are encrypted where they are stored, turned on and brought to every stored Secret. */
export const encryptionAtRest: Step = {
  id: 'encryption-at-rest',
  title: 'Encryption at rest',
  why: [
    'Secrets are stored in plain text unless the API server is told to encrypt them.',
    'Whoever gets a copy of etcd, or of its backup, then holds every password.',
  ],
  references: [
    { catalogue: 'guide', id: 'Network separation and hardening: secrets; appendices H and I' },
    { catalogue: 'CIS', id: '1.2.27' },
    { catalogue: 'CIS', id: '1.2.28' },
    { catalogue: 'Kubescape', id: 'C-0066' },
    { catalogue: 'Trivy', id: 'KCV-0029' },
  ],
  folder: '04-encryption-at-rest',
  asks: ['provider', 'enable', 'rewrite', 'unreachedServers'],
  reads: [
    { probe: 'encryption', for: 'how Secrets are stored' },
    { kind: 'Secret', as: 'names', for: 'how many Secrets there are' },
    { kind: 'Pod', as: 'objects', for: 'arguments of the API server' },
    { kind: 'Node', as: 'objects', for: 'distribution and control-plane nodes' },
  ],
  questions,
  assess,
  plan,
};

/** Whether the files for static pods are the right means here. */
function byFiles({ controlPlane }: Distribution): boolean {
  return controlPlane === 'kubeadm' || controlPlane === 'unknown';
}

/** `plain` is proven; where nothing is seen, turning it on is offered but never recommended. */
function canEnable(state: EncryptionState, where: Distribution): boolean {
  if (state.at === 'plain') return byFiles(where) || (where.encryption?.enable.length ?? 0) > 0;
  return state.at === 'unseen' && !state.configured && byFiles(where);
}

function questions(now: Snapshot): readonly Question[] {
  const state = encryptionState(now);
  const where = distribution(now);
  const enable = canEnable(state, where);
  const out: Question[] = [];
  if (enable && byFiles(where))
    out.push({
      id: 'provider',
      type: 'choice',
      message: 'How are Secrets encrypted?',
      risk: 'none',
      choices: [
        { value: 'secretbox', label: 'secretbox', note: 'strong (XSalsa20-Poly1305); not for FIPS' },
        { value: 'aescbc', label: 'aescbc', note: 'weak (padding oracle); only where FIPS demands AES' },
      ],
      recommended: 'secretbox',
      cautious: 'secretbox',
    });
  if (enable)
    out.push({
      id: 'enable',
      type: 'confirm',
      message: 'Turn encryption at rest on?',
      help:
        state.at === 'plain'
          ? 'Files and instructions for each control-plane node; each API server restarts once.'
          : 'Whether it is on already could not be seen. Say yes only if you know that it is off: a second configuration in place of the first makes stored Secrets unreadable.',
      risk: 'restartsApiServer',
      recommended: state.at === 'plain',
      cautious: false,
    });
  if (state.at === 'stale' || (enable && byFiles(where)) || (state.at === 'unseen' && state.configured)) {
    out.push({
      id: 'rewrite',
      type: 'confirm',
      message: 'Re-write all stored Secrets, so that each is stored under the key?',
      help: 'By us, without reading a value, or by you: kubectl get secrets --all-namespaces -o json | kubectl replace -f -',
      risk: 'rewritesStorage',
      recommended: state.at !== 'unseen',
      cautious: false,
    });
    if (mayBeSeveral(now)) out.push(UNREACHED);
  }
  return out;
}

/** Whether several API servers may write; the embedded cluster has one. */
function mayBeSeveral({ cluster, encryption }: Snapshot): boolean {
  return !cluster.sandbox && encryption?.servers?.listed !== 1;
}

/** No risk by itself: unless somebody says otherwise, nothing is re-written where a server could not be tried. */
const UNREACHED: Question = {
  id: 'unreachedServers',
  type: 'choice',
  message: 'And where an API server cannot be tried from here?',
  help: 'Before the re-write a scratch Secret goes through every API server. One with another configuration would store Secrets in plain text again, or could not read them.',
  risk: 'none',
  choices: [
    { value: 'refuse', label: 'leave the re-write', note: 'nothing is written' },
    {
      value: 'goOn',
      label: 'go on without it',
      note: 'only if you checked that each has the same configuration',
    },
  ],
  recommended: 'refuse',
  cautious: 'refuse',
};

function plan(now: Snapshot, answers: Answers, templates: Templates): readonly Change[] {
  const state = encryptionState(now);
  const where = distribution(now);
  const rewrite = answers.rewrite === true ? [rewriteSecrets(now, state, answers)] : [];
  if (state.at === 'stale' || (state.at === 'unseen' && state.configured)) return rewrite;
  if (answers.enable !== true || !canEnable(state, where)) return [];
  if (!byFiles(where)) return byCommands(where);
  const provider: LocalProvider = answers.provider === 'aescbc' ? 'aescbc' : 'secretbox';
  const enable = enableEncryption(now, provider, templates);
  return [enable, ...rewrite.map((change) => ({ ...change, requires: [enable.id] }))];
}

function rewriteSecrets(now: Snapshot, state: EncryptionState, answers: Answers): RewriteChange {
  const count = now.encryption?.secrets;
  const evenIfUntried = answers.unreachedServers === 'goOn' && mayBeSeveral(now);
  return {
    kind: 'rewrite',
    id: 'encryption-at-rest/-/Secret/*',
    ref: { apiVersion: 'v1', kind: 'Secret', name: '*' },
    risk: 'rewritesStorage',
    resource: 'secrets',
    count,
    why:
      state.at === 'stale'
        ? `${state.stale} Secrets are not stored under the key that writes: only a write brings them there.`
        : 'A Secret stays stored as it was until somebody writes it.',
    breaks: [
      'Only once every API server has the new configuration: one that still has the old would write plain text again. The wizard and `kubectl harden apply` try that out first, on a scratch Secret.',
      ...(evenIfUntried
        ? [
            'API servers that cannot be reached from here are not tried: the answer was to go on without them.',
          ]
        : []),
      `etcd writes ${count ?? 'every'} objects anew; its size grows until the next compaction.`,
      'Secrets whose update a webhook refuses stay as they were; each is named as refused.',
    ],
    ...(evenIfUntried ? { evenIfUntried } : {}),
  };
}

function byCommands(where: Distribution): readonly CloudChange[] {
  const commands = where.encryption?.enable ?? [];
  return commands.map((command, index) => ({
    kind: 'cloud',
    id: `encryption-at-rest/-/${CONFIG.kind}/${where.id}-${index + 1}`,
    ref: { ...CONFIG, name: `${where.id}-${index + 1}` },
    risk: 'restartsApiServer',
    command,
    why: `${where.title} turns encryption on by its own command (${index + 1} of ${commands.length}).`,
    breaks: [where.encryption?.note ?? ''],
  }));
}

function assess(now: Snapshot): readonly Finding[] {
  const state = encryptionState(now);
  const where = distribution(now);
  const { evidence } = state;
  const asked = where.encryption === undefined ? '' : ` Ask: ${where.encryption.ask.join(' ')}.`;
  switch (state.at) {
    case 'encrypted':
      return [...otherServers(now, evidence), ...weakProvider(state.writes, evidence)];
    case 'stale':
      return [
        {
          id: 'secrets-stale',
          severity: 'high',
          evidence,
          message:
            state.writes === undefined
              ? `An encryption configuration is in force, but ${state.stale} stored Secrets are not under its key: they have to be re-written.`
              : `New Secrets are stored as ${state.writes}, but ${state.stale} stored ones are not: they have to be re-written.`,
        },
        ...otherServers(now, evidence),
        ...weakProvider(state.writes, evidence),
      ];
    case 'plain':
      return [
        {
          id: 'secrets-plain',
          severity: 'high',
          evidence,
          message: byFiles(where)
            ? 'Secrets are stored in plain text.'
            : `Secrets are stored in plain text. ${where.title} has its own way to turn encryption on${commandText(where)}.`,
        },
      ];
    case 'configured':
      return [
        {
          id: state.differ ? 'api-servers-differ' : 'encryption-without-effect',
          severity: 'high',
          evidence,
          message: state.differ
            ? 'Some API servers have an encryption configuration and others have none: what one writes another cannot read. Give all of them the same file, one after the other, before anything is re-written.'
            : 'An encryption configuration is set, but Secrets are still written in plain text: identity is its first provider for them, or it does not list them. Put a provider with a key first in that very file; keep the keys that are in it.',
        },
      ];
    case 'unseen':
      return [
        {
          id: 'encryption-not-visible',
          severity: 'notVisible',
          evidence: `${evidence}; ${where.evidence}`,
          message: !state.configured
            ? `Whether Secrets are encrypted cannot be seen from here (${where.title === 'unknown' ? 'unknown distribution' : where.title}).${asked}${noteText(where)}`
            : state.writes === undefined
              ? 'An encryption configuration is set; whether Secrets are stored under its key cannot be seen from here.'
              : `New Secrets are stored as ${state.writes}; how the others are stored cannot be seen from here.`,
        },
        ...weakProvider(state.writes, evidence),
      ];
  }
}

/** Storage was judged through one API server; the others may write in another form. */
function otherServers({ encryption }: Snapshot, evidence: string): readonly Finding[] {
  if (encryption?.servers === undefined) return [];
  const { listed, seen } = encryption.servers;
  if (listed !== undefined && seen >= listed) return [];
  const how = 'write Secrets cannot be seen from here: compare the configuration of each.';
  return [
    {
      id: 'api-servers-not-visible',
      severity: 'notVisible',
      evidence,
      message:
        listed === undefined
          ? `How many API servers there are is not known, and how others than the one that answered ${how}`
          : `How ${listed - seen} of ${listed} API servers ${how}`,
    },
  ];
}

function commandText(where: Distribution): string {
  const commands = where.encryption?.enable ?? [];
  return commands.length === 0 ? '' : `: ${commands.map((words) => words.join(' ')).join(', then ')}`;
}

function noteText(where: Distribution): string {
  return where.encryption === undefined ? '' : ` ${where.encryption.note}`;
}

/** What the documentation of Kubernetes says against a provider. */
const AGAINST: Readonly<Record<string, string>> = {
  aescbc: 'it is rated weak (padding oracle); secretbox or KMS v2 is better unless FIPS demands AES',
  aesgcm: 'its key must be replaced before 200,000 writes; without automatic rotation it is unsafe',
  'kms v1': 'it is deprecated and off by default since 1.29; KMS v2 replaces it',
};

function weakProvider(writes: string | undefined, evidence: string): readonly Finding[] {
  const provider = writes === undefined ? undefined : providerIn(writes);
  const against = provider === undefined ? undefined : AGAINST[provider];
  if (against === undefined) return [];
  return [
    {
      id: 'weak-encryption-provider',
      severity: 'low',
      evidence,
      message: `Secrets are encrypted with ${provider}: ${against}.`,
    },
  ];
}
