import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import xterm from '@xterm/headless';

/** Why there is no real terminal for tests here; undefined where there is. `script` (util-linux) gives the pty. */
export function missingTerminal(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux (util-linux script)';
  return ['/usr/bin/script', '/bin/script'].some(existsSync)
    ? undefined
    : 'script (util-linux) is not installed';
}

export interface TerminalOptions {
  columns: number;
  rows: number;
  env?: Record<string, string>;
  cwd?: string;
}

/** A program in a real pseudo-terminal, its output drawn by a terminal emulator: what a person would see. */
export class Terminal {
  readonly exit: Promise<number>;
  readonly #child: ChildProcess;
  readonly #emulator: InstanceType<typeof xterm.Terminal>;
  /** Holds the file in which the program leaves its process id: `script` gives it a session of its own. */
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-pty-'));
  #raw = '';

  constructor(command: readonly string[], options: TerminalOptions) {
    const { columns, rows } = options;
    this.#emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 2_000 });
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    this.#child = spawn(
      'script',
      [
        '-qefc',
        `echo $$ > '${path.join(this.#directory, 'pid')}'; stty rows ${rows} cols ${columns}; exec ${quoted}`,
        '/dev/null',
      ],
      {
        cwd: options.cwd,
        env: { PATH: process.env.PATH, TERM: 'xterm-256color', LANG: 'C.UTF-8', ...options.env },
        stdio: ['pipe', 'pipe', 'inherit'],
        detached: true,
      },
    );
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#raw += text;
      this.#emulator.write(text);
    });
    // Answers of the terminal itself, such as its cursor position.
    this.#emulator.onData((text) => this.press(text));
    this.exit = new Promise((resolve) => this.#child.on('exit', (code) => resolve(code ?? -1)));
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.#child.stdin?.write(key);
  }

  /** The rows as they stand on the screen now, without trailing blanks. */
  screen(): string[] {
    const buffer = this.#emulator.buffer.active;
    return Array.from(
      { length: this.#emulator.rows },
      (_, y) => buffer.getLine(buffer.baseY + y)?.translateToString(true) ?? '',
    );
  }

  /** Every byte that was written so far. */
  raw(): string {
    return this.#raw;
  }

  /** Resolves with the screen once it holds the text; fails with the screen it waited on. */
  async waitFor(text: string | RegExp, seconds = 60): Promise<string> {
    const until = Date.now() + seconds * 1_000;
    for (;;) {
      const shown = this.screen().join('\n');
      if (typeof text === 'string' ? shown.includes(text) : text.test(shown)) return shown;
      if (Date.now() > until) throw new Error(`waited ${seconds} s for ${text} on:\n${shown}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends the program itself by a signal that it cannot see coming; the terminal ends with it (`exit`). */
  killProgram(): void {
    const pid = Number(read(path.join(this.#directory, 'pid')));
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }

  /** Ends whatever still runs, and lets go of the terminal. */
  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const pids = [Number(read(path.join(this.#directory, 'pid'))), this.#child.pid ?? 0];
      for (const pid of pids) {
        try {
          if (pid > 0) process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended in this moment.
        }
      }
    }
    rmSync(this.#directory, { recursive: true, force: true });
    this.#emulator.dispose();
  }
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

export const KEYS = {
  enter: '\r',
  escape: '\u001b',
  up: '\u001b[A',
  down: '\u001b[B',
  tab: '\t',
  ctrlC: '\u0003',
  space: ' ',
} as const;
