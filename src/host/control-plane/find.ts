import { readdir, readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { stringAt } from '../../model/manifest.js';
import { HostError } from '../errors.js';
import { type NodePlace, placeOf } from './place.js';
import { flagValues, readStaticPod, type StaticPod } from './static-pod.js';

/** Where the kubelet's files are, and what runs on this machine: given, so that tests have a node of their own. */
export interface Machine {
  /** The kubelet's configuration, which names the directory of static pods. */
  kubeletConfig: string;
  /** The same where that does not name one. */
  manifests: string;
  /** Argument lists of the processes that run here. */
  processes(): Promise<readonly (readonly string[])[]>;
  /** Addresses of this machine. */
  addresses(): readonly string[];
  /** Where a first configuration is put that the plan has at this path; left out: at that very path. */
  placed?(file: string): string;
}

export const THIS_MACHINE: Machine = {
  kubeletConfig: '/var/lib/kubelet/config.yaml',
  manifests: '/etc/kubernetes/manifests',
  processes: runningHere,
  addresses: () =>
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
};

/** An API server that runs on this machine as a static pod. */
export interface ServerHere {
  place: NodePlace;
  /** `https://192.0.2.10:6443`: itself, not a load balancer. */
  address: string;
}

/**
 * The API server of this machine: the manifest below the kubelet's directory, where a process runs with exactly its
 * arguments and its address is one of this machine. In words why there is none: then host changes are for a person.
 */
export async function findServer(machine: Machine): Promise<ServerHere | { none: string }> {
  const found = await findManifest(machine);
  if (typeof found === 'string') return { none: found };
  const pod = found;
  const address = addressOf(pod);
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
  if (!machine.addresses().includes(host)) return { none: `${host} is not an address of this machine` };
  if (!(await runs(machine, pod))) return { none: `no process here runs with the arguments in ${pod.file}` };
  return { place: placeOf(pod.file), address };
}

/**
 * The same where the manifest alone is looked at: for a change that was interrupted, when no process may run.
 * Undefined where there is no such manifest, or it cannot be read by this user.
 */
export async function findPlace(machine: Machine): Promise<ServerHere | undefined> {
  const found = await findManifest(machine);
  return typeof found === 'string' ? undefined : { place: placeOf(found.file), address: addressOf(found) };
}

async function findManifest(machine: Machine): Promise<StaticPod | string> {
  const directory = await manifestsDirectory(machine);
  const names = await readdir(directory).catch(() => undefined);
  if (names === undefined) return `${directory} cannot be read`;
  const pods: StaticPod[] = [];
  for (const name of names.filter((one) => !one.startsWith('.'))) {
    const file = path.join(directory, name);
    const text = await readFile(file, 'utf8').catch(() => '');
    if (!text.includes('kube-apiserver')) continue;
    try {
      pods.push(readStaticPod(text, file));
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }
  const [pod] = pods;
  if (pod === undefined) return `no API server in ${directory}`;
  return pods.length > 1 ? `several API servers in ${directory}` : pod;
}

async function manifestsDirectory({ kubeletConfig, manifests }: Machine): Promise<string> {
  const text = await readFile(kubeletConfig, 'utf8').catch(() => '');
  const named = stringAt(parseDocument(text).toJS() ?? {}, 'staticPodPath');
  return named === undefined || !path.isAbsolute(named) ? manifests : named;
}

function addressOf(pod: StaticPod): string {
  const host = flagValues(pod, '--advertise-address').at(-1) ?? '127.0.0.1';
  const port = flagValues(pod, '--secure-port').at(-1) ?? '6443';
  return `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Whether a process runs with the manifest's arguments: all of them as `command`, or at its end as `args`. */
async function runs(machine: Machine, { arguments: words, list }: StaticPod): Promise<boolean> {
  const wanted = JSON.stringify(words);
  return (await machine.processes()).some(
    (command) =>
      JSON.stringify(
        list === 'command' ? command : command.slice(Math.max(0, command.length - words.length)),
      ) === wanted,
  );
}

/** From proc(5): each argument ends in a zero byte. Processes that end meanwhile, or are not ours to see, are left out. */
async function runningHere(): Promise<readonly (readonly string[])[]> {
  const ids = await readdir('/proc').catch(() => []);
  const texts = await Promise.all(
    ids.filter((id) => /^\d+$/.test(id)).map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  );
  return texts.filter((text) => text !== '').map((text) => text.replace(/\0$/, '').split('\0'));
}
