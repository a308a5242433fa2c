import { cell } from '../../src/model/table.js';
import { shopState } from './fixtures.js';
import { KEY, onScreen } from './harness.js';

test('the cursor moves over the steps and stops at both ends; enter opens', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    await mounted.press('k', 'k', KEY.up);
    expect(mounted.frame()).toContain('❯✔ 1 Namespaces');
    await mounted.press('j', KEY.down, 'G', 'j');
    expect(mounted.frame()).toContain('❯○ 5 Metadata blocking');
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([{ type: 'open', step: 4 }]);
  }));

test('the pane follows the cursor', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    await mounted.press('j');
    expect(mounted.frame()).toContain('↷ skipped: later');
    await mounted.press('j');
    expect(mounted.frame()).toContain('◌ not visible · The API server is not visible.');
  }));

test('tab shows all findings and scrolls them', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    expect(mounted.frame()).toContain('3 more (tab shows all)');
    await mounted.press(KEY.tab, 'G');
    expect(mounted.frame()).not.toContain('tab shows all');
    expect(mounted.frame()).toContain('Namespace mail');
    expect(mounted.frame()).toContain('spec.policyTypes is [Ingress]');
    await mounted.press(KEY.esc);
    expect(mounted.session.events).toEqual([]);
    expect(mounted.frame()).toContain('3 more (tab shows all)');
  }));

test('r reads again, q leaves, s skips the step under the cursor', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    await mounted.press('r', 'q', 'k', 's');
    expect(mounted.session.events).toEqual([
      { type: 'reload' },
      { type: 'quit' },
      { type: 'open', step: 0 },
      { type: 'skip' },
    ]);
  }));

test('? shows every key of the screen, and the same key closes it', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    const before = mounted.frame();
    await mounted.press('?');
    expect(mounted.frame()).toContain('Keys of this screen');
    expect(mounted.frame()).toMatch(/r +read again/);
    await mounted.press('r', 'j');
    expect(mounted.session.events).toEqual([]);
    await mounted.press('?');
    expect(mounted.frame()).toBe(before);
  }));

test('coming back to a screen, it starts afresh on the step at hand', () =>
  onScreen(shopState({ at: 'overview' }), {}, async (mounted) => {
    await mounted.press('j', 'j');
    await mounted.set(shopState({ at: 'questions' }, { current: 3 }));
    await mounted.set(shopState({ at: 'overview' }, { current: 3 }));
    expect(mounted.frame()).toContain('❯◌ 4 Encryption at rest');
  }));

test('t shows the tables of a step; s sorts by the next column, S the other way round; tab goes to the next one', () => {
  const rows = [
    [cell('b'), cell(2)],
    [cell('a'), cell(10)],
  ];
  const columns = [
    { id: 'name', title: 'name' },
    { id: 'pods', title: 'pods', right: true as const },
  ];
  const state = shopState({ at: 'overview' });
  const here = state.steps[1];
  if (here === undefined) throw new Error('no step');
  const tables = () => [
    { id: 'x', title: 'Places', columns, rows, notes: ['a note'] },
    { id: 'y', title: 'Others', columns, rows: [], notes: [] },
  ];
  const steps = state.steps.with(1, { ...here, step: { ...here.step, tables } });
  return onScreen({ ...state, steps }, {}, async (mounted) => {
    const names = () =>
      mounted
        .frame()
        .match(/^ [ab] +\d+/gm)
        ?.map((row) => row.trim().charAt(0));
    await mounted.press('t');
    expect(mounted.frame()).toContain('Places (1 of 2)  2 rows');
    expect(names()).toEqual(['b', 'a']);
    await mounted.press('s');
    expect(names()).toEqual(['a', 'b']);
    await mounted.press('s');
    expect(mounted.frame()).toContain('by pods');
    expect(names()).toEqual(['b', 'a']);
    await mounted.press('S');
    expect(mounted.frame()).toContain('by pods, backwards');
    expect(names()).toEqual(['a', 'b']);
    await mounted.press(KEY.tab);
    expect(mounted.frame()).toContain('Others (2 of 2)  0 rows');
    await mounted.press('t', 't', KEY.esc, 'j', 't');
    expect(mounted.frame()).not.toContain('Places');
    expect(mounted.session.events).toEqual([]);
  });
});
