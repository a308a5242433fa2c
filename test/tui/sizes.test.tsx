import { planOf } from '../../src/model/plan.js';
import type { Question } from '../../src/model/question.js';
import type { Screen, WizardState } from '../../src/wizard/state.js';
import { accepted, policyChange, shopSnapshot, shopState, withStep } from './fixtures.js';
import { expectWholeFrame, KEY, onScreen, ready } from './harness.js';

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 100, rows: 30 },
  { columns: 160, rows: 50 },
] as const;

const SCREENS: readonly Screen[] = [
  {
    at: 'reading',
    kinds: Array.from({ length: 33 }, (_, i) => ({
      kind: `Kind${i}`,
      objects: i * 1_000,
      done: i % 2 === 0,
    })),
  },
  { at: 'overview' },
  { at: 'questions' },
  { at: 'checking' },
  { at: 'review' },
  { at: 'confirm', typed: true },
  {
    at: 'applying',
    done: 1_000,
    total: 2_000,
    now: 'a/b/c/d',
    stopping: true,
    rewrite: { total: undefined, rewritten: 1, unchanged: 2, gone: 3, refused: 4 },
  },
  { at: 'verifying' },
  { at: 'result' },
  { at: 'skip' },
  { at: 'failed', message: 'The cluster does not answer. '.repeat(40) },
  { at: 'left' },
];

/** A step with everything that makes frames overflow. */
function heavyState(name: (text: string, index: number) => string): WizardState {
  const changes = Array.from({ length: 2_000 }, (_, i) => {
    const change = policyChange(name(`namespace-${i >> 3}`, i), name(`policy-${i}`, i), i === 0 ? 5_000 : 0);
    return { ...change, why: name(change.why, i), breaks: [name('cuts a connection', i)] };
  });
  const namespaces: Question = {
    id: 'namespaces',
    type: 'choices',
    message: name('Which namespaces shall be closed? '.repeat(4), 0),
    help: name('Each gets one policy. '.repeat(12), 1),
    risk: 'cutsTraffic',
    choices: Array.from({ length: 300 }, (_, i) => ({
      value: `n${i}`,
      label: name(`namespace-${i}`, i),
      note: name(`${i} workloads, `.repeat(8), i),
    })),
    recommended: [],
    cautious: [],
  };
  const state = shopState(
    { at: 'overview' },
    {
      snapshot: shopSnapshot(name('arn:aws:eks:eu-central-1:123456789012:cluster/production-europe-1', 3)),
      notice: name('Changed meanwhile: '.repeat(20), 2),
    },
  );
  return withStep(state, (step) => ({
    ...step,
    step: { ...step.step, title: name('Default-deny', 1), why: [name('why '.repeat(60), 1), name('y', 2)] },
    questions: [
      namespaces,
      ...step.questions,
      ...Array.from({ length: 30 }, (_, i) => ({ ...step.questions[2]!, id: `q${i}` })),
    ],
    answers: { ...step.answers, namespaces: ['n1', 'n299'] },
    plan: planOf('default-deny', changes),
    checked: accepted(changes),
    findings: Array.from({ length: 500 }, (_, i) => ({
      id: `finding-${i % 3}`,
      severity: 'high' as const,
      object: changes[i]!.ref,
      evidence: name('evidence', i),
      message: name('It is open. '.repeat(10), i % 2),
    })),
    verified: [],
    done: changes.slice(0, 900).map(({ id }, i) => ({
      change: id,
      outcome: i % 7 === 0 ? ('failed' as const) : ('applied' as const),
      message: name('because '.repeat(30), i),
    })),
  }));
}

const built = new Map<unknown, WizardState>();

function heavy(screen: Screen, name: (text: string, index: number) => string): WizardState {
  if (!built.has(name)) built.set(name, heavyState(name));
  return { ...built.get(name)!, screen };
}

const NAMES: Record<string, (text: string, index: number) => string> = {
  plain: (text) => text,
  'wide characters and emoji': (text, i) => `${text}-名前空間🚀👩‍💻${'한'.repeat(i % 40)}e\u0301`,
  'control characters': (text, i) =>
    `${text}\u001b[31m\u001b[2J\u0007\r\n\t\u202e\u200b${'x'.repeat(i % 90)}\u009b5A`,
};

describe.each(Object.entries(NAMES))('%s', (_title, name) => {
  test.each(SIZES)(
    'every screen is one whole frame at $columns x $rows',
    (size) =>
      onScreen(heavy({ at: 'overview' }, name), size, async (mounted) => {
        for (const screen of SCREENS) {
          await mounted.set(heavy(screen, name));
          await ready(mounted, screen);
          expectWholeFrame(mounted);
          for (const key of [KEY.down, KEY.pageDown, KEY.tab, KEY.pageDown, 'i', 'G', KEY.right])
            mounted.stdin.write(key);
          await mounted.settled();
          expectWholeFrame(mounted);
          await mounted.press('?');
          expectWholeFrame(mounted);
        }
      }),
    30_000,
  );
});

test('nothing of a name reaches the terminal as a command', () =>
  onScreen(heavy({ at: 'review' }, NAMES['control characters']!), {}, async (mounted) => {
    expect(mounted.frame()).toContain('\\x1b[31m');
    for (const planted of ['\u001b[31m', '\u0007', '\u202e', '\u200b', '\u009b'])
      expect(mounted.stdout.raw).not.toContain(planted);
  }));

test('a window that is too small says so in two short lines, takes no key, and goes on when it is large enough', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    const before = mounted.frame();
    for (const [columns, rows] of [
      [79, 24],
      [80, 23],
      [40, 5],
      [200, 2],
    ] as const) {
      await mounted.resize(columns, rows);
      const [first = '', second = '', ...rest] = mounted.rows();
      expect(first).toBe(`Too small: ${columns}x${rows}. Enlarge it to 80x24.`);
      expect(second).toBe('Any size: kubectl harden --plain');
      expect(rest.join('')).toBe('');
      expect(Math.max(first.length, second.length)).toBeLessThanOrEqual(40);
      await mounted.press(KEY.enter, 'q');
      expect(mounted.session.events).toEqual([]);
    }
    await mounted.resize(80, 24);
    expect(mounted.frame()).toBe(before);
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([{ type: 'open', step: 1 }]);
  }));

test('in a very narrow window the lines go on below, and nothing of the command is cut', () =>
  onScreen(shopState({ at: 'overview' }), { columns: 20, rows: 8 }, async (mounted) => {
    expect(mounted.rows().join(' ').replaceAll(/\s+/g, ' ')).toContain('Any size: kubectl harden --plain');
  }));

test('ctrl-c works in a window that is too small', () =>
  onScreen(shopState({ at: 'overview' }), { columns: 40, rows: 10 }, async (mounted) => {
    await mounted.press(KEY.ctrlC);
    expect(mounted.session.events).toEqual([{ type: 'interrupt' }]);
  }));

test('every size on the way leaves one whole frame', () =>
  onScreen(heavy({ at: 'review' }, NAMES.plain!), {}, async (mounted) => {
    for (const [columns, rows] of [
      [160, 50],
      [111, 24],
      [112, 60],
      [80, 24],
      [141, 30],
    ] as const) {
      await mounted.resize(columns, rows);
      expectWholeFrame(mounted);
    }
  }));

/** Milliseconds from a key to the frame that answers it, in the middle of many. */
async function answerTime(state: WizardState): Promise<number> {
  const times: number[] = [];
  await onScreen(state, { columns: 160, rows: 50 }, async (mounted) => {
    for (const key of Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? 'j' : 'k'))) {
      const from = performance.now();
      const before = mounted.stdout.raw.length;
      mounted.stdin.write(key);
      while (mounted.stdout.raw.length === before && performance.now() - from < 2_000)
        await new Promise((resolve) => setImmediate(resolve));
      times.push(performance.now() - from);
      await mounted.settled();
    }
  });
  return times.toSorted((a, b) => a - b)[times.length >> 1] as number;
}

test('a key is answered as soon with 2,000 changes and a difference of 5,000 lines as with five changes', async () => {
  const light = await answerTime(shopState({ at: 'review' }));
  const full = await answerTime({ ...heavy({ at: 'review' }, NAMES.plain!), notice: undefined });
  // All of the list would cost about as many times more as there are changes more.
  expect(full).toBeLessThan(5 * light);
});
