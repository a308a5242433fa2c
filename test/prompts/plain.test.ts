import type { Question } from '../../src/model/question.js';
import type { Step } from '../../src/model/step.js';
import { ClusterError } from '../../src/wizard/ports.js';
import { createSession } from '../../src/wizard/session.js';
import { MemoryCluster, MemoryHost, MemoryJournal } from '../support/memory.js';
import { aloneStep, labelStep, markStep, namespace } from '../wizard/steps.js';
import { Talk } from './talk.js';

function harness({
  dumb = true,
  steps,
  sandbox = false,
}: {
  dumb?: boolean;
  steps?: readonly Step[];
  sandbox?: boolean;
} = {}) {
  const cluster = new MemoryCluster([namespace('one'), namespace('two')]);
  cluster.sandbox = sandbox;
  const host = new MemoryHost();
  const journal = new MemoryJournal();
  const clock = { now: () => new Date('2026-01-01T00:00:00Z') };
  const session = createSession(
    { cluster, host, journal, clock, claim: () => cluster.claim() },
    {
      steps: steps ?? [markStep('mark', ['a', 'b']), labelStep('label')],
      templates: new Map(),
      decisions: () => new Map(),
      exclude: [],
    },
  );
  return { cluster, journal, session, talk: new Talk(session, dumb) };
}

/** Numbers of the overview with two steps: 1 and 2 open them, 3 reads again, 4 leaves. */
const LEAVE = '4';

describe('line by line', () => {
  test('what is confirmed alone is asked about one by one, and a no writes nothing', async () => {
    const { cluster, talk } = harness({ steps: [aloneStep('mark', ['a', 'b'], ['b'])], sandbox: true });
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on? [', '2');
    await talk.answer('How to go on? [', '3');
    expect(await talk.answer('Apply? [no]', 'yes')).toMatch(
      /Apply 2 changes to sandbox[\s\S]*2 more are then asked/,
    );
    expect(await talk.answer('Apply? [no]', 'yes')).toMatch(
      /Apply ConfigMap one\/b to sandbox: because[\s\S]*1 of 2/,
    );
    expect(await talk.answer('Apply? [no]', 'no')).toContain('2 of 2');
    await talk.until('How to go on? [');
    expect(cluster.writes).toEqual([]);
  });

  test('the whole way: questions, differences, the typed name, proof, both steps, and out', async () => {
    const { cluster, session, talk } = harness();
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on? [1]', '1');
    await talk.answer('on? [yes]', 'yes');
    await talk.answer('How to go on? [2]', '');
    const list = await talk.answer('How to go on? [1]', '1');
    expect(list).toContain('+ ConfigMap one/a');
    const diff = await talk.answer('Show more?', '');
    expect(diff).toContain('+ kind: ConfigMap');
    expect(diff.split('\n').length).toBeLessThanOrEqual(24);
    await talk.answer('How to go on? [3]', '');
    expect(await talk.until("Type the context's name (prod) to apply; nothing for no:")).toContain(
      'Apply 4 changes to prod: 4 to add',
    );
    expect(cluster.writes).toEqual([]);
    talk.type('prod\n');
    expect(await talk.answer('How to go on? [1]', '')).toMatch(
      /done: ConfigMap one\/a: created[\s\S]*4 done[\s\S]*nothing is left to find/,
    );
    expect(cluster.writes).toHaveLength(4);
    await talk.answer('Which step? [2]', '');
    await talk.answer('How to go on? [1]', '');
    await talk.answer('How to go on? [1]', '3');
    await talk.answer('Apply? [no]', 'y');
    await talk.answer('How to go on? [1]', '');
    await talk.answer('Which step? [4]', '');
    await talk.finished;
    expect(await session.ended).toBe(0);
    expect(cluster.writes).toHaveLength(6);
  });

  test.each([
    ['nothing', '', 0],
    ['another name', 'production', 0],
    ['yes', 'yes', 0],
    ['the name in other letters', 'PROD', 0],
  ])('typing %s writes nothing', async (_what, typed, writes) => {
    const { cluster, session, talk } = harness({ steps: [labelStep('label'), labelStep('other')] });
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on?', '1');
    await talk.answer('How to go on?', '3');
    await talk.answer("Type the context's name", typed);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cluster.writes).toHaveLength(writes);
    expect(session.state.screen.at).toBe(typed === '' ? 'review' : 'confirm');
    talk.stdin.end();
    await talk.finished;
    expect(await session.ended).toBe(130);
    expect(cluster.writes).toHaveLength(0);
  });

  test('lines typed ahead never confirm', async () => {
    const { cluster, session, talk } = harness({
      sandbox: true,
      steps: [labelStep('label'), labelStep('other')],
    });
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on?', '1');
    await talk.until('How to go on?');
    talk.type('3\ny\ny\nyes\n');
    await talk.until('Apply? [no]');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([cluster.writes, session.state.screen.at]).toEqual([[], 'confirm']);
    talk.stdin.end();
    await talk.finished;
  });

  test('an answer that cannot be read is asked for again, with what was expected', async () => {
    const { talk, session } = harness();
    await talk.answer('Which step?', '9');
    await talk.until('Expected a number from 1 to 4.');
    await talk.answer('Which step?', 'one');
    await talk.until('Expected a number from 1 to 4.');
    await talk.answer('Which step?', LEAVE);
    await talk.finished;
    expect(await session.ended).toBe(0);
  });

  test('a change that is taken out is not written', async () => {
    const { cluster, talk } = harness({ sandbox: true, steps: [labelStep('label'), labelStep('other')] });
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on?', '1');
    await talk.answer('How to go on?', '2');
    await talk.answer('Which changes?', '2');
    const list = await talk.answer('How to go on?', '3');
    expect(list).toContain('(left out) Namespace one');
    await talk.answer('Apply? [no]', 'yes');
    await talk.until('1 done');
    expect(cluster.writes).toEqual([expect.stringContaining('two')]);
    talk.stdin.end();
    await talk.finished;
  });

  test('what this account may not do is told with the step, and whose fields a change would take over', async () => {
    const base = labelStep('label');
    const step: Step = {
      ...base,
      plan: (...all) =>
        base
          .plan(...all)
          .map((one, index) => (index === 0 ? { ...one, force: true, takesOver: ['jo\u001b[2J'] } : one)),
    };
    const { cluster, talk } = harness({ sandbox: true, steps: [step] });
    const right = { verb: 'list', group: '', resource: 'pods' } as const;
    cluster.lacking = [{ right, for: 'what runs', without: 'notVisible' }];
    await talk.answer('Which step?', '1');
    const about = await talk.answer('How to go on?', '1');
    expect(about.replaceAll(/\s+/g, ' ')).toContain(
      'This account may not list pods. Not visible, and not counted as fine: what runs.',
    );
    const list = await talk.answer('How to go on?', '2');
    expect(list.replaceAll(/\s+/g, ' ')).toMatch(
      /\(left out\) Namespace one .*belong to jo\S*x1b\S* by now: chosen, it takes them over/,
    );
    await talk.answer('Which changes?', 'all');
    expect(await talk.answer('How to go on?', '3')).not.toContain('(left out)');
    await talk.answer('Apply? [no]', 'yes');
    await talk.until('2 done');
    expect(cluster.writes).toEqual(['Namespace one', 'Namespace two']);
    talk.stdin.end();
    await talk.finished;
  });

  test('a step is skipped with its reason, and without one it is not', async () => {
    const { session, journal, talk } = harness();
    for (const reason of ['', 'later']) {
      await talk.answer('Which step?', '1');
      await talk.answer('How to go on?', '4');
      await talk.answer('Why is it skipped?', reason);
    }
    expect(await talk.answer('Which step?', LEAVE)).toContain('1 mark: skipped: later');
    await talk.finished;
    expect(session.state.steps[0]?.skipped).toBe('later');
    expect((await journal.entries()).filter((entry) => entry.type === 'skipped')).toHaveLength(1);
  });

  test('the end of input is ctrl-c: saved, exit 130', async () => {
    const { session, journal, talk } = harness();
    await talk.until('Which step?');
    talk.stdin.end();
    await talk.finished;
    expect(await session.ended).toBe(130);
    expect((await journal.entries()).at(-1)).toMatchObject({ type: 'ended', reason: 'interrupted' });
  });

  test('a session that a signal ends takes its question back', async () => {
    const { session, talk } = harness();
    await talk.until('Which step?');
    session.send({ type: 'interrupt' });
    await talk.finished;
    expect(await session.ended).toBe(130);
  });

  test('interrupted while applying: the object in hand is finished, the rest is not begun', async () => {
    const { cluster, session, talk } = harness({
      sandbox: true,
      steps: [labelStep('label'), labelStep('other')],
    });
    cluster.beforeWrite = async () => {
      talk.stdin.end();
      await new Promise((resolve) => setTimeout(resolve, 30));
    };
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on?', '1');
    await talk.answer('How to go on?', '3');
    await talk.answer('Apply? [no]', 'yes');
    await talk.finished;
    expect(await session.ended).toBe(130);
    expect(cluster.writes).toHaveLength(1);
  });

  test('an error that ends the session is told, exit 2', async () => {
    const { cluster, session, talk } = harness();
    cluster.read = async () => {
      throw new ClusterError('unreachable', 'The cluster does not answer at evil\u001b[2J.');
    };
    await talk.until('does not answer at evil\\x1b[2J');
    await talk.finished;
    expect(await session.ended).toBe(2);
  });

  test('writes no escape sequence, whatever the names in the cluster are', async () => {
    const step: Step = {
      ...labelStep('label'),
      title: 'ti\u001b[31mtle',
      why: ['why\u0007', '\u202eback'],
      questions: () => [
        {
          id: 'q',
          type: 'choice',
          message: 'which\u001b]0;x\u0007?',
          risk: 'none',
          choices: [{ value: 'a', label: 'a\u009bm', note: '\u001bc' }],
          recommended: 'a',
          cautious: 'a',
        },
      ],
      assess: () => [{ id: 'x', severity: 'high', evidence: '\u001b[1m', message: '\u200bzero' }],
    };
    const { talk } = harness({ steps: [step] });
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on?', '1');
    await talk.answer('which', '1');
    await talk.until('How to go on?');
    talk.stdin.end();
    await talk.finished;
    expect(talk.all).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u200b]/);
  });
});

const common = { message: 'Say', risk: 'cutsTraffic' } as const;
const choices = ['alpha', 'beta', 'gamma'].map((value) => ({ value, label: value.toUpperCase() }));
const QUESTIONS: readonly Question[] = [
  { ...common, id: 'confirm', type: 'confirm', recommended: true, cautious: false },
  { ...common, id: 'choice', type: 'choice', choices, recommended: 'alpha', cautious: 'alpha' },
  { ...common, id: 'choices', type: 'choices', choices, recommended: [], cautious: ['beta'] },
  { ...common, id: 'number', type: 'number', min: 1, max: 50, recommended: 20, cautious: 20 },
  {
    ...common,
    id: 'text',
    type: 'text',
    pattern: { source: '^[a-z]+$', expected: 'lower-case letters' },
    recommended: 'abc',
    cautious: 'abc',
  },
];
const ANSWERED = { confirm: true, choice: 'beta', choices: ['beta', 'gamma'], number: 7, text: 'xyz' };

describe('every type of question', () => {
  const asking = (): Step => ({ ...markStep('ask', []), questions: () => QUESTIONS });

  test('line by line', async () => {
    const { session, talk } = harness({ steps: [asking()] });
    await talk.answer('Which step?', '1');
    await talk.answer('How to go on?', '1');
    const first = await talk.answer('Say [no]', 'y');
    expect(first).toContain('▲ the answer can cut traffic');
    expect(first).toContain('Recommended: yes');
    await talk.answer('Say [1]', '2');
    await talk.answer('[as marked]', '2-3');
    await talk.answer('Say [20]', '99');
    await talk.until('Expected a number from 1 to 50.');
    await talk.answer('Say [20]', '7');
    await talk.answer('Say [abc]', 'X1');
    await talk.until('Expected lower-case letters.');
    await talk.answer('Say [abc]', 'xyz');
    await talk.until('How to go on?');
    expect(session.state.steps[0]?.answers).toEqual(ANSWERED);
    talk.stdin.end();
    await talk.finished;
  });

  test('by Inquirer', async () => {
    const { session, talk } = harness({ steps: [asking()], dumb: false });
    await talk.answer('Which step?', '');
    await talk.answer('How to go on?', '');
    await talk.answer('Say (y/N)', 'y');
    await talk.until('Say');
    talk.type('\u001b[B\r');
    await talk.until('◉ BETA');
    talk.type('\u001b[B\u001b[B \r');
    await talk.until('(20)');
    talk.type('7\r');
    await talk.until('(abc)');
    talk.type('X1\r');
    await talk.until('lower-case letters');
    talk.type('\u007f\u007fxyz\r');
    await talk.until('How to go on?');
    expect(session.state.steps[0]?.answers).toEqual(ANSWERED);
    talk.type('\u0003');
    await talk.finished;
    expect(await session.ended).toBe(130);
  });
});

test('a long list is gone through heading by heading; what is not opened stays as marked', async () => {
  const long = ['into shop', 'out of shop'].flatMap((group) =>
    Array.from({ length: 250 }, (_, i) => ({ group, value: `${group} ${i}`, label: `${group} ${i}` })),
  );
  const all = long.map(({ value }) => value);
  const question: Question = {
    ...common,
    id: 'cuts',
    type: 'choices',
    choices: long,
    recommended: all,
    cautious: all,
  };
  const { session, talk } = harness({ steps: [{ ...markStep('ask', []), questions: () => [question] }] });
  await talk.answer('Which step?', '1');
  await talk.answer('How to go on?', '1');
  const headings = await talk.answer('[as marked]', '2');
  expect(headings).toContain('   2 [ ] out of shop (250 of 250 marked)');
  expect(headings).not.toContain('into shop 0');
  const below = await talk.answer('[as marked]', '1-249');
  expect(below).toContain(' 250 [x] out of shop 249');
  await talk.until('How to go on?');
  expect(session.state.steps[0]?.answers).toEqual({ cuts: all.slice(0, -1) });
  talk.stdin.end();
  await talk.finished;
});

test('choices of another answer are not asked about and stay as they were', async () => {
  const choices = ['a', 'b'].map((part) => ({ value: `of ${part}`, label: `of ${part}`, for: [part] }));
  const all = choices.map(({ value }) => value);
  const questions: readonly Question[] = [
    {
      ...common,
      id: 'parts',
      type: 'choices',
      choices: ['a', 'b'].map((value) => ({ value, label: value })),
      recommended: ['a'],
      cautious: ['a'],
    },
    { ...common, id: 'cuts', type: 'choices', choicesFor: 'parts', choices, recommended: all, cautious: all },
  ];
  const { session, talk } = harness({ steps: [{ ...markStep('ask', []), questions: () => questions }] });
  await talk.answer('Which step?', '1');
  await talk.answer('How to go on?', '1');
  await talk.answer('[as marked]', '1');
  const shown = await talk.answer('[as marked]', 'none');
  expect(shown).toContain('[x] of a');
  expect(shown).not.toContain('of b');
  await talk.until('How to go on?');
  expect(session.state.steps[0]?.answers).toEqual({ parts: ['a'], cuts: ['of b'] });
  talk.stdin.end();
  await talk.finished;
});

describe('by Inquirer', () => {
  const toConfirm = async (talk: Talk) => {
    await talk.answer('Which step?', '');
    await talk.until('How to go on?');
    talk.type('\r');
    await talk.until('Show the exact differences');
    talk.type('\u001b[B\u001b[B\r');
  };

  test('a confirmation defaults to no', async () => {
    const { cluster, session, talk } = harness({
      dumb: false,
      sandbox: true,
      steps: [labelStep('label'), labelStep('other')],
    });
    await toConfirm(talk);
    await talk.answer('Apply? (y/N)', '');
    await talk.until('Show the exact differences');
    expect([cluster.writes, session.state.screen.at]).toEqual([[], 'review']);
    talk.type('\u001b[B\u001b[B\r');
    await talk.answer('Apply? (y/N)', 'y');
    await talk.until('2 done');
    expect(cluster.writes).toHaveLength(2);
    talk.type('\u0003');
    await talk.finished;
  });

  test('keys typed ahead never confirm', async () => {
    const { cluster, session, talk } = harness({
      dumb: false,
      sandbox: true,
      steps: [labelStep('label'), labelStep('other')],
    });
    await toConfirm(talk);
    for (let i = 0; i < 10; i++) talk.type('y\r');
    await talk.until('Apply? (y/N)');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([cluster.writes, session.state.screen.at]).toEqual([[], 'confirm']);
    talk.type('\u0003');
    await talk.finished;
    expect(await session.ended).toBe(130);
  });

  test.each([
    ['ctrl-c', (talk: Talk) => talk.type('\u0003')],
    ['ctrl-d', (talk: Talk) => talk.type('\u0004')],
    ['the end of input', (talk: Talk) => talk.stdin.end()],
  ])('%s saves and leaves with 130', async (_what, act) => {
    const { session, journal, talk } = harness({ dumb: false });
    await talk.until('Which step?');
    await new Promise((resolve) => setTimeout(resolve, 20));
    act(talk);
    await talk.finished;
    expect(await session.ended).toBe(130);
    expect((await journal.entries()).at(-1)).toMatchObject({ type: 'ended' });
  });

  test('a session that a signal ends takes its question back', async () => {
    const { session, talk } = harness({ dumb: false });
    await talk.until('Which step?');
    session.send({ type: 'interrupt' });
    await talk.finished;
    expect(await session.ended).toBe(130);
  });
});

test('a live probe line by line: what it creates, the typed name, what it is doing, and its verdict', async () => {
  const step: Step = {
    ...markStep('mark', ['a']),
    probes: (now) => now.policyProbe === undefined,
  };
  const { cluster, session, talk } = harness({ steps: [step] });
  const at = '2026-01-01T00:00:00Z';
  cluster.probeResult = { verdict: 'enforced', evidence: ['it was cut'], at, interrupted: false, left: [] };
  await talk.answer('Which step?', '1');
  await talk.answer('How to go on?', '2');
  const told = await talk.until("Type the context's name (prod) to try it out; nothing for no:");
  expect(told).toContain('creates the namespace kubectl-harden-probe-<random>');
  expect(told).toContain('removes that namespace, whatever happens');
  expect(cluster.writes).toEqual([]);
  talk.type('\n');
  await talk.answer('How to go on?', '2');
  await talk.until("Type the context's name (prod)");
  talk.type('prod\n');
  expect(await talk.until('How to go on?')).toMatch(
    /Live probe: connecting without a policy \.\.\.[\s\S]*NetworkPolicies are enforced: it was cut\./,
  );
  expect(cluster.writes).toEqual(['probe']);
  session.send({ type: 'quit' });
  await talk.finished;
});
