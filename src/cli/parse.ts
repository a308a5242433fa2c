import { Command as Commander, CommanderError } from 'commander';
import { printable } from '../model/escape.js';
import { LONGEST_START } from '../model/policy-probe.js';
import type { HealthCheck } from '../model/provisional.js';
import { wordsOf } from '../model/shell.js';
import {
  type Command,
  type CommandName,
  type Options,
  RBAC_PARTS,
  type RbacPart,
  type Resolved,
} from './command.js';
import { EXIT_CODES } from './exit.js';
import { FLAGS, type Flag, longForm } from './flags.js';

export interface Tty {
  stdin: boolean;
  stdout: boolean;
}

export type Env = Readonly<Record<string, string | undefined>>;

const PROGRAM = 'kubectl harden';

/**
 * Turns the arguments after the program's name into a `Command`. It prints nothing, reads nothing and never exits.
 * `steps` are the ids that `--step` may name. Where nobody can answer (no terminal), whatever would ask is refused with
 * the flag that is missing, or, on the embedded cluster, replaced by its plan.
 */
export function parse(argv: readonly string[], env: Env, tty: Tty, steps: readonly string[]): Command {
  let found: Command | undefined;
  const out: string[] = [];
  const program = build(
    (text) => out.push(text),
    (name, args, given) => {
      found = commandOf(name, args, given, { env, tty, steps });
    },
  );
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.version') return { name: 'version' };
    if (error.exitCode === 0) return { name: 'help', text: out.join('') };
    return usage(error.message.replace(/^error: /, ''));
  }
  return found ?? usage('no command was recognised');
}

type Given = Record<string, unknown>;
type Seen = (name: CommandName, args: readonly string[], given: Given) => void;

function build(writeOut: (text: string) => void, seen: Seen): Commander {
  const program = new Commander(PROGRAM).exitOverride().configureOutput({
    writeOut,
    writeErr: () => undefined,
    getOutHelpWidth: () => 80,
    getOutHasColors: () => false,
  });
  program
    .usage('[COMMAND] [FLAGS]')
    .description('Hardens a Kubernetes cluster along the NSA/CISA guide, one proven step at a time.')
    .version('', '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [COMMAND]', 'print help for a command')
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_CODES.map(([code, text]) => `  ${String(code).padEnd(5)} ${text}`).join('\n')}`,
    );
  for (const { flags, help, many } of FLAGS) {
    if (many) program.option(flags, help, (value: string, all: string[] = []) => [...all, value]);
    else program.option(flags, help);
  }
  const add = (parent: Commander, spec: string, name: CommandName, description: string, hidden = false) =>
    parent
      .command(spec, hidden ? { isDefault: true, hidden: true } : {})
      .description(description)
      .usage(`${spec.split(' ').slice(1).join(' ')} [FLAGS]`.trim())
      .configureHelp({
        showGlobalOptions: true,
        visibleGlobalOptions: () =>
          program.options.filter((option) =>
            FLAGS.some((f) => f.flags === option.flags && f.with.includes(name)),
          ),
      })
      .action((...all: unknown[]) => {
        const command = all.at(-1) as Commander;
        seen(name, command.args, givenOn(program));
      });
  add(program, 'wizard [REST...]', 'wizard', 'the wizard (default)', true);
  add(program, 'plan', 'plan', 'findings and changes of every step');
  add(program, 'apply', 'apply', 'apply the plan unattended');
  add(program, 'generate', 'generate', 'write the plan as patch files; nothing in the cluster changes');
  add(program, 'resume [RUN]', 'resume', 'take up an interrupted run');
  add(program, 'undo [RUN]', 'undo', 'take back what a run wrote (default: the last run)');
  add(program, 'keep [RUN]', 'keep', 'keep what would take itself back (--confirm-within)');
  program.command('guard <RUN>', { hidden: true }).action((...all: unknown[]) => {
    seen('guard', (all.at(-1) as Commander).args, givenOn(program));
  });
  add(program, 'runs', 'runs', 'list runs');
  add(program, 'probe', 'probe', 'try out whether NetworkPolicies are enforced');
  add(program, 'rewrite-secrets', 'rewriteSecrets', 'store every Secret anew, without reading one');
  add(program, 'rbac', 'rbac', 'the smallest roles for the chosen steps');
  const reach = add(program, 'reach', 'reach', 'who can talk to whom under the policies there are');
  add(reach, 'explain <SRC> <DST> [PORT]', 'reachExplain', 'the rules that allow or block a connection');
  add(reach, 'diff', 'reachDiff', 'what opened and what closed between --from and --to');
  return program;
}

/** The flags that stand on the command line, wherever they stand. */
function givenOn(program: Commander): Given {
  return Object.fromEntries(
    Object.entries(program.opts()).filter(([key]) => program.getOptionValueSource(key) === 'cli'),
  );
}

interface Surroundings {
  env: Env;
  tty: Tty;
  steps: readonly string[];
}

function commandOf(name: CommandName, args: readonly string[], given: Given, around: Surroundings): Command {
  if (name === 'wizard' && args[0] !== undefined) return usage(`unknown command '${args[0]}'`);
  const wrong = problemWith(name, given, around.steps);
  if (wrong !== undefined) return usage(wrong);
  const options = optionsOf(given, around.env);
  const { text, flag, list } = readers(given);
  const interactive = around.tty.stdin && around.tty.stdout;
  switch (name) {
    case 'wizard':
      if (interactive) return { name, options };
      if (options.sandbox) return { name: 'plan', options, output: 'text', demo: true };
      return {
        name: 'usageError',
        message: [
          'The wizard asks questions, and there is no terminal to ask on.',
          `Without one: ${PROGRAM} plan, ${PROGRAM} apply --confirm CONTEXT, or ${PROGRAM} generate --output-dir DIR.`,
        ].join('\n'),
      };
    case 'plan':
      return { name, options, output: structured(given), ...optional('from', text('from')), demo: false };
    case 'apply': {
      const confirm = text('confirm');
      if (confirm === undefined)
        return usage(
          'apply needs --confirm CONTEXT, the name of the context to write to (sandbox with --sandbox)',
        );
      return { name, options, confirm };
    }
    case 'generate': {
      const outputDir = text('outputDir');
      if (outputDir === undefined) return usage('generate needs --output-dir DIR, where the patch files go');
      return { name, options, outputDir, force: flag('force'), ...optional('from', text('from')) };
    }
    case 'resume':
    case 'undo': {
      const confirm = text('confirm');
      if (confirm === undefined && !interactive)
        return usage(
          `${name} without a terminal needs --confirm CONTEXT, the name of the context to write to`,
        );
      return { name, options, ...optional('run', args[0]), ...optional('confirm', confirm) };
    }
    case 'keep':
      return { name, options, ...optional('run', args[0]) };
    case 'guard':
      return { name, options, run: args[0] ?? '' };
    case 'runs':
      return { name, options, output: structured(given) };
    case 'probe': {
      const confirm = text('confirm');
      if (confirm === undefined && !interactive)
        return usage(
          'probe without a terminal needs --confirm CONTEXT, the name of the context in which its pods run',
        );
      return { name, options, output: structured(given), ...optional('confirm', confirm) };
    }
    case 'rewriteSecrets': {
      const confirm = text('confirm');
      const print = flag('print');
      if (confirm === undefined && !interactive && !print)
        return usage(
          'rewrite-secrets without a terminal needs --confirm CONTEXT, the name of the context to write to',
        );
      const resources = list('resource');
      return {
        name,
        options,
        resources: resources.length === 0 ? ['secrets'] : resources,
        ...optional('confirm', confirm),
        evenIfUntried: text('unreachedServers') === 'goOn',
        prove: given.proof !== false,
        ...(text('maxRate') === undefined ? {} : { maxRate: Number(text('maxRate')) }),
        ...(text('concurrency') === undefined ? {} : { concurrency: Number(text('concurrency')) }),
        output: structured(given),
        print,
      };
    }
    case 'rbac':
      return {
        name,
        options,
        output: given.output === 'json' ? 'json' : 'yaml',
        readOnly: flag('readOnly'),
        also: list('also') as RbacPart[],
        resources: list('resource'),
        groups: list('group'),
        users: list('user'),
      };
    case 'reach': {
      const output = given.output as 'text' | 'json' | 'dot' | 'svg' | undefined;
      return {
        name,
        options,
        output: output ?? 'text',
        ...optional('from', text('from')),
        ...resolved(given),
      };
    }
    case 'reachExplain':
      return {
        name,
        options,
        output: structured(given),
        source: args[0] ?? '',
        destination: args[1] ?? '',
        ...optional('port', args[2]),
        ...optional('from', text('from')),
        ...resolved(given),
      };
    case 'reachDiff': {
      const from = text('from');
      const to = text('to');
      if (from === undefined || to === undefined) return usage('reach diff needs --from OLD and --to NEW');
      return { name, options, output: structured(given), from, to, ...resolved(given) };
    }
  }
}

/** What is wrong with the flags as they stand, in words; undefined where they are fine. */
function problemWith(name: CommandName, given: Given, steps: readonly string[]): string | undefined {
  for (const flag of FLAGS) {
    const value = given[flag.key];
    if (value === undefined) continue;
    if (!flag.with.includes(name))
      return `${longForm(flag)} does not go with ${spoken(name)}; it goes with ${flag.with.map(spoken).join(', ')}`;
    for (const one of [value].flat())
      if (typeof one === 'string' && (one === '' || /^--?\w/.test(one)))
        return `${longForm(flag)} needs a value`;
  }
  const formats =
    name === 'reach' ? ['text', 'json', 'dot', 'svg'] : name === 'rbac' ? ['yaml', 'json'] : ['text', 'json'];
  if (typeof given.output === 'string' && !formats.includes(given.output))
    return `--output is one of ${formats.join(', ')}, not '${given.output}'`;
  const wrongPart = ([given.also ?? []].flat() as string[]).find(
    (part) => !(RBAC_PARTS as readonly string[]).includes(part),
  );
  if (wrongPart !== undefined) return `--also is one of ${RBAC_PARTS.join(', ')}, not '${wrongPart}'`;
  if (
    given.readOnly === true &&
    (given.also !== undefined || (name === 'rbac' && given.resource !== undefined))
  )
    return '--read-only grants nothing to write; it does not go with --also or --resource';
  for (const [key, least] of [
    ['maxRate', 0],
    ['concurrency', 1],
  ] as const) {
    const number = given[key];
    if (typeof number === 'string' && !(/^\d{1,6}$/.test(number) && Number(number) >= least))
      return `${key === 'maxRate' ? '--max-rate' : '--concurrency'} is a whole number from ${least}, not '${number}'`;
  }
  const wrongName = ([given.resource ?? []].flat() as string[]).find(
    (name) => !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name),
  );
  if (wrongName !== undefined)
    return `--resource is a plural as in configmaps or widgets.example.com, not '${wrongName}'`;
  if (given.unreachedServers !== undefined && !['refuse', 'goOn'].includes(String(given.unreachedServers)))
    return `--unreached-servers is refuse or goOn, not '${String(given.unreachedServers)}'`;
  const unresolved = readers(given)
    .list('resolve')
    .find((one) => resolvedFrom(one) === undefined);
  if (unresolved !== undefined)
    return `--resolve is NAME=ADDRESS as in db.example.com=192.0.2.7, not '${unresolved}'`;
  const elsewhere = ['context', 'kubeconfig'].find((key) => given[key] !== undefined);
  const embedded = given.sandbox !== undefined || given.sandboxFile !== undefined;
  if (embedded && elsewhere !== undefined) return `--sandbox and --${elsewhere} name two different clusters`;
  if (given.from !== undefined && (embedded || elsewhere !== undefined))
    return '--from reads files; it does not go with a flag that names a cluster';
  if (given.confirmWithin !== undefined && timeOf(given.confirmWithin) === undefined)
    return `--confirm-within is a time from 2s to 24h as in 90s, 5m, 1h, not '${String(given.confirmWithin)}'`;
  if (given.healthCheck !== undefined && given.confirmWithin === undefined)
    return '--health-check decides when the time of --confirm-within is up: give both';
  const check = checkOf(given.healthCheck);
  if (typeof check === 'string') return check;
  if (given.confirmWithin !== undefined && embedded && given.sandboxFile === undefined)
    return '--confirm-within needs a cluster that outlives this command: --sandbox-file FILE in place of --sandbox';
  const { probeImage, probeTimeout } = given;
  if (typeof probeImage === 'string' && !/^[a-zA-Z0-9][\w.:/@-]*$/.test(probeImage))
    return `--probe-image is the name of an image, not '${probeImage}'`;
  if (probeTimeout !== undefined && secondsOf(probeTimeout) === undefined)
    return `--probe-timeout is a number of seconds from 5 to ${LONGEST_START}, not '${probeTimeout}'`;
  const unknown = ([given.step ?? []].flat() as string[]).find((id) => !steps.includes(id));
  if (unknown !== undefined) return `there is no step '${unknown}'; the steps are ${steps.join(', ')}`;
  return undefined;
}

/** The addresses of domain names that were given. */
function resolved(given: Given): { resolve?: readonly Resolved[] } {
  const resolve = readers(given)
    .list('resolve')
    .flatMap((text) => resolvedFrom(text) ?? []);
  return resolve.length === 0 ? {} : { resolve };
}

/** `NAME=ADDRESS`; names are compared without regard to case and without the root's dot, as DNS does. */
function resolvedFrom(text: string): Resolved | undefined {
  const [, name = '', address = ''] = /^([a-z0-9_][a-z0-9_.-]*)=([0-9a-f.:]+)$/i.exec(text) ?? [];
  if (address === '') return undefined;
  return { name: name.toLowerCase().replace(/\.$/, ''), address };
}

function spoken(name: CommandName): string {
  return (
    {
      reachExplain: 'reach explain',
      reachDiff: 'reach diff',
      rewriteSecrets: 'rewrite-secrets',
      wizard: 'the wizard',
    }[name as string] ?? name
  );
}

function optionsOf(given: Given, env: Env): Options {
  const { text, flag, list } = readers(given);
  const dumb = env.TERM === 'dumb';
  return {
    ...optional('context', text('context')),
    ...optional('kubeconfig', text('kubeconfig')),
    sandbox: flag('sandbox') || text('sandboxFile') !== undefined,
    ...optional('sandboxFile', text('sandboxFile')),
    steps: list('step'),
    exclude: list('excludeNamespace'),
    ...optional('templates', text('templates')),
    ...optional('answers', text('answers')),
    ...withinOf(given),
    ...(flag('takeOver') ? { takeOver: true as const } : {}),
    flows: list('flows'),
    ...optional('encryptionConfig', text('encryptionConfig')),
    ...optional('probeImage', text('probeImage')),
    ...(given.probeTimeout === undefined ? {} : { probeTimeout: secondsOf(given.probeTimeout) ?? 0 }),
    plain: flag('plain') || dumb,
    noColor: given.color === false || dumb || (env.NO_COLOR ?? '') !== '',
  };
}

/** `--confirm-within` and `--health-check` as values; both were looked at before. */
function withinOf({ confirmWithin, healthCheck }: Given): Pick<Options, 'confirmWithin' | 'healthCheck'> {
  const seconds = timeOf(confirmWithin);
  const check = checkOf(healthCheck);
  return {
    ...(seconds === undefined ? {} : { confirmWithin: seconds }),
    ...(check === undefined || typeof check === 'string' ? {} : { healthCheck: check }),
  };
}

/** `90s`, `5m`, `1h` in seconds; undefined for anything else, and beyond two seconds to a day. */
function timeOf(given: unknown): number | undefined {
  const match = typeof given === 'string' ? /^(\d{1,5})([smh])$/.exec(given) : null;
  if (match === null) return undefined;
  const seconds = Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] as 's' | 'm' | 'h'];
  return seconds >= 2 && seconds <= 86_400 ? seconds : undefined;
}

/** A health check, or what is wrong with it in words. */
function checkOf(given: unknown): HealthCheck | string | undefined {
  if (typeof given !== 'string') return undefined;
  if (!/^https?:/i.test(given)) {
    const command = wordsOf(given);
    return command === undefined || command.length === 0
      ? '--health-check is a command with its quotes closed, or a URL'
      : { command };
  }
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined) return '--health-check is not a URL';
  if (url.username !== '' || url.password !== '')
    return '--health-check takes no URL with a password: it would stand in the journal of the run';
  return { url: given };
}

/** A number of seconds that a pod may be given to start; undefined for anything else. */
function secondsOf(given: unknown): number | undefined {
  const seconds = typeof given === 'string' && /^\d{1,4}$/.test(given) ? Number(given) : 0;
  return seconds >= 5 && seconds <= LONGEST_START ? seconds : undefined;
}

function readers(given: Given) {
  return {
    text: (key: Flag['key']) => (typeof given[key] === 'string' ? given[key] : undefined),
    flag: (key: Flag['key']) => given[key] === true,
    list: (key: Flag['key']) => (Array.isArray(given[key]) ? (given[key] as string[]) : []),
  };
}

function structured(given: Given): 'text' | 'json' {
  return given.output === 'json' ? 'json' : 'text';
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}

function usage(problem: string): Command {
  const first = problem
    .split('\n')
    .map((line) => printable(line, 300))
    .join(' ');
  return { name: 'usageError', message: `${PROGRAM}: ${first}\n${PROGRAM} --help lists commands and flags.` };
}
