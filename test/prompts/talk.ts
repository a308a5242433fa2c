import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { runPlain } from '../../src/prompts/index.js';
import { PLAIN } from '../../src/report/style.js';
import type { Session } from '../../src/wizard/state.js';

/** A person at the line prompts: waits for text that was not there before, then types. */
export class Talk {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly finished: Promise<void>;
  #all = '';
  #seen = 0;

  constructor(session: Session, dumb: boolean) {
    this.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#all += dumb ? text : stripVTControlCharacters(text);
    });
    this.finished = runPlain(session, {
      stdin: this.stdin as unknown as NodeJS.ReadStream,
      // Like the process's own: piping into it never ends it.
      stdout: Object.assign(this.stdout, {
        rows: 24,
        columns: 80,
        end: () => this.stdout,
      }) as unknown as NodeJS.WriteStream,
      style: PLAIN,
      dumb,
    });
  }

  /** Everything that was written. */
  get all(): string {
    return this.#all;
  }

  /** Waits for a text behind what was waited for before; resolves with what lies between. */
  async until(text: string): Promise<string> {
    const end = Date.now() + 3_000;
    for (;;) {
      const at = this.#all.indexOf(text, this.#seen);
      if (at >= 0) {
        const between = this.#all.slice(this.#seen, at + text.length);
        this.#seen = at + text.length;
        return between;
      }
      if (Date.now() > end)
        throw new Error(`waited for ${JSON.stringify(text)} in:\n${this.#all.slice(this.#seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  type(text: string): void {
    this.stdin.write(text);
  }

  async answer(question: string, line: string): Promise<string> {
    const between = await this.until(question);
    await new Promise((resolve) => setTimeout(resolve, 10));
    this.type(`${line}\n`);
    return between;
  }
}
