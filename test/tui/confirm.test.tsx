import { planOf } from '../../src/model/plan.js';
import type { Screen, UserEvent, WizardState } from '../../src/wizard/state.js';
import { policyChange, shopState, withStep } from './fixtures.js';
import { KEY, type Mounted, onScreen, ready } from './harness.js';

const typed: Screen = { at: 'confirm', typed: true };
const yesNo: Screen = { at: 'confirm', typed: false };

/** From the review to the confirmation and back, as the session goes. */
function way(to: Screen) {
  return (event: UserEvent, state: WizardState): WizardState => {
    if (event.type === 'next' && state.screen.at === 'review') return { ...state, screen: to };
    if (event.type === 'back' && state.screen.at === 'confirm') return { ...state, screen: { at: 'review' } };
    return state;
  };
}

const confirmed = (mounted: Mounted) => mounted.session.events.filter((event) => event.type === 'confirm');

test('keys typed before the confirmation was there do not confirm', () =>
  onScreen(shopState({ at: 'review' }), {}, async (mounted) => {
    mounted.session.reply = way(yesNo);
    mounted.stdin.write('\ry\ryy'); // all at once, as type-ahead arrives
    await mounted.settled();
    await mounted.press('y', 'y');
    expect(mounted.session.state.screen).toEqual(yesNo);
    expect(mounted.frame()).not.toContain('Apply? y yes');
    expect(mounted.session.events).toEqual([{ type: 'next' }]);
    await ready(mounted, yesNo);
    expect(mounted.frame()).toContain('Apply? y yes');
    expect(confirmed(mounted)).toEqual([]);
    await mounted.press('y');
    expect(confirmed(mounted)).toEqual([{ type: 'confirm' }]);
  }));

test('a name typed before the confirmation was there is not in it', () =>
  onScreen(shopState({ at: 'review' }), {}, async (mounted) => {
    mounted.session.reply = way(typed);
    mounted.stdin.write('\rprod-eu-1\r');
    await mounted.settled();
    await ready(mounted, typed);
    expect(mounted.frame()).toMatch(/to go on: ▏/);
    expect(confirmed(mounted)).toEqual([]);
  }));

test.each([KEY.enter, 'n', KEY.esc, KEY.shiftTab])('the default is no: %j goes back', (key) =>
  onScreen(shopState(yesNo), {}, async (mounted) => {
    await ready(mounted, yesNo);
    await mounted.press(key);
    expect(mounted.session.events).toEqual([{ type: 'back' }]);
  }),
);

test.each(['x', 'Y', ' ', KEY.tab, 'j'])('%j does not confirm', (key) =>
  onScreen(shopState(yesNo), {}, async (mounted) => {
    await ready(mounted, yesNo);
    await mounted.press(key);
    expect(confirmed(mounted)).toEqual([]);
  }),
);

test('the context name is typed, corrected and sent as it stands', () =>
  onScreen(shopState(typed), {}, async (mounted) => {
    await ready(mounted, typed);
    expect(mounted.frame()).toContain("Type the context's name (prod-eu-1) to go on: ▏");
    await mounted.press('prod-eu-2', KEY.backspace, '1');
    expect(mounted.frame()).toContain('prod-eu-1▏');
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([{ type: 'confirm', typed: 'prod-eu-1' }]);
  }));

test('nothing typed is no', () =>
  onScreen(shopState(typed), {}, async (mounted) => {
    await ready(mounted, typed);
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([{ type: 'back' }]);
  }));

test('what the session says of a wrong name stands on the screen, and the name can be typed again', () =>
  onScreen(shopState(typed), {}, async (mounted) => {
    mounted.session.reply = (_event, state) => ({ ...state, notice: "That is not the context's name." });
    await ready(mounted, typed);
    await mounted.press('prod', KEY.enter);
    expect(mounted.frame()).toContain("That is not the context's name.");
    await mounted.press(KEY.ctrlU, 'prod-eu-1', KEY.enter);
    expect(confirmed(mounted).at(-1)).toEqual({ type: 'confirm', typed: 'prod-eu-1' });
  }));

test('pasting fills the field, and a line break in it sends nothing', () =>
  onScreen(shopState(typed), {}, async (mounted) => {
    await ready(mounted, typed);
    mounted.stdin.write('\u001b[200~prod-eu-1\r\u001b[201~');
    await mounted.settled();
    expect(mounted.frame()).toContain('prod-eu-1▏');
    expect(mounted.session.events).toEqual([]);
  }));

test('pasting where nothing can be typed does nothing', () =>
  onScreen(shopState(yesNo), {}, async (mounted) => {
    await ready(mounted, yesNo);
    mounted.stdin.write('\u001b[200~y\u001b[201~');
    await mounted.settled();
    expect(mounted.session.events).toEqual([]);
  }));

test('each change that is confirmed alone waits for its own yes: a key held down confirms one', () => {
  const alone = ['first', 'second'].map((name) => ({ ...policyChange('shop', name), alone: true as const }));
  const start = withStep(shopState(yesNo), (step) => ({ ...step, plan: planOf(step.step.id, alone) }));
  const screens = alone.map(({ id }): Screen => ({ at: 'confirm', typed: false, alone: id }));
  const [first, second] = screens as [Screen, Screen];
  return onScreen({ ...start, screen: first }, {}, async (mounted) => {
    mounted.session.reply = (event, state) =>
      event.type === 'confirm' && state.screen === first ? { ...state, screen: second } : state;
    await ready(mounted, first);
    expect(mounted.frame()).toContain('Apply NetworkPolicy shop/first to prod-eu-1?');
    expect(mounted.frame()).toContain('1 of 2 that are confirmed one by one');
    mounted.stdin.write('yyyy');
    await mounted.settled();
    await ready(mounted, second);
    expect(mounted.frame()).toContain('Apply NetworkPolicy shop/second to prod-eu-1?');
    expect(confirmed(mounted)).toHaveLength(1);
  });
});
