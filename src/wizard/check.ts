import { stringify } from 'yaml';
import { type DiffLine, diffOf } from '../model/diff.js';
import { type Ref, refText, sameRef } from '../model/manifest.js';
import type { Change, HostChange } from '../model/plan.js';
import { rightsText, writeOf } from '../model/rights.js';
import { commandLine } from '../model/shell.js';
import { heldIn } from './contents.js';
import { type Cluster, ClusterError } from './ports.js';
import { documentedCommand, sizeLines } from './rewrite-size.js';
import type { Checked } from './state.js';
import { whyWarned } from './unwarned.js';

const AT_ONCE = 8;

/**
 * Asks the server what each change would do, persisting nothing. Where it cannot be asked (the namespace is yet to be
 * created, the right is missing, or the change is not an API object) the difference is computed here and marked so.
 * @throws ClusterError where the cluster cannot be reached at all.
 */
export async function check(cluster: Cluster, changes: readonly Change[]): Promise<Checked[]> {
  const created = new Set(
    changes.flatMap((c) =>
      c.kind === 'apply' && c.ref.kind === 'Namespace' && c.before === undefined ? [c.ref.name] : [],
    ),
  );
  const removed = changes.filter((c) => c.kind === 'delete').map((c) => c.ref);
  const lacked = await lackedBy(
    cluster,
    changes.filter((change) => change.kind === 'rewrite' || created.has(change.ref.namespace ?? '')),
  );
  const results: Checked[] = new Array(changes.length);
  let at = 0;
  const worker = async () => {
    while (at < changes.length) {
      const index = at++;
      const change = changes[index];
      if (change !== undefined) results[index] = await checkOne(cluster, change, created, removed, lacked);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, changes.length) }, worker));
  return results;
}

async function checkOne(
  cluster: Cluster,
  change: Change,
  created: ReadonlySet<string>,
  removed: readonly Ref[],
  lacked: ReadonlyMap<string, string>,
): Promise<Checked> {
  const ours =
    change.kind === 'apply'
      ? diffOf(change.before, change.manifest)
      : change.kind === 'delete'
        ? diffOf(change.before, undefined)
        : described(change);
  const mayNot = (reason: string): Checked => ({
    change: change.id,
    diff: ours,
    check: { by: 'refusal', reason, right: true },
  });
  const lacks = lacked.get(change.id);
  if (lacks !== undefined) return mayNot(lacks);
  if (change.kind !== 'apply' && change.kind !== 'delete') {
    const size = change.kind === 'rewrite' ? await sizeDiff(cluster, change.resource) : [];
    return {
      change: change.id,
      diff: [...ours, ...size],
      check: { by: 'us', reason: 'not an object of the API' },
    };
  }
  const computed = (reason: string): Checked => ({
    change: change.id,
    diff: ours,
    check: { by: 'us', reason },
  });
  if (created.has(change.ref.namespace ?? ''))
    return computed(`namespace ${change.ref.namespace} does not exist yet`);
  try {
    if (change.kind === 'delete') {
      if (change.onlyIfEmpty === true) {
        const contents = await cluster.contents(change.ref.name);
        const rest = contents.filter((ref) => !removed.some((one) => sameRef(one, ref)));
        const held = heldIn(change.ref.name, rest);
        if (held !== undefined)
          return { change: change.id, diff: ours, check: { by: 'refusal', reason: held } };
      }
      await cluster.delete(change.ref, { dryRun: true });
      return { change: change.id, diff: ours, check: { by: 'server', warnings: [] } };
    }
    const live = change.before === undefined ? undefined : await cluster.get(change.ref);
    const { object, warnings } = await cluster.apply(change.manifest, {
      dryRun: true,
      force: change.force === true,
    });
    const warned =
      change.unwarned === undefined ? undefined : await whyWarned(cluster, change.unwarned.canary, warnings);
    if (warned !== undefined)
      return { change: change.id, diff: diffOf(live, object), check: { by: 'refusal', reason: warned } };
    return { change: change.id, diff: diffOf(live, object), check: { by: 'server', warnings } };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    if (error.reason === 'unreachable' || error.reason === 'unauthorized') throw error;
    if (error.reason === 'forbidden') return mayNot(error.message);
    if (error.reason === 'notFound')
      return computed(`the server does not know where ${refText(change.ref)} belongs yet`);
    return { change: change.id, diff: ours, check: { by: 'refusal', reason: error.message } };
  }
}

/**
 * The rights that changes lack of which no dry run is possible, in words by change; nothing where that cannot be asked.
 */
async function lackedBy(cluster: Cluster, changes: readonly Change[]): Promise<ReadonlyMap<string, string>> {
  const asked = changes.flatMap((change) => {
    const write = writeOf(change);
    return write === undefined ? [] : [{ id: change.id, uses: { reads: [], writes: [write] } }];
  });
  const lacked = new Map<string, string>();
  if (asked.length === 0) return lacked;
  try {
    const lacks = await cluster.lacks(asked.map(({ uses }) => uses));
    for (const [index, { id }] of asked.entries()) {
      const refused = (lacks[index] ?? []).filter(({ without }) => without === 'refused');
      if (refused.length > 0)
        lacked.set(
          id,
          `You may not ${rightsText(refused.map(({ right }) => right))}.\nAsk for that right, or use another account.`,
        );
    }
  } catch (error) {
    if (!(error instanceof ClusterError) || ['unreachable', 'unauthorized'].includes(error.reason))
      throw error;
  }
  return lacked;
}

/** What is no API object, as lines to read. Keys are placeholders in a plan, so nothing secret can appear. */
function described(change: Exclude<Change, { kind: 'apply' | 'delete' }>): DiffLine[] {
  switch (change.kind) {
    case 'host':
      return hostLines(change);
    case 'cloud':
      return [{ sign: '+', text: commandLine(change.command) }];
    case 'rewrite':
      return rewriteLines(change.resource).map((text) => ({ sign: ' ', text }));
  }
}

function rewriteLines(resource: string): readonly string[] {
  return [
    'Documented command (every value passes through the client):',
    `  ${documentedCommand(resource)}`,
    'What is done here instead: each object is listed by name only and gets an empty patch.',
    'The API server writes it again under its first provider; no value is ever fetched.',
    'Before it: a scratch Secret shows whether all API servers agree; if not, nothing is re-written.',
  ];
}

/** What a re-write would write, against the room that etcd has, as lines to read; why that is not known where it fails. */
async function sizeDiff(cluster: Cluster, resource: string): Promise<DiffLine[]> {
  const lines = await cluster.rewriteSize([resource]).then(
    (size) => sizeLines(size, [resource]),
    (error: unknown) => {
      if (!(error instanceof ClusterError) || ['unreachable', 'unauthorized'].includes(error.reason))
        throw error;
      return [`How much is written is not known: ${error.message.split('\n')[0] ?? ''}`];
    },
  );
  return lines.map((text) => ({ sign: ' ', text }));
}

function hostLines(change: HostChange): DiffLine[] {
  return [
    ...change.files.flatMap((file): DiffLine[] => [
      { sign: ' ', text: `# ${file.path} (mode ${file.mode.toString(8).padStart(4, '0')})` },
      ...stringify(file.content, { lineWidth: 0 })
        .trimEnd()
        .split('\n')
        .map((text): DiffLine => ({ sign: '+', text })),
    ]),
    { sign: ' ', text: '' },
    ...change.instructions.map((text, i): DiffLine => ({ sign: ' ', text: `${i + 1}. ${text}` })),
  ];
}
