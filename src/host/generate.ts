import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { listAt, stringAt } from '../model/manifest.js';
import { makeDirectory, syncDirectory, writeAtomic } from './atomic.js';
import { HostError, hasCode, reasonOf } from './errors.js';
import { inside } from './files.js';
import { refuseOther, writeKeyOnce } from './key.js';

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

export interface GenerateOptions {
  /** Write into a directory that is not empty. */
  force: boolean;
  /** UID of the cluster that the files are for; left out for one that has none to be known by again. */
  cluster?: string;
}

/**
 * Names what we wrote, so that a later run may take away what the plan has no more, and nothing else; and the cluster,
 * so that the key of one never gets to another.
 */
const LIST = '.kubectl-harden.json';

/**
 * Writes files into a directory. A new directory appears whole or not at all; in one that is there, every file is whole.
 * A directory that is not empty needs `force`; a file with a key in it is kept all the same, and never counts as ours
 * to remove; where it belongs to another plan, nothing is written. Files of another cluster are not written over, and no folder in it may be a link.
 * @throws HostError where the directory is not empty, is of another cluster or cannot be written.
 */
export async function generate(
  directory: string,
  files: readonly FileToWrite[],
  options: GenerateOptions,
): Promise<Generated> {
  const target = path.resolve(directory);
  try {
    const names = await namesIn(target);
    if (names === undefined) return await whole(target, files, options);
    if (names.length > 0 && !options.force)
      throw new HostError(
        `${directory} is not empty.\nName another directory, or give --force to write into it; an encryption configuration stays as it is.`,
      );
    return await into(target, files, options);
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

async function whole(
  target: string,
  files: readonly FileToWrite[],
  options: GenerateOptions,
): Promise<Generated> {
  await makeDirectory(path.dirname(target), 0o755);
  const temporary = `${target}.${randomBytes(6).toString('hex')}`;
  await mkdir(temporary, { mode: files.some((file) => 'keyed' in file) ? 0o700 : 0o755 });
  try {
    const done = await into(temporary, files, options);
    await rename(temporary, target);
    await syncDirectory(path.dirname(target));
    return done;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function into(
  target: string,
  files: readonly FileToWrite[],
  { cluster }: GenerateOptions,
): Promise<Generated> {
  const before = await listed(target);
  if (before !== undefined && before.cluster !== cluster)
    throw new HostError(
      `${target} holds patch files that were written for another cluster, maybe with its key; nothing was written.\nName another directory with --output-dir.`,
    );
  const removed = (before?.files ?? []).filter((name) => !files.some((file) => file.path === name));
  await refuseLinks(target, [...files.map((file) => file.path), ...removed]);
  for (const file of files) if ('keyed' in file) await refuseOther(inside(target, file.path), file.keyed);
  const kept: string[] = [];
  const keyed = files.filter((file) => 'keyed' in file).map((file) => inside(target, file.path));
  await closeFolders(target, keyed);
  for (const file of files) {
    const at = inside(target, file.path);
    await makeDirectory(path.dirname(at), 0o755);
    if ('text' in file) await writeAtomic(at, file.text, file.mode);
    else if (!(await writeKeyOnce(at, file.keyed, 0o600, keyed))) kept.push(file.path);
  }
  const ours = files.filter((file) => 'text' in file).map((file) => file.path);
  const list = { version: 1, ...(cluster === undefined ? {} : { cluster }), files: ours };
  await writeAtomic(path.join(target, LIST), `${JSON.stringify(list, null, 2)}\n`, 0o644);
  for (const name of removed) await removeFile(inside(target, name));
  return { written: files.map((file) => file.path).filter((name) => !kept.includes(name)), kept, removed };
}

/** Folders on the way to a file with a key are for their owner alone, also those of an earlier run; `target` is as it is. */
async function closeFolders(target: string, keyed: readonly string[]): Promise<void> {
  for (const folder of foldersTo(target, keyed)) {
    await makeDirectory(folder, 0o700);
    await chmod(folder, 0o700);
  }
}

/** Every folder between a directory and files in it. */
function foldersTo(target: string, files: readonly string[]): Set<string> {
  const folders = new Set<string>();
  for (const file of files)
    for (let folder = path.dirname(file); folder !== target; folder = path.dirname(folder))
      folders.add(folder);
  return folders;
}

/** A folder that is a link leads out of the directory: refused before anything is written or removed. */
async function refuseLinks(target: string, names: readonly string[]): Promise<void> {
  const all = names.map((name) => inside(target, name));
  for (const folder of foldersTo(target, all)) {
    const found = await lstat(folder).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (found?.isSymbolicLink() === true)
      throw new HostError(
        `${folder} is a link: files would land where it leads; nothing was written.\nRemove it, or name another directory.`,
      );
  }
}

/** What an earlier run wrote here, and for which cluster; undefined where there is no list of it that can be read. */
async function listed(target: string): Promise<{ files: string[]; cluster: string | undefined } | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path.join(target, LIST), 'utf8'));
    const files = listAt(value, 'files').filter((name): name is string => typeof name === 'string');
    return { files, cluster: stringAt(value, 'cluster') };
  } catch {
    return undefined;
  }
}

async function removeFile(file: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined);
  if (found?.isFile() === true) await rm(file, { force: true });
}
