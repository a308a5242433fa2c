import type { Screen } from '../../src/wizard/state.js';
import { shopState } from './fixtures.js';
import { KEY, onScreen } from './harness.js';

const applying = { at: 'applying', done: 1, total: 9, now: 'a/b/c/d', stopping: false } as const;
const busy: readonly Screen[] = [{ at: 'checking' }, applying, { at: 'verifying' }, { at: 'left' }];
const ANY = [KEY.enter, 'y', 'q', 'n', ' ', KEY.esc, KEY.tab, '?', 's', KEY.down, 'a', 'prod-eu-1\r'];

test.each(busy)('while $at, keys do nothing', (screen) =>
  onScreen(shopState(screen), {}, async (mounted) => {
    const before = mounted.frame();
    await mounted.press(...ANY);
    expect(mounted.session.events).toEqual([]);
    expect(mounted.frame().replaceAll(/\.+$/gm, '')).toBe(before.replaceAll(/\.+$/gm, ''));
  }),
);

test('what is typed while busy does not act on the next screen', () =>
  onScreen(shopState({ at: 'checking' }), {}, async (mounted) => {
    mounted.stdin.write('\r \r');
    mounted.session.set(shopState({ at: 'review' }));
    mounted.stdin.write('\r'); // typed before the review is on the terminal
    await mounted.settled();
    expect(mounted.session.events).toEqual([]);
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([{ type: 'next' }]);
  }));

test.each([
  ...busy.slice(0, 3),
  { at: 'overview' },
  { at: 'skip' },
  { at: 'confirm', typed: true },
] as Screen[])('ctrl-c interrupts on $at, each time that it is pressed', (screen) =>
  onScreen(shopState(screen), {}, async (mounted) => {
    await mounted.press(KEY.ctrlC, KEY.ctrlC);
    expect(mounted.session.events).toEqual([{ type: 'interrupt' }, { type: 'interrupt' }]);
  }),
);

test('while reading, q interrupts and other keys do nothing', () =>
  onScreen(
    shopState({ at: 'reading', kinds: [] }, { snapshot: undefined, steps: [] }),
    {},
    async (mounted) => {
      await mounted.press(KEY.enter, 'y', ' ');
      expect(mounted.session.events).toEqual([]);
      await mounted.press('q');
      expect(mounted.session.events).toEqual([{ type: 'interrupt' }]);
    },
  ));

test('stopping is said while the object in hand is finished', () =>
  onScreen(shopState({ ...applying, stopping: true }), {}, async (mounted) => {
    expect(mounted.frame()).toContain('Stopping after the object in hand.');
  }));
