import { setTimeout as sleep } from 'node:timers/promises';
import inquirer from 'inquirer';
import { type Asker, Interrupted, type Option, SETTLE_MS, Withdrawn } from './ask.js';

const CTRL_C = 0x03;
const CTRL_D = 0x04;

/** Questions by Inquirer, for terminals that move their cursor. */
export function inquirerAsker(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Asker {
  let current: AbortController | undefined;
  const pageSize = () => Math.max(5, (stdout.rows ?? 24) - 6);

  const ask = async <T>(question: Record<string, unknown>): Promise<T> => {
    const control = new AbortController();
    current = control;
    // Inquirer waits for ever where input ends: ctrl-d and a closed terminal have to be seen from outside.
    const stop = () => control.abort(new Interrupted());
    const onData = (data: Buffer | string) => {
      if (Buffer.from(data).includes(CTRL_D)) stop();
    };
    stdin.on('data', onData).on('end', stop).on('close', stop);
    try {
      const prompt = inquirer.createPromptModule({ input: stdin, output: stdout, signal: control.signal });
      const answers: { answer?: unknown } = await prompt([{ ...question, name: 'answer' } as never]);
      return answers.answer as T;
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      if (name === 'ExitPromptError') throw new Interrupted();
      if (name === 'AbortPromptError') throw control.signal.reason;
      throw error;
    } finally {
      stdin.off('data', onData).off('end', stop).off('close', stop);
      current = undefined;
    }
  };

  const busy = (interrupt: () => void) => {
    const onData = (data: Buffer | string) => {
      const bytes = Buffer.from(data);
      if (bytes.includes(CTRL_C) || bytes.includes(CTRL_D)) interrupt();
    };
    stdin.setRawMode?.(true);
    stdin.on('data', onData).resume();
    return () => {
      stdin.off('data', onData).pause();
      stdin.setRawMode?.(false);
    };
  };

  return {
    one: (message, options, preset) =>
      ask({
        type: 'select',
        message,
        choices: options.map(({ value, label }) => ({ value, name: label })),
        default: preset,
        loop: false,
        pageSize: pageSize(),
      }),
    many: async (message, options, preset) => {
      const list = (text: string, some: readonly Option[]): Promise<readonly string[]> =>
        ask({
          type: 'checkbox',
          message: text,
          choices: some.map(({ value, label, short = label }) => ({
            value,
            name: label,
            short,
            checked: preset.includes(value),
          })),
          loop: false,
          pageSize: pageSize(),
        });
      // The key that takes all takes all of a list: what it must not mean stands in one of its own.
      const plain = options.filter((option) => !option.apart);
      const apart = options.filter((option) => option.apart);
      const picked = plain.length > 0 ? [...(await list(message, plain))] : [];
      const also = plain.length > 0 ? `${message} (further ones, which "all" does not mean)` : message;
      if (apart.length > 0) picked.push(...(await list(also, apart)));
      return options.map(({ value }) => value).filter((value) => picked.includes(value));
    },
    yes: (message, preset) => ask({ type: 'confirm', message, default: preset }),
    number: (message, { min, max }, preset) =>
      ask({ type: 'number', message, min, max, default: preset, step: 'any', required: true }),
    text: (message, preset, wrong) =>
      ask({
        type: 'input',
        message,
        ...(preset === '' ? {} : { default: preset }),
        validate: (text: string) => wrong?.(text) ?? true,
      }),
    busy,
    settle: async () => {
      let stopped = false;
      const end = busy(() => {
        stopped = true;
      });
      await sleep(SETTLE_MS);
      end();
      if (stopped) throw new Interrupted();
    },
    withdraw: () => current?.abort(new Withdrawn()),
    close: () => stdin.pause(),
  };
}
