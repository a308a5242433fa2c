import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Documents, type FileProblem, readDocuments } from '../model/documents.js';
import { printable } from '../model/escape.js';
import type { Manifest } from '../model/manifest.js';
import { HostError, reasonOf } from './errors.js';

const EXTENSIONS = /\.(ya?ml|json)$/i;
/** Deepest folder that is looked into; links are followed, so that a circle of them must end somewhere. */
const DEEPEST = 32;
/** Largest file that is read, in bytes: one string of Node holds no more than about half a gigabyte. */
const LARGEST = 500_000_000;

/**
 * The Kubernetes objects of a file, or of every `.yaml`, `.yml` and `.json` file below a directory, in the order of
 * their names. What cannot be read or understood is among the problems; the rest is read.
 * @throws HostError where `path` itself cannot be read.
 */
export async function readManifests(path: string): Promise<Documents> {
  const files: string[] = [];
  const problems: FileProblem[] = [];
  const facts = await stat(path).catch((error: unknown) => {
    throw new HostError(`${printable(path)} cannot be read: ${reasonOf(error)}.`);
  });
  if (facts.isDirectory()) await collect(path, files, problems, 0);
  else files.push(path);
  const objects: Manifest[] = [];
  for (const file of files) {
    const read = await readOne(file);
    for (const object of read.objects) objects.push(object);
    problems.push(...read.problems);
  }
  return { objects, problems };
}

async function collect(
  directory: string,
  files: string[],
  problems: FileProblem[],
  depth: number,
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
    names = (await readdir(directory)).sort();
  } catch (error) {
    problems.push({ file: directory, where: 'the folder', message: `cannot be read: ${reasonOf(error)}` });
    return;
  }
  for (const name of names) {
    const path = join(directory, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isDirectory()) await collect(path, files, problems, depth + 1);
    else if (facts?.isFile() && EXTENSIONS.test(name)) files.push(path);
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
