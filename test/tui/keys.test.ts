import { actOf, bindingsOf, keysInWords, modeOf } from '../../src/tui/bindings.js';
import { footerRow } from '../../src/tui/frame.js';
import { keysOf } from '../../src/tui/keypress.js';
import { type Binding, KEYS, type Mode } from '../../src/tui/keys.js';
import { lineWidth } from '../../src/tui/lines.js';
import { lookOf } from '../../src/tui/look.js';
import type { Scene } from '../../src/tui/scene.js';
import { freshView, type View } from '../../src/tui/view.js';
import type { Screen, WizardState } from '../../src/wizard/state.js';
import { shopState, withStep } from './fixtures.js';

const look = lookOf({ unicode: true, colour: false });

function scene(state: WizardState, view: Partial<View> = {}): Scene {
  return { state, view: { ...freshView(state), ...view }, look, width: 78, height: 18 };
}

const at = (screen: Screen, view: Partial<View> = {}) => scene(shopState(screen), view);

/** A scene for every mode. */
const scenes: Record<Mode, Scene> = {
  none: at({ at: 'left' }),
  help: at({ at: 'overview' }, { help: true }),
  table: at({ at: 'overview' }, { table: { index: 0, order: undefined } }),
  busy: at({ at: 'checking' }),
  reading: at({ at: 'reading', kinds: [] }),
  overview: at({ at: 'overview' }),
  overviewDetail: at({ at: 'overview' }, { pane: 'detail' }),
  questions: at({ at: 'questions' }),
  answering: at({ at: 'questions' }, { group: 3 }),
  filtering: at({ at: 'review' }, { filtering: true }),
  review: at({ at: 'review' }),
  reviewDetail: at({ at: 'review' }, { pane: 'detail' }),
  nothing: scene(shopState({ at: 'review' }, { current: 0 })),
  arming: at({ at: 'confirm', typed: false }),
  confirm: at({ at: 'confirm', typed: false }, { armed: true }),
  confirmTyped: at({ at: 'confirm', typed: true }, { armed: true }),
  applying: at({ at: 'applying', done: 0, total: 1, now: '', stopping: false }),
  probing: at({ at: 'probing', stage: '', stopping: false }),
  result: at({ at: 'result' }),
  skip: at({ at: 'skip' }),
  failed: at({ at: 'failed', message: 'x' }),
};

describe.each(Object.entries(scenes) as [Mode, Scene][])('mode %s', (mode, here) => {
  test('is the one that this screen is in', () => {
    expect(modeOf(here)).toBe(mode);
  });

  test('every key that is shown does what its row says', () => {
    for (const { does } of bindingsOf(here))
      for (const [key, act] of Object.entries(does))
        expect(actOf(here, key === 'text' ? 'x' : key)).toBe(act);
  });

  test('the footer fits 78 columns and keeps help and leaving', () => {
    const row = footerRow(bindingsOf(here), look, 78);
    expect(lineWidth(row)).toBeLessThanOrEqual(78);
    const text = row.map((part) => part.text).join('');
    for (const { always, label, when } of KEYS[mode])
      if (always === true && when === undefined) expect(text).toContain(label);
  });

  test('ctrl-c is never used for anything but an interruption', () => {
    expect([undefined, 'interrupt']).toContain(actOf(here, 'ctrl+c'));
  });
});

test('screens that are busy know no key but ctrl-c', () => {
  for (const mode of ['busy', 'arming', 'applying'] as const)
    for (const key of ['enter', 'y', 'q', 'esc', 'space', 'tab', '?', 's', 'n', 'up'])
      expect(actOf(scenes[mode], key)).toBeUndefined();
});

test('where text is typed, letters are text and no commands', () => {
  for (const mode of ['answering', 'filtering', 'confirmTyped', 'skip'] as const)
    for (const key of ['q', 'j', 'k', '?', 'y', 's', '/', 'space', '名'])
      expect(actOf(scenes[mode], key)).toBe('type');
});

test('going on is offered only where something is chosen', () => {
  const none = withStep(shopState({ at: 'review' }), (step) => ({
    ...step,
    excluded: step.plan.changes.map((change) => change.id),
  }));
  expect(actOf(scenes.review, 'enter')).toBe('next');
  expect(actOf(scene(none), 'enter')).toBeUndefined();
});

test('the key names of a row', () => {
  const row = (does: Binding['does']): Binding => ({ does, label: '' });
  expect(keysInWords(row({ up: 'up', down: 'down', k: 'up', j: 'down' }), look.g)).toBe('↑↓ k j');
  expect(keysInWords(row({ up: 'up', down: 'down', k: 'up', j: 'down' }), look.g, true)).toBe('↑↓');
  expect(keysInWords(row({ esc: 'back', 'shift+tab': 'back' }), look.g, true)).toBe('esc');
  expect(keysInWords(row({ a: 'all', n: 'none' }), look.g, true)).toBe('a n');
});

test.each([
  ['jj\r', ['j', 'j', 'enter']],
  ['y', ['y']],
  [' \t', ['space', 'tab']],
  ['名', ['名']],
])('typed quickly, %j is %j', (input, keys) => {
  const none = Object.fromEntries(
    ['ctrl', 'shift', 'meta', 'tab', 'return', 'escape'].map((name) => [name, false]),
  ) as never;
  expect(keysOf(input, none)).toEqual(keys);
});
