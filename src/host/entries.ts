import { z } from 'zod';
import { printable } from '../model/escape.js';
import type { Entry, Stamped } from '../model/journal.js';
import { HostError } from './errors.js';
import { JOURNAL_VERSION } from './line.js';

const ref = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string().exactOptional(),
  name: z.string(),
});
const answers = z.record(z.string(), z.union([z.boolean(), z.string(), z.number(), z.array(z.string())]));
const step = z.string();
const change = z.string();
const reason = z.string();
const count = z.number().int().nonnegative();
const counts = z.object({ rewritten: count, unchanged: count, gone: count, refused: count });
const writes = z.array(z.string());

/** What each kind of line holds. The same shapes as `Entry`: the assignment in `readLines` keeps the two together. */
const entry = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('started'),
    run: z.string(),
    cluster: z.object({ id: z.string(), context: z.string(), version: z.string() }),
    command: z.string(),
    undoes: z.string().exactOptional(),
    undoesOnly: z.array(z.string()).exactOptional(),
    scope: z.object({ steps: z.array(z.string()), exclude: z.array(z.string()) }).exactOptional(),
    files: z
      .object({
        templates: z.string().exactOptional(),
        answers: z.string().exactOptional(),
        answersHash: z.string().exactOptional(),
        flows: z.array(z.string()),
        encryptionConfig: z.string().exactOptional(),
      })
      .exactOptional(),
    rewrite: z
      .object({
        resources: z.array(z.string()),
        evenIfUntried: z.boolean(),
        prove: z.boolean(),
        maxRate: z.number().exactOptional(),
        concurrency: z.number().exactOptional(),
      })
      .exactOptional(),
  }),
  z.object({ type: z.literal('answered'), step, answers }),
  z.object({
    type: z.literal('confirmed'),
    step,
    hash: z.string(),
    changes: z.array(z.object({ id: z.string(), kind: z.string(), ref, hash: z.string() })),
    excluded: z.array(z.string()).default([]),
  }),
  z.object({
    type: z.literal('provisional'),
    id: z.string().regex(/^[\w.-]+$/), // part of a file name
    step,
    seconds: z.number().positive(),
    check: z
      .union([z.object({ command: z.array(z.string()) }), z.object({ url: z.string() })])
      .exactOptional(),
    from: z.object({
      kubeconfig: z.string().exactOptional(),
      context: z.string(),
      sandboxFile: z.string().exactOptional(),
    }),
  }),
  z.object({
    type: z.literal('excluded'),
    step,
    changes: z.array(z.string()),
    chosen: z.array(z.string()).exactOptional(),
  }),
  z.object({
    type: z.literal('applying'),
    step,
    change,
    before: z.string().exactOptional(),
    turnsOn: z.literal(true).exactOptional(),
  }),
  z.object({
    type: z.literal('applied'),
    step,
    change,
    uid: z.string().exactOptional(),
    shared: z.literal(true).exactOptional(),
    resourceVersion: z.string().exactOptional(),
    created: z.boolean().exactOptional(),
    after: z.string().exactOptional(),
    evidence: z.array(z.string()).exactOptional(),
  }),
  z.object({
    type: z.literal('rewriting'),
    step,
    change,
    writes,
    place: z.object({ resource: z.string(), namespace: z.string(), name: z.string() }),
    counts,
    failures: z.array(z.object({ ref, reason })),
  }),
  z.object({ type: z.literal('rewritten'), step, change, writes, counts }),
  z.object({ type: z.literal('left'), step, change, reason }),
  z.object({ type: z.literal('failed'), step, change, reason }),
  z.object({
    type: z.literal('probing'),
    namespace: z.string(),
    image: z.string(),
    removes: z.array(z.string()),
  }),
  z.object({
    type: z.literal('probed'),
    verdict: z.enum(['enforced', 'notEnforced', 'inconclusive']),
    evidence: z.array(z.string()),
    left: z.array(z.string()),
  }),
  z.object({ type: z.literal('skipped'), step, reason }),
  z.object({ type: z.literal('verified'), step, pending: z.number() }),
  z.object({ type: z.literal('ended'), reason: z.enum(['done', 'left', 'interrupted', 'failed']) }),
]);
const KNOWN: ReadonlySet<string> = new Set<Entry['type']>([
  'started',
  'answered',
  'confirmed',
  'provisional',
  'excluded',
  'applying',
  'applied',
  'rewriting',
  'rewritten',
  'left',
  'failed',
  'probing',
  'probed',
  'skipped',
  'verified',
  'ended',
]);
const envelope = z.object({ v: z.number(), at: z.string(), type: z.string() });

export interface JournalText {
  entries: readonly Stamped[];
  /** What was left out of the reading, in words. */
  notes: readonly string[];
  /** Length of the whole lines in bytes; what lies behind it was torn off by a crash. */
  wholeBytes: number;
}

/**
 * Reads a journal. A last line without its line feed was cut off by a crash and is dropped with a note; kinds of lines
 * that this version does not know are left out with a note.
 * @throws HostError naming file and line where a line is damaged or was written by a newer version.
 */
export function readLines(text: string, file: string): JournalText {
  const end = text.lastIndexOf('\n') + 1;
  const notes = end < text.length ? [`${file}: the last line was cut off and is not counted`] : [];
  const entries: Stamped[] = [];
  const whole = text.slice(0, end);
  for (const [index, line] of whole.split('\n').slice(0, -1).entries()) {
    const where = `${file}:${index + 1}`;
    const head = envelope.safeParse(parsed(line));
    if (!head.success) throw new HostError(`${where} is damaged: a journal line was expected.`);
    if (head.data.v > JOURNAL_VERSION)
      throw new HostError(`${where} was written by a newer version of kubectl-harden; use that one.`);
    if (!KNOWN.has(head.data.type)) {
      notes.push(`${where}: lines of type "${printable(head.data.type, 80)}" are not known to this version`);
      continue;
    }
    const body = entry.safeParse(parsed(line));
    if (!body.success) {
      const field = body.error.issues[0]?.path.join('.') ?? '';
      throw new HostError(`${where} is damaged: field ${field} of ${head.data.type} is not as expected.`);
    }
    const known: Entry = body.data;
    entries.push({ ...known, at: head.data.at });
  }
  return { entries, notes, wholeBytes: Buffer.byteLength(whole) };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
