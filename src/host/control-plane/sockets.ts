import { stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { printable } from '../../model/escape.js';
import { HostError, reasonOf } from '../errors.js';

const LIMIT = 3_000;

/**
 * Checks that a KMS plugin listens at a socket of this node: it exists, is a socket, and accepts a connection. Nothing
 * is sent; what the plugin can do is for the API server to find out.
 * @throws HostError what is wrong, in words
 */
export async function checkSocket(file: string): Promise<void> {
  const wrong = (what: string) =>
    new HostError(
      `The KMS plugin's socket ${printable(file)} ${what}.\nNothing was changed: an API server with this configuration would not start. Start the plugin first.`,
    );
  const facts = await stat(file).catch((error: unknown) => {
    throw wrong(`cannot be used: ${reasonOf(error)}`);
  });
  if (!facts.isSocket()) throw wrong('is not a socket');
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection({ path: file, timeout: LIMIT });
    const end = (error?: HostError) => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(wrong('does not answer')));
    socket.once('error', (error) => end(wrong(`accepts no connection: ${reasonOf(error)}`)));
  });
}
