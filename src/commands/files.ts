import path from 'node:path';
import type { Options } from '../cli/command.js';
import { HostError } from '../host/errors.js';
import type { RunFiles, RunSummary } from '../model/journal.js';
import type { Step } from '../model/step.js';
import { answersHash, fileFlags, loadMaterial, type Material } from './context.js';
import type { Io } from './io.js';

/** A resumed run keeps to what it was started for; its files are read again unless others are given in their place. */
export function resumedOptions(given: Options, { scope, files }: RunSummary): Options {
  const templates = given.templates ?? files.templates;
  const answers = given.answers ?? files.answers;
  const encryptionConfig = given.encryptionConfig ?? files.encryptionConfig;
  return {
    ...given,
    steps: scope.steps,
    exclude: [...scope.exclude, ...given.exclude],
    ...(templates === undefined ? {} : { templates }),
    ...(answers === undefined ? {} : { answers }),
    ...(encryptionConfig === undefined ? {} : { encryptionConfig }),
    flows: given.flows.length > 0 ? given.flows : files.flows,
  };
}

/** Reads the files that a run depends on; where one of a resumed run is gone, says that the run was started with it. */
export async function loadAgain(
  options: Options,
  io: Io,
  before: RunSummary | undefined,
  all?: readonly Step[],
): Promise<Material> {
  try {
    return await loadMaterial(options, io, all);
  } catch (error) {
    const { templates, answers, flows } = before?.files ?? { flows: [] };
    if (!(error instanceof Error) || [templates, answers, ...flows].every((file) => file === undefined))
      throw error;
    throw new HostError(
      `${error.message}\nRun ${before?.run} was started with ${fileFlags({ ...options, ...before?.files }).join(' ')}; give what has moved by its flag.`,
    );
  }
}

/** The files of a run as its journal keeps them. */
export function filesOf(
  { templates, answers, flows, encryptionConfig }: Options,
  { given }: Material,
): RunFiles {
  return {
    ...(templates === undefined ? {} : { templates: path.resolve(templates) }),
    ...(answers === undefined ? {} : { answers: path.resolve(answers) }),
    ...(given === undefined ? {} : { answersHash: answersHash(given) }),
    flows: flows.map((file) => path.resolve(file)),
    ...(encryptionConfig === undefined ? {} : { encryptionConfig: path.resolve(encryptionConfig) }),
  };
}
