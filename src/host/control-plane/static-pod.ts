import { posix } from 'node:path';
import { type Document, isMap, isSeq, parseAllDocuments, type YAMLMap, type YAMLSeq } from 'yaml';
import { printable } from '../../model/escape.js';
import { at, isRecord, listAt, stringAt } from '../../model/manifest.js';
import { HostError } from '../errors.js';

export const FLAG = '--encryption-provider-config';
const RELOAD = '--encryption-provider-config-automatic-reload';

/** The API server's static pod, as its manifest file says, with the places in the text that are edited. */
export interface StaticPod {
  /** For messages. */
  file: string;
  text: string;
  /** The parsed pod. */
  value: Record<string, unknown>;
  document: Document;
  /** Index of the API server among the containers. */
  container: number;
  /** Which list holds the flags. */
  list: 'command' | 'args';
  /** That list, program included where it stands there. */
  arguments: readonly string[];
}

/**
 * Reads the manifest of an API server's static pod.
 * @throws HostError where the text is not one pod with one container that runs kube-apiserver by a list of flags
 */
export function readStaticPod(text: string, file: string): StaticPod {
  const wrong = (what: string) =>
    new HostError(`${printable(file)} ${what}.\nNothing was changed; look at that file first.`);
  const parsed = parseAllDocuments(text, { version: '1.1' });
  const documents: Document[] = Array.isArray(parsed) ? parsed : [];
  const [document] = documents;
  if (document === undefined || documents.length !== 1) throw wrong('holds no or several documents');
  const [fault] = document.errors;
  if (fault !== undefined)
    throw wrong(`is not valid YAML: ${printable(fault.message.split('\n')[0] ?? '', 200)}`);
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isRecord(value) || value.kind !== 'Pod' || value.apiVersion !== 'v1')
    throw wrong('is not a Pod of v1');
  const containers = listAt(value, 'spec', 'containers');
  const named = containers.flatMap((one, at) => (stringAt(one, 'name') === 'kube-apiserver' ? [at] : []));
  const [container] = named;
  if (container === undefined || named.length !== 1) throw wrong('has no container kube-apiserver');
  const lists = (['command', 'args'] as const).filter((name) =>
    listAt(containers[container], name).some((one) => typeof one === 'string' && one.startsWith('--')),
  );
  const [list] = lists;
  if (list === undefined) throw wrong('starts kube-apiserver in another way than by a list of flags');
  if (lists.length > 1) throw wrong('gives flags of kube-apiserver both as command and as args');
  const words = listAt(containers[container], list);
  if (!words.every((word) => typeof word === 'string')) throw wrong(`has other things than text in ${list}`);
  return { file, text, value, document, container, list, arguments: words };
}

/** The values of a flag, in order; the last one counts. Both `--flag=value` and `--flag value` are read. */
export function flagValues(pod: StaticPod, flag: string): readonly string[] {
  return pod.arguments.flatMap((word, at) => {
    if (word.startsWith(`${flag}=`)) return [word.slice(flag.length + 1)];
    return word === flag ? [pod.arguments[at + 1] ?? ''] : [];
  });
}

/**
 * The encryption configuration that the API server is started with: its path in the pod, and the same file's path on
 * the node. Undefined where it has none.
 * @throws HostError where the flag is given twice, or its file is not one of the node's
 */
export function configurationOf(pod: StaticPod): { path: string; file: string } | undefined {
  const values = flagValues(pod, FLAG);
  const [path] = values;
  if (path === undefined) return undefined;
  if (values.length > 1)
    throw new HostError(`${printable(pod.file)} gives ${FLAG} more than once: leave one.`);
  const file = onNode(pod, path);
  if (file === undefined)
    throw new HostError(
      `${printable(pod.file)} names ${printable(path)} as encryption configuration, which no hostPath volume mounts.`,
    );
  return { path, file };
}

/** Whether the API server reads its encryption configuration again by itself (a minute after it changed). */
export function reloads(pod: StaticPod): boolean {
  return flagValues(pod, RELOAD).at(-1) === 'true' || pod.arguments.includes(RELOAD);
}

interface Mount {
  name: string;
  mountPath: string;
}

/** The path on the node of a path in the pod, through its hostPath volumes; undefined where there is none. */
export function onNode(pod: StaticPod, path: string): string | undefined {
  let best: { at: string; source: string | undefined } | undefined;
  for (const mount of mountsOf(pod)) {
    const relative = posix.relative(mount.mountPath, path);
    if (relative === '..' || relative.startsWith('../')) continue;
    if (best === undefined || mount.mountPath.length > best.at.length)
      best = { at: mount.mountPath, source: sourceOf(pod, mount.name) };
  }
  return best?.source === undefined ? undefined : posix.join(best.source, posix.relative(best.at, path));
}

export function mountsOf(pod: StaticPod): readonly Mount[] {
  return listAt(pod.value, 'spec', 'containers', pod.container, 'volumeMounts').flatMap((mount) => {
    const name = stringAt(mount, 'name');
    const mountPath = stringAt(mount, 'mountPath');
    // A subPath mounts something below the volume: what, is not followed here.
    if (name === undefined || mountPath === undefined || (isRecord(mount) && 'subPath' in mount)) return [];
    return [{ name, mountPath }];
  });
}

/** The directory or file of the node that a volume is. */
export function sourceOf(pod: StaticPod, name: string): string | undefined {
  const volume = listAt(pod.value, 'spec', 'volumes').find((one) => stringAt(one, 'name') === name);
  return stringAt(volume, 'hostPath', 'path');
}

export function volumeNames(pod: StaticPod): readonly string[] {
  return listAt(pod.value, 'spec', 'volumes').flatMap((one) => stringAt(one, 'name') ?? []);
}

/** The list at a path of the text; undefined where there is none. */
export function seqIn(pod: StaticPod, path: readonly (string | number)[]): YAMLSeq | undefined {
  const node = pod.document.getIn(path, true);
  return isSeq(node) ? node : undefined;
}

/** The map at a path of the text; undefined where there is none. */
export function mapIn(pod: StaticPod, path: readonly (string | number)[]): YAMLMap | undefined {
  const node = pod.document.getIn(path, true);
  return isMap(node) ? node : undefined;
}

/** The user that the API server runs as, where the pod says it (kubeadm without root); undefined: root. */
export function runsAs(pod: StaticPod): { uid: number; gid: number } | undefined {
  const contexts = [
    at(pod.value, 'spec', 'containers', pod.container, 'securityContext'),
    at(pod.value, 'spec', 'securityContext'),
  ];
  const first = (field: string) =>
    contexts.map((context) => at(context, field)).find((one) => typeof one === 'number');
  const uid = first('runAsUser');
  if (typeof uid !== 'number') return undefined;
  const gid = first('runAsGroup');
  return { uid, gid: typeof gid === 'number' ? gid : 0 };
}
