import { STEPS } from '../../steps/index.js';
import { undoUses } from '../../steps/undo.js';
import type { Command, RbacPart } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { needsOf } from '../cluster/rights.js';
import { type GivenAnswers, readAnswers } from '../host/answers.js';
import type { Option, Uses, Write } from '../model/rights.js';
import { rbacJson, rbacYaml } from '../report/rbac.js';
import { usesOf } from '../wizard/session.js';
import { plainAnswers } from './decisions.js';
import type { Io } from './io.js';

type Asked = Extract<Command, { name: 'rbac' }>;

/** The smallest roles for the chosen steps, on stdout. No cluster is asked. */
export async function rbac(command: Asked, io: Io): Promise<ExitCode> {
  const { readOnly, groups, users, options, output } = command;
  const { answers: file } = options;
  const given = file === undefined ? undefined : await readAnswers(file, STEPS);
  const asked = {
    needs: needsOf(rbacUses({ ...command, ...(given === undefined ? {} : { given }) })),
    name: readOnly ? 'kubectl-harden-plan' : 'kubectl-harden',
    steps: options.steps,
    groups,
    users,
  };
  io.stdout.write(output === 'json' ? rbacJson(asked) : rbacYaml(asked));
  return EXIT.ok;
}

/** How the command line names what has to be asked for. */
const PARTS: Readonly<Record<Option, RbacPart>> = {
  guard: 'guard',
  clusterWide: 'cluster-wide',
  probe: 'probe',
  move: 'move',
  editors: 'editors',
};

/** What the chosen steps read and write, with the parts that were asked for. */
export function rbacUses({
  options,
  readOnly,
  also,
  resources,
  given,
}: Pick<Asked, 'options' | 'readOnly' | 'also' | 'resources'> & { given?: GivenAnswers }): Uses {
  const steps = STEPS.filter(({ id }) => options.steps.length === 0 || options.steps.includes(id));
  const uses = steps.map(usesOf);
  const reads = uses.flatMap((one) => one.reads);
  if (readOnly) return { reads, writes: [] };
  const writes = uses
    .flatMap((one) => one.writes)
    .filter(({ option }) => option === undefined || also.includes(PARTS[option]));
  const more = steps.flatMap((step) => step.writesFor?.(plainAnswers(given?.get(step.id))) ?? []);
  const rewrites = resources.map(
    (resource): Write => ({ act: 'rewrite', resource, for: `every stored object of ${resource}` }),
  );
  const undo = also.includes('undo') ? undoUses(writes) : { reads: [], writes: [] };
  return { reads: [...reads, ...undo.reads], writes: [...writes, ...more, ...rewrites, ...undo.writes] };
}
