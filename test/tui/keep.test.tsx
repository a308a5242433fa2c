import { shopState } from './fixtures.js';
import { expectWholeFrame, KEY, onScreen, ready } from './harness.js';

const waiting = { all: [{ id: 'quotas.1', step: 'quotas', seconds: 300, until: 1_000_000 }], now: 755_500 };

test('while a step waits to be kept, every screen has the time that is left and the key', async () => {
  for (const at of ['overview', 'questions', 'review', 'result'] as const)
    await onScreen({ ...shopState({ at }), waiting }, {}, async (mounted) => {
      expectWholeFrame(mounted);
      expect(mounted.frame()).toMatch(/Quotas is taken back unless it is kept +4:05 left/);
      expect(mounted.rows().at(-1)).toContain('K keep it');
      await mounted.press('K');
      expect(mounted.session.events).toEqual([{ type: 'keep' }]);
    });
});

test('nothing waits: no such row, and K does nothing', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    await mounted.press('K');
    expect(mounted.session.events).toEqual([]);
    expect(mounted.frame()).not.toMatch(/kept/);
  }));

test.each([
  { typed: false, within: 0, words: 'kept: off' },
  { typed: true, within: 300, words: 'kept: within 5 minutes' },
])('the confirmation has the choice in sight: $words, typed $typed', ({ typed, within, words }) =>
  onScreen(shopState({ at: 'confirm', typed, within }), {}, async (mounted) => {
    await ready(mounted, { at: 'confirm', typed });
    expectWholeFrame(mounted);
    expect(mounted.frame()).toContain(words);
    if (within > 0)
      expect(mounted.frame().replaceAll(/\s+/g, ' ')).toContain(
        'taken back by itself unless it is kept within 5 minutes',
      );
    await mounted.press(KEY.tab);
    expect(mounted.session.events).toEqual([{ type: 'within' }]);
  }),
);

test('what decides in place of a person is told before it is confirmed', () =>
  onScreen(
    shopState({
      at: 'confirm',
      typed: false,
      within: 60,
      decides: { command: ['curl', 'http://x/\u001b[2J'] },
    }),
    { rows: 40 },
    async (mounted) => {
      await ready(mounted, { at: 'confirm', typed: false });
      expect(mounted.frame().replaceAll(/\s+/g, ' ')).toContain('When the time is up, `curl');
      expect(mounted.frame()).toContain('x1b');
    },
  ));

test('what this account could not take back is said in place of the choice, escaped', () =>
  onScreen(
    shopState({
      at: 'confirm',
      typed: false,
      within: 'never',
      stays: 'this account may not delete x\u001b[2J',
    }),
    { rows: 40 },
    async (mounted) => {
      await ready(mounted, { at: 'confirm', typed: false });
      const words = mounted.frame().replaceAll(/\s+/g, ' ');
      expect(words).toContain('It cannot be taken back by itself: this account may not delete x');
      expect(words).toContain('rbac --also undo');
      expect(words).not.toContain('keys and stored values');
      expect(mounted.frame()).toContain('x1b');
    },
  ));

test('where it cannot take itself back it says so, and there is no choice', () =>
  onScreen(shopState({ at: 'confirm', typed: false, within: 'never' }), { rows: 40 }, async (mounted) => {
    await ready(mounted, { at: 'confirm', typed: false });
    expect(mounted.frame()).toContain('It cannot be taken back by itself');
    await mounted.press(KEY.tab);
    expect(mounted.session.events).toEqual([]);
  }));
