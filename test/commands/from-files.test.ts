import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from '../../src/cli/parse.js';
import { generate, plan } from '../../src/commands/plan.js';
import { reach } from '../../src/commands/reach.js';
import { STEPS } from '../../steps/index.js';
import { writtenIo } from '../support/written-io.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'from-files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));
const at = (name: string) => path.join(directory, name);

const POD = (name: string, namespace = 'shop') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ${namespace}, labels: {app: ${name}}}\nspec: {containers: [{name: c, image: i}]}\n`;
const POLICY = (name: string, spec: string, apiVersion = 'networking.k8s.io/v1', kind = 'NetworkPolicy') =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: shop}\nspec: ${spec}\n`;
const DENY = '{podSelector: {}, policyTypes: [Ingress]}';

/** A folder below the test's own, with these files. */
function folder(name: string, files: Readonly<Record<string, string>>): string {
  const target = mkdtempSync(path.join(directory, `${name}-`));
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(target, file), text);
  return target;
}

/** Carries a command line out as the program does; folders in messages are left out. */
async function run(line: readonly string[]) {
  const { io, written } = writtenIo();
  const command = parse(
    line,
    {},
    { stdin: false, stdout: false },
    STEPS.map(({ id }) => id),
  );
  const carryOut = () => {
    switch (command.name) {
      case 'plan':
        return plan(command, io);
      case 'generate':
        return generate(command, io);
      case 'reach':
      case 'reachExplain':
      case 'reachDiff':
        return reach(command, io);
      default:
        throw new Error(JSON.stringify(command));
    }
  };
  const code = await carryOut();
  const stderr = written.stderr.replaceAll(new RegExp(`${directory}/[\\w-]+/`, 'g'), '');
  return { code, stdout: written.stdout, stderr };
}

/** Every command that reads files; `diff` reads them twice. */
const COMMANDS: readonly (readonly [string, (from: string) => readonly string[]])[] = [
  ['reach', (from) => ['reach', '--from', from]],
  ['reach explain', (from) => ['reach', 'explain', 'shop/web', 'shop/db', '--from', from]],
  ['reach diff', (from) => ['reach', 'diff', '--from', from, '--to', from]],
  ['plan', (from) => ['plan', '--from', from]],
  ['generate', (from) => ['generate', '--from', from, '--output-dir', at('out')]],
];

/** What is wrong with a file, what is said of it, and whether `plan` and `generate` call it a broken file. */
const WRONG: readonly (readonly [string, string, string, boolean])[] = [
  ['no YAML', 'kind: {\n', 'wrong.yaml: line', true],
  [
    'a policy that no server takes',
    POLICY('bad', '{podSelector: {matchLabels: {a: "b c"}}}'),
    'wrong.yaml: NetworkPolicy shop/bad: spec.podSelector.matchLabels[a]: "b c" is not a label value',
    true,
  ],
  [
    'a template that is not rendered',
    POD('{{ .Values.x }}'),
    'wrong.yaml: line 1, Pod {{ .Values.x }}: is a template that is not rendered',
    true,
  ],
  [
    'a pod that no server takes',
    POD('web_2'),
    'wrong.yaml: line 1, Pod shop/web_2: no API server would take it, so it counts as not there: metadata.name',
    true,
  ],
  [
    'an object twice',
    POLICY('deny', '{podSelector: {}, ingress: [{}]}'),
    'wrong.yaml: NetworkPolicy shop/deny: is also in ok.yaml; only the first is used',
    true,
  ],
  [
    'a policy of Calico',
    POLICY('all', '{}', 'projectcalico.org/v3', 'NetworkPolicy'),
    'wrong.yaml: NetworkPolicy shop/all: is a policy of a kind that is not analysed',
    false,
  ],
  [
    'a policy of Cilium',
    POLICY('all', '{endpointSelector: {}, ingress: [{}]}', 'cilium.io/v2', 'CiliumNetworkPolicy'),
    'wrong.yaml: CiliumNetworkPolicy shop/all: is a policy of a kind that is not analysed',
    false,
  ],
  [
    'a policy of an API group that is gone',
    POLICY('old', DENY, 'extensions/v1beta1'),
    'wrong.yaml: NetworkPolicy shop/old: is a policy of a kind that is not analysed',
    false,
  ],
];

describe.each(WRONG)('%s', (_, text, told, broken) => {
  test.each(COMMANDS)('%s says it, does the rest, and a script can notice', async (name, line) => {
    const fine = { 'ok.yaml': `${POD('web')}---\n${POD('db')}---\n${POLICY('deny', DENY)}` };
    const good = await run(line(folder('good', fine)));
    rmSync(at('out'), { recursive: true, force: true });
    const ran = await run(line(folder('bad', { ...fine, 'wrong.yaml': text })));
    expect(ran.stderr).toContain(told);
    // Only the name of the folder tells the two outputs apart.
    expect(ran.stdout.replace(/(good|bad)-\w+/g, 'X')).toBe(good.stdout.replace(/(good|bad)-\w+/g, 'X'));
    expect(good.code).toBe(0);
    expect(ran.code).toBe(broken || name.startsWith('reach') ? 2 : 0);
  });
});

test('a policy that selects pods on the network of their node is a note: nothing is missing', async () => {
  const host = POD('agent').replace('spec: {', 'spec: {hostNetwork: true, ');
  const ran = await run([
    'reach',
    '--from',
    folder('a', { 'a.yaml': `${host}---\n${POLICY('deny', DENY)}` }),
  ]);
  expect(ran.stderr).toContain('a.yaml: Pod shop/agent: uses its node');
  expect(ran.code).toBe(0);
});

test.each([
  ['shop/web', 'shop/web'],
  ['shop/web[Pod]', 'shop/web'],
])('a pod always reaches itself: %s %s', async (from, to) => {
  const files = folder('a', { 'a.yaml': `${POD('web')}---\n${POLICY('deny', DENY)}` });
  const ran = await run(['reach', 'explain', from, to, '80', '--from', files]);
  expect(ran.stdout).toContain('allowed');
});

describe('files and no answers', () => {
  const files = () => folder('a', { 'a.yaml': `${POD('web')}---\n${POD('db')}` });

  test('plan says that nothing is chosen and what answers look like; they give a plan', async () => {
    const from = files();
    const without = await run(['plan', '--from', from]);
    expect(without).toMatchObject({ code: 0, stdout: expect.stringContaining('--answers FILE') });
    const example = /^ {2}default-deny: \{.*\}$/m.exec(without.stdout)?.[0] ?? '';
    expect(example).toBe('  default-deny: {namespaces: all}');
    writeFileSync(at('answers.yaml'), example.trim());
    const answered = await run(['plan', '--from', from, '--answers', at('answers.yaml')]);
    expect(answered.code).toBe(1);
    expect(answered.stdout).not.toContain('Nothing is chosen');
  });

  test('manifests beside the files that generate wrote for them are read without a word', async () => {
    const from = files();
    writeFileSync(at('answers.yaml'), 'default-deny: recommended\n');
    const out = path.join(from, 'policies');
    const flags = ['--from', from, '--answers', at('answers.yaml'), '--step', 'default-deny'];
    expect((await run(['generate', ...flags, '--output-dir', out])).code).toBe(0);
    const reached = await run(['reach', '--from', from]);
    expect(reached).toMatchObject({ code: 0, stderr: '' });
    expect(reached.stdout).not.toContain('shop/web[Pod] => shop/db[Pod]');
  });

  test('generate says the same beside the files; the script takes no context by itself', async () => {
    const ran = await run(['generate', '--from', files(), '--output-dir', at('out')]);
    expect(ran.stderr).toContain('Nothing is chosen');
    expect(ran.code).toBe(0);
    const readme = readFileSync(at('out/README.md'), 'utf8');
    expect(readme).toContain('No cluster was read');
    expect(readme).toContain('./apply.sh --context NAME');
    expect(readFileSync(at('out/apply.sh'), 'utf8')).not.toContain('PLANNED');
  });
});
