import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hostileState, planted } from '../support/hostile.js';
import { harden, PROGRAM } from '../support/program.js';
import { KEYS, missingTerminal, Terminal } from '../support/terminal.js';

const missing = missingTerminal();

(missing === undefined ? describe : describe.skip)(
  `a hostile cluster in a real terminal${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    /** A hostile cluster and a terminal of its own, so that cases can run at the same time. */
    async function onHostile(
      { args, ...size }: { args: readonly string[]; columns: number; rows: number; TERM?: string },
      body: (t: Terminal) => Promise<void>,
    ): Promise<void> {
      const directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-hostile-'));
      const cluster = path.join(directory, 'cluster.json');
      const { columns, rows, ...more } = size;
      const env = {
        XDG_STATE_HOME: path.join(directory, 'state'),
        HOME: directory,
        KUBECONFIG: '/nonexistent',
      };
      await harden(['plan', '--sandbox-file', cluster, '--step', 'namespaces'], env);
      await writeFile(cluster, JSON.stringify(hostileState(JSON.parse(await readFile(cluster, 'utf8')))));
      const command = [process.execPath, PROGRAM, ...args, '--sandbox-file', cluster];
      const terminal = new Terminal(command, { columns, rows, env: { ...env, ...more } });
      try {
        await body(terminal);
      } finally {
        terminal.kill();
        await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      }
    }

    const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

    test.concurrent(
      'every screen of the wizard shows names, labels and differences escaped',
      () =>
        onHostile({ args: [], columns: 120, rows: 40 }, async (t) => {
          await t.waitFor('⏎ open');
          for (let step = 0; step < 4; step++) {
            await t.waitFor('⏎ open');
            t.press(KEYS.tab, KEYS.down, KEYS.down, KEYS.tab);
            await wait(100);
            t.press(KEYS.enter);
            await t.waitFor(/⏎ (changes|next|take|overview)/);
            for (let tries = 0; tries < 60 && !/⏎ (confirm|overview)/.test(t.screen().join('\n')); tries++) {
              t.press(KEYS.down, KEYS.enter);
              await wait(150);
            }
            t.press(KEYS.down, 'i', KEYS.down, 'i', KEYS.tab, KEYS.down, KEYS.tab, '?', '?');
            await wait(200);
            for (let tries = 0; tries < 80 && !t.screen().join('\n').includes('⏎ open'); tries++) {
              t.press(KEYS.escape);
              await wait(150);
            }
            t.press(KEYS.down);
          }
          t.press(KEYS.ctrlC);
          expect(await t.exit).toBe(130);
          expect(t.raw()).toContain('EVIL');
          expect(planted(t.raw())).toEqual([]);
        }),
      120_000,
    );

    test.concurrent(
      'so do confirming, applying, the proof, the result and the last words',
      () =>
        onHostile({ args: [], columns: 120, rows: 40 }, async (t) => {
          let results = 0;
          for (let step = 1; step <= 4; step++) {
            await t.waitFor(new RegExp(`❯\\S+ ${step} [\\s\\S]*⏎ open`));
            t.press(KEYS.enter);
            await wait(150);
            for (let tries = 0; tries < 60; tries++) {
              const shown = await t.waitFor(/Apply\? y|⏎ (open|next|changes|confirm|take|overview)/);
              if (shown.includes('Apply? y')) t.press('y');
              else if (shown.includes('⏎ open')) break;
              else {
                if (shown.includes('⏎ next step')) results++;
                t.press(KEYS.down, KEYS.enter);
                if (tries > 40) t.press(KEYS.escape);
              }
              await wait(150);
            }
          }
          t.press('q');
          await t.exit;
          expect(t.raw()).toMatch(/Run [0-9a-f]+ on sandbox: \d+ changes? applied in \d steps?/);
          expect(t.raw()).toContain('The API server says:');
          expect(results).toBeGreaterThan(1);
          expect(t.raw()).toContain('EVIL');
          expect(planted(t.raw())).toEqual([]);
        }),
      120_000,
    );

    test.concurrent.each(['xterm-256color', 'dumb'])(
      'the line prompts do (TERM=%s)',
      (TERM) =>
        onHostile({ args: ['--plain'], columns: 100, rows: 40, TERM }, async (t) => {
          await t.waitFor('Which step?');
          for (let presses = 0; presses < 14; presses++) {
            t.press(KEYS.enter);
            await wait(150);
          }
          t.press(KEYS.ctrlC);
          expect(await t.exit).toBe(130);
          expect(t.raw()).toContain('EVIL');
          expect(planted(t.raw())).toEqual([]);
        }),
      120_000,
    );
  },
);
