import { Writable } from 'node:stream';
import type { Io } from '../../src/commands/io.js';

/** What a command is carried out with where nobody types; what it prints is kept. */
export function writtenIo(): { io: Io; written: { stdout: string; stderr: string } } {
  const written = { stdout: '', stderr: '' };
  const stream = (to: keyof typeof written) =>
    new Writable({
      write(chunk, _encoding, done) {
        written[to] += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  return {
    io: { stdin: process.stdin, stdout: stream('stdout'), stderr: stream('stderr'), env: {} },
    written,
  };
}
