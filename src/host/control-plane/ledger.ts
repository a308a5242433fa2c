import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { printable } from '../../model/escape.js';
import { HostError, hasCode, reasonOf } from '../errors.js';
import type { NodePlace } from './place.js';
import { prepare } from './place.js';

const placement = z.object({
  /** Names the prepared files: `NAME.manifest`, `NAME.configuration`. */
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** SHA-256 of its manifest. */
  manifest: z.string(),
  /** SHA-256 of its configuration, where there is one; null: the file on the node stays as it is. */
  configuration: z.string().nullable(),
  /** SHA-256 of the configuration that the API server runs with then; null: it has none. */
  runs: z.string().nullable(),
});

const change = z.object({
  version: z.literal(1),
  cluster: z.string(),
  manifest: z.string(),
  file: z.string(),
  /** The first is what is wanted, the others what to go back to, in order. */
  placements: z.array(placement).min(1),
  /** Which of them is being put in place or waited for. */
  at: z.number().int().min(0),
  /** When that began, in milliseconds since 1970. */
  placedAt: z.number(),
  /** Why those before it were given up. */
  reasons: z.array(z.string()),
});

/** One state of the node's files that can be put in place. */
export type Placement = z.infer<typeof placement>;
/** A change that has begun: what is on disk before anything is touched, and until all is over. No key stands in it. */
export type Change = z.infer<typeof change>;

const FILE = 'change.json';
const OWN = { mode: 0o600 };

/** The change that was not brought to its end, if there is one. @throws HostError where its file cannot be understood */
export async function readChange({ work }: NodePlace): Promise<Change | undefined> {
  const file = path.join(work, FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new HostError(`${printable(file)} cannot be read: ${reasonOf(error)}.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = change.safeParse(value);
  if (parsed.success && parsed.data.at < parsed.data.placements.length) return parsed.data;
  throw new HostError(
    `${printable(file)} tells of an unfinished change in a form that this version does not know.\nLook at the files beside it, bring the API server up by hand, and remove that directory.`,
  );
}

/** Makes the state of a change last. */
export async function writeChange({ work }: NodePlace, state: Change): Promise<void> {
  const { uid, gid } = own();
  await prepare(path.join(work, FILE), `${JSON.stringify(state, null, 2)}\n`, { ...OWN, uid, gid });
}

/** The change is over. */
export async function endChange({ work }: NodePlace): Promise<void> {
  await rm(path.join(work, FILE), { force: true });
}

/** Whose process this is. */
export function own(): { uid: number; gid: number } {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}
