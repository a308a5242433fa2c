import { randomBytes } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { sameButForValues, withValues } from '../encryption/content.js';
import { readContent } from '../encryption/parse.js';
import { hostFileText } from '../model/hostfile.js';
import { writeNew } from './atomic.js';
import { HostError, hasCode } from './errors.js';

/** 32 bytes from the system's random source, base64: what secretbox and AES-256 take. */
export function newKey(): string {
  return randomBytes(32).toString('base64');
}

/**
 * Writes a configuration that waits for keys, unless it is there: a key that may have been handed to a server is never
 * replaced. A key that another of these files holds already is taken from it, so that all rounds have the same.
 * Resolves true where it was written, false where the file that is there was kept.
 * @param beside files of other rounds; those that are not there are passed over
 * @throws HostError where the file that is there says something else but for the values of keys
 */
export async function writeKeyOnce(
  file: string,
  content: unknown,
  mode: number,
  beside: readonly string[] = [],
): Promise<boolean> {
  if (await isThere(file)) {
    await refuseOther(file, content);
    return false;
  }
  const others = await Promise.all(beside.map(contentIn));
  return writeNew(file, hostFileText(withValues(content, others, newKey)), mode);
}

/** @throws HostError where a file is there that says something else than this content but for the values of keys */
export async function refuseOther(file: string, content: unknown): Promise<void> {
  if (!(await isThere(file)) || sameButForValues(await contentIn(file), content)) return;
  throw new HostError(
    `${file} is there already and belongs to another plan; it may hold the only copy of a key.\nName another directory, or keep it elsewhere first.`,
  );
}

/** The parsed content of a file; undefined where it is not there or cannot be read. It may hold keys. */
async function contentIn(file: string): Promise<unknown> {
  try {
    const content = readContent(await readFile(file, 'utf8'));
    return 'value' in content ? content.value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether anything has this name, a dangling link included. */
export async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
