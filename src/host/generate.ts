import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory, syncDirectory, writeAtomic } from './atomic.js';
import { HostError, hasCode, reasonOf } from './errors.js';
import { inside } from './files.js';
import { writeKeyOnce } from './key.js';

/** A file to write; the same shape as the report's patch files. `keyed` is content that waits for a key. */
export type FileToWrite = { path: string; mode: number } & ({ text: string } | { keyed: unknown });

export interface Generated {
  /** Paths that were written, relative. */
  written: readonly string[];
  /** Encryption configurations that were there already and stay as they were. */
  kept: readonly string[];
  /** Files of an earlier run that the plan has no more. */
  removed: readonly string[];
}

/** Names what we wrote, so that a later run may take away what the plan has no more, and nothing else. */
const LIST = '.kubectl-harden.json';

/**
 * Writes files into a directory. A new directory appears whole or not at all; in one that is there, every file is whole.
 * A directory that is not empty needs `force`; a file with a key in it is kept all the same, and never counts as ours
 * to remove.
 * @throws HostError where the directory is not empty or cannot be written.
 */
export async function generate(
  directory: string,
  files: readonly FileToWrite[],
  options: { force: boolean },
): Promise<Generated> {
  const target = path.resolve(directory);
  try {
    const names = await namesIn(target);
    if (names === undefined) return await whole(target, files);
    if (names.length > 0 && !options.force)
      throw new HostError(
        `${directory} is not empty.\nName another directory, or give --force to write into it; an encryption configuration stays as it is.`,
      );
    return await into(target, files);
  } catch (error) {
    throw error instanceof HostError
      ? error
      : new HostError(`Patch files cannot be written into ${directory}: ${reasonOf(error)}.`);
  }
}

/** The names in a directory; undefined where there is none. */
async function namesIn(target: string): Promise<string[] | undefined> {
  try {
    return await readdir(target);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function whole(target: string, files: readonly FileToWrite[]): Promise<Generated> {
  await makeDirectory(path.dirname(target), 0o755);
  const temporary = `${target}.${randomBytes(6).toString('hex')}`;
  await mkdir(temporary, { mode: 0o755 });
  try {
    const done = await into(temporary, files);
    await rename(temporary, target);
    await syncDirectory(path.dirname(target));
    return done;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function into(target: string, files: readonly FileToWrite[]): Promise<Generated> {
  const before = await listed(target);
  const kept: string[] = [];
  for (const file of files) {
    const at = inside(target, file.path);
    await makeDirectory(path.dirname(at), 0o755);
    if ('text' in file) await writeAtomic(at, file.text, file.mode);
    else if (!(await writeKeyOnce(at, file.keyed, 0o600))) kept.push(file.path);
  }
  const ours = files.filter((file) => 'text' in file).map((file) => file.path);
  await writeAtomic(
    path.join(target, LIST),
    `${JSON.stringify({ version: 1, files: ours }, null, 2)}\n`,
    0o644,
  );
  const removed = before.filter((name) => !files.some((file) => file.path === name));
  for (const name of removed) await removeFile(inside(target, name));
  return { written: files.map((file) => file.path).filter((name) => !kept.includes(name)), kept, removed };
}

/** What an earlier run wrote here; nothing where there is no list of it that can be read. */
async function listed(target: string): Promise<string[]> {
  try {
    const value: unknown = JSON.parse(await readFile(path.join(target, LIST), 'utf8'));
    const files = (value as { files?: unknown }).files;
    return Array.isArray(files) ? files.filter((name): name is string => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

async function removeFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() === true) await rm(file, { force: true });
}
