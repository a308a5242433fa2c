import { STEPS } from '../../steps/index.js';
import type { Options, Selection } from '../cli/command.js';
import { type GivenAnswers, readAnswers } from '../host/answers.js';
import { asGiven, readConfigurationFile } from '../host/configuration-file.js';
import { filesHost } from '../host/files.js';
import { filesCluster } from '../host/files-cluster.js';
import { readFlows } from '../host/flows.js';
import { type ManifestFiles, readManifests } from '../host/manifests.js';
import { loadTemplates } from '../host/templates.js';
import { EVERY_SERVER } from '../model/encryption.js';
import { printable } from '../model/escape.js';
import type { Flows } from '../model/flow.js';
import { refText } from '../model/manifest.js';
import { hashOf } from '../model/plan.js';
import { PROBE_DEFAULTS, type ProbeOptions } from '../model/policy-probe.js';
import type { Snapshot } from '../model/snapshot.js';
import type { Step } from '../model/step.js';
import type { Templates } from '../model/template.js';
import { type Problem, reachOf } from '../reach/index.js';
import { assemble, type Decisions, UNDECIDED } from '../wizard/assemble.js';
import type { Cluster, Host, Journal, Look } from '../wizard/ports.js';
import type { StepState } from '../wizard/state.js';
import { controlPlaneHere, programHere } from './control-plane.js';
import { decisionsFrom } from './decisions.js';
import { type Connected, type Io, openCluster, say, sourceOf } from './io.js';

/** How a live probe is made, as the flags say. */
export function probeOptions({ probeImage, probeTimeout }: Options): ProbeOptions {
  return {
    ...PROBE_DEFAULTS,
    ...(probeImage === undefined ? {} : { image: probeImage }),
    ...(probeTimeout === undefined ? {} : { startSeconds: probeTimeout }),
  };
}

/** A cluster that is connected, and the machine on which its host changes are made. */
export interface Target {
  cluster: Cluster;
  hostFor(journal: Journal): Host;
  look?: Look;
  close(): Promise<void>;
}

/**
 * Connects to the cluster that the flags mean.
 * @param note for commands that write: a change of this machine as a control-plane node that was interrupted is brought
 *   to its end first, and what came of it said here
 * @throws ClusterError, HostError: what is wrong and what to do.
 */
export async function openTarget(
  options: Options,
  { env, node }: Pick<Io, 'env' | 'node'>,
  note?: (line: string) => void,
): Promise<Target> {
  const { encryptionConfig: copy } = options;
  // Its mistakes come before anything is asked of a cluster.
  if (copy !== undefined) await readConfigurationFile(copy);
  const here = options.sandbox ? undefined : await controlPlaneHere(sourceOf(options), note, node);
  let opened: Connected | undefined;
  try {
    opened = await openCluster(options);
    const { cluster, sandbox, close } = opened;
    if (sandbox !== undefined) return { cluster, hostFor: () => sandbox.host, look: sandbox.look, close };
    const files = (journal: Journal) =>
      filesHost(journal.directory, folderOf, copy === undefined ? [] : [copy]);
    const given: Look = async (facts) =>
      copy === undefined ? [] : asGiven(await readConfigurationFile(copy), facts);
    const { id, version } = await cluster.info();
    if (here === undefined) {
      const told = programHere(sourceOf(options), { cluster: id, version: version.git, env });
      const look: Look = async (facts) => [...(await given(facts)), ...(await told(facts))];
      return { cluster, hostFor: files, look, close };
    }
    return {
      cluster,
      hostFor: (journal) => here.hostFor(id, files(journal)),
      look: async (facts) => {
        const [copied, own] = [await given(facts), await here.look(id)];
        // That a copy is not used is nothing to stop at where the file itself is at hand.
        return own.length === 0
          ? copied
          : [...copied.filter(({ server }) => server !== EVERY_SERVER), ...own];
      },
      close: async () => {
        here.close();
        await close();
      },
    };
  } catch (error) {
    here?.close();
    await opened?.close();
    throw error;
  }
}

/**
 * Manifests in files in place of a cluster. What cannot be taken of them is said; `whole` is whether there was nothing
 * of that. Policies that are not analysed are said, too: of a plan they are findings.
 */
export async function openFiles(
  path: string,
  io: Io,
): Promise<Pick<Target, 'cluster' | 'look' | 'close'> & { whole: boolean }> {
  const files = await manifestsAt(path, io);
  const problems = reachOf(files.objects).problems;
  sayProblems(problems, io, files);
  const cluster = filesCluster(path, files.objects);
  return {
    cluster,
    close: () => cluster.close(),
    whole: files.problems.length === 0 && problems.every(({ effect }) => effect !== 'broken'),
  };
}

/** The manifests of a path; what cannot be read of them is said. */
export async function manifestsAt(path: string, io: Io): Promise<ManifestFiles> {
  const files = await readManifests(path);
  for (const { file, where, message } of files.problems) say(io, printable(`${file}: ${where}: ${message}`));
  return files;
}

/** What an analysis could not take is said, so that nobody reads a gap as "allowed" or "blocked". */
export function sayProblems(problems: readonly Problem[], io: Io, files?: ManifestFiles): void {
  const lines = problems.map(({ object, message }) =>
    [files?.fileOf(object) ?? [], refText(object), message].flat().join(': '),
  );
  for (const line of new Set(lines)) say(io, printable(line));
}

function folderOf(step: string): string {
  return STEPS.find(({ id }) => id === step)?.folder ?? step;
}

/** What a plan is made with, apart from the cluster. */
export interface Material {
  steps: readonly Step[];
  templates: Templates;
  given: GivenAnswers | undefined;
  /** Flow logs, in the order given. */
  observed: readonly Flows[];
}

/** Loads templates, the answers file and flow logs, so that their errors come before anything is asked of a cluster. */
export async function loadMaterial(
  selection: Selection,
  io: Io,
  all: readonly Step[] = STEPS,
): Promise<Material> {
  const material = {
    steps: selection.steps.length === 0 ? all : all.filter((step) => selection.steps.includes(step.id)),
    templates: await loadTemplates(selection.templates),
    given: selection.answers === undefined ? undefined : await readAnswers(selection.answers, all),
  };
  const observed: Flows[] = [];
  for (const file of selection.flows) observed.push(await readFlows(file));
  for (const { file, problems, unknown } of observed) {
    for (const problem of problems) say(io, printable(problem));
    if (unknown > problems.length)
      say(io, `${printable(file)}: and ${unknown - problems.length} more lines that could not be read.`);
  }
  return { ...material, observed };
}

/**
 * Decisions on this snapshot: those of an earlier run, and over them what the answers file says. `known` is the hash of
 * the answers that the run had before: what people answered since counts more than the same file once again.
 */
export function decisionsOn(
  now: Snapshot,
  { given, steps, templates }: Material,
  earlier: ReadonlyMap<string, Decisions> = new Map(),
  known?: string,
): { decisions: ReadonlyMap<string, Decisions>; notes: readonly string[] } {
  if (given === undefined) return { decisions: earlier, notes: [] };
  const fromFile = decisionsFrom(given, now, steps, templates);
  const decisions = new Map(earlier);
  for (const [id, { answers }] of fromFile.decisions) {
    const before = decisions.get(id) ?? UNDECIDED;
    const [first, last] =
      known === answersHash(given) ? [answers, before.answers] : [before.answers, answers];
    decisions.set(id, { ...before, answers: { ...first, ...last } });
  }
  return { decisions, notes: fromFile.notes };
}

/** SHA-256 of what an answers file says, however it is written. */
export function answersHash(given: GivenAnswers): string {
  return hashOf(
    [...given].map(([step, answers]) => [step, [...answers].map(([id, { value }]) => [id, value])]),
  );
}

/** Every chosen step on this snapshot; notes on the answers go to `note`. */
export function planOn(
  now: Snapshot,
  material: Material,
  note: (line: string) => void,
  takeOver = false,
): StepState[] {
  const { decisions, notes } = decisionsOn(now, material);
  for (const line of notes) note(line);
  return assemble(now, material.steps, material.templates, (id) => ({
    ...(decisions.get(id) ?? UNDECIDED),
    ...(takeOver ? { chosen: 'all' as const } : {}),
  }));
}

/** The flags that say what of the plan is meant again, for a command that goes on from it. */
export function selectionFlags(selection: Selection): string[] {
  return [
    ...selection.steps.flatMap((id) => ['--step', id]),
    ...selection.exclude.flatMap((glob) => ['--exclude-namespace', glob]),
    ...(selection.takeOver === true ? ['--take-over'] : []),
    ...fileFlags(selection),
  ];
}

/** The files that a plan is made with again: a run knows its steps and namespaces by itself. */
export function fileFlags({ templates, answers, flows, encryptionConfig }: Selection): string[] {
  return [
    ...(templates === undefined ? [] : ['--templates', templates]),
    ...(answers === undefined ? [] : ['--answers', answers]),
    ...flows.flatMap((file) => ['--flows', file]),
    ...(encryptionConfig === undefined ? [] : ['--encryption-config', encryptionConfig]),
  ];
}
