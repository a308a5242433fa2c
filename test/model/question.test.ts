import type { Change } from '../../src/model/plan.js';
import {
  type AnswerValue,
  chosen,
  completeAnswers,
  defaultAnswer,
  isRecommended,
  needsAnswer,
  type Question,
  recommendedWords,
} from '../../src/model/question.js';
import { RISKS, type Risk } from '../../src/model/risk.js';
import { statusOf } from '../../src/model/step.js';
import { TemplateError, template } from '../../src/model/template.js';
import { counted, listed } from '../../src/model/words.js';
import { object } from '../support/snapshot.js';

const ask = (risk: Risk): Question => ({
  id: 'q',
  message: '?',
  risk,
  type: 'confirm',
  recommended: true,
  cautious: false,
});

test.each([
  ['none', true, true],
  ['none', false, true],
  ['rejectsWorkloads', true, true],
  ['rejectsWorkloads', false, false],
  ['cutsTraffic', false, false],
  ['restartsApiServer', false, false],
  ['rewritesStorage', false, false],
] as const)('risk %s, embedded cluster %s: the default is %s', (risk, sandbox, expected) => {
  expect(defaultAnswer(ask(risk), sandbox)).toBe(expected);
});

test('only what is without risk may go unanswered', () => {
  const risks = Object.keys(RISKS) as Risk[];
  expect(risks.filter((risk) => !needsAnswer(ask(risk)))).toEqual(['none']);
});

test('a question that follows another one may go unanswered, whatever its risk', () => {
  expect(needsAnswer({ ...ask('cutsTraffic'), follows: 'other' })).toBe(false);
});

const choice = (value: string) => ({ value, label: value.toUpperCase() });
const of = (choices: readonly string[], recommended: readonly string[]): Question => ({
  ...{ id: 'q', message: '?', risk: 'none', type: 'choices' },
  choices: choices.map(choice),
  recommended,
  cautious: [],
});
test.each<[Question, AnswerValue, AnswerValue, string]>([
  [ask('none'), true, false, 'yes'],
  [{ ...ask('none'), type: 'number', min: 0, max: 9, recommended: 7, cautious: 0 }, 7, 0, '7'],
  [{ ...ask('none'), type: 'text', recommended: '', cautious: 'x' }, '', 'x', 'nothing'],
  [
    { ...ask('none'), type: 'choice', choices: [choice('a'), choice('b')], recommended: 'b', cautious: 'a' },
    'b',
    'a',
    'B',
  ],
  [of(['a', 'b'], ['a', 'b']), ['b', 'a'], ['a'], 'A, B'],
  [of(['a', 'b', 'c', 'd'], ['a', 'b', 'c', 'd']), ['d', 'c', 'b', 'a'], [], 'all 4'],
  [of(['a', 'b', 'c'], ['a', 'c']), ['a', 'c'], ['a', 'b'], 'A, C'],
  [of(['a', 'b', 'c', 'd', 'e'], ['a', 'b', 'c', 'd']), ['a', 'b', 'c', 'd'], [], '4 of 5'],
  [of(['a'], []), [], ['a'], 'none'],
])('what is recommended is told apart and put in words: %#', (question, same, other, words) => {
  expect(isRecommended(question, same)).toBe(true);
  expect(isRecommended(question, other)).toBe(false);
  expect(recommendedWords(question)).toBe(words);
});

test('answers are completed, what is not asked is dropped, and "no" is an answer', () => {
  expect(completeAnswers([ask('none')], {}, false)).toEqual({ q: true });
  expect(completeAnswers([ask('none')], { q: false, other: 1 }, false)).toEqual({ q: false });
  expect(completeAnswers([], { q: true }, true)).toEqual({});
});

test('a list is read where there is one', () => {
  expect(chosen({ a: ['x'] }, 'a')).toEqual(['x']);
  expect(chosen({ a: 'x' }, 'a')).toEqual([]);
  expect(chosen({}, 'a')).toEqual([]);
});

test('a step stands by its changes, then by what could not be seen, then by advice', () => {
  const finding = (severity: 'high' | 'notVisible') => ({ id: 'f', severity, evidence: '', message: '' });
  const changes = [{}] as Change[];
  expect(statusOf([finding('notVisible')], changes)).toBe('changes');
  expect(statusOf([finding('high'), finding('notVisible')], [])).toBe('notVisible');
  expect(statusOf([finding('high')], [])).toBe('advice');
  expect(statusOf([], [])).toBe('ok');
});

test('a template is handed out as a copy; a missing one is an error that names it', () => {
  const templates = new Map([['a/b.yaml', object('v1', 'ConfigMap', undefined, 'c', { data: { k: 'v' } })]]);
  (template(templates, 'a/b.yaml').data as Record<string, string>).k = 'changed';
  expect(template(templates, 'a/b.yaml').data).toEqual({ k: 'v' });
  expect(() => template(templates, 'a/c.yaml')).toThrow(new TemplateError('templates/a/c.yaml is missing'));
});

test('numbers and lists read as words', () => {
  expect([0, 1, 2].map((n) => counted(n, 'pod'))).toEqual(['0 pods', '1 pod', '2 pods']);
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed)).toEqual(['', 'a', 'a and b', 'a, b and c']);
});
