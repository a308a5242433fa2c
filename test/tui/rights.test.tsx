import { planOf } from '../../src/model/plan.js';
import type { Need, Without } from '../../src/model/rights.js';
import { policyChange, shopSnapshot, shopState, withStep } from './fixtures.js';
import { expectWholeFrame, onScreen } from './harness.js';

const need = (resource: string, without: Without, what: string): Need => ({
  right: { verb: 'list', group: '', resource },
  for: what,
  without,
});

const LACKS = [
  need('pods', 'notVisible', 'what runs'),
  need('leases', 'lessSafe', 'the Lease that keeps other runs out'),
  need('secrets', 'refused', 'the bounds'),
];

const snapshot = { ...shopSnapshot(), rights: { lacks: new Map([['default-deny', LACKS]]) } };
const plain = (frame: string) => frame.replaceAll(/[\s│]+/g, ' ');

test('what this account may not do stands beside the step, the worst first, each with its sign', () =>
  onScreen(shopState({ at: 'overview' }, { snapshot }), { rows: 40 }, async (mounted) => {
    expectWholeFrame(mounted);
    const shown = plain(mounted.frame());
    const [refused, unseen, less] = [
      shown.indexOf(
        '✖ This account may not list secrets. What needs it is refused before anything is written.',
      ),
      shown.indexOf('◌ This account may not list pods. Not visible, and not counted as fine: what runs.'),
      shown.indexOf('This account may not list leases. Done without: the Lease that keeps other runs out.'),
    ] as const;
    expect(refused).toBeGreaterThan(0);
    expect(unseen).toBeGreaterThan(refused);
    expect(less).toBeGreaterThan(unseen);
    await mounted.press('j');
    expect(mounted.frame()).not.toContain('This account may not');
  }));

test.each([24, 40])('the questions of the step begin with it, on %d rows', (rows) =>
  onScreen(shopState({ at: 'questions' }, { snapshot }), { rows }, async (mounted) => {
    expectWholeFrame(mounted);
    expect(plain(mounted.frame())).toContain('This account may not list secrets.');
    expect(mounted.frame()).toContain('Which namespaces shall be closed?');
  }),
);

test('what is not known of the rights is said, and a name from the server is escaped', () =>
  onScreen(
    shopState(
      { at: 'overview' },
      { snapshot: { ...shopSnapshot(), rights: { unknown: 'no\u001b[2Jreview' } } },
    ),
    { rows: 40 },
    async (mounted) => {
      expect(plain(mounted.frame())).toContain('Which rights this account has is not known: no');
      expect(mounted.frame()).toContain('x1b');
    },
  ));

test('a change that takes a choice of its own is shown as left out, with whose fields it takes', () => {
  const change = { ...policyChange('shop', 'web'), force: true, takesOver: ['jo\u001b[2J'] } as const;
  const state = withStep(shopState({ at: 'review' }), (step) => ({
    ...step,
    plan: planOf('default-deny', [change, policyChange('shop', 'cart')]),
    held: [change.id],
  }));
  return onScreen(state, { columns: 120, rows: 40 }, async (mounted) => {
    expectWholeFrame(mounted);
    const shown = plain(mounted.frame());
    expect(shown).toMatch(/Fields that it writes belong to jo\S*x1b\S* by now: chosen, it takes them over\./);
    expect(shown).toContain('1 of 2 chosen');
    await mounted.press(' ');
    expect(mounted.session.events).toEqual([{ type: 'toggle', change: change.id }]);
  });
});
