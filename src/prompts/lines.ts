import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Asker, Interrupted, type Option, SETTLE_MS, Withdrawn } from './ask.js';
import { parseNumbers } from './numbers.js';

/**
 * Questions line by line, for terminals that cannot move their cursor and for screen readers: lists are numbered, what
 * stands in brackets is taken for an empty line, and nothing is ever drawn twice.
 */
export function lineAsker(stdin: NodeJS.ReadableStream, stdout: NodeJS.WritableStream): Asker {
  const lines = createInterface({ input: stdin, output: stdout, terminal: false });
  let pending: { resolve(line: string): void; reject(error: Error): void } | undefined;
  let closed = false;
  let onClose: (() => void) | undefined;
  const settle = (end: (question: NonNullable<typeof pending>) => void) => {
    const question = pending;
    pending = undefined;
    if (question !== undefined) end(question);
  };
  lines.on('line', (line) => settle((question) => question.resolve(line.trim())));
  lines.on('close', () => {
    closed = true;
    settle((question) => question.reject(new Interrupted()));
    onClose?.();
  });

  const line = (message: string): Promise<string> => {
    stdout.write(`${message} `);
    return closed
      ? Promise.reject(new Interrupted())
      : new Promise((resolve, reject) => {
          pending = { resolve, reject };
        });
  };
  /** Asks until the answer can be read; `read` gives it, or says in words what was expected. */
  const until = async <T>(
    message: string,
    read: (line: string) => { is: T } | { expected: string },
  ): Promise<T> => {
    for (;;) {
      const answer = read(await line(message));
      if ('is' in answer) return answer.is;
      stdout.write(`Expected ${answer.expected}.\n`);
    }
  };
  const list = (options: readonly Option[], mark: (option: Option) => string) => {
    for (const [index, option] of options.entries())
      stdout.write(`${String(index + 1).padStart(4)} ${mark(option)}${option.label}\n`);
  };

  return {
    one: (message, options, preset) => {
      list(options, () => '');
      const at = options.findIndex((option) => option.value === preset) + 1;
      return until(`${message} [${at}]`, (text) => {
        const found = options[Number(text === '' ? at : text) - 1];
        return found === undefined
          ? { expected: `a number from 1 to ${options.length}` }
          : { is: found.value };
      });
    },
    many: (message, options, preset) => {
      list(options, (option) => (preset.includes(option.value) ? '[x] ' : '[ ] '));
      return until<readonly string[]>(`${message} (numbers such as 1,3-5; all; none) [as marked]`, (text) => {
        if (text === '') return { is: preset };
        if (text.trim().toLowerCase() === 'all')
          return { is: options.filter(({ apart }) => !apart).map(({ value }) => value) };
        const picked = parseNumbers(text, options.length);
        return picked === undefined
          ? { expected: `numbers from 1 to ${options.length} such as 1,3-5, or all, or none` }
          : { is: picked.map((number) => options[number - 1]?.value ?? '') };
      });
    },
    yes: (message, preset) =>
      until(`${message} [${preset ? 'yes' : 'no'}]`, (text) => {
        if (text === '') return { is: preset };
        const word = text.toLowerCase();
        if (word === 'y' || word === 'yes') return { is: true };
        return word === 'n' || word === 'no' ? { is: false } : { expected: 'yes or no' };
      }),
    number: (message, { min, max }, preset) =>
      until(`${message} [${preset}]`, (text) => {
        const value = text === '' ? preset : Number(text);
        return value >= min && value <= max ? { is: value } : { expected: `a number from ${min} to ${max}` };
      }),
    text: (message, preset, wrong) =>
      until(preset === '' ? `${message}:` : `${message} [${preset}]`, (text) => {
        const value = text === '' ? preset : text;
        const expected = wrong?.(value);
        return expected === undefined ? { is: value } : { expected };
      }),
    // Ctrl-c is a signal here, which whoever started the session hears; only the end of input is ours to tell.
    busy: (interrupt) => {
      onClose = interrupt;
      if (closed) interrupt();
      return () => {
        onClose = undefined;
      };
    },
    settle: async () => {
      await sleep(SETTLE_MS); // lines that arrive now find no question and are dropped
      if (closed) throw new Interrupted();
    },
    withdraw: () => settle((question) => question.reject(new Withdrawn())),
    close: () => {
      onClose = undefined;
      lines.close();
    },
  };
}
