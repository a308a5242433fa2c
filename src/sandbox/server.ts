import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { stringify } from 'yaml';
import type { Answer, Request } from './routes.js';
import { ApiError, unauthorized } from './status.js';

/** Larger requests are refused, as by the API server. */
const LARGEST_BODY = 3 * 1024 * 1024;
/** Answers from this size on are compressed when asked, as by the API server. */
const COMPRESS_FROM = 128 * 1024;
const compress = promisify(gzip);

export interface Listening {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves on loopback, on a port of its own. Every request must carry the token.
 * @param respond answers a request, synchronously, so that requests never interleave; throws `ApiError`
 * @param saved resolves when what was written is kept; the answer to a write waits for it
 */
export async function listen(
  token: string,
  respond: (request: Request) => Answer,
  saved: () => Promise<void>,
): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    handle(token, respond, saved, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(
  token: string,
  respond: (request: Request) => Answer,
  saved: () => Promise<void>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const answer = await (async (): Promise<Answer> => {
    try {
      const body = await read(incoming);
      if (!authorized(incoming.headers.authorization, token)) throw unauthorized();
      const [path = '/', query = ''] = (incoming.url ?? '/').split('?', 2);
      const result = respond({
        method: incoming.method ?? 'GET',
        path,
        query: new URLSearchParams(query),
        headers: {
          accept: incoming.headers.accept,
          'content-type': incoming.headers['content-type'],
          'user-agent': incoming.headers['user-agent'],
        },
        body,
      });
      if (result.wrote) await saved();
      return result;
    } catch (error) {
      return refusal(error);
    }
  })();
  await send(incoming, outgoing, answer);
}

function refusal(error: unknown): Answer {
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, 'InternalError', 'Internal error occurred: the embedded cluster could not answer');
  return { status: known.code, body: known.body(), yaml: false, warnings: [], wrote: false };
}

function authorized(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function read(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LARGEST_BODY)
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${LARGEST_BODY}`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

async function send(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer): Promise<void> {
  const text = typeof answer.body === 'string';
  const plain = Buffer.from(
    typeof answer.body === 'string'
      ? answer.body
      : answer.yaml
        ? stringify(answer.body)
        : JSON.stringify(answer.body),
  );
  const asked = /\bgzip\b/.test(String(incoming.headers['accept-encoding'] ?? ''));
  const packed = asked && plain.length >= COMPRESS_FROM ? await compress(plain) : undefined;
  const body = packed ?? plain;
  if (answer.warnings.length > 0)
    outgoing.setHeader(
      'warning',
      answer.warnings.map((warning) => `299 - ${JSON.stringify(warning)}`),
    );
  if (answer.status === 401) outgoing.setHeader('www-authenticate', 'Bearer');
  outgoing.writeHead(answer.status, {
    'content-type': text
      ? 'text/plain; charset=utf-8'
      : answer.yaml
        ? 'application/yaml'
        : 'application/json',
    'content-length': body.length,
    'cache-control': 'no-cache, private',
    ...(packed === undefined ? {} : { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }),
  });
  outgoing.end(body);
}
