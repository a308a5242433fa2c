import type { AnswerValue, Question } from '../../src/model/question.js';
import type { UserEvent, WizardState } from '../../src/wizard/state.js';
import { shopState, withStep } from './fixtures.js';
import { KEY, type Mounted, onScreen } from './harness.js';

/** Answers as the session would take them. */
function answering(event: UserEvent, state: WizardState): WizardState {
  if (event.type !== 'answer') return state;
  return withStep(state, (step) => ({
    ...step,
    answers: { ...step.answers, [event.question]: event.value },
    answered: [...step.answered, event.question],
  }));
}

function onQuestions(test: (mounted: Mounted) => Promise<void>, state = shopState({ at: 'questions' })) {
  return onScreen(state, {}, async (mounted) => {
    mounted.session.reply = answering;
    await test(mounted);
  });
}

const answersTo = (mounted: Mounted, question: string): AnswerValue[] =>
  mounted.session.events.flatMap((event) =>
    event.type === 'answer' && event.question === question ? [event.value] : [],
  );

test('space marks and unmarks; the answer is the whole list', () =>
  onQuestions(async (mounted) => {
    await mounted.press(' ', KEY.down, ' ');
    expect(answersTo(mounted, 'namespaces')).toEqual([
      ['legacy-ftp', 'payments', 'shop'],
      ['legacy-ftp', 'shop'],
    ]);
    expect(mounted.frame()).toContain('[x] legacy-ftp');
    expect(mounted.frame()).toContain('[ ] payments');
    expect(mounted.frame()).toContain('2 of 3 chosen');
  }));

test('what is recommended is marked where the answer is another one, and R takes it', () =>
  onQuestions(async (mounted) => {
    await mounted.press('n');
    expect(mounted.frame()).toContain('Recommended: payments, shop (R takes it)');
    expect(mounted.frame()).toMatch(/\[ \] payments +recommended/);
    await mounted.press('R');
    expect(answersTo(mounted, 'namespaces').at(-1)).toEqual(['payments', 'shop']);
    expect(mounted.frame()).not.toContain('R takes it');
  }));

test('of one choice: Enter keeps what R took', () =>
  onQuestions(async (mounted) => {
    await mounted.press(KEY.tab, KEY.down, ' ', 'R', KEY.enter);
    const taken = answersTo(mounted, 'inside');
    expect([taken.length > 1, taken[0] === 'all', taken.at(-1)]).toEqual([true, false, 'all']);
  }));

test('a marks all, n none', () =>
  onQuestions(async (mounted) => {
    await mounted.press('a', 'n');
    expect(answersTo(mounted, 'namespaces')).toEqual([['legacy-ftp', 'payments', 'shop'], []]);
  }));

test('a leaves what is offered apart as it is; n takes it out', () => {
  const apart = withStep(shopState({ at: 'questions' }), (step) => ({
    ...step,
    questions: step.questions.map((q) =>
      q.type !== 'choices'
        ? q
        : { ...q, choices: [...q.choices, { value: 'kube-public', label: 'kube-public', apart: true }] },
    ),
  }));
  return onQuestions(async (mounted) => {
    await mounted.press('a');
    expect(answersTo(mounted, 'namespaces')).toEqual([['legacy-ftp', 'payments', 'shop']]);
    await mounted.press(KEY.down, KEY.down, KEY.down, ' ', 'a', 'n');
    expect(answersTo(mounted, 'namespaces').slice(1)).toEqual([
      ['legacy-ftp', 'payments', 'shop', 'kube-public'],
      ['legacy-ftp', 'payments', 'shop', 'kube-public'],
      [],
    ]);
  }, apart);
});

test('with a filter, all and none mean what is shown', () =>
  onQuestions(async (mounted) => {
    await mounted.press('/', 'ftp', KEY.enter);
    expect(mounted.frame()).toContain('/ftp  1 of 3');
    expect(mounted.frame()).not.toContain('[x] shop');
    await mounted.press('a');
    expect(answersTo(mounted, 'namespaces')).toEqual([['legacy-ftp', 'payments', 'shop']]);
  }));

test('esc ends the filter and shows all again', () =>
  onQuestions(async (mounted) => {
    await mounted.press('/', 'zzz');
    expect(mounted.frame()).toContain('0 of 3');
    await mounted.press(KEY.esc);
    expect(mounted.frame()).toContain('shop        14 workloads');
    expect(mounted.session.events).toEqual([]);
  }));

test('enter goes through the questions one by one, then on; where one of several is picked it picks', () =>
  onQuestions(async (mounted) => {
    await mounted.press(KEY.enter);
    expect(mounted.session.events.splice(0)).toEqual([
      { type: 'answer', question: 'namespaces', value: ['payments', 'shop'] },
    ]);
    await mounted.press(KEY.down, KEY.enter);
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([
      { type: 'answer', question: 'inside', value: 'declared' },
      { type: 'answer', question: 'dns', value: true },
    ]);
    await mounted.press(KEY.backspace, KEY.backspace, '40', KEY.enter);
    expect(mounted.session.events.slice(2)).toEqual([
      { type: 'answer', question: 'headroom', value: 40 },
      { type: 'next' },
    ]);
  }));

test('a number that is out of range stays on the screen with what is wrong', () =>
  onQuestions(async (mounted) => {
    await mounted.press(KEY.tab, KEY.tab, KEY.tab, KEY.ctrlU, '999', KEY.enter);
    expect(mounted.frame()).toContain('a number from 0 to 400 is needed');
    expect(mounted.session.events).toEqual([]);
    await mounted.press(KEY.ctrlU, 'abc', KEY.enter);
    expect(mounted.session.events).toEqual([]);
  }));

test('letters typed into an answer are no commands', () =>
  onQuestions(async (mounted) => {
    await mounted.press(KEY.tab, KEY.tab, KEY.tab, 'q?sn');
    expect(mounted.session.events).toEqual([]);
    expect(mounted.frame()).toContain('25q?sn');
  }));

test('the cursor runs on from one question into the next and back', () =>
  onQuestions(async (mounted) => {
    await mounted.press('j', 'j', 'j');
    expect(mounted.frame()).toContain('❯ (•) all of it stays');
    await mounted.press('k');
    expect(mounted.frame()).toContain('❯ [x] shop');
  }));

test('shift+tab goes back a question, and from the first one to the overview', () =>
  onQuestions(async (mounted) => {
    await mounted.press(KEY.tab, KEY.shiftTab);
    expect(mounted.session.events).toEqual([]);
    await mounted.press(KEY.shiftTab);
    expect(mounted.session.events).toEqual([{ type: 'back' }]);
  }));

test('esc goes back, s skips, q leaves', () =>
  onQuestions(async (mounted) => {
    await mounted.press(KEY.esc, 's', 'q');
    expect(mounted.session.events).toEqual([{ type: 'back' }, { type: 'skip' }, { type: 'quit' }]);
  }));

test('a step without questions says so and goes on', () =>
  onQuestions(
    async (mounted) => {
      expect(mounted.frame()).toContain('Nothing to ask here');
      await mounted.press(KEY.enter);
      expect(mounted.session.events).toEqual([{ type: 'next' }]);
    },
    shopState({ at: 'questions' }, { current: 0 }),
  ));

test('with many questions on a small screen some choices are always seen', () => {
  const crowded = withStep(shopState({ at: 'questions' }), (step) => ({
    ...step,
    questions: [
      ...step.questions,
      ...['b', 'c', 'd'].map((id) => ({ ...(step.questions[1] ?? step.questions[0])!, id })),
    ],
  }));
  return onScreen(
    { ...crowded, notice: 'Planned as if these waiting changes were made: Namespaces (1).' },
    {},
    async (mounted) => {
      for (const name of ['legacy-ftp', 'payments', 'shop']) expect(mounted.frame()).toContain(`] ${name}`);
    },
  );
});

describe('a long list under headings', () => {
  const HEADINGS = ['into data', 'into shop', 'out of shop'];
  const VALUES = HEADINGS.flatMap((group) =>
    Array.from({ length: 170 }, (_, i) => ({
      group,
      value: `${group} ${i}`,
      label: `${group} connection ${i}`,
    })),
  );
  const cuts: Question = {
    id: 'cuts',
    type: 'choices',
    message: 'Which are kept?',
    risk: 'none',
    choices: VALUES,
    recommended: [],
    cautious: [],
  };
  const all = VALUES.map(({ value }) => value);
  const state = withStep(shopState({ at: 'questions' }), (step) => ({
    ...step,
    questions: [cuts],
    answers: { cuts: all },
    answered: [],
  }));
  const lastAnswer = (mounted: Mounted) => answersTo(mounted, 'cuts').at(-1) as readonly string[];

  test('510 choices are three rows, each with how many of it are chosen', () =>
    onQuestions(async (mounted) => {
      for (const heading of HEADINGS)
        expect(mounted.frame()).toMatch(new RegExp(`\\[x\\] ${heading} +170 of 170 chosen`));
      expect(mounted.frame()).not.toContain('connection');
      expect(mounted.frame()).toContain('510 of 510 chosen');
    }, state));

  test('space on a heading refuses or takes all of it; a and n mean all', () =>
    onQuestions(async (mounted) => {
      await mounted.press(KEY.down, ' ');
      expect(lastAnswer(mounted)).toEqual(all.filter((value) => !value.startsWith('into shop')));
      expect(mounted.frame()).toMatch(/\[ \] into shop +0 of 170 chosen/);
      await mounted.press(' ');
      expect(lastAnswer(mounted)).toEqual(all);
      await mounted.press('n');
      expect(lastAnswer(mounted)).toEqual([]);
      await mounted.press('a');
      expect(lastAnswer(mounted)).toEqual(all);
    }, state));

  test('right unfolds, one key refuses a line, left folds and says that not all is chosen', () =>
    onQuestions(async (mounted) => {
      await mounted.press(KEY.down, KEY.right, KEY.down, KEY.down, ' ');
      expect(lastAnswer(mounted)).toEqual(all.filter((value) => value !== 'into shop 1'));
      expect(mounted.frame()).toContain('❯ [ ] into shop connection 1');
      await mounted.press(KEY.left);
      expect(mounted.frame()).toMatch(/❯ \[~\] into shop +169 of 170 chosen/);
      expect(mounted.frame()).not.toContain('connection');
    }, state));

  test('a filter looks behind the headings', () =>
    onQuestions(async (mounted) => {
      await mounted.press('/', 'connection 169', KEY.enter);
      expect(mounted.frame()).toContain('3 of 510');
      await mounted.press('n');
      expect(lastAnswer(mounted)).toHaveLength(507);
    }, state));

  test('the cursor comes up from the next question onto the last heading', () =>
    onQuestions(
      async (mounted) => {
        await mounted.press(KEY.tab, 'k');
        expect(mounted.frame()).toMatch(/❯ \[x\] out of shop/);
      },
      withStep(state, (step) => ({
        ...step,
        questions: [
          cuts,
          { id: 'dns', type: 'confirm', message: 'DNS?', risk: 'none', recommended: true, cautious: true },
        ],
        answers: { ...step.answers, dns: true },
      })),
    ));
});

test('an answer brings up a question or takes it away again: the next one opens on what is chosen in it', () => {
  const provider: Question = {
    id: 'provider',
    type: 'choice',
    message: 'How?',
    risk: 'none',
    choices: [
      { value: 'kms', label: 'KMS' },
      { value: 'box', label: 'box' },
    ],
    recommended: 'box',
    cautious: 'box',
  };
  const plugin: Question = {
    id: 'plugin',
    type: 'text',
    message: 'Which?',
    risk: 'none',
    recommended: '',
    cautious: '',
  };
  const enable: Question = {
    id: 'enable',
    type: 'confirm',
    message: 'On?',
    risk: 'restartsApiServer',
    recommended: true,
    cautious: false,
  };
  const asking = (kms: boolean) => [provider, ...(kms ? [plugin] : []), enable];
  const state = withStep(shopState({ at: 'questions' }), (step) => ({
    ...step,
    questions: asking(false),
    answers: { provider: 'box', enable: false },
    answered: [],
  }));
  return onScreen(state, {}, async (mounted) => {
    mounted.session.reply = (event, before) =>
      withStep(answering(event, before), (step) => ({
        ...step,
        questions: asking(step.answers.provider === 'kms'),
      }));
    await mounted.press(KEY.up, KEY.enter);
    await mounted.press('v', KEY.enter);
    expect(answersTo(mounted, 'plugin')).toEqual(['v']);
    await mounted.press(KEY.shiftTab, KEY.shiftTab, KEY.down, KEY.enter);
    expect(answersTo(mounted, 'provider')).toEqual(['kms', 'box']);
    expect(mounted.frame()).toContain('On?');
    await mounted.press(KEY.enter);
    expect(answersTo(mounted, 'enable').at(-1)).toBe(false);
  });
});

test('an answer to the last question that brings up another one: that is asked before it goes on', () => {
  const text = (id: string): Question => ({
    id,
    type: 'text',
    message: `${id}?`,
    risk: 'none',
    recommended: '',
    cautious: '',
  });
  const state = withStep(shopState({ at: 'questions' }), (step) => ({
    ...step,
    questions: [text('to')],
    answers: { to: '' },
    answered: [],
  }));
  return onScreen(state, {}, async (mounted) => {
    mounted.session.reply = (event, before) =>
      withStep(answering(event, before), (step) => ({
        ...step,
        questions: step.answers.to === '' ? [text('to')] : [text('to'), text('now')],
      }));
    await mounted.press('s', KEY.enter);
    expect(mounted.frame()).toContain('now?');
    expect(mounted.session.events.filter(({ type }) => type === 'next')).toEqual([]);
    await mounted.press(KEY.enter);
    expect(mounted.session.events.at(-1)).toEqual({ type: 'next' });
  });
});

test('choices of another answer play no part: not shown, not counted, not touched by all and none', () => {
  const state = withStep(shopState({ at: 'questions' }), (step) => ({
    ...step,
    questions: [
      ...step.questions.slice(0, 1),
      {
        id: 'cuts',
        type: 'choices',
        message: 'Which are kept?',
        risk: 'none',
        choicesFor: 'namespaces',
        choices: ['shop', 'payments', 'shop'].map((part, i) => ({
          value: `${part} ${i}`,
          label: `${part} ${i}`,
          for: [part],
        })),
        recommended: [],
        cautious: [],
      },
    ],
    answers: { namespaces: ['shop'], cuts: ['shop 0', 'payments 1', 'shop 2'] },
  }));
  return onQuestions(async (mounted) => {
    await mounted.press(KEY.tab);
    expect(mounted.frame()).toContain('2 of 2 chosen');
    expect(mounted.frame()).toContain('shop 2');
    expect(mounted.frame()).not.toContain('payments 1');
    await mounted.press('n', ' ');
    expect(answersTo(mounted, 'cuts')).toEqual([['payments 1'], ['shop 0', 'payments 1']]);
  }, state);
});
