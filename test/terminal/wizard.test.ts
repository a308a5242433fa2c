import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden, PROGRAM } from '../support/program.js';
import { KEYS, missingTerminal, Terminal } from '../support/terminal.js';

const missing = missingTerminal();

(missing === undefined ? describe : describe.skip)(
  `the wizard in a real terminal${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let directory: string;
    let terminal: Terminal | undefined;

    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-terminal-'));
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

    function open(
      args: readonly string[],
      size = { columns: 80, rows: 24 },
      more: Record<string, string> = {},
    ): Terminal {
      terminal = new Terminal([process.execPath, PROGRAM, ...args], { ...size, env: { ...env(), ...more } });
      return terminal;
    }

    /** Goes through one step from the overview to its result, the defaults taken. */
    async function walkStep(t: Terminal, number: number): Promise<string> {
      await t.waitFor('⏎ open');
      await t.waitFor(new RegExp(`❯\\S+ ${number} `));
      t.press(KEYS.enter);
      await new Promise((resolve) => setTimeout(resolve, 150));
      for (;;) {
        const shown = await t.waitFor(
          /Apply\? y|⏎ open|⏎ next step|⏎ changes|⏎ next |⏎ confirm|⏎ take|nothing to (change|do)/i,
        );
        if (/Apply\? y/.test(shown)) t.press('y');
        else if (shown.includes('⏎ next step')) return shown;
        else if (/⏎ (open|changes|next|confirm|take)/.test(shown)) t.press(KEYS.enter);
        else return shown;
        // What is pressed while a screen is busy is swallowed, so wait until this one is gone.
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    }

    async function backToOverview(t: Terminal): Promise<void> {
      for (let tries = 0; tries < 10 && !t.screen().join('\n').includes('⏎ open'); tries++) {
        t.press(KEYS.escape);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    }

    test.each([
      { columns: 80, rows: 24 },
      { columns: 120, rows: 40 },
    ])(
      'all five steps from the first key to the summary, $columns x $rows',
      async (size) => {
        const t = open(['--sandbox-file', file()], size);
        for (const number of [1, 2, 3, 4, 5]) {
          const shown = await walkStep(t, number);
          expect(shown.split('\n').every((line) => line.length <= size.columns)).toBe(true);
          if (shown.includes('⏎ next step')) t.press(KEYS.enter);
          else await backToOverview(t);
        }
        await t.waitFor('⏎ open');
        t.press('q');
        expect(await t.exit).toBe(0);
        const after = t.screen().join('\n');
        expect(after).toMatch(/Run [0-9a-f]+ on sandbox: \d+ changes applied in 4 steps/);
        const plan = await harden(['plan', '--sandbox-file', file()], env());
        expect({ code: plan.code, stderr: plan.stderr }).toEqual({ code: 0, stderr: '' });
      },
      120_000,
    );

    test('killed while it re-writes Secrets, then resumed: what was missing is applied and proven', async () => {
      const t = open(['--sandbox-file', file()]);
      await t.waitFor('⏎ open');
      t.press(KEYS.down, KEYS.down, KEYS.down);
      await t.waitFor(/❯\S+ 4 /);
      t.press(KEYS.enter);
      for (;;) {
        const shown = await t.waitFor(
          /Apply\? y|⏎ changes|⏎ next |⏎ confirm|⏎ take|re-written [1-9]\d* · already/,
        );
        if (shown.includes('Apply? y')) t.press('y');
        else if (/⏎ (changes|next|confirm|take)/.test(shown)) t.press(KEYS.enter);
        else break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      t.killProgram();
      await t.exit;

      const runs = await readdir(path.join(directory, 'state', 'kubectl-harden', 'runs'));
      expect(runs).toHaveLength(1);
      const journal = await readFile(
        path.join(directory, 'state', 'kubectl-harden', 'runs', runs[0] ?? '', 'journal.jsonl'),
        'utf8',
      );
      expect(journal).toContain('"applying"');
      expect(journal).not.toContain('"ended"');

      const again = await harden(
        ['resume', runs[0] ?? '', '--sandbox-file', file(), '--confirm', 'sandbox'],
        env(),
      );
      expect({ code: again.code, stderr: again.stderr }).toMatchObject({ code: 0 });
      expect(again.stderr).not.toContain('EncryptionConfiguration encryption-config:'); // was in place already
      const plan = await harden(['plan', '--sandbox-file', file(), '--step', 'encryption-at-rest'], env());
      expect(plan.code).toBe(0);
      // The steps that nobody had confirmed in that run are left alone.
      expect((await harden(['plan', '--sandbox-file', file(), '--step', 'quotas'], env())).code).toBe(1);
    }, 120_000);

    test('ctrl-c leaves with 130, the screen as it was, and says how to resume', async () => {
      const t = open(['--sandbox-file', file()]);
      await t.waitFor('⏎ open');
      t.press(KEYS.ctrlC);
      expect(await t.exit).toBe(130);
      expect(t.screen().join('\n')).toMatch(/kubectl harden resume [0-9a-f]+ --sandbox-file/);
      expect(t.raw()).toContain('\u001b[?1049l');
    }, 60_000);

    test('keys that are typed ahead do not confirm', async () => {
      const t = open(['--sandbox-file', file()]);
      t.press('y', 'y', KEYS.enter, 'y', 'y');
      await t.waitFor('⏎ open');
      t.press(KEYS.enter, KEYS.enter, KEYS.enter, 'y', 'y', 'y', KEYS.enter, 'y');
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      t.press(KEYS.ctrlC);
      await t.exit;
      const runs = await readdir(path.join(directory, 'state', 'kubectl-harden', 'runs'));
      const journal = await readFile(
        path.join(directory, 'state', 'kubectl-harden', 'runs', runs[0] ?? '', 'journal.jsonl'),
        'utf8',
      );
      expect(journal).not.toContain('"confirmed"');
    }, 60_000);
  },
);
