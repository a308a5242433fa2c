import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { Manifest } from '../../src/model/manifest.js';

/** The directory of all fixtures. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/**
 * Compares text with a golden file below `test/fixtures/`; with UPDATE_GOLDEN=1 it writes the file instead.
 * A golden file that is missing fails the test.
 */
export function expectGolden(file: string, text: string): void {
  const target = path.join(FIXTURES, file);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
    return;
  }
  if (!existsSync(target))
    throw new Error(`golden file test/fixtures/${file} is missing; write it with UPDATE_GOLDEN=1`);
  expect(text).toBe(readFileSync(target, 'utf8'));
}

/** A value as YAML for a golden file: no line folding, no aliases. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Names of the fixture directories directly below one, sorted. */
export function casesIn(directory: string): readonly string[] {
  return readdirSync(path.join(FIXTURES, directory), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

/** The objects of a YAML fixture file with any number of documents. */
export function manifestsIn(file: string): readonly Manifest[] {
  return parseManifests(readFileSync(path.join(FIXTURES, file), 'utf8'));
}

/** The objects of YAML text with any number of documents; empty documents and `List`s are resolved. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const value = document.toJS() as Manifest | null;
    if (value === null) return [];
    return value.kind === 'List' ? (value.items as Manifest[]) : [value];
  });
}

/** A YAML fixture file of one document, or the fallback where there is no such file. */
export function yamlIn<T>(file: string, fallback: T): T {
  const target = path.join(FIXTURES, file);
  return existsSync(target) ? (parse(readFileSync(target, 'utf8')) as T) : fallback;
}
