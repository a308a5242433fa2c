import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden, PROGRAM } from '../support/program.js';
import { KEYS, missingTerminal, Terminal } from '../support/terminal.js';

const missing = missingTerminal();

(missing === undefined ? describe : describe.skip)(
  `commit-confirm in a real terminal${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    /** A terminal, a state directory and an embedded cluster of its own: the cases run at the same time. */
    async function inPlace(
      time: string,
      body: (t: Terminal, standing: () => Promise<string>) => Promise<void>,
    ): Promise<void> {
      const directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-keep-'));
      const env = {
        XDG_STATE_HOME: path.join(directory, 'state'),
        HOME: directory,
        KUBECONFIG: '/nonexistent',
      };
      const cluster = ['--sandbox-file', path.join(directory, 'cluster.json')];
      const command = [process.execPath, PROGRAM, ...cluster, '--step', 'quotas', '--confirm-within', time];
      const terminal = new Terminal(command, { columns: 80, rows: 24, env });
      try {
        await confirming(terminal);
        await body(terminal, async () => (await harden(['runs'], env)).stdout);
      } finally {
        terminal.kill();
        await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      }
    }

    /** Goes from the overview of the only step to its confirmation. */
    async function confirming(t: Terminal): Promise<void> {
      await t.waitFor('⏎ open');
      t.press(KEYS.enter);
      for (;;) {
        const shown = await t.waitFor(/Apply\? y|⏎ (changes|next|confirm|take)/);
        if (/Apply\? y/.test(shown)) break;
        t.press(KEYS.enter);
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    }

    test.concurrent(
      'the confirmation says it, the time runs on the screen, and K keeps it',
      () =>
        inPlace('10m', async (t, standing) => {
          expect(t.screen().join('\n')).toMatch(/taken back unless it is kept: within 10 minutes/);
          t.press('y');
          await t.waitFor('⏎ next step');
          const first = await t.waitFor(/unless it is kept +(10:00|9:5\d) left/);
          await t.waitFor(
            (/[\d:]+ left/.exec(first)?.[0] ?? '') === '10:00 left' ? /9:5\d left/ : /9:5[0-8] left/,
          );
          t.press('K');
          await t.waitFor('Kept: Quotas.');
          t.press('q');
          expect(await t.exit).toBe(0);
          expect(await standing()).toMatch(/quotas kept/);
        }),
      60_000,
    );

    test.concurrent(
      'nobody keeps it: the wizard ends by itself, says why, and it is taken back',
      () =>
        inPlace('3s', async (t, standing) => {
          t.press('y');
          expect(await t.exit).toBe(1);
          expect(t.screen().join('\n')).toMatch(/nobody kept it in time, and it is taken back/);
          for (let tries = 0; !/quotas taken back/.test(await standing()) && tries < 60; tries++)
            await new Promise((resolve) => setTimeout(resolve, 500));
          expect(await standing()).toMatch(/quotas taken back[\s\S]*undo of [0-9a-f]+: done/);
        }),
      90_000,
    );
  },
);
