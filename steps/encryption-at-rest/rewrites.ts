import { prefixText } from '../../src/encryption/configuration.js';
import type { StoragePrefix } from '../../src/model/encryption.js';
import type { Ref } from '../../src/model/manifest.js';
import type { RewriteChange } from '../../src/model/plan.js';
import type { Answers } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { SECRETS } from './goals.js';
import { mayBeSeveral } from './questions.js';
import type { EncryptionState } from './state.js';
import { encrypts } from './state.js';

/** The re-write of one resource. @param under what every value is to be stored under; left out: any key */
export function rewriteOf(
  now: Snapshot,
  state: EncryptionState,
  answers: Answers,
  resource: string,
  more: { under?: StoragePrefix; folder?: string } = {},
): RewriteChange {
  const count = resource === SECRETS ? now.encryption?.secrets : undefined;
  const evenIfUntried = answers.unreachedServers === 'goOn' && mayBeSeveral(now);
  const what = resource === SECRETS ? 'Secrets' : resource;
  const plain = more.under !== undefined && !encrypts(more.under);
  const ref = refOf(resource);
  return {
    kind: 'rewrite',
    id: `encryption-at-rest/-/${ref.kind}/*`,
    ref,
    risk: 'rewritesStorage',
    resource,
    count,
    ...more,
    why: whyOf(state, resource, what, more.under),
    breaks: [
      plain
        ? 'Only once every API server writes plain text: one that still has a key first would encrypt again. The wizard and `kubectl harden apply` try that out first, on a scratch Secret.'
        : 'Only once every API server has the new configuration: one that still has the old would write plain text again. The wizard and `kubectl harden apply` try that out first, on a scratch Secret.',
      ...(evenIfUntried
        ? [
            'API servers that cannot be reached from here are not tried: the answer was to go on without them.',
          ]
        : []),
      `etcd writes ${count === undefined ? 'each object' : `${count} objects`} anew; its size grows until the next compaction.`,
      `${what} whose update a webhook refuses stay as they were; each is named as refused.`,
    ],
    ...(evenIfUntried ? { evenIfUntried } : {}),
  };
}

function whyOf(
  state: EncryptionState,
  resource: string,
  what: string,
  under: StoragePrefix | undefined,
): string {
  if (state.at === 'stale' && resource === SECRETS && (under === undefined || under === state.writes))
    return `${state.stale} Secrets are not stored under the key that writes: only a write brings them there.`;
  if (state.at === 'encrypted' && resource === SECRETS && under !== undefined && under === state.writes)
    return `Each is under ${prefixText(under)} as far as was counted; a pass over all, which then moves nothing, proves it before keys go.`;
  return resource === SECRETS
    ? `A Secret stays stored as it was until somebody writes it${under === undefined ? '' : `; each goes to ${prefixText(under)}`}.`
    : `What is stored of ${what} stays as it was until somebody writes it${under === undefined ? '' : `; each goes to ${prefixText(under)}`}.`;
}

function refOf(resource: string): Ref {
  if (resource === SECRETS) return { apiVersion: 'v1', kind: 'Secret', name: '*' };
  if (resource === 'configmaps') return { apiVersion: 'v1', kind: 'ConfigMap', name: '*' };
  const dot = resource.indexOf('.');
  return {
    apiVersion: dot < 0 ? 'v1' : `${resource.slice(dot + 1)}/v1`,
    kind: resource,
    name: '*',
  };
}
