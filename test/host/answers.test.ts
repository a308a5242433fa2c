import path from 'node:path';
import { decisionsFrom } from '../../src/commands/decisions.js';
import { parseAnswers, readAnswers } from '../../src/host/answers.js';
import { HostError } from '../../src/host/errors.js';
import { resolveAnswers } from '../../src/host/resolve.js';
import type { Question } from '../../src/model/question.js';
import type { Step } from '../../src/model/step.js';
import { namespace, snapshotOf } from '../support/snapshot.js';
import { markStep } from '../wizard/steps.js';

const STEPS = [
  { id: 'default-deny', asks: ['namespaces', 'dns', 'mode', 'headroom', 'name'] },
  { id: 'quotas' },
];
const choice = (value: string) => ({ value, label: value });
const base = { message: '', risk: 'none' } as const;
const QUESTIONS: readonly Question[] = [
  {
    ...base,
    id: 'namespaces',
    type: 'choices',
    choices: ['shop', 'shop-test', 'payments', '123'].map(choice),
    recommended: [],
    cautious: [],
  },
  { ...base, id: 'dns', type: 'confirm', recommended: true, cautious: true },
  {
    ...base,
    id: 'mode',
    type: 'choice',
    choices: ['all', 'declared'].map(choice),
    recommended: 'all',
    cautious: 'all',
  },
  { ...base, id: 'headroom', type: 'number', min: 0, max: 100, recommended: 20, cautious: 20 },
  {
    ...base,
    id: 'name',
    type: 'text',
    pattern: { source: '^[a-z-]+$', expected: 'lower-case letters and dashes' },
    recommended: '',
    cautious: '',
  },
];

function resolve(yaml: string, questions = QUESTIONS) {
  const given = parseAnswers(yaml, 'answers.yaml', STEPS);
  return resolveAnswers('default-deny', questions, given.get('default-deny'));
}

const ADVISED: readonly Question[] = [
  {
    ...base,
    id: 'namespaces',
    type: 'choices',
    choices: ['a', 'b'].map(choice),
    recommended: ['b'],
    cautious: [],
  },
  { ...base, id: 'dns', type: 'confirm', recommended: true, cautious: false },
  { ...base, id: 'mode', type: 'choice', choices: ['x', 'y'].map(choice), recommended: 'y', cautious: 'x' },
  { ...base, id: 'headroom', type: 'number', min: 0, max: 100, recommended: 20, cautious: 0 },
  { ...base, id: 'name', type: 'text', recommended: 'team-a', cautious: '' },
];

describe('the word "recommended"', () => {
  test.each(ADVISED.map((question) => [question.type, question] as const))(
    'of a question of type %s',
    (_, question) => {
      const { id, recommended } = question;
      expect(resolve(`default-deny: {${id}: recommended}`, ADVISED)).toEqual({
        answers: { [id]: recommended },
        notes: [],
      });
    },
  );

  test('of a step: every question that has no answer of its own', () => {
    expect(resolve('default-deny: recommended', ADVISED).answers).toEqual({
      namespaces: ['b'],
      dns: true,
      mode: 'y',
      headroom: 20,
      name: 'team-a',
    });
  });

  test('where it is one of the choices it means that choice', () => {
    const choices = ['recommended', 'other'].map(choice);
    const question: Question = {
      ...base,
      id: 'mode',
      type: 'choice',
      choices,
      recommended: 'other',
      cautious: 'other',
    };
    expect(resolve('default-deny: {mode: recommended}', [question]).answers).toEqual({ mode: 'recommended' });
  });
});

test.each([
  ['dns: false', { dns: false }],
  ['dns: yes', { dns: true }],
  ['dns: no', { dns: false }],
  ['mode: declared', { mode: 'declared' }],
  ['headroom: 35', { headroom: 35 }],
  ['name: team-a', { name: 'team-a' }],
  ['namespaces: all', { namespaces: ['shop', 'shop-test', 'payments', '123'] }],
  ['namespaces: none', { namespaces: [] }],
  ['namespaces: []', { namespaces: [] }],
  ['namespaces: [payments, shop]', { namespaces: ['shop', 'payments'] }],
  ["namespaces: ['shop*']", { namespaces: ['shop', 'shop-test'] }],
  ['namespaces: shop-*', { namespaces: ['shop-test'] }],
  ['namespaces: [123]', { namespaces: ['123'] }],
  ["namespaces: ['nothing-*']", { namespaces: [] }],
])('%s', (line, expected) => {
  expect(resolve(`default-deny:\n  ${line}\n`)).toEqual({ answers: expected, notes: [] });
});

test.each([
  ['all', ['shop']],
  ["'*'", ['shop']],
  ["['kube-*', shop]", ['shop']],
  ['kube-public', ['kube-public']],
  ['[kube-public, shop]', ['shop', 'kube-public']],
])('what is offered apart is chosen by its own name alone: %s', (value, expected) => {
  const question: Question = {
    ...base,
    id: 'namespaces',
    type: 'choices',
    choices: [choice('shop'), { ...choice('kube-public'), apart: true }],
    recommended: [],
    cautious: [],
  };
  expect(resolve(`default-deny:\n  namespaces: ${value}\n`, [question]).answers).toEqual({
    namespaces: expected,
  });
});

test.each([
  ['default-deny:\n  dns: 5', 'answers.yaml:2: default-deny.dns is 5; expected true or false.'],
  ['default-deny:\n  dns:', 'answers.yaml:2: default-deny.dns is null; expected true or false.'],
  [
    'default-deny:\n  mode: some',
    'answers.yaml:2: default-deny.mode is "some"; expected one of all, declared.',
  ],
  [
    'default-deny:\n  dns: true\n  headroom: 101',
    'answers.yaml:3: default-deny.headroom is 101; expected a number from 0 to 100.',
  ],
  ['default-deny:\n  headroom: lots', 'expected a number from 0 to 100'],
  ['default-deny:\n  headroom: .nan', 'expected a number from 0 to 100'],
  [
    'default-deny:\n  name: Team A',
    'answers.yaml:2: default-deny.name is "Team A"; expected lower-case letters and dashes.',
  ],
  [
    'default-deny:\n  namespaces: {a: b}',
    'expected a list, all or none; there are shop, shop-test, payments, 123',
  ],
  ['default-deny:\n  namespaces: [[shop]]', 'expected a list, all or none'],
  [
    '# comment\nquota:\n  x: 1',
    "answers.yaml:2: there is no step 'quota'; the steps are default-deny, quotas.",
  ],
  [
    'default-deny:\n  namespace: all',
    "answers.yaml:2: step default-deny asks no question 'namespace'; it asks namespaces, dns, mode, headroom, name.",
  ],
  ['- a\n- b', 'answers.yaml:1: expected a map from step ids'],
  ['default-deny: 5', 'answers.yaml:1: expected a map from step ids'],
  ['default-deny:\n  dns: true\n  dns: false', 'answers.yaml:3: Map keys must be unique'],
  ['default-deny:\n\tdns: true', 'answers.yaml:2: '],
  ['default-deny: {dns: [', 'answers.yaml:2: '],
  ['default-deny:\n  name: "\\e[2J"', 'expected lower-case letters'],
])('%j is refused with file, line and what was expected', (yaml, message) => {
  let caught: unknown;
  try {
    resolve(`${yaml}\n`);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(HostError);
  const text = (caught as HostError).message;
  expect(text).toContain(message);
  expect(text.split('\n').length).toBeLessThanOrEqual(3);
  expect(text).not.toContain('\u001b');
});

test('an empty file and an empty step answer nothing', () => {
  expect(parseAnswers('', 'a', STEPS).size).toBe(0);
  expect(parseAnswers('# nothing\n', 'a', STEPS).size).toBe(0);
  expect(resolve('default-deny:\n')).toEqual({ answers: {}, notes: [] });
});

test('aliases that explode are refused, not expanded', () => {
  const bomb = ['default-deny:', '  a: &a [x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 12; i++) {
    const [now, last] = ['bcdefghijklmn'[i - 1], 'abcdefghijklmn'[i - 1]];
    bomb.push(`  ${now}: &${now} [${Array(9).fill(`*${last}`).join(',')}]`);
  }
  const loose = [{ id: 'default-deny' }];
  expect(() => parseAnswers(bomb.join('\n'), 'answers.yaml', loose)).toThrow(/^answers\.yaml:\d+: /);
});

test('what cannot be answered as the cluster stands is left out with a note, so that one file serves before and after', () => {
  const { answers, notes } = resolve('default-deny:\n  dns: true\n  namespaces: [shop, gone]\n', [
    QUESTIONS[0]!,
  ]);
  expect(answers).toEqual({ namespaces: ['shop'] });
  expect(notes).toEqual([
    "answers.yaml:2: default-deny does not ask 'dns' as the cluster stands; it asks namespaces.",
    'answers.yaml:3: default-deny.namespaces: gone cannot be chosen as the cluster stands, but shop, shop-test, payments, 123.',
  ]);
});

test('a file that is not there is named', async () => {
  await expect(readAnswers(path.join('no-such', 'answers.yaml'), STEPS)).rejects.toThrow(
    'The answers file no-such/answers.yaml cannot be read: it does not exist.',
  );
});

test('a step is asked on what the answered steps before it leave behind', () => {
  const seen: (readonly string[])[] = [];
  const first = markStep('first', ['a']);
  const second: Step = {
    ...markStep('second', []),
    questions: (now) => {
      const there = now.listings.get('ConfigMap');
      seen.push(there?.state === 'read' ? there.items.map((item) => item.metadata.name) : []);
      return [];
    },
  };
  const now = snapshotOf({ objects: [namespace('shop')] });
  const given = parseAnswers('first: {on: true}\nsecond: {}', 'answers.yaml', [first, second]);
  const { decisions } = decisionsFrom(given, now, [first, second], new Map());
  expect(decisions.get('first')).toEqual({ answers: { on: true }, excluded: [] });
  expect(seen.at(-1)).toEqual(['a']);
});

test('an answer may bring up a question that the same file answers', () => {
  const first: Step = {
    ...markStep('first', []),
    questions: (_now, given = {}) => [
      { id: 'how', type: 'text', message: '', risk: 'none', recommended: '', cautious: '' },
      ...(given.how === 'by plugin' && given.earlier === true
        ? [{ id: 'plugin', type: 'text', message: '', risk: 'none', recommended: '', cautious: '' } as const]
        : []),
    ],
  };
  const given = parseAnswers('first: {plugin: vault, how: by plugin, earlier: true}', 'answers.yaml', [
    { id: 'first' },
  ]);
  const { decisions, notes } = decisionsFrom(given, snapshotOf({ objects: [] }), [first], new Map());
  expect(decisions.get('first')?.answers).toEqual({ how: 'by plugin', plugin: 'vault', earlier: true });
  expect(notes).toEqual([
    "answers.yaml:1: first does not ask 'earlier' as the cluster stands; it asks how, plugin.",
  ]);
});
