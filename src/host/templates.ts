import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { printable } from '../model/escape.js';
import type { Manifest } from '../model/manifest.js';
import { TemplateError, type Templates } from '../model/template.js';
import { reasonOf } from './errors.js';
import { templateFaults } from './template-schema.js';

/** Larger than any object that the API takes. */
const LARGEST_BYTES = 1_048_576;

/**
 * Reads the packaged templates; a file of the same path below `overrides` stands in for one of them.
 * @throws TemplateError with file, line and what was expected, in one to three lines.
 */
export async function loadTemplates(overrides?: string): Promise<Templates> {
  const packaged = packagedTemplates();
  const names = await templateNames(packaged);
  const replaced = overrides === undefined ? [] : await overridesIn(overrides, names);
  const entries = names.map(async (name): Promise<[string, Manifest]> => {
    const own = await readTemplate(path.join(packaged, name), `templates/${name}`);
    if (overrides === undefined || !replaced.includes(name)) return [name, own];
    const file = path.join(overrides, name);
    return [name, sameKind(await readTemplate(file, file), own, file)];
  });
  return new Map(await Promise.all(entries));
}

/** The directory `templates` of this package, found from this module's place in `src` or `dist`. */
export function packagedTemplates(): string {
  let here = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    if (existsSync(path.join(here, 'package.json')) && existsSync(path.join(here, 'templates')))
      return path.join(here, 'templates');
    const parent = path.dirname(here);
    if (parent === here)
      throw new TemplateError('the templates of this program are missing: install it again');
    here = parent;
  }
}

/** Paths of all templates below a directory, with forward slashes, sorted. */
async function templateNames(directory: string): Promise<readonly string[]> {
  const found = await readdir(directory, { recursive: true });
  return found
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => name.split(path.sep).join('/'))
    .toSorted();
}

/** The templates that a directory overrides. Only folders of templates are looked into; a file that is none is an error. */
async function overridesIn(directory: string, names: readonly string[]): Promise<readonly string[]> {
  const known = `templates are: ${names.join(', ')}`;
  if (!(await isDirectory(directory))) throw new TemplateError(`${directory}: no such directory`);
  const folders = new Set(names.flatMap((name) => ancestors(name)));
  const found: string[] = [];
  for (const folder of folders) {
    const here = path.join(directory, folder);
    if (!(await isDirectory(here))) continue;
    const files = (await readdir(here)).filter((file) => /\.ya?ml$/.test(file));
    found.push(...files.map((file) => path.posix.join(folder, file)));
  }
  const stray = found.find((name) => !names.includes(name));
  if (stray !== undefined)
    throw new TemplateError(`${path.join(directory, stray)}: overrides nothing\n${known}`);
  if (found.length === 0) throw new TemplateError(`${directory}: holds no template\n${known}`);
  return found;
}

/** `a/b/c.yaml` is below ``, `a` and `a/b`. */
function ancestors(name: string): string[] {
  const parts = name.split('/').slice(0, -1);
  return ['', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))];
}

async function isDirectory(place: string): Promise<boolean> {
  return stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Reads and checks one template. `shown` is how errors call it. */
async function readTemplate(file: string, shown: string): Promise<Manifest> {
  let text: string;
  try {
    if ((await stat(file)).size > LARGEST_BYTES) throw new TemplateError(`${shown}: larger than 1 MiB`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    throw new TemplateError(`${shown}: cannot be read: ${reasonOf(error)}`);
  }
  return parseTemplate(text, shown);
}

/**
 * Parses one template.
 * @throws TemplateError that starts with `shown:line`.
 */
export function parseTemplate(text: string, shown: string): Manifest {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true })];
  const [document, second] = documents;
  if (document === undefined)
    throw new TemplateError(`${shown}:1: expected one Kubernetes object, found nothing`);
  const broken = documents.flatMap((d) => d.errors)[0];
  if (broken !== undefined) {
    const [message = ''] = broken.message.split('\n');
    const at = `${shown}:${lines.linePos(broken.pos[0]).line}`;
    throw new TemplateError(
      `${at}: not valid YAML: ${printable(message.replace(/ at line \d+, column \d+:?$/, ''), 300)}`,
    );
  }
  if (second !== undefined) {
    const line = lines.linePos(second.range[0]).line;
    throw new TemplateError(`${shown}:${line}: expected one Kubernetes object, found a second one`);
  }
  const value = toValue(document, shown);
  const faults = templateFaults(value).map(({ path: where, message }) => {
    const line = lineOf(document, lines, where);
    return `${shown}:${line}: ${pathText(where)}${message}`;
  });
  if (faults.length > 0) throw new TemplateError(firstOf(faults));
  return value as Manifest;
}

function toValue(document: Document, shown: string): unknown {
  try {
    return document.toJS();
  } catch {
    // The only way: too many aliases.
    throw new TemplateError(`${shown}:1: expands to more than an object may hold`);
  }
}

/** Line of the value at a path, or of the closest thing around it that the file does hold. */
function lineOf(document: Document, lines: LineCounter, where: readonly (string | number)[]): number {
  for (let length = where.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(where.slice(0, length), true);
    const start = rangeStart(node);
    if (start !== undefined) return lines.linePos(start).line;
  }
  return 1;
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range))
    return undefined;
  return typeof node.range[0] === 'number' ? node.range[0] : undefined;
}

function pathText(where: readonly (string | number)[]): string {
  const text = where.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}

/** At most two faults, and how many more there are. */
function firstOf(faults: readonly string[]): string {
  const more = faults.length > 2 ? [`and ${faults.length - 2} more`] : [];
  return [...faults.slice(0, 2), ...more].join('\n');
}

/** @throws TemplateError where an override is of another kind than what it stands in for. */
function sameKind(override: Manifest, own: Manifest, file: string): Manifest {
  if (override.kind === own.kind && override.apiVersion === own.apiVersion) return override;
  throw new TemplateError(
    `${file}:1: expected ${own.apiVersion} ${own.kind}, found ${override.apiVersion} ${override.kind}`,
  );
}
