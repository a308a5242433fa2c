import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { namedIn } from '../../encryption/configuration.js';
import { parseConfiguration } from '../../encryption/parse.js';
import { printable } from '../../model/escape.js';
import type { LocalApiServer } from '../../wizard/ports.js';
import { HostError, reasonOf } from '../errors.js';
import { isThere } from '../key.js';
import { takeLock } from '../lock.js';
import { type Change, endChange, own, type Placement, readChange, writeChange } from './ledger.js';
import { withConfiguration, withoutConfiguration } from './manifest-edit.js';
import {
  makeRoom,
  type NodePlace,
  type Ownership,
  prepare,
  putInPlace,
  readNodeFile,
  sha256,
} from './place.js';
import { checkSocket } from './sockets.js';
import { configurationOf, readStaticPod, runsAs } from './static-pod.js';
import { notYet, PATIENCE, type Patience, type Time, type Waited, waitFor } from './wait.js';

/** What is to be done on a node, as texts. It holds keys: it must not reach a journal, a screen or a log. */
export interface NodeChange {
  /** Path of the configuration, on the node and in the pod. */
  file: string;
  /** The configuration that is there now; null: none, and no flag. */
  before: string | null;
  /** The configuration afterwards; null: no flag. The file stays all the same: it holds keys. */
  after: string | null;
  /**
   * What to go back to. Once a server wrote under the first key of `after`, going back means to read that key still:
   * this configuration writes as before and reads all. Null: nothing new is written, the manifest as it was will do.
   */
  fallback: string | null;
  mounts: readonly { path: string; readOnly: boolean }[];
  /** Sockets of KMS plugins that have to accept connections first. */
  sockets: readonly string[];
}

/** What the work on a node is done with. */
export interface NodeTools {
  place: NodePlace;
  server: LocalApiServer;
  /** uid of kube-system of the cluster that the change is for. */
  cluster: string;
  /** Name of the mirror pod of this node's API server, where the cluster shows one. */
  pod?: string;
  time: Time;
  patience?: Patience;
  /** Whether etcd holds nothing that is encrypted; false also where that cannot be seen. */
  allPlain?: () => Promise<boolean>;
}

export type NodeOutcome =
  | { state: 'applied'; evidence: string }
  /** It did not come back with the new configuration, and runs again with the one to go back to. */
  | { state: 'fellBack'; reason: string; evidence: string };

/**
 * Gives the API server of this node another encryption configuration and waits until it runs with it; where it does not,
 * goes back. Everything that either way needs is on disk before the first file is touched, and each step is one rename:
 * whenever this process ends, the next call brings the change to its end. A change of another call that was not brought
 * to its end comes first.
 * @throws HostError where nothing could be changed, or where the server is not up and has to be looked at by a person
 */
export async function changeNode(tools: NodeTools, wanted: NodeChange): Promise<NodeOutcome> {
  return locked(tools, async () => {
    const open = await readChange(tools.place);
    const ended = await goOn(tools);
    // The very change that is asked for was begun before: this is its end, whatever the files were then.
    if (open !== undefined && ended !== undefined && isOf(open, wanted)) return ended;
    const begun = await begin(tools, wanted);
    return 'outcome' in begun ? begun.outcome : carryOut(tools, begun.change);
  });
}

function isOf(change: Change, { file, after }: NodeChange): boolean {
  return change.file === file && change.placements[0]?.runs === (after === null ? null : sha256(after));
}

/** Brings a change to its end that was interrupted; undefined where there is none. @throws HostError as `changeNode` */
export async function recoverNode(tools: NodeTools): Promise<NodeOutcome | undefined> {
  if ((await readChange(tools.place)) === undefined) return undefined;
  return locked(tools, () => goOn(tools));
}

async function goOn(tools: NodeTools): Promise<NodeOutcome | undefined> {
  const open = await readChange(tools.place);
  if (open === undefined) {
    await clean(tools.place);
    return undefined;
  }
  if (open.cluster !== tools.cluster || open.manifest !== tools.place.manifest)
    throw new HostError(
      `${printable(tools.place.work)} holds an unfinished change for another cluster than the one in hand.\nRun this with the kubeconfig of that cluster first.`,
    );
  return carryOut(tools, open);
}

async function locked<T>(tools: NodeTools, work: () => Promise<T>): Promise<T> {
  const manifest = await readNodeFile(tools.place.manifest);
  if (manifest === undefined)
    throw new HostError(`There is no ${printable(tools.place.manifest)}; nothing was changed.`);
  // The script for nodes without the wizard keeps its own state beside ours.
  if (await isThere(path.join(`${tools.place.work}-script`, 'phase')))
    throw new HostError(
      'A change of this node by node.sh is unfinished; nothing was changed.\nRun that script again first: it brings the change to its end.',
    );
  await makeRoom(tools.place, path.join(tools.place.work, 'any'), own());
  const lock = await takeLock(tools.place.work, 'This node').catch((error: unknown) => {
    if (error instanceof HostError) throw error;
    throw new HostError(
      `${printable(tools.place.work)} cannot be written: ${reasonOf(error)}. Nothing was changed.`,
    );
  });
  try {
    return await work();
  } finally {
    await lock.release();
    await rmdir(tools.place.work).catch(() => undefined); // stays where something of an unfinished change lies in it
  }
}

/** Checks and prepares all; nothing that the API server sees is touched. */
async function begin(
  { place, server, cluster, time, patience = PATIENCE }: NodeTools,
  wanted: NodeChange,
): Promise<{ outcome: NodeOutcome } | { change: Change }> {
  const { manifest, configuration } = await look(place, wanted);
  for (const socket of wanted.sockets) await checkSocket(socket);
  const now = await server.look();
  const ours = { cluster, configuration: configuration === null ? null : sha256(configuration), placedAt: 0 };
  if (
    configuration === wanted.after &&
    (wanted.after === null || manifest.text === manifestFor(place, wanted, manifest.text, wanted.after))
  ) {
    const waited = await waitFor(server, ours, time, { ...patience, settle: 0 });
    if (waited.well)
      return { outcome: { state: 'applied', evidence: `in place already: ${waited.evidence}` } };
  }
  const fault = notYet(now, ours);
  if (fault !== undefined)
    throw new HostError(
      `The API server of this node is not as it should be before a change: ${printable(fault, 300)}.\nNothing was changed.`,
    );
  const named = configuration === null ? [] : await resourcesIn(wanted.file);
  if ((await server.readsSecrets(named)) === false)
    throw new HostError(
      'The API server of this node cannot read every stored object of what is encrypted.\nNothing was changed: find out first which key is missing (its log names the objects).',
    );
  const texts = placementsOf(place, wanted, manifest.text, configuration);
  const owner = runsAs(readStaticPod(manifest.text, place.manifest)) ?? own();
  await makeRoom(place, wanted.file, owner);
  try {
    await clean(place);
    for (const { placement, manifest: text, configuration: config } of texts) {
      await prepare(prepared(place, placement, 'manifest'), text, manifest.owner);
      if (config !== null)
        await prepare(prepared(place, placement, 'configuration'), config, { ...owner, mode: 0o600 });
    }
    const change: Change = {
      version: 1,
      cluster,
      manifest: place.manifest,
      file: wanted.file,
      placements: texts.map(({ placement }) => placement),
      at: 0,
      placedAt: time.now(),
      reasons: [],
    };
    await writeChange(place, change);
    return { change };
  } catch (error) {
    await clean(place).catch(() => undefined);
    if (error instanceof HostError) throw error;
    throw new HostError(
      `The files for this node cannot be prepared in ${printable(place.work)}: ${reasonOf(error)}.\nNothing was changed.`,
    );
  }
}

/** The files as they are, where they are what the change begins with. */
async function look(
  place: NodePlace,
  wanted: NodeChange,
): Promise<{ manifest: { text: string; owner: Ownership }; configuration: string | null }> {
  const manifest = await readNodeFile(place.manifest);
  if (manifest === undefined)
    throw new HostError(`There is no ${printable(place.manifest)}; nothing was changed.`);
  const there = configurationOf(readStaticPod(manifest.text, place.manifest));
  if (there !== undefined && there.file !== wanted.file)
    throw new HostError(
      `The API server of this node has another encryption configuration: ${printable(there.file)}.\nNothing was changed: one in place of another makes stored Secrets unreadable.`,
    );
  const file = await readNodeFile(wanted.file);
  // Without the flag the file is not in force, but it may hold keys of values that are stored.
  const configuration = there === undefined ? null : (file?.text ?? null);
  if (there !== undefined && file === undefined)
    throw new HostError(
      `The API server of this node is started with ${printable(there.file)}, which does not exist.`,
    );
  if (
    there === undefined &&
    file !== undefined &&
    ![wanted.before, wanted.after, wanted.fallback].includes(file.text)
  )
    throw new HostError(
      `${printable(wanted.file)} exists, but the API server is started without it.\nIt may hold the only copy of a key: keep it under another name, then run this again.`,
    );
  if (configuration !== wanted.before && configuration !== wanted.after)
    throw new HostError(
      `The encryption configuration of this node is not the one that this change was made for: ${printable(wanted.file)} has changed since.\nNothing was changed; read the cluster again.`,
    );
  return { manifest, configuration };
}

interface Texts {
  placement: Placement;
  manifest: string;
  configuration: string | null;
}

function manifestFor(place: NodePlace, wanted: NodeChange, manifest: string, configuration: string): string {
  const { file, mounts } = wanted;
  return withConfiguration(manifest, place.manifest, { file, sha256: sha256(configuration), mounts });
}

/** What is wanted, then what to go back to, in order. */
function placementsOf(
  place: NodePlace,
  wanted: NodeChange,
  manifest: string,
  before: string | null,
): Texts[] {
  const state = (name: string, text: string, configuration: string | null, runs: string | null): Texts => ({
    placement: {
      name,
      manifest: sha256(text),
      configuration: configuration === null ? null : sha256(configuration),
      runs: runs === null ? null : sha256(runs),
    },
    manifest: text,
    configuration,
  });
  const with_ = (name: string, configuration: string): Texts =>
    state(name, manifestFor(place, wanted, manifest, configuration), configuration, configuration);
  const first =
    wanted.after === null
      ? state('without', withoutConfiguration(manifest, place.manifest), null, null)
      : with_('wanted', wanted.after);
  // Where nothing new is written, what was there before reads all there is.
  if (wanted.fallback === null)
    return [first, state('as-it-was', manifest, wanted.after === null ? null : before, before)];
  // Where the server had no configuration, the manifest as it was is the one that surely starts. It knows no key.
  const asItWas = before === null ? [state('as-it-was', manifest, null, null)] : [];
  const back = with_('fallback', wanted.fallback);
  // Where even that does not come up, what reads every key is what stays, for whoever looks at it.
  const again = asItWas.length > 0 ? [state('again', back.manifest, null, wanted.fallback)] : [];
  return [first, back, ...asItWas, ...again];
}

/** Puts the placements in place, one after the other, until the API server is well with one. */
async function carryOut(tools: NodeTools, begun: Change): Promise<NodeOutcome> {
  let change = begun;
  for (;;) {
    const waited = await attempt(tools, change);
    if (waited.well) {
      await endChange(tools.place);
      await clean(tools.place).catch(() => undefined);
      return change.at === 0
        ? { state: 'applied', evidence: waited.evidence }
        : { state: 'fellBack', reason: change.reasons.join('; then '), evidence: waited.evidence };
    }
    if (!waited.judged)
      throw new HostError(
        `Whether the API server of this node came back cannot be judged: ${printable(waited.reason, 300)}.\nIts files are in place and nothing is lost; run this again with credentials that it accepts to bring the change to its end.`,
      );
    const reasons = [...change.reasons, waited.reason];
    if (!(await mayTryNext(tools, change))) {
      throw new HostError(
        `The API server of this node does not come back: ${printable(reasons.join('; then '), 500)}.\nIts files are as they are safe for what is stored, and no key is lost. Look at its log (crictl logs), then run this again.`,
      );
    }
    change = { ...change, at: change.at + 1, placedAt: tools.time.now(), reasons };
    // A disk that is full by now must not keep us from going back; without this line the next run begins from the first.
    await writeChange(tools.place, change).catch(() => undefined);
  }
}

async function attempt(tools: NodeTools, change: Change): Promise<Waited> {
  const { place, server, cluster, pod, time, patience = PATIENCE } = tools;
  const placement = change.placements[change.at]!;
  try {
    await put(place, change, placement);
  } catch (error) {
    if (error instanceof HostError) throw error;
    return { well: false, reason: `its files could not be put in place (${reasonOf(error)})`, judged: true };
  }
  const expected = {
    cluster,
    configuration: placement.runs,
    placedAt: change.placedAt,
    resources: await resourcesIn(change.file),
    ...(pod === undefined ? {} : { pod }),
  };
  return waitFor(server, expected, time, patience);
}

/** What the configuration on the node names; it stays where the flag goes, and its values are to be readable then too. */
async function resourcesIn(file: string): Promise<readonly string[]> {
  const read = parseConfiguration((await readNodeFile(file).catch(() => undefined))?.text ?? '');
  return 'config' in read ? namedIn([read.config]) : [];
}

/**
 * The configuration goes first where the manifest comes to name it: a server that starts in between has all it needs. It
 * never goes away: where the flag goes, the file with its keys stays.
 */
async function put(place: NodePlace, change: Change, placement: Placement): Promise<void> {
  if (placement.configuration !== null)
    await putInPlace(prepared(place, placement, 'configuration'), change.file, placement.configuration);
  await putInPlace(prepared(place, placement, 'manifest'), place.manifest, placement.manifest);
}

/**
 * Whether there is another state to try. One that knows no key is none while a value under a key may exist: where the
 * one before it could write such, etcd itself has to say that there is none.
 */
async function mayTryNext({ allPlain }: NodeTools, { placements, at }: Change): Promise<boolean> {
  const next = placements[at + 1];
  if (next === undefined) return false;
  if (next.runs !== null || !placements.some(({ name }) => name === 'fallback')) return true;
  return (await allPlain?.()) === true;
}

function prepared(place: NodePlace, { name }: Placement, what: 'manifest' | 'configuration'): string {
  return path.join(place.work, `${name}.${what}`);
}

const OURS =
  /^(wanted|without|fallback|as-it-was|again)\.(manifest|configuration)(\..*)?$|^change\.json\.[0-9a-f]+$/;

/** Takes away what was prepared, once no journal speaks of it any more. */
async function clean({ work }: NodePlace): Promise<void> {
  for (const name of await readdir(work))
    if (OURS.test(name)) await rm(path.join(work, name), { force: true });
}
