import { randomBytes } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { hostFileText, withKey } from '../model/hostfile.js';
import { writeNew } from './atomic.js';
import { hasCode } from './errors.js';

/** 32 bytes from the system's random source, base64: what secretbox and AES-256 take. */
export function newKey(): string {
  return randomBytes(32).toString('base64');
}

/**
 * Writes a file that holds a fresh key, unless one is there: a key that may have been handed to a server is never
 * replaced. Resolves true where it was written, false where the file that is there was kept.
 */
export async function writeKeyOnce(file: string, content: unknown, mode: number): Promise<boolean> {
  if (await isThere(file)) return false;
  return writeNew(file, hostFileText(withKey(content, newKey())), mode);
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
