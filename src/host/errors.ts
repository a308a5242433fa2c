import { stringAt } from '../model/manifest.js';

/** Something on this machine is not as it has to be: a file, a directory, a run. In one to three lines for a person. */
export class HostError extends Error {
  override name = 'HostError';
}

/** Why the operating system refused, in words. */
export function reasonOf(error: unknown): string {
  const code = stringAt(error, 'code');
  return (
    (code === undefined ? undefined : (REASONS[code] ?? code)) ?? stringAt(error, 'message') ?? String(error)
  );
}

/** Whether an error carries this code of the operating system. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(stringAt(error, 'code') ?? '');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is not a directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'something else has that name',
  EIO: 'the disk failed',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
};
