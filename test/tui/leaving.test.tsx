import type { WizardState } from '../../src/wizard/state.js';
import { shopState } from './fixtures.js';
import { FakeSession, Mounted } from './harness.js';

const ENTER_ALTERNATE = '\u001b[?1049h';
const LEAVE_ALTERNATE = '\u001b[?1049l';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

function expectRestored({ stdout, stdin }: Mounted): void {
  expect(stdout.raw.indexOf(ENTER_ALTERNATE)).toBeGreaterThanOrEqual(0);
  expect(stdout.raw.lastIndexOf(LEAVE_ALTERNATE)).toBeGreaterThan(stdout.raw.lastIndexOf(ENTER_ALTERNATE));
  expect(stdout.raw.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(stdout.raw.lastIndexOf(HIDE_CURSOR));
  expect(stdin.raw).toBe(false);
}

test('the wizard draws on the alternate screen and leaves the normal one as it was', async () => {
  const mounted = new Mounted(new FakeSession(shopState({ at: 'overview' })));
  mounted.stdout.emulator.write('before\r\n');
  await mounted.settled();
  expect(mounted.stdout.emulator.buffer.active.type).toBe('alternate');
  expect(mounted.stdin.raw).toBe(true);
  await mounted.close();
  expectRestored(mounted);
});

test('it ends when the session has ended, not before', async () => {
  const mounted = new Mounted(new FakeSession(shopState({ at: 'left' })));
  let over = false;
  void mounted.over.then(() => {
    over = true;
  });
  await mounted.settled();
  expect(over).toBe(false);
  mounted.session.end();
  await mounted.over;
  expectRestored(mounted);
});

test('with an error while drawing the normal screen comes back too, and the error goes to the caller', async () => {
  const session = new FakeSession(shopState({ at: 'overview' }));
  const mounted = new Mounted(session);
  const outcome = mounted.over.then(
    () => 'no error',
    (error: Error) => error.message,
  );
  await mounted.settled();
  session.set({ ...session.state, steps: [undefined] } as unknown as WizardState);
  expect(await outcome).toMatch(/undefined/);
  expectRestored(mounted);
});
