import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
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
  #raw = '';

  constructor(command: readonly string[], options: TerminalOptions) {
    const { columns, rows } = options;
    this.#emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 2_000 });
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    this.#child = spawn(
      'script',
      ['-qefc', `stty rows ${rows} cols ${columns}; exec ${quoted}`, '/dev/null'],
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

  /** Ends the program and whatever it started. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (this.#child.pid !== undefined && this.#child.exitCode === null) {
      try {
        process.kill(-this.#child.pid, signal);
      } catch {
        // It has ended in this moment.
      }
    }
    this.#emulator.dispose();
  }
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
