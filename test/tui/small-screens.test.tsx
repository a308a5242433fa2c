import { shopState } from './fixtures.js';
import { KEY, onScreen } from './harness.js';

test('skip asks for a reason and sends it; q is a letter there', () =>
  onScreen(shopState({ at: 'skip' }), {}, async (mounted) => {
    await mounted.press('quotas come later', KEY.enter);
    expect(mounted.session.events).toEqual([{ type: 'skipped', reason: 'quotas come later' }]);
  }));

test('skip can be left without skipping', () =>
  onScreen(shopState({ at: 'skip' }), {}, async (mounted) => {
    await mounted.press(KEY.esc);
    expect(mounted.session.events).toEqual([{ type: 'back' }]);
  }));

test('the result goes on with enter and back with esc', () =>
  onScreen(shopState({ at: 'result' }), {}, async (mounted) => {
    await mounted.press(KEY.enter, KEY.esc, 'r');
    expect(mounted.session.events).toEqual([{ type: 'next' }, { type: 'back' }, { type: 'reload' }]);
  }));

test('a failure can only be left', () =>
  onScreen(shopState({ at: 'failed', message: 'no answer' }), {}, async (mounted) => {
    await mounted.press('r', 's', 'q');
    expect(mounted.session.events).toEqual([{ type: 'quit' }]);
  }));
