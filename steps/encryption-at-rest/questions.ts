import { type Distribution, distribution } from '../../src/model/distributions.js';
import { printable } from '../../src/model/escape.js';
import type { Answers, Choice, Question } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { statements } from './config-findings.js';
import { coveredWithSecrets, goalChoices, unfinished, writersOf } from './goals.js';
import { type Known, known } from './known.js';
import { turnedOff, wayOf } from './own-commands.js';
import { offered, offersKms } from './providers.js';
import { type EncryptionState, encryptionState, encrypts } from './state.js';

/** Ids of all questions that may be asked. */
export const ASKS = [
  'goal',
  'provider',
  'kmsPlugin',
  'enable',
  'alsoEncrypt',
  'keyKept',
  'rewrite',
  'removeOld',
  'unreachedServers',
] as const;

/** Whether the files for static pods are the right means here. */
export function byFiles({ controlPlane }: Distribution): boolean {
  return controlPlane === 'kubeadm' || controlPlane === 'unknown';
}

/** `plain` is proven, and what the distribution tells of its own file; where nothing is seen, turning it on is offered but never recommended. */
export function canEnable(now: Snapshot, state: EncryptionState, where: Distribution): boolean {
  if (state.at === 'configured' && turnedOff(now, where)) return true;
  if (state.at === 'plain') return byFiles(where) || (where.encryption?.enable.length ?? 0) > 0;
  return state.at === 'unseen' && !state.configured && byFiles(where);
}

/** The configuration that rounds can lead on from; undefined where none is seen, or where it is not ours to change. */
export function changeable(now: Snapshot, state: EncryptionState, where: Distribution): Known | undefined {
  const seen = byFiles(where) ? known(now, state) : undefined;
  return seen?.situation.servers.some(({ config }) => config !== null) === true ? seen : undefined;
}

export function questions(now: Snapshot, given: Answers = {}): readonly Question[] {
  const state = encryptionState(now);
  const where = distribution(now);
  const enable = canEnable(now, state, where);
  const files = enable && byFiles(where);
  const current = changeable(now, state, where);
  const out: Question[] = [];
  const plugin = (chosen: unknown) => (chosen === 'kms' && offersKms(now) ? [KMS_PLUGIN] : []);
  if (files) out.push(provider(now), ...plugin(given.provider));
  if (current !== undefined) out.push(goal(now, current, given), ...plugin(given.goal));
  if (enable)
    out.push({
      id: 'enable',
      type: 'confirm',
      message: 'Turn encryption at rest on?',
      help: !byFiles(where)
        ? (wayOf(now, where)?.costs ?? '')
        : state.at === 'plain'
          ? 'In rounds, on each control-plane node; each API server restarts once a round.'
          : 'Whether it is on already could not be seen. Say yes only if you know that it is off: a second configuration in place of the first makes stored Secrets unreadable.',
      risk: 'restartsApiServer',
      // Who led it back to plain text does not want it turned on again.
      recommended: state.at !== 'unseen' && given.goal !== 'plainText',
      cautious: false,
      // Who led it back to plain text has said so.
      ...(given.goal === 'plainText' ? { implied: false } : {}),
    });
  if (files || current !== undefined) out.push(...alsoEncrypt(now, current), KEY_KEPT);
  const left = state.at === 'encrypted' && unfinished(now).length > 0;
  const seen = state.at === 'stale' || (state.at === 'unseen' && state.configured);
  if (seen || left || files || current !== undefined) {
    out.push({
      id: 'rewrite',
      type: 'confirm',
      message: 'Re-write all stored Secrets, so that each is stored under the key?',
      help: 'By us, without reading a value, or by you: kubectl get secrets --all-namespaces -o json | kubectl replace -f -',
      risk: 'rewritesStorage',
      recommended: state.at !== 'unseen',
      cautious: false,
    });
    if (current !== undefined)
      out.push({ ...REMOVE_OLD, ...(given.enable === undefined ? {} : { implied: false }) });
    out.push(...unreached(now));
  }
  return out;
}

function provider(now: Snapshot): Question {
  return {
    id: 'provider',
    type: 'choice',
    message: 'How are Secrets encrypted?',
    risk: 'none',
    choices: offered(now),
    // The best that needs nothing that is not there.
    recommended: 'secretbox',
    cautious: 'secretbox',
  };
}

const KMS_PLUGIN: Question = {
  id: 'kmsPlugin',
  type: 'text',
  message: 'Name of the KMS plugin and its socket',
  help: 'For example: vault unix:///var/run/kms/vault.sock. The plugin must run on every control-plane node already; its key never comes here.',
  risk: 'none',
  pattern: {
    source: '^$|^[A-Za-z0-9][A-Za-z0-9._-]* unix:///[A-Za-z0-9@._/-]+$',
    expected: 'a name without colon, a space, and unix:// with an absolute path',
  },
  recommended: '',
  cautious: '',
};

function goal(now: Snapshot, current: Known, given: Answers): Question {
  const { choices, unclear, begun } = goalChoices(now, current);
  const plain = writersOf(current.situation.servers).every((prefix) => !encrypts(prefix));
  return {
    id: 'goal',
    type: 'choice',
    message: 'What is to become of the encryption?',
    help: `In rounds, each on one API server after the other: at no moment is anything stored that one of them cannot read. Now: ${nowText(now)}.`,
    risk: 'restartsApiServer',
    choices,
    unclear,
    // A key that servers can read and do not write under: a round that was not ended.
    recommended: plain ? (begun ?? 'keep') : 'keep',
    cautious: 'keep',
    ...(given.enable === undefined ? {} : { implied: impliedGoal(given, plain ? begun : undefined) }),
  };
}

/** What the answers that turned encryption on say from then on: the round that was begun is ended, and then it stays. */
function impliedGoal({ enable, provider = 'secretbox' }: Answers, begun: string | undefined): string {
  return enable === true && begun?.toLowerCase().startsWith(`use/${String(provider)}/`) === true
    ? begun
    : 'keep';
}

/** What is seen of each API server, in one line. */
export function nowText(now: Snapshot): string {
  return statements(now)
    .map((line) => printable(line, 300))
    .join('; ');
}

/** Other resources whose content may be as secret; what shares the keys of Secrets now goes with them anyway. */
function alsoEncrypt(now: Snapshot, current: Known | undefined): readonly Question[] {
  const covered = coveredWithSecrets(current?.situation.servers ?? []);
  const { major, minor } = now.cluster.version;
  const custom: readonly Choice[] =
    major > 1 || minor >= 26
      ? objects(now, 'CustomResourceDefinition').map(({ metadata }) => ({
          value: metadata.name,
          label: metadata.name,
          apart: true,
        }))
      : [];
  const choices = [
    {
      value: 'configmaps',
      label: 'configmaps',
      note: 'read and written often; settings, now and then passwords',
    },
    ...custom,
  ].filter(({ value }) => !covered.includes(value));
  if (choices.length === 0) return [];
  return [
    {
      id: 'alsoEncrypt',
      type: 'choices',
      message: 'What else is encrypted, besides Secrets?',
      help: 'Each costs a decryption at every read from storage, and is lost with the key.',
      risk: 'none',
      choices,
      recommended: [],
      cautious: [],
    },
  ];
}

const KEY_KEPT: Question = {
  id: 'keyKept',
  type: 'confirm',
  message: 'Will a copy of the new key be kept outside of the cluster, before anything is written under it?',
  help: 'It is in encryption-config.yaml on the control-plane nodes or among the files written here. Without it, losing the nodes is losing every Secret. At no, only the round is made in which API servers learn to read it, and the file with the key is named: copy it, then run this again and say yes. At yes, a node that this runs on may make the key and write under it in one run. With KMS the key never comes here: protect it in the KMS.',
  risk: 'restartsApiServer',
  // Each new key needs a copy of its own.
  once: true,
  recommended: true,
  cautious: false,
};

const REMOVE_OLD: Question = {
  id: 'removeOld',
  type: 'confirm',
  message: 'After the proof, take out what no stored value needs any more: old keys, and reading plain text?',
  help: 'One more round of restarts, after a re-write that proves it. Snapshots of etcd from before need the old keys for as long as you keep them.',
  risk: 'restartsApiServer',
  recommended: false,
  cautious: false,
};

/** Whether several API servers may write; the embedded cluster has one. */
export function mayBeSeveral({ cluster, encryption }: Snapshot): boolean {
  return !cluster.sandbox && encryption?.servers?.listed !== 1;
}

/** Asked where a re-write may meet API servers that cannot be tried. */
export function unreached(now: Snapshot): readonly Question[] {
  return mayBeSeveral(now) ? [UNREACHED] : [];
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
