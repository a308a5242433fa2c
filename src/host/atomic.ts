import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from './errors.js';

/**
 * Writes a whole file or nothing: into a temporary file of the same directory, synced, then renamed into place. Whoever
 * reads sees the old content or the new. The mode holds from the first byte on. Rejects with the system's own error.
 */
export async function writeAtomic(file: string, content: string | Uint8Array, mode: number): Promise<void> {
  await placed(file, content, mode, (temporary) => rename(temporary, file));
}

/**
 * The same, but only where nothing has this name yet, not even a dangling link. Resolves false where something has; it
 * stays untouched, also when another process makes it at the same moment.
 */
export async function writeNew(file: string, content: string | Uint8Array, mode: number): Promise<boolean> {
  try {
    await placed(file, content, mode, async (temporary) => {
      await link(temporary, file);
      await rm(temporary);
    });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function placed(
  file: string,
  content: string | Uint8Array,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const directory = path.dirname(file);
  const temporary = path.join(directory, `.${path.basename(file)}.${randomBytes(6).toString('hex')}`);
  const handle = await open(temporary, 'wx', mode);
  try {
    await filled(handle, content, mode);
    await place(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

async function filled(handle: FileHandle, content: string | Uint8Array, mode: number): Promise<void> {
  try {
    await handle.chmod(mode); // what the umask took away
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory and its parents, each with this mode; what exists keeps its own. */
export async function makeDirectory(directory: string, mode: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode });
}

/** Makes the names in a directory last. Where a system cannot sync directories (Windows), they last as they do. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
