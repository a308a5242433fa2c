import { printable } from '../model/escape.js';
import { commandLine } from '../model/shell.js';
import type { RewriteSize } from './ports.js';

export const number = (value: number) => value.toLocaleString('en-US');

/** What is re-written, in words. */
export function objectsWord(resources: readonly string[]): string {
  return resources.length === 1 && resources[0] === 'secrets' ? 'Secrets' : 'objects';
}

/** `1.5 MiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** More than one client should re-write: the server can do it by itself where it offers that. */
const MANY = 100_000;

/** What a re-write is about to write, a line each. */
export function sizeLines(size: RewriteSize, resources: readonly string[]): string[] {
  const { objects, bytes, etcd, quota, migration, words } = size;
  const many = objects === undefined || objects >= MANY;
  return [
    `${objects === undefined ? 'An unknown number of' : number(objects)} ${objectsWord(resources)} to look at; those stored in an old form are written to etcd anew.`,
    `Written: ${bytes === undefined ? 'not known' : `at most ${bytesText(bytes)}`} · etcd: ${etcd === undefined ? 'size not known' : bytesText(etcd)}, quota ${quota === undefined ? 'not known' : bytesText(quota)}. Until the next compaction (about 5 minutes) the old values take room as well.`,
    ...words.map((line) => `  ${printable(line, 300)}`),
    ...(migration !== undefined && many
      ? ['This server can re-write by itself: --print shows the manifest of a StorageVersionMigration.']
      : []),
  ];
}

/** The command of the Kubernetes documentation for a resource. @param target flags of kubectl that name the cluster */
export function documentedCommand(resource: string, target: readonly string[] = []): string {
  const get = commandLine(['kubectl', ...target, 'get', resource, '--all-namespaces', '-o', 'json']);
  return `${get} | ${commandLine(['kubectl', ...target, 'replace', '-f', '-'])}`;
}
