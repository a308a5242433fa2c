import type { Manifest } from './manifest.js';
import { refused } from './validation/refused.js';
import { UNRENDERED } from './yaml-contents.js';

/** So many of an object's faults are named. */
const FAULTS_SHOWN = 3;

/** What a document is where manifests are made from it, with what makes them; undefined for any other. */
export function sourceOf(file: string, { kind, apiVersion }: Record<string, unknown>): string | undefined {
  const name = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  if (kind === undefined && /^Chart\.ya?ml$/.test(name)) return 'is of a Helm chart (helm template)';
  const isKustomization =
    typeof apiVersion === 'string'
      ? apiVersion.startsWith('kustomize.config.k8s.io/')
      : kind === undefined && /^kustomization\.ya?ml$/.test(name);
  return isKustomization ? 'is a kustomization (kubectl kustomize)' : undefined;
}

/**
 * Whether a kustomization only lists files beside or below it, as the one beside our own patch files: who reads these has
 * read all that it stands for.
 */
export function isListOfFiles(kustomization: Record<string, unknown>): boolean {
  const { apiVersion, kind, metadata, resources, ...changes } = kustomization;
  return (
    Object.keys(changes).length === 0 &&
    Array.isArray(resources) &&
    resources.every((one) => typeof one === 'string' && !/^\.\.|^\/|:/.test(one))
  );
}

/** Why no API server would take an object, as far as its metadata, selectors and ports go; undefined where one would. */
export function refusal(object: Manifest): string | undefined {
  const faults = refused(object);
  const { apiVersion, kind, metadata } = object;
  if ([apiVersion, kind, metadata.name, ...faults].some((text) => text.includes('{{'))) return UNRENDERED;
  if (faults.length === 0) return undefined;
  const more = faults.length > FAULTS_SHOWN ? `; and ${faults.length - FAULTS_SHOWN} more` : '';
  return `no API server would take it, so it counts as not there: ${faults.slice(0, FAULTS_SHOWN).join('; ')}${more}`;
}

/** A name, or the template of one. */
const NAME = /[\s{"']name["']?:\s*["']?((?:[\w.-]|\{\{[^{}]*\}\})+)/;

/** Kind and name of an object by a look at its first lines only, for what cannot be parsed: `, Secret key`. */
export function nameIn(text: string): string {
  const lines = text.slice(0, 4_000).split('\n');
  const kind = lines.map((line) => /^ {0,2}["']?kind["']?:\s*["']?([A-Za-z]+)/.exec(line)?.[1]).find(Boolean);
  if (kind === undefined) return '';
  const start = lines.findIndex((line) => /^ {0,2}["']?metadata["']?:/.test(line));
  const below = start < 0 ? [] : lines.slice(start + 1);
  const end = below.findIndex((line) => /^\S/.test(line));
  const metadata = start < 0 ? [] : [lines[start] ?? '', ...(end < 0 ? below : below.slice(0, end))];
  const name = metadata.map((line) => NAME.exec(line)?.[1]).find(Boolean);
  return name === undefined ? `, ${kind}` : `, ${kind} ${name}`;
}
