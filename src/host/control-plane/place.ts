import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { printable } from '../../model/escape.js';
import { syncDirectory } from '../atomic.js';
import { HostError, hasCode, reasonOf } from '../errors.js';

/** Where the API server's static pod lies on a node, and where we keep what a change needs. */
export interface NodePlace {
  /** `/etc/kubernetes/manifests/kube-apiserver.yaml`. */
  manifest: string;
  /**
   * A directory of ours beside the manifests directory, never in it: the kubelet starts every file there that is not
   * hidden. On the same file system, so that what lies here can be renamed into place.
   */
  work: string;
}

/** The place of a manifest, with our directory beside its directory. */
export function placeOf(manifest: string): NodePlace {
  return { manifest, work: path.join(path.dirname(path.dirname(manifest)), 'kubectl-harden') };
}

/** Owner and mode of a file. */
export interface Ownership {
  uid: number;
  gid: number;
  mode: number;
}

/** SHA-256 of a text, hex: what the API server calls the hash of its configuration. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A regular file's text, and whose it is; undefined where there is none. @throws HostError where it is a link. */
export async function readNodeFile(file: string): Promise<{ text: string; owner: Ownership } | undefined> {
  try {
    const facts = await lstat(file);
    if (!facts.isFile())
      throw new HostError(`${printable(file)} is not a regular file; nothing was changed.`);
    const { uid, gid, mode } = facts;
    return { text: await readFile(file, 'utf8'), owner: { uid, gid, mode: mode & 0o777 } };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error instanceof HostError
      ? error
      : new HostError(`${printable(file)} cannot be read: ${reasonOf(error)}. Nothing was changed.`);
  }
}

/**
 * Makes our directory (0700) and the one of the configuration, which belongs to `owner` where it is new.
 * @throws HostError where they are on another file system than the manifests: then nothing could be renamed into place
 */
export async function makeRoom(
  { manifest, work }: NodePlace,
  configuration: string,
  owner: Pick<Ownership, 'uid' | 'gid'>,
): Promise<void> {
  const directory = path.dirname(configuration);
  try {
    await mkdir(work, { recursive: true, mode: 0o700 });
    await chmod(work, 0o700);
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await chown(directory, owner.uid, owner.gid);
    const there = (await stat(path.dirname(manifest))).dev;
    for (const one of [work, directory])
      if ((await stat(one)).dev !== there)
        throw new HostError(
          `${printable(one)} is on another file system than ${printable(path.dirname(manifest))}: files could not be put in place at once.\nNothing was changed; follow the instructions by hand.`,
        );
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(`Directories on this node cannot be made: ${reasonOf(error)}. Nothing was changed.`);
  }
}

/** Writes a whole file into our directory and makes it last. Rejects with the system's own error. */
export async function prepare(file: string, text: string, { uid, gid, mode }: Ownership): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.chown(uid, gid);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(path.dirname(file));
}

/**
 * Puts a prepared file into place by one rename, which needs no room: a disk that is full by now does not keep us from
 * going back. Where that was done before (by a process that was killed), the file in place has to be that very one.
 */
export async function putInPlace(prepared: string, target: string, hash: string): Promise<void> {
  try {
    await rename(prepared, target);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    const there = await readFile(target, 'utf8').catch(() => '');
    if (sha256(there) !== hash)
      throw new HostError(
        `${printable(target)} was changed by somebody else while a change of this node was unfinished; nothing more was done.\nBring the API server up by hand; then remove ${printable(path.dirname(prepared))}, but keep any key in it.`,
      );
  }
  await syncDirectory(path.dirname(target));
}
