import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { jest } from '@jest/globals';
import xterm from '@xterm/headless';
import { runTui } from '../../src/tui/index.js';
import { ARMING } from '../../src/tui/screens/confirm.js';
import { columns as textColumns } from '../../src/tui/width.js';
import type { Screen, Session, UserEvent, WizardState } from '../../src/wizard/state.js';

// Frames are waited for in real time; a loaded machine takes its own.
jest.setTimeout(30_000);

/** A session that does nothing by itself: a test sets the state and reads which events came. */
export class FakeSession implements Session {
  state: WizardState;
  readonly events: UserEvent[] = [];
  readonly ended: Promise<number>;
  readonly #listeners = new Set<() => void>();
  readonly #end: (code: number) => void;
  /** What an event does to the state, where a test wants the screens to move on. */
  reply: ((event: UserEvent, state: WizardState) => WizardState) | undefined;

  constructor(state: WizardState) {
    this.state = state;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#end = resolve;
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  send(event: UserEvent): void {
    this.events.push(event);
    if (this.reply !== undefined) this.set(this.reply(event, this.state));
  }

  set(state: WizardState): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }

  end(code = 0): void {
    this.#end(code);
  }
}

/** A terminal's input: what `write` is given arrives as if it were typed. */
class FakeStdin extends EventEmitter {
  readonly isTTY = true;
  raw = false;
  #waiting: string | null = null;
  setEncoding() {
    return this;
  }
  setRawMode(on: boolean) {
    this.raw = on;
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  read(): string | null {
    const data = this.#waiting;
    this.#waiting = null;
    return data;
  }
  write(data: string): void {
    this.#waiting = (this.#waiting ?? '') + data;
    this.emit('readable');
  }
}

/** A terminal's output, drawn by a terminal emulator: frames are what a person would see, wrapped lines and all. */
class FakeStdout extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  raw = '';
  readonly emulator: InstanceType<typeof xterm.Terminal>;

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
    this.emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 100 });
  }
  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.raw += chunk;
    // As a terminal in raw output mode does it: a line feed goes to the first column too.
    this.emulator.write(String(chunk).replaceAll(/(?<!\r)\n/g, '\r\n'), done);
  }
  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.emulator.resize(columns, rows);
    this.emit('resize');
  }
}

export interface MountOptions {
  columns?: number;
  rows?: number;
  unicode?: boolean;
}

/** The wizard on a terminal of its own. */
export class Mounted {
  readonly session: FakeSession;
  readonly stdin = new FakeStdin();
  readonly stdout: FakeStdout;
  readonly over: Promise<void>;

  constructor(session: FakeSession, { columns = 80, rows = 24, unicode = true }: MountOptions = {}) {
    this.session = session;
    this.stdout = new FakeStdout(columns, rows);
    this.over = runTui(session, {
      stdin: this.stdin as unknown as NodeJS.ReadStream,
      stdout: this.stdout as unknown as NodeJS.WriteStream,
      stderr: new FakeStdout(columns, rows) as unknown as NodeJS.WriteStream,
      unicode,
      colour: false,
    });
  }

  /** The rows as they stand on the screen, without trailing blanks. */
  rows(): string[] {
    const { emulator } = this.stdout;
    const { active } = emulator.buffer;
    return Array.from(
      { length: emulator.rows },
      (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '',
    );
  }

  frame(): string {
    return `${this.rows().join('\n')}\n`;
  }

  /** Waits until everything that is under way has been drawn. */
  async settled(): Promise<void> {
    // Ink draws at most every 34 ms. Several short waits let every timer that is due run, however slow the machine.
    for (let turn = 0; turn < 3 || (!this.stdin.raw && turn < 200); turn++)
      await new Promise((resolve) => setTimeout(resolve, 15));
    await new Promise<void>((resolve) => this.stdout.emulator.write('', resolve));
  }

  /** Types keys one after another, each on the frame that the one before it left. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.stdin.write(key);
      await this.settled();
    }
  }

  async set(state: WizardState): Promise<void> {
    this.session.set(state);
    await this.settled();
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.stdout.resize(columns, rows);
    await this.settled();
  }

  async close(): Promise<void> {
    this.session.end();
    await this.over;
    this.stdout.emulator.dispose();
  }
}

/** Mounts the wizard on this state, hands it to the test once it is drawn, and takes it down afterwards. */
export async function onScreen(
  state: WizardState,
  options: MountOptions,
  test: (mounted: Mounted) => Promise<void>,
): Promise<void> {
  const mounted = new Mounted(new FakeSession(state), options);
  try {
    await mounted.settled();
    await test(mounted);
  } finally {
    await mounted.close();
  }
}

/** Waits for what a screen shows only after a moment. */
export async function ready(mounted: Mounted, screen: Screen): Promise<void> {
  if (screen.at === 'confirm') await new Promise((resolve) => setTimeout(resolve, ARMING + 50));
  await mounted.settled();
}

export const KEY = {
  enter: '\r',
  esc: '\u001b',
  up: '\u001b[A',
  down: '\u001b[B',
  right: '\u001b[C',
  left: '\u001b[D',
  pageUp: '\u001b[5~',
  pageDown: '\u001b[6~',
  tab: '\t',
  shiftTab: '\u001b[Z',
  backspace: '\u007f',
  ctrlC: '\u0003',
  ctrlU: '\u0015',
} as const;

/**
 * Fails unless the screen holds one whole frame: header, rule, pane, rule, footer on exactly the terminal's rows. A row
 * that was too long would have wrapped, one row too many would have scrolled the header away.
 */
export function expectWholeFrame(mounted: Mounted): void {
  const rows = mounted.rows();
  const { columns, rows: height } = mounted.stdout;
  const rule = new RegExp(`^ [─-]{${columns - 2}}$`);
  expect(rows).toHaveLength(height);
  expect(rows[0]).toMatch(/^ kubectl harden .* run \S+$/);
  expect(textColumns(rows[0] ?? '')).toBe(columns - 1);
  expect(rows[1]).toMatch(rule);
  expect(rows[height - 2]).toMatch(rule);
  expect(rows.slice(2, -2).filter((row) => rule.test(row))).toEqual([]);
  expect(mounted.stdout.emulator.buffer.active.baseY).toBe(0);
}
