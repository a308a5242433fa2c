import type { Command } from '../../src/cli/command.js';
import { FLAGS, longForm } from '../../src/cli/flags.js';
import { type Env, parse, type Tty } from '../../src/cli/parse.js';
import { expectGolden } from '../support/golden.js';

const STEPS = ['namespaces', 'default-deny', 'quotas', 'encryption-at-rest', 'metadata-blocking'];
const TERMINAL: Tty = { stdin: true, stdout: true };
const PIPE: Tty = { stdin: false, stdout: false };
const NONE = { sandbox: false, steps: [], exclude: [], flows: [], plain: false, noColor: false };

function parsed(line: string, tty: Tty = TERMINAL, env: Env = {}): Command {
  return parse(line === '' ? [] : line.split(' '), env, tty, STEPS);
}

const VALUES: readonly (readonly [string, Command])[] = [
  ['', { name: 'wizard', options: NONE }],
  ['--sandbox', { name: 'wizard', options: { ...NONE, sandbox: true } }],
  ['--plain --no-color', { name: 'wizard', options: { ...NONE, plain: true, noColor: true } }],
  [
    '--context prod --kubeconfig k.yaml',
    { name: 'wizard', options: { ...NONE, context: 'prod', kubeconfig: 'k.yaml' } },
  ],
  ['plan', { name: 'plan', options: NONE, output: 'text', demo: false }],
  [
    'plan --sandbox -o json',
    { name: 'plan', options: { ...NONE, sandbox: true }, output: 'json', demo: false },
  ],
  [
    '-o json --sandbox plan',
    { name: 'plan', options: { ...NONE, sandbox: true }, output: 'json', demo: false },
  ],
  [
    '--sandbox-file s.json plan',
    { name: 'plan', options: { ...NONE, sandbox: true, sandboxFile: 's.json' }, output: 'text', demo: false },
  ],
  [
    'plan --step quotas --step default-deny --exclude-namespace legacy-* --exclude-namespace ci',
    {
      name: 'plan',
      options: { ...NONE, steps: ['quotas', 'default-deny'], exclude: ['legacy-*', 'ci'] },
      output: 'text',
      demo: false,
    },
  ],
  ['plan --from manifests', { name: 'plan', options: NONE, output: 'text', from: 'manifests', demo: false }],
  ['apply --confirm prod', { name: 'apply', options: NONE, confirm: 'prod' }],
  ['--confirm prod apply', { name: 'apply', options: NONE, confirm: 'prod' }],
  [
    'apply --confirm=prod --answers a.yaml --templates t',
    { name: 'apply', options: { ...NONE, answers: 'a.yaml', templates: 't' }, confirm: 'prod' },
  ],
  [
    'plan --flows a.jsonl --from d --flows b.csv',
    {
      name: 'plan',
      options: { ...NONE, flows: ['a.jsonl', 'b.csv'] },
      output: 'text',
      from: 'd',
      demo: false,
    },
  ],
  ['resume 7f3a --flows a.jsonl', { name: 'resume', options: { ...NONE, flows: ['a.jsonl'] }, run: '7f3a' }],
  ['generate --output-dir out', { name: 'generate', options: NONE, outputDir: 'out', force: false }],
  [
    'generate --force --output-dir out --from m',
    { name: 'generate', options: NONE, outputDir: 'out', force: true, from: 'm' },
  ],
  ['resume', { name: 'resume', options: NONE }],
  ['resume 7f3a', { name: 'resume', options: NONE, run: '7f3a' }],
  ['resume 7f3a --confirm prod', { name: 'resume', options: NONE, run: '7f3a', confirm: 'prod' }],
  ['runs', { name: 'runs', options: NONE, output: 'text' }],
  [
    'rewrite-secrets --confirm prod',
    {
      name: 'rewriteSecrets',
      options: NONE,
      resources: ['secrets'],
      confirm: 'prod',
      evenIfUntried: false,
      prove: true,
      output: 'text',
      print: false,
    },
  ],
  [
    'rewrite-secrets --resource configmaps --resource widgets.example.com --max-rate 0 --concurrency 8 --no-proof --unreached-servers goOn -o json',
    {
      name: 'rewriteSecrets',
      options: NONE,
      resources: ['configmaps', 'widgets.example.com'],
      evenIfUntried: true,
      prove: false,
      maxRate: 0,
      concurrency: 8,
      output: 'json',
      print: false,
    },
  ],
  ['runs -o json', { name: 'runs', options: NONE, output: 'json' }],
  ['probe', { name: 'probe', options: NONE, output: 'text' }],
  [
    'probe --confirm prod --probe-image mirror.test:5000/agnhost:2.53@sha256:00ff --probe-timeout 180 -o json',
    {
      name: 'probe',
      options: { ...NONE, probeImage: 'mirror.test:5000/agnhost:2.53@sha256:00ff', probeTimeout: 180 },
      output: 'json',
      confirm: 'prod',
    },
  ],
  ['reach', { name: 'reach', options: NONE, output: 'text' }],
  ['reach --from d -o svg', { name: 'reach', options: NONE, output: 'svg', from: 'd' }],
  [
    'reach explain shop/web db/pg 5432',
    {
      name: 'reachExplain',
      options: NONE,
      output: 'text',
      source: 'shop/web',
      destination: 'db/pg',
      port: '5432',
    },
  ],
  [
    'reach diff --from old --to new -o json',
    { name: 'reachDiff', options: NONE, output: 'json', from: 'old', to: 'new' },
  ],
  [
    'reach --resolve DB.example.com.=192.0.2.7 --resolve db.example.com=2001:db8::7',
    {
      name: 'reach',
      options: NONE,
      output: 'text',
      resolve: [
        { name: 'db.example.com', address: '192.0.2.7' },
        { name: 'db.example.com', address: '2001:db8::7' },
      ],
    },
  ],
  ['--version', { name: 'version' }],
  ['plan --version', { name: 'version' }],
  [
    'apply --confirm prod --confirm-within 5m --health-check http://127.0.0.1/health',
    {
      name: 'apply',
      options: { ...NONE, confirmWithin: 300, healthCheck: { url: 'http://127.0.0.1/health' } },
      confirm: 'prod',
    },
  ],
  ['--confirm-within 90s', { name: 'wizard', options: { ...NONE, confirmWithin: 90 } }],
  ['keep', { name: 'keep', options: NONE }],
  ['keep 7f3a --step quotas', { name: 'keep', options: { ...NONE, steps: ['quotas'] }, run: '7f3a' }],
];

test.each(VALUES)('kubectl harden %s', (line, expected) => {
  expect(parsed(line)).toEqual(expected);
});

const WRONG: readonly (readonly [string, string])[] = [
  ['plant', "unknown command 'plant'"],
  ['--bogus', "unknown option '--bogus'"],
  ['plan --contxt prod', "unknown option '--contxt' (Did you mean --context?)"],
  ['plan extra', "too many arguments for 'plan'. Expected 0 arguments but got 1: extra."],
  ['plan --context', "option '--context <NAME>' argument missing"],
  ['plan --context --sandbox', '--context needs a value'],
  ['plan --flows', "option '--flows <FILE>' argument missing"],
  ['reach --flows a.csv', '--flows does not go with reach; it goes with the wizard, plan, apply'],
  ['plan --context=', '--context needs a value'],
  ['plan -o xml', "--output is one of text, json, not 'xml'"],
  ['plan -o dot', "--output is one of text, json, not 'dot'"],
  ['reach -o xml', "--output is one of text, json, dot, svg, not 'xml'"],
  ['plan --confirm prod', '--confirm does not go with plan; it goes with apply, resume'],
  ['--force', '--force does not go with the wizard; it goes with generate'],
  ['runs --context prod', '--context does not go with runs; it goes with'],
  ['apply', 'apply needs --confirm CONTEXT'],
  ['apply --sandbox', 'apply needs --confirm CONTEXT'],
  ['generate', 'generate needs --output-dir DIR'],
  [
    'plan --probe-image a',
    '--probe-image does not go with plan; it goes with the wizard, apply, resume, probe',
  ],
  ['probe --sandbox', '--sandbox does not go with probe'],
  ['probe --probe-image -x', '--probe-image needs a value'],
  ['probe --probe-image a|b', "--probe-image is the name of an image, not 'a|b'"],
  ['probe --probe-timeout 4', '--probe-timeout is a number of seconds from 5 to 600'],
  ['probe --probe-timeout 1e2', '--probe-timeout is a number of seconds from 5 to 600'],
  ['plan --sandbox --context prod', '--sandbox and --context name two different clusters'],
  ['plan --sandbox-file f --kubeconfig k', '--sandbox and --kubeconfig name two different clusters'],
  [
    'reach --resolve db.example.com=db2.example.com',
    "--resolve is NAME=ADDRESS as in db.example.com=192.0.2.7, not 'db.example.com=db2.example.com'",
  ],
  ['plan --from d --sandbox', '--from reads files; it does not go with a flag that names a cluster'],
  ['plan --from d --context c', '--from reads files; it does not go with a flag that names a cluster'],
  ['plan --step quota', "there is no step 'quota'; the steps are namespaces, default-deny, quotas"],
  ['rewrite-secrets --max-rate fast', "--max-rate is a whole number from 0, not 'fast'"],
  ['rewrite-secrets --concurrency 0', "--concurrency is a whole number from 1, not '0'"],
  ['rewrite-secrets --resource Secret', '--resource is a plural as in configmaps or widgets.example.com'],
  ['rewrite-secrets --unreached-servers yes', "--unreached-servers is refuse or goOn, not 'yes'"],
  ['plan --print', '--print does not go with plan; it goes with rewrite-secrets'],
  ['resume a b', "too many arguments for 'resume'"],
  ['reach explain shop/web', "missing required argument 'DST'"],
  ['reach diff --from old', 'reach diff needs --from OLD and --to NEW'],
  ['reach nonsense', "too many arguments for 'reach'"],
  ['apply --confirm prod --confirm-within soon', '--confirm-within is a time from 2s to 24h'],
  ['apply --confirm prod --confirm-within 25h', '--confirm-within is a time from 2s to 24h'],
  ['apply --confirm prod --health-check true', 'give both'],
  ['apply --confirm prod --confirm-within 5m --health-check "open', 'a command with its quotes closed'],
  [
    'apply --confirm prod --confirm-within 5m --health-check http://me:secret@shop/',
    'takes no URL with a password',
  ],
  ['apply --sandbox --confirm sandbox --confirm-within 5m', 'needs a cluster that outlives this command'],
  ['--sandbox --confirm-within 5m', 'needs a cluster that outlives this command'],
  ['plan --confirm-within 5m', '--confirm-within does not go with plan'],
];

test.each(WRONG)('kubectl harden %s is refused in words', (line, part) => {
  const command = parsed(line);
  expect(command.name).toBe('usageError');
  if (command.name !== 'usageError') return;
  expect(command.message).toContain(part);
  expect(command.message.split('\n').length).toBeLessThanOrEqual(3);
});

describe('without a terminal nothing prompts', () => {
  test.each([PIPE, { stdin: true, stdout: false }, { stdin: false, stdout: true }])('%j', (tty) => {
    expect(parsed('--sandbox', tty)).toEqual({
      name: 'plan',
      options: { ...NONE, sandbox: true },
      output: 'text',
      demo: true,
    });
    const real = parsed('', tty);
    expect(real).toMatchObject({ name: 'usageError' });
    expect(real.name === 'usageError' && real.message).toContain('apply --confirm CONTEXT');
    expect(parsed('--plain', tty)).toMatchObject({ name: 'usageError' });
    expect(parsed('resume 7f3a', tty)).toMatchObject({
      name: 'usageError',
      message: expect.stringContaining('--confirm CONTEXT'),
    });
    expect(parsed('probe', tty)).toMatchObject({
      name: 'usageError',
      message: expect.stringContaining('--confirm CONTEXT'),
    });
    expect(parsed('probe --confirm prod', tty)).toMatchObject({ name: 'probe', confirm: 'prod' });
    expect(parsed('resume 7f3a --confirm prod', tty)).toMatchObject({ name: 'resume', confirm: 'prod' });
    expect(parsed('rewrite-secrets', tty)).toMatchObject({ name: 'usageError' });
    expect(parsed('rewrite-secrets --print', tty)).toMatchObject({ name: 'rewriteSecrets', print: true });
    expect(parsed('apply --confirm prod', tty)).toMatchObject({ name: 'apply' });
  });
});

test.each([
  [{}, false, false],
  [{ TERM: 'xterm-256color' }, false, false],
  [{ TERM: 'dumb' }, true, true],
  [{ NO_COLOR: '1' }, false, true],
  [{ NO_COLOR: '' }, false, false],
])('%j: plain %p, no colour %p', (env, plain, noColor) => {
  expect(parsed('', TERMINAL, env)).toMatchObject({ options: { plain, noColor } });
});

test('control characters of the command line reach a message escaped', () => {
  const command = parse(['\u001b[2J'], {}, TERMINAL, STEPS);
  expect(command).toMatchObject({ name: 'usageError' });
  expect(JSON.stringify(command)).not.toContain('\\u001b');
});

test('help names every command, every flag and the exit codes, at 80 columns', () => {
  const command = parsed('--help');
  if (command.name !== 'help') throw new Error(`not help but ${command.name}`);
  expectGolden('cli/help.txt', command.text);
  for (const flag of FLAGS) expect(command.text).toContain(longForm(flag));
  expect(Math.max(...command.text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each(['plan --help', 'help plan', 'plan -h'])('%s lists the flags that go with it', (line) => {
  const command = parsed(line);
  if (command.name !== 'help') throw new Error(`not help but ${command.name}`);
  expect(command.text).toContain('Usage: kubectl harden plan [FLAGS]');
  expect(command.text).toContain('--answers');
  expect(command.text).not.toContain('--output-dir');
});
