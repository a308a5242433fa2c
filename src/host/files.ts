import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { roundFiles } from '../encryption/node-script.js';
import {
  holdsKeptKey,
  holdsKey,
  hostFileText,
  INSTRUCTIONS_FILE,
  instructionsText,
} from '../model/hostfile.js';
import type { HostChange, HostFile } from '../model/plan.js';
import type { Host, HostOutcome } from '../wizard/ports.js';
import { makeDirectory, writeAtomic } from './atomic.js';
import { HostError, reasonOf } from './errors.js';
import { writeKeyOnce } from './key.js';

/** Leaves files for a person. `beside` are files that may hold values of keys already; they come first. */
export interface FilesHost extends Host {
  apply(change: HostChange, beside?: readonly string[]): Promise<HostOutcome>;
  prepare(change: HostChange, beside?: readonly string[]): Promise<readonly string[]>;
}

/**
 * The host of a real cluster: control-plane nodes are out of reach, so a change's files are left below `directory` for a
 * person (0600, directories 0700), with instructions beside them. `folderOf` gives the folder of a step by its id. A key
 * is generated once for all changes of a step and found again ever after; other files are written anew. Keys that stay
 * are taken from `known`, files that hold them, where there are any.
 */
export function filesHost(
  directory: string,
  folderOf: (step: string) => string,
  known: readonly string[] = [],
): FilesHost {
  const prepare: FilesHost['prepare'] = async (change, more = []) => {
    const beside = [...more, ...known];
    const step = path.join(directory, 'files', folderOf(change.id.split('/')[0] ?? ''));
    const folder = change.folder === undefined ? step : inside(step, change.folder);
    const rounds = await readdir(step).catch(() => []);
    const all = [...change.files, ...roundFiles(change)];
    const keyed = all.filter(({ content }) => holdsKey(content)).map(({ as }) => as);
    const others = [folder, step, ...rounds.map((name) => path.join(step, name))].flatMap((one) =>
      keyed.map((as) => path.join(one, as)),
    );
    const files: string[] = [];
    for (const file of all) files.push(await leave(folder, file, [...beside, ...others]));
    const text = instructionsText(change);
    files.push(await leave(folder, { path: '', as: INSTRUCTIONS_FILE, mode: 0o600, content: text }, []));
    return files;
  };
  return {
    prepare,
    apply: async (change, beside) => {
      const files = await prepare(change, beside);
      const keyed = change.files.findIndex(({ content }) => holdsKey(content));
      const key =
        change.encryption?.phase === 'remove' || files[keyed] === undefined
          ? ''
          : `; the new key is in ${files[keyed]} (0600): keep a copy of it outside of the cluster before anything is written under it`;
      return {
        state: 'left',
        reason: `to be done on each control-plane node by hand: follow ${files.at(-1)}${key}`,
        files,
      };
    },
  };
}

async function leave(folder: string, file: HostFile, beside: readonly string[]): Promise<string> {
  const target = inside(folder, file.as);
  try {
    await makeDirectory(path.dirname(target), 0o700);
    const others = beside.filter((other) => other !== target);
    if (holdsKey(file.content) || (beside.length > 0 && holdsKeptKey(file.content)))
      await writeKeyOnce(target, file.content, 0o600, others);
    else await writeAtomic(target, hostFileText(file.content), 0o600);
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(`${target} cannot be written: ${reasonOf(error)}.`);
  }
  return target;
}

/** A relative path below a directory; anything that leads out of it is a mistake in a step. */
export function inside(directory: string, relative: string): string {
  const target = path.resolve(directory, relative);
  if (target === path.resolve(directory) || !target.startsWith(path.resolve(directory) + path.sep))
    throw new HostError(`${relative} leads out of ${directory}.`);
  return target;
}
