import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Documents, type FileProblem, readDocuments } from '../model/documents.js';
import { printable } from '../model/escape.js';
import { groupOf, type Manifest, type Ref, refOf, refText } from '../model/manifest.js';
import { HostError, reasonOf } from './errors.js';

const EXTENSIONS = /\.(ya?ml|json)$/i;
/** Deepest folder that is looked into. */
const DEEPEST = 32;
/** Largest file that is read, in bytes: one string of Node holds no more than about half a gigabyte. */
const LARGEST = 500_000_000;

/** So many problems of one file are named: a file of something else has one in each line. */
const MOST_PROBLEMS = 50;

/** What was read of a path. */
export interface ManifestFiles extends Documents {
  /** The file that an object came from. */
  fileOf(ref: Ref): string | undefined;
}

/**
 * The Kubernetes objects of a file, or of every `.yaml`, `.yml` and `.json` file below a directory that is not hidden, in
 * the order of their names. What cannot be read or understood is among the problems, as is an object that was there before; the rest
 * is read.
 * @throws HostError where `path` itself cannot be read.
 */
export async function readManifests(path: string): Promise<ManifestFiles> {
  const files: string[] = [];
  const problems: FileProblem[] = [];
  const facts = await stat(path).catch((error: unknown) => {
    throw new HostError(`${printable(path)} cannot be read: ${reasonOf(error)}.`);
  });
  if (facts.isDirectory()) await collect(path, files, problems, 0, new Set());
  else files.push(path);
  const objects: Manifest[] = [];
  const fileOf = new Map<string, string>();
  for (const file of files) {
    const read = await readOne(file);
    const own = [...read.problems];
    for (const object of read.objects) {
      const ref = refOf(object);
      const first = fileOf.get(keyOf(ref));
      if (first === undefined) {
        fileOf.set(keyOf(ref), file);
        objects.push(object);
      } else {
        const where = first === file ? 'once before in this file' : `also in ${first}`;
        own.push({ file, where: refText(ref), message: `is ${where}; only the first is used` });
      }
    }
    for (const problem of own.slice(0, MOST_PROBLEMS)) problems.push(problem);
    const more = own.length - MOST_PROBLEMS;
    if (more > 0) problems.push({ file, where: 'the file', message: `has ${more} more problems like these` });
  }
  if (objects.length === 0 && problems.length === 0)
    problems.push({
      file: path,
      where: facts.isDirectory() ? 'the folder' : 'the file',
      message: 'holds no object of Kubernetes (files that end in .yaml, .yml or .json are read)',
    });
  return { objects, problems, fileOf: (ref) => fileOf.get(keyOf(ref)) };
}

/** Files may leave the namespace `default` out. */
function keyOf({ apiVersion, kind, namespace, name }: Ref): string {
  return `${groupOf(apiVersion)}/${kind}/${namespace ?? 'default'}/${name}`;
}

async function collect(
  directory: string,
  files: string[],
  problems: FileProblem[],
  depth: number,
  seen: Set<string>,
): Promise<void> {
  if (depth > DEEPEST) {
    problems.push({
      file: directory,
      where: 'the folder',
      message: `lies more than ${DEEPEST} folders deep`,
    });
    return;
  }
  let names: string[];
  try {
    names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    problems.push({ file: directory, where: 'the folder', message: `cannot be read: ${reasonOf(error)}` });
    return;
  }
  for (const name of names) {
    const path = join(directory, name);
    const facts = await stat(path).catch(() => undefined);
    const isFile = facts?.isFile() === true && EXTENSIONS.test(name);
    if (!isFile && facts?.isDirectory() !== true) continue;
    // Several links may lead to one place, as where a ConfigMap is mounted; it is read once.
    const place = await realpath(path);
    if (seen.has(place)) continue;
    seen.add(place);
    if (isFile) files.push(path);
    else await collect(path, files, problems, depth + 1, seen);
  }
}

async function readOne(file: string): Promise<Documents> {
  try {
    const { size } = await stat(file);
    if (size > LARGEST) {
      const message = `is ${(size / 1e6).toFixed(0)} MB, more than the ${LARGEST / 1e6} MB that are read`;
      return { objects: [], problems: [{ file, where: 'the file', message }] };
    }
    return readDocuments(await readFile(file, 'utf8'), file);
  } catch (error) {
    return {
      objects: [],
      problems: [{ file, where: 'the file', message: `cannot be read: ${reasonOf(error)}` }],
    };
  }
}
