import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { freshKeys, readsUnder, sameConfig } from '../../encryption/configuration.js';
import { filledContent, MissingKey } from '../../encryption/content.js';
import { faultsText, parseConfiguration, readContent } from '../../encryption/parse.js';
import type {
  EncryptionConfig,
  ServerEncryption,
  ServerRound,
  StoragePrefix,
} from '../../model/encryption.js';
import { printable } from '../../model/escape.js';
import { yamlText } from '../../model/hostfile.js';
import { isRecord, listAt, stringAt } from '../../model/manifest.js';
import { canonical, type HostChange, KEPT_PLACEHOLDER } from '../../model/plan.js';
import type { Host, HostOutcome, LocalApiServer } from '../../wizard/ports.js';
import { HostError } from '../errors.js';
import type { FilesHost } from '../files.js';
import { newKey } from '../key.js';
import { changeNode, type NodeChange, type NodeOutcome, type NodeTools, recoverNode } from './change.js';
import { mergedConfiguration } from './configuration-edit.js';
import { etcdConnection, etcdCounts, etcdFolder } from './etcd.js';
import { findServer, type Machine, type ServerHere } from './find.js';
import { readChange } from './ledger.js';
import { readNodeFile, sha256 } from './place.js';
import { configurationOf, readStaticPod, reloads, type StaticPod } from './static-pod.js';
import type { Patience, Time } from './wait.js';

/** The control-plane node that this program runs on, proven to be one of the cluster in hand. */
export interface ControlPlaneNode {
  machine: Machine;
  server: LocalApiServer;
  /** uid of the cluster's kube-system. */
  cluster: string;
  time: Time;
  patience?: Patience;
}

/**
 * The API server of this machine where it is beyond doubt one of the cluster: a process runs with the very arguments of
 * the manifest, at an address of this machine, and what answers there has the cluster's identity. Else why not.
 */
async function proven({
  machine,
  server,
  cluster,
}: ControlPlaneNode): Promise<ServerHere | { none: string }> {
  const here = await findServer(machine);
  if ('none' in here) return here;
  const sight = await server.look();
  if (sight.at !== 'up') return { none: `the API server of this machine: ${sight.reason}` };
  return sight.cluster === cluster ? here : { none: 'the API server of this machine is of another cluster' };
}

/**
 * The host of a cluster where this machine is one of its control-plane nodes: a round of encryption is done here, and
 * left as files for the other nodes. Everything else, and every change where there is any doubt, is left for a person.
 */
export function nodeHost(files: FilesHost, node: ControlPlaneNode): Host {
  return {
    stored: (resource) => storedHere(node, resource),
    apply: async (change) => {
      const { encryption: round } = change;
      const here = round === undefined ? undefined : await proven(node);
      if (round === undefined || here === undefined || 'none' in here) return files.apply(change);
      const pod = await podHere(here);
      const name = await nodeName(pod, node.server);
      // A round that names other nodes is theirs, even where it names but one.
      if (round.servers !== undefined && !round.servers.includes(name)) return files.apply(change);
      // Other nodes get the very keys that this one has.
      const file = fileHere(node.machine, pod, round);
      const left = await files.prepare(change, [file]);
      const instructions = left.at(-1) ?? '';
      const sources = await contentsOf(left, change);
      await refuseOtherKeys(file, sources);
      const outcome = await carryOut(node, here, pod, round, sources);
      if (outcome.state === 'fellBack')
        throw new HostError(
          `The API server of this node did not come back with the new configuration: ${printable(outcome.reason, 400)}.\nIt runs again with one that reads every key: ${outcome.evidence}.`,
        );
      const others = round.servers?.filter((one) => one !== name);
      const { evidence } = outcome;
      const told = { ...outcome, evidence: [evidence, ...newKeyText(round, file)].join('; ') };
      return outcomeOf(told, { instructions, left, others });
    },
  };
}

/** Where the key is that a round brings, for whoever keeps a copy of it. */
function newKeyText({ phase, after }: ServerRound, file: string): readonly string[] {
  const names = phase === 'remove' ? [] : freshKeys(after);
  return names.length === 0
    ? []
    : [
        `the new key ${names.map((name) => printable(name, 100)).join(', ')} is in ${printable(file, 200)} (0600): keep a copy of that file outside of the cluster now`,
      ];
}

/** Where this node has its configuration, or will have it. */
function fileHere({ placed }: Machine, pod: StaticPod, { file }: ServerRound): string {
  return configurationOf(pod)?.file ?? placed?.(file) ?? file;
}

/** `others`: the nodes that the round is for besides this one; undefined where their names are not known. */
function outcomeOf(
  { evidence }: NodeOutcome,
  more: { instructions: string; left: readonly string[]; others: readonly string[] | undefined },
): HostOutcome {
  const { instructions, left, others } = more;
  if (others?.length === 0)
    return { state: 'applied', evidence: `${evidence}; for later \`kubeadm upgrade\`s see ${instructions}` };
  const who =
    others?.map((one) => printable(one, 100)).join(', ') ??
    'every other control-plane node, if there are any';
  return {
    state: 'left',
    reason: `done on this node (${evidence}); to be done on ${who}: follow ${instructions}`,
    files: left,
  };
}

/** Brings a change of this machine to its end that was interrupted; undefined where there is none. */
export async function recoverHere(
  here: ServerHere,
  tools: { server: LocalApiServer; time: Time; patience?: Patience },
): Promise<NodeOutcome | undefined> {
  const open = await readChange(here.place);
  if (open === undefined) return undefined;
  return recoverNode({ ...tools, ...(await etcdTools(here)), place: here.place, cluster: open.cluster });
}

async function etcdTools(here: ServerHere): Promise<Pick<NodeTools, 'allPlain'>> {
  return {
    allPlain: async () => {
      try {
        const counts = await etcdCounts(await etcdConnection(await podHere(here)), '');
        return Object.keys(counts).every((prefix) => prefix === '');
      } catch (error) {
        if (error instanceof HostError) return false;
        throw error;
      }
    },
  };
}

async function carryOut(
  node: ControlPlaneNode,
  here: ServerHere,
  pod: StaticPod,
  round: ServerRound,
  sources: readonly unknown[],
): Promise<NodeOutcome> {
  const { server, cluster, time, patience } = node;
  const shown = `${String(listName(pod))}-${await nodeName(pod, server)}`;
  const tools: NodeTools = {
    place: here.place,
    server,
    cluster,
    pod: shown,
    time,
    ...(patience === undefined ? {} : { patience }),
    ...(await etcdTools(here)),
  };
  // What was interrupted here is brought to its end before anything is compared with the files.
  const recovered = await recoverNode(tools);
  const now = recovered === undefined ? pod : await podHere(here);
  const change = await textsOf(now, fileHere(node.machine, now, round), round, sources);
  return changeNode(tools, change);
}

/** The texts of a round for this node. Keys come from its own file first, then from the files that were left. */
async function textsOf(
  pod: StaticPod,
  file: string,
  round: ServerRound,
  sources: readonly unknown[],
): Promise<NodeChange> {
  const flagged = configurationOf(pod);
  const text = (await readNodeFile(file))?.text ?? null;
  const there = text === null ? null : parsed(text, file);
  const current = flagged === undefined ? null : there;
  if (![...round.before, round.after].some((one) => sameConfig(one, current)))
    throw new HostError(
      `${current === null ? `${printable(pod.file)} has no encryption configuration` : `${printable(file)} has other providers`} than this round was planned from; nothing was changed.\nRead the cluster again, on this node.`,
    );
  const given = [...(text === null ? [] : [contentOfText(text)]), ...sources];
  const made = new Map<string, unknown>();
  const textFor = (config: EncryptionConfig | null): string | null => {
    if (config === null) return null;
    if (text !== null && sameConfig(there, config)) return text;
    try {
      const content = filledContent(config, [...given, ...made.values()], newKey);
      made.set(canonical(config), content);
      return text === null ? yamlText(content) : mergedConfiguration(text, content, mayGo(round, there));
    } catch (error) {
      if (error instanceof MissingKey) throw new HostError(`${error.message} Nothing was changed.`);
      throw error;
    }
  };
  const after = textFor(round.after);
  return {
    file,
    before: flagged === undefined ? null : text,
    after,
    fallback: textFor(round.fallback),
    mounts: round.mounts,
    sockets: round.sockets,
  };
}

/** What a round that takes something away may take away: nothing of which a value may exist. */
function mayGo({ phase, mustRead }: ServerRound, there: EncryptionConfig | null): readonly StoragePrefix[] {
  if (phase !== 'remove') return [];
  const resources = (there ?? []).flatMap((entry) => entry.resources);
  const known = resources.flatMap((resource) => readsUnder(there, resource));
  return known.filter((prefix) => !mustRead.includes(prefix));
}

function parsed(text: string, file: string): EncryptionConfig {
  const read = parseConfiguration(text);
  if ('config' in read) return read.config;
  throw new HostError(
    `${printable(file)} is no configuration that can be changed; nothing was.\n${faultsText(read.faults)}`,
  );
}

function contentOfText(text: string): unknown {
  const content = readContent(text);
  return 'value' in content ? content.value : undefined;
}

/** The configurations among the files that were left, parsed: they hold the keys that other nodes get too. */
async function contentsOf(left: readonly string[], change: HostChange): Promise<readonly unknown[]> {
  const names = change.files
    .filter(({ path: to }) => to === change.encryption?.file)
    .map(({ as }) => path.basename(as));
  const files = left.filter((file) => names.includes(path.basename(file)));
  return Promise.all(files.map(async (file) => contentOfText(await readFile(file, 'utf8').catch(() => ''))));
}

/** Files of an earlier start of this run may hold another value under a name that this node has: two keys of one name. */
async function refuseOtherKeys(file: string, sources: readonly unknown[]): Promise<void> {
  const text = (await readNodeFile(file))?.text;
  if (text === undefined) return;
  const there = keyValues(contentOfText(text));
  for (const source of sources)
    for (const [name, value] of keyValues(source))
      if (there.has(name) && there.get(name) !== value && value !== KEPT_PLACEHOLDER)
        throw new HostError(
          `The files for this round have another value for the key ${printable(name, 200)} than ${printable(file)} on this node; nothing was changed.\nBegin a new run on this node, so that every node gets the key that is there.`,
        );
}

/** Values of keys by resource, provider and name: those of one name may differ from entry to entry. For comparing alone. */
function keyValues(content: unknown): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const entry of listAt(content, 'resources'))
    for (const provider of listAt(entry, 'providers'))
      for (const [kind, options] of Object.entries(isRecord(provider) ? provider : {}))
        for (const key of listAt(options, 'keys'))
          for (const resource of listAt(entry, 'resources'))
            values.set(
              `${kind}/${stringAt(key, 'name') ?? ''} of ${String(resource)}`,
              stringAt(key, 'secret') ?? '',
            );
  return values;
}

async function podHere({ place }: ServerHere): Promise<StaticPod> {
  const manifest = await readNodeFile(place.manifest);
  if (manifest === undefined)
    throw new HostError(`There is no ${printable(place.manifest)}; nothing was changed.`);
  return readStaticPod(manifest.text, place.manifest);
}

/** Name of this machine as a node: of the one mirror pod that has the manifest's arguments, else of the machine. */
async function nodeName(pod: StaticPod, server: LocalApiServer): Promise<string> {
  const wanted = JSON.stringify(pod.arguments);
  const ours = (await server.pods()).filter((one) =>
    listAt(one, 'spec', 'containers').some(
      (container) => JSON.stringify(listAt(container, pod.list)) === wanted,
    ),
  );
  const spec = ours.length === 1 ? (ours[0]?.spec as { nodeName?: unknown } | undefined) : undefined;
  return typeof spec?.nodeName === 'string' ? spec.nodeName : hostname().toLowerCase();
}

function listName(pod: StaticPod): unknown {
  return (pod.value.metadata as { name?: unknown } | undefined)?.name;
}

/** What the API server of this machine has in force, by its own files; empty where there is none of this cluster. */
export async function lookHere(node: ControlPlaneNode): Promise<readonly ServerEncryption[]> {
  const here = await proven(node);
  if ('none' in here) return [];
  try {
    const pod = await podHere(here);
    const server = await nodeName(pod, node.server);
    const source = printable(here.place.manifest, 300);
    const flag = configurationOf(pod);
    const base = {
      server,
      file: { value: flag?.path ?? null, source },
      reload: { value: reloads(pod), source },
    };
    if (flag === undefined) return [{ ...base, config: { value: null, source } }];
    return [{ ...base, ...(await inForce(node, flag.file, reloads(pod))) }];
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const source = printable(here.place.manifest, 300);
    return [{ server: hostname().toLowerCase(), problem: { value: error.message, source } }];
  }
}

/** API servers that reload look at their file every minute; milliseconds. */
const RELOADED_WITHIN = 120_000;

/** The configuration in a file, where it is the one in force; else what is wrong with it. */
async function inForce(
  { server }: ControlPlaneNode,
  file: string,
  reloading: boolean,
): Promise<Pick<ServerEncryption, 'config' | 'problem' | 'hash'>> {
  const source = printable(file, 300);
  const problem = (value: string) => ({ problem: { value, source } });
  const there = await readNodeFile(file);
  if (there === undefined) return problem('the file does not exist');
  const read = parseConfiguration(there.text);
  if ('faults' in read) return problem(faultsText(read.faults));
  const sight = await server.look();
  const hash = sha256(there.text);
  if (sight.at === 'up' && sight.configuration !== undefined && sight.configuration !== hash)
    return problem('the API server has another configuration in force: it waits for a restart or a reload');
  const { mtimeMs } = await stat(file);
  const began = sight.at === 'up' ? sight.startedAt : undefined;
  const known = sight.at === 'up' && sight.configuration !== undefined;
  if (!known && !reloading && began !== undefined && mtimeMs > began * 1000 + 2_000)
    return problem('the file was changed after the API server began: it waits for a restart');
  if (!known && reloading && Date.now() - mtimeMs < RELOADED_WITHIN)
    return problem('the file was changed a moment ago: the API server takes it up within a minute');
  return {
    config: { value: read.config, source },
    ...(known ? { hash: { value: hash, source: 'metrics' } } : {}),
  };
}

/**
 * How etcd keeps the objects of a resource, by prefix, asked as the API server of this machine asks it. In words why that
 * is not known: no API server of the cluster runs here, or etcd does not answer.
 */
export async function storedHere(
  node: ControlPlaneNode,
  resource: string,
): Promise<Record<string, number> | string> {
  const folder = etcdFolder(resource);
  if (folder === undefined) return `where etcd keeps ${printable(resource, 100)} is not known`;
  const here = await proven(node);
  if ('none' in here) return here.none;
  try {
    return await etcdCounts(await etcdConnection(await podHere(here)), folder);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return error.message;
  }
}
