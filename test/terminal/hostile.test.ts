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
    let directory: string;
    let cluster: string;
    let env: Record<string, string>;
    let terminal: Terminal | undefined;
    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-hostile-'));
      cluster = path.join(directory, 'cluster.json');
      env = { XDG_STATE_HOME: path.join(directory, 'state'), HOME: directory, KUBECONFIG: '/nonexistent' };
      await harden(['plan', '--sandbox-file', cluster, '--step', 'namespaces'], env);
      await writeFile(cluster, JSON.stringify(hostileState(JSON.parse(await readFile(cluster, 'utf8')))));
    });
    afterEach(() => terminal?.kill());
    afterAll(() => rm(directory, { recursive: true, force: true }));

    const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

    test('every screen of the wizard shows names, labels and differences escaped', async () => {
      terminal = new Terminal([process.execPath, PROGRAM, '--sandbox-file', cluster], {
        columns: 120,
        rows: 40,
        env,
      });
      const t = terminal;
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
    }, 120_000);

    test.each(['xterm-256color', 'dumb'])(
      'the line prompts do (TERM=%s)',
      async (TERM) => {
        terminal = new Terminal([process.execPath, PROGRAM, '--plain', '--sandbox-file', cluster], {
          columns: 100,
          rows: 40,
          env: { ...env, TERM },
        });
        const t = terminal;
        await t.waitFor('Which step?');
        for (let presses = 0; presses < 14; presses++) {
          t.press(KEYS.enter);
          await wait(150);
        }
        t.press(KEYS.ctrlC);
        expect(await t.exit).toBe(130);
        expect(t.raw()).toContain('EVIL');
        expect(planted(t.raw())).toEqual([]);
      },
      60_000,
    );
  },
);
