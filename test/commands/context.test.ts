import { answersHash, decisionsOn, fileFlags, selectionFlags } from '../../src/commands/context.js';
import { parseAnswers } from '../../src/host/answers.js';
import type { Step } from '../../src/model/step.js';
import type { Decisions } from '../../src/wizard/assemble.js';
import { snapshotOf } from '../support/snapshot.js';

test('the files of a plan are named again; a run knows its steps and namespaces by itself', () => {
  const selection = {
    steps: ['quotas'],
    exclude: ['ci'],
    templates: 't',
    answers: 'my answers.yaml',
    flows: ['a.jsonl', 'b.csv'],
  };
  const files = [
    '--templates',
    't',
    '--answers',
    'my answers.yaml',
    '--flows',
    'a.jsonl',
    '--flows',
    'b.csv',
  ];
  expect(fileFlags(selection)).toEqual(files);
  expect(selectionFlags(selection)).toEqual(['--step', 'quotas', '--exclude-namespace', 'ci', ...files]);
  expect(fileFlags({ steps: [], exclude: [], flows: [] })).toEqual([]);
});

describe('an answers file and the answers of the run that is resumed', () => {
  const step = {
    id: 's',
    title: '',
    why: ['', ''],
    references: [],
    folder: '',
    reads: [],
    writes: [],
    questions: () =>
      ['a', 'b'].map((id) => ({
        id,
        type: 'confirm' as const,
        message: '',
        risk: 'none' as const,
        recommended: false,
        cautious: false,
      })),
    assess: () => [],
    plan: () => [],
  } satisfies Step;
  const file = (text: string) => parseAnswers(text, 'a.yaml', [step]);
  const given = file('s: {a: true, b: true}');
  const earlier = new Map<string, Decisions>([['s', { answers: { a: false }, excluded: [] }]]);
  const material = {
    steps: [step],
    templates: { get: () => ({ apiVersion: '', kind: '', metadata: { name: '' } }) },
    given,
    observed: [],
  };
  const answersOf = (known?: string) =>
    decisionsOn(snapshotOf(), material as never, earlier, known).decisions.get('s')?.answers;

  test('the same file again does not undo what was answered since', () => {
    expect(answersOf(answersHash(given))).toEqual({
      a: false,
      b: true,
    });
  });

  test('another file counts more than what was answered before', () => {
    expect(answersOf(answersHash(file('s: {b: true}')))).toEqual({ a: true, b: true });
    expect(answersOf()).toEqual({ a: true, b: true });
  });

  test('how a file is written plays no part', () => {
    expect(answersHash(file('# words\ns:\n  a: true\n  b: true\n'))).toBe(answersHash(given));
  });
});
