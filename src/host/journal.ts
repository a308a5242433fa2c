import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Entry, Stamped } from '../model/journal.js';
import { groupOf, isRecord, type Manifest, refOf, refText } from '../model/manifest.js';
import { hashOf } from '../model/plan.js';
import type { Clock, Journal } from '../wizard/ports.js';
import { writeAtomic } from './atomic.js';
import type { JournalText } from './entries.js';
import { HostError, reasonOf } from './errors.js';
import { lineOf } from './line.js';
import type { Lock } from './lock.js';

/** A journal that is held by this process until it is closed. */
export interface HeldJournal extends Journal {
  /** What was left out when it was opened, and from whom it was taken over, in words. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export const JOURNAL_FILE = 'journal.jsonl';

/** Opens the journal in a run's directory, making it where it is missing; a line cut off by a crash is cut away. */
export async function openJournal(
  directory: string,
  run: string,
  lock: Lock,
  clock: Clock,
): Promise<HeldJournal> {
  const file = path.join(directory, JOURNAL_FILE);
  const handle = await open(file, 'a+', 0o600);
  let notes: readonly string[];
  let entries: Stamped[];
  let size: number;
  try {
    const text = await readLinesOf(file);
    notes = text.notes;
    entries = [...text.entries];
    size = text.wholeBytes;
    await handle.truncate(size);
  } catch (error) {
    await handle.close();
    throw error;
  }
  let last: Promise<void> = Promise.resolve();
  const write = async (entry: Entry) => {
    const stamped: Stamped = { ...entry, at: clock.now().toISOString() };
    const line = lineOf(stamped);
    try {
      await handle.appendFile(line);
      await handle.sync();
      size += Buffer.byteLength(line);
      entries.push(stamped);
    } catch (error) {
      await handle.truncate(size).catch(() => undefined); // no half a line before the next one
      throw new HostError(`The journal ${file} cannot be written: ${reasonOf(error)}.`);
    }
  };
  return {
    run,
    directory,
    notes: lock.note === undefined ? notes : [lock.note, ...notes],
    // One after the other: lines never mix, and their order is the order of the calls.
    append: (entry) => {
      const written = last.then(() => write(entry));
      last = written.catch(() => undefined);
      return written;
    },
    entries: async () => {
      await last;
      return [...entries];
    },
    keep: (object) => keep(directory, object),
    image: (name) => image(directory, name),
    close: async () => {
      await last;
      await handle.close();
      await lock.release();
    },
  };
}

async function readLinesOf(file: string): Promise<JournalText> {
  const text = await readFile(file, 'utf8');
  // What checks them takes longer to load than a new run takes to begin.
  if (text === '') return { entries: [], notes: [], wholeBytes: 0 };
  const { readLines } = await import('./entries.js');
  return readLines(text, file);
}

/** Kinds whose content is secret: their before-image is never kept. */
const SECRET_KINDS: readonly (readonly [group: string, kind: string])[] = [
  ['', 'Secret'],
  ['apiserver.config.k8s.io', 'EncryptionConfiguration'],
];

/** Folder of a run in which objects are kept as they were before and after its writes, by the hash of their content. */
const IMAGES = 'objects';

async function keep(directory: string, before: Manifest): Promise<string> {
  if (SECRET_KINDS.some(([group, kind]) => before.kind === kind && groupOf(before.apiVersion) === group))
    throw new HostError(`The content of ${refText(refOf(before))} is never kept.`);
  const folder = path.join(directory, IMAGES);
  const name = `${hashOf(before)}.json`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeAtomic(path.join(folder, name), `${JSON.stringify(before, null, 2)}\n`, 0o600);
  } catch (error) {
    throw new HostError(
      `${refText(refOf(before))} cannot be kept as it is in ${folder}: ${reasonOf(error)}.\nNothing is changed without that copy; mend this, then resume run ${path.basename(directory)}.`,
    );
  }
  return name;
}

/** An object that was kept. @throws HostError where it is missing or is not what was kept */
async function image(directory: string, name: string): Promise<Manifest> {
  const file = path.join(directory, IMAGES, path.basename(name));
  try {
    const object: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (isManifest(object) && `${hashOf(object)}.json` === path.basename(name)) return object;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new HostError(`${file} cannot be read: ${reasonOf(error)}.`);
  }
  throw new HostError(`${file} is not as it was written: what it held cannot be put back.`);
}

function isManifest(value: unknown): value is Manifest {
  return (
    isRecord(value) &&
    typeof value.apiVersion === 'string' &&
    typeof value.kind === 'string' &&
    isRecord(value.metadata) &&
    typeof value.metadata.name === 'string'
  );
}
