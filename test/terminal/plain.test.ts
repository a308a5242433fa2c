import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden, PROGRAM } from '../support/program.js';
import { KEYS, missingTerminal, Terminal } from '../support/terminal.js';

const missing = missingTerminal();

(missing === undefined ? describe : describe.skip)(
  `the line prompts in a real terminal${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let directory: string;
    let terminal: Terminal | undefined;

    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-plain-'));
    });
    afterEach(async () => {
      terminal?.kill();
      await rm(directory, { recursive: true, force: true });
    });

    const env = () => ({
      XDG_STATE_HOME: path.join(directory, 'state'),
      HOME: directory,
      KUBECONFIG: '/nonexistent',
    });
    const file = () => path.join(directory, 'cluster.json');
    const runs = () => path.join(directory, 'state', 'kubectl-harden', 'runs');

    function open(args: readonly string[], more: Record<string, string> = {}): Terminal {
      const command = [process.execPath, PROGRAM, ...args];
      terminal = new Terminal(command, { columns: 80, rows: 24, env: { ...env(), ...more } });
      return terminal;
    }

    /** Waits for a text behind the `from`th byte of all that was written; resolves with where it ends. */
    async function until(t: Terminal, text: string, from: number): Promise<number> {
      const end = Date.now() + 30_000;
      for (;;) {
        const at = t.raw().indexOf(text, from);
        if (at >= 0) return at + text.length;
        if (Date.now() > end)
          throw new Error(`waited for ${JSON.stringify(text)} in:\n${t.raw().slice(from)}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }

    const pause = (ms = 60) => new Promise((resolve) => setTimeout(resolve, ms));

    test('by Inquirer: all five steps from the first key to the summary, what is suggested taken', async () => {
      const t = open(['--plain', '--sandbox-file', file()]);
      let from = 0;
      /** Moves to a row of the list and takes it. */
      const choose = async (question: string, row: string) => {
        from = await until(t, question, from);
        await t.waitFor(row);
        await pause();
        const wanted = () => t.screen().some((line) => line === `❯ ${row}`);
        for (const key of [KEYS.up, KEYS.down])
          for (let moves = 0; moves < 8 && !wanted(); moves++) {
            const before = t.screen().join();
            t.press(key);
            // At the end of the list nothing moves, which is known only after a while.
            for (let tries = 0; tries < 50 && t.screen().join() === before; tries++) await pause(10);
            if (t.screen().join() === before) break;
          }
        if (wanted()) return t.press(KEYS.enter);
        throw new Error(`no row ${row} on:\n${t.screen().join('\n')}`);
      };
      for (const title of ['Namespaces', 'Default-deny', 'Quotas', 'Encryption at rest']) {
        await choose('Which step?', title);
        await choose('How to go on?', 'Go on to the changes');
        await choose('How to go on?', 'Go on to the confirmation');
        if (['Default-deny', 'Quotas'].includes(title))
          await choose('Take it back by itself unless it is kept in time?', 'No: it stays');
        from = await until(t, 'Apply?', from);
        await pause();
        t.press('y', KEYS.enter);
        await choose('How to go on?', 'Go on');
      }
      await choose('Which step?', 'Metadata blocking');
      await choose('How to go on?', 'Go on to the changes');
      await choose('How to go on?', 'Back to the questions');
      await choose('How to go on?', 'Back to the overview');
      await choose('Which step?', 'Save and leave');
      expect(await t.exit).toBe(0);
      expect(t.screen().join('\n')).toMatch(/Run [0-9a-f]+ on sandbox: \d+ changes applied in 4 steps/);
      const plan = await harden(['plan', '--sandbox-file', file()], env());
      expect({ code: plan.code, stderr: plan.stderr }).toEqual({ code: 0, stderr: '' });
    }, 120_000);

    test('on a dumb terminal: all five steps, without one escape sequence', async () => {
      const t = open(['--sandbox-file', file()], { TERM: 'dumb' });
      let from = 0;
      const answer = async (question: string, line: string) => {
        from = await until(t, question, from);
        await pause();
        t.press(`${line}\r`);
      };
      /** Takes a row of the numbered list before a question by its number. */
      const choose = async (question: string, row: string) => {
        const begin = from;
        from = await until(t, question, from);
        await pause();
        const number = t
          .raw()
          .slice(begin, from)
          .match(new RegExp(`^ +(\\d+) ${row}`, 'm'))?.[1];
        if (number === undefined) throw new Error(`no row ${row} in:\n${t.raw().slice(begin)}`);
        t.press(`${number}\r`);
      };
      for (const number of [1, 2, 3, 4, 5]) {
        await answer('Which step? [', String(number));
        await choose('How to go on? [', 'Go on to the changes');
        if (number === 5) {
          await choose('How to go on? [', 'Back to the questions');
          await choose('How to go on? [', 'Back to the overview');
          break;
        }
        await choose('How to go on? [', 'Go on to the confirmation');
        if (number === 2 || number === 3)
          await answer('Take it back by itself unless it is kept in time? [1]', '');
        await answer('Apply? [no]', 'yes');
        await answer('How to go on? [1]', '');
      }
      await answer('Which step? [', '7');
      expect(await t.exit).toBe(0);
      expect(t.raw()).toMatch(/Run [0-9a-f]+ on sandbox: \d+ changes applied in 4 steps/);
      expect(t.raw()).not.toContain('\u001b');
      const plan = await harden(['plan', '--sandbox-file', file()], env());
      expect(plan.code).toBe(0);
    }, 120_000);

    test('killed in the middle of applying, then resumed by prompts: only what is missing is applied', async () => {
      let t = open(['--sandbox-file', file()], { TERM: 'dumb' });
      let from = 0;
      const answer = async (question: string, line: string) => {
        from = await until(t, question, from);
        await pause();
        t.press(`${line}\r`);
      };
      await answer('Which step? [', '4');
      await answer('How to go on? [', '2');
      await answer('How to go on? [', '3');
      await answer('Apply? [no]', 'yes');
      from = await until(t, 'Secrets: ', from);
      t.killProgram();
      await t.exit;
      const [run = ''] = await readdir(runs());
      const journal = await readFile(path.join(runs(), run, 'journal.jsonl'), 'utf8');
      expect(journal).toContain('"type":"applied"');
      expect(journal).not.toContain('"type":"ended"');

      t = open(['resume', run, '--sandbox-file', file()], { TERM: 'dumb' });
      from = 0;
      await answer('Which step? [', '4');
      await answer('How to go on? [', '2');
      const before = from;
      await answer('How to go on? [', '3');
      const listed = t.raw().slice(before, from);
      expect(listed).toContain('re-write: ');
      expect(listed).not.toContain('EncryptionConfiguration'); // is in place already
      await answer('Apply? [no]', 'yes');
      await answer('How to go on? [1]', '');
      await answer('Which step? [', '7');
      expect(await t.exit).toBe(0);
      const plan = await harden(['plan', '--sandbox-file', file(), '--step', 'encryption-at-rest'], env());
      expect(plan.code).toBe(0);
    }, 120_000);

    test.each([['xterm-256color'], ['dumb']])(
      'ctrl-c on %s: 130, and how to resume',
      async (term) => {
        const t = open(['--plain', '--sandbox-file', file()], { TERM: term });
        await until(t, 'Which step?', 0);
        await pause();
        t.press(KEYS.ctrlC);
        expect(await t.exit).toBe(130);
        expect(t.raw()).toMatch(/kubectl harden resume [0-9a-f]+ --sandbox-file/);
      },
      60_000,
    );

    test('without colour nothing is coloured', async () => {
      const t = open(['--plain', '--no-color', '--sandbox-file', file()]);
      await until(t, 'Which step?', 0);
      await pause();
      t.press(KEYS.ctrlC);
      await t.exit;
      expect(t.raw()).not.toMatch(/\u001b\[[0-9;]*m/);
    }, 60_000);
  },
);
