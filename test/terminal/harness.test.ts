import { missingTerminal, Terminal } from '../support/terminal.js';

const missing = missingTerminal();
(missing === undefined ? describe : describe.skip)(
  `the terminal harness${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('a program sees a terminal of the asked size, gets keys, and its exit code comes back', async () => {
      const program =
        'console.log(process.stdout.isTTY, process.stdout.columns, process.stdout.rows); process.stdin.once("data", (d) => { console.log("got", String(d).trim()); process.exit(7); });';
      const terminal = new Terminal([process.execPath, '-e', program], { columns: 91, rows: 27 });
      await terminal.waitFor('true 91 27');
      terminal.press('hello\r');
      await terminal.waitFor('got hello');
      expect(await terminal.exit).toBe(7);
      terminal.kill();
    });
  },
);
