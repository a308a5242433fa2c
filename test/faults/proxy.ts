import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, createServer as secureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '../support/rest.js';
import type { Draw, Fault } from './plan.js';

export interface FaultProxy {
  address: string;
  /** What was done, in order, for the words of a failed test. */
  readonly done: readonly string[];
  close(): Promise<void>;
}

/** Certificate and key, as PEM. */
export interface Serving {
  cert: string;
  key: string;
}

/** Lists come in pages of so many, however many were asked for: places to go on from are among what expires. */
const PAGE = 7;

function inSmallPages(url: string): string {
  return url.replace(/(?<=[?&]limit=)\d+/, (limit) => String(Math.min(PAGE, Number(limit))));
}

/** Stands in front of an API server and does to each request what the plan draws for it; with a certificate it speaks TLS. */
export async function faultProxy(target: Connection, draw: Draw, serving?: Serving): Promise<FaultProxy> {
  const secure = target.server.startsWith('https:');
  const agent = secure
    ? new HttpsAgent({
        keepAlive: true,
        ...(target.ca === undefined ? { rejectUnauthorized: false } : { ca: target.ca }),
      })
    : new Agent({ keepAlive: true });
  const done: string[] = [];
  let count = 0;

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const { method = 'GET', url = '/' } = incoming;
    const { authorization = '' } = incoming.headers;
    const fault = draw({ method, path: url, authorization });
    if (fault !== undefined) done.push(`#${count} ${method} ${url}: ${fault.name}`);
    count++;
    const before = fault?.before;
    if (before?.waitMs !== undefined) await sleep(before.waitMs);
    if (before?.until !== undefined) await before.until;
    if (before?.reset === true) return void incoming.socket.destroy();
    if (before?.answer !== undefined) {
      const { status, headers, text } = before.answer;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      return void response.end(text);
    }
    const answer = await forward(incoming, body);
    await reply(incoming, response, answer, fault);
  };

  const forward = (
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ head: IncomingMessage; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(
        new URL(inSmallPages(incoming.url ?? '/'), target.server),
        {
          method: incoming.method,
          agent,
          headers: {
            ...incoming.headers,
            host: new URL(target.server).host,
            authorization: `Bearer ${target.token}`,
          },
        },
        (head) => {
          const parts: Buffer[] = [];
          head.on('data', (part: Buffer) => parts.push(part));
          head.on('end', () => resolve({ head, body: Buffer.concat(parts) }));
          head.on('error', reject);
        },
      );
      // A connection that the server closed while nothing went over it is no fault of the plan.
      outgoing.on('error', (error) =>
        outgoing.reusedSocket ? resolve(forward(incoming, body)) : reject(error),
      );
      outgoing.end(body);
    });

  const listener = (incoming: IncomingMessage, response: ServerResponse) => {
    handle(incoming, response).catch(() => incoming.socket.destroy());
  };
  const server = serving === undefined ? createServer(listener) : secureServer(serving, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `${serving === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    done,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          agent.destroy();
          resolve();
        });
      }),
  };
}

async function reply(
  incoming: IncomingMessage,
  response: ServerResponse,
  { head, body }: { head: IncomingMessage; body: Buffer },
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.after === 'drop') return void incoming.socket.destroy();
  const headers = Object.fromEntries(
    Object.entries(head.headers).filter(
      ([name]) => !['connection', 'transfer-encoding', 'keep-alive'].includes(name),
    ),
  );
  response.writeHead(head.statusCode ?? 502, { ...headers, 'content-length': body.length });
  if (fault?.after !== 'truncate') return void response.end(body);
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => incoming.socket.destroy());
}
