import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes a whole file or nothing: into a temporary file of the same directory, synced, then renamed into place. Whoever
 * reads sees the old content or the new. The mode holds from the first byte on. Rejects with the system's own error.
 */
export async function writeAtomic(file: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = path.join(
    path.dirname(file),
    `.${path.basename(file)}.${randomBytes(6).toString('hex')}`,
  );
  const handle = await open(temporary, 'wx', mode);
  try {
    await handle.chmod(mode); // what the umask took away
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(path.dirname(file));
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
