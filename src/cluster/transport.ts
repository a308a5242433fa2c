import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import {
  type AgentOptions,
  Agent as HttpsAgent,
  request as httpsRequest,
  type RequestOptions,
} from 'node:https';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { checkServerIdentity } from 'node:tls';
import { promisify } from 'node:util';
import { createGunzip, gunzip } from 'node:zlib';
import { stringAt } from '../model/manifest.js';
import type { Credentials } from './credentials.js';

const unzip = promisify(gunzip);

/** One HTTP request. The path starts with `/` and is relative to the server's address. */
export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Of a text in lines only those that match are kept: metrics are megabytes, of which a few lines matter. */
  lines?: RegExp;
}

/** What came back, whatever its status. */
export interface Answer {
  status: number;
  headers: IncomingMessage['headersDistinct'];
  body: Buffer;
}

/** Where requests go to and how connections are kept. */
export interface Route {
  /** Address of the API server, with a base path where it has one. */
  server: string;
  /** Most connections at a time; 1 keeps every request on one connection, hence on one server behind an address. */
  sockets: number;
  /** False: each request makes a connection of its own. */
  keepAlive: boolean;
  /** Requests side by side over one connection, where the server speaks HTTP/2. */
  multiplexed?: boolean;
  /** Names of which the server's certificate must carry one; undefined: the name in the address. */
  certificateNames?: readonly string[];
}

/** A connection that could not be made or broke. `sent` tells whether the server may have seen the request. */
export class TransportError extends Error {
  override name = 'TransportError';
  readonly code: string;
  readonly sent: boolean;
  constructor(code: string, sent: boolean) {
    super(code);
    this.code = code;
    this.sent = sent;
  }
}

type TlsOptions = AgentOptions;

/** Longest time to make a connection, in milliseconds. */
export const CONNECT_LIMIT = 10_000;
/** Longest silence of a server that has been asked something; API servers end requests after 60 s. */
export const ANSWER_LIMIT = 65_000;

/** Raw HTTP. One for each route and set of credentials. */
export interface Sender {
  readonly credentials: Credentials;
  /** @throws TransportError where there is no answer */
  send(call: Call): Promise<Answer>;
  close(): void;
}

/** Over keep-alive connections, a request at a time on each. */
export class Transport implements Sender {
  readonly credentials: Credentials;
  #agent: HttpAgent;
  #options: RequestOptions;
  #base: URL;

  constructor(route: Route, credentials: Credentials) {
    this.credentials = credentials;
    this.#base = new URL(route.server);
    const tls = { ...credentials.tls, ...certificateCheck(route) };
    this.#agent = agentFor(route, this.#base, tls, credentials);
    this.#options = { ...tls, agent: this.#agent };
  }

  send(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let connected = false;
      let connecting: NodeJS.Timeout | undefined;
      const start = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
      const fail = (error: unknown) => {
        clearTimeout(connecting);
        reject(new TransportError(codeOf(error), connected));
      };
      const request = start(
        {
          ...this.#options,
          hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
          port: this.#base.port,
          method: call.method,
          path: this.#base.pathname.replace(/\/$/, '') + call.path,
          headers: {
            Accept: 'application/json',
            'Accept-Encoding': 'gzip',
            ...call.headers,
            ...(call.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(call.body) }),
          },
          timeout: ANSWER_LIMIT,
        },
        (response) => collect(response, call.lines).then(resolve, fail),
      );
      request.on('socket', (socket) => {
        // Counted from here: before, the request waits for a connection to be free.
        if (!socket.connecting) {
          connected = true;
          return;
        }
        connecting = setTimeout(() => request.destroy(timedOut()), CONNECT_LIMIT);
        socket.once(this.#base.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          connected = true;
          clearTimeout(connecting);
        });
      });
      request.on('timeout', () => request.destroy(timedOut()));
      request.on('error', fail);
      request.end(call.body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function agentFor(route: Route, base: URL, tls: TlsOptions, credentials: Credentials): HttpAgent {
  if (credentials.proxy !== undefined) {
    const agent = credentials.proxy as HttpAgent & { keepAlive: boolean };
    agent.keepAlive = route.keepAlive;
    agent.maxSockets = route.sockets;
    return agent;
  }
  const common = {
    keepAlive: route.keepAlive,
    maxSockets: route.sockets,
    // Oldest first spreads requests over connections; a silent peer is noticed by TCP before it is asked again.
    scheduling: 'fifo' as const,
    keepAliveMsecs: 30_000,
    // As other Kubernetes clients do: HTTPS_PROXY and NO_PROXY count, except for this machine.
    ...(/^(localhost|127\.|\[::1\])/.test(base.hostname) ? {} : { proxyEnv: process.env }),
  };
  return base.protocol === 'https:' ? new OneRoute({ ...common, ...tls }) : new HttpAgent(common);
}

/** All connections of an agent of ours lead to one place: there is no need to spell out certificates to tell them apart. */
class OneRoute extends HttpsAgent {
  override getName(): string {
    return 'api server';
  }
}

/** An API server reached by another address than the kubeconfig's shows a certificate for names that we know. */
export function certificateCheck({ certificateNames }: Route): TlsOptions {
  if (certificateNames === undefined) return {};
  return {
    checkServerIdentity: (_host, certificate) => {
      const faults = certificateNames.map((name) => checkServerIdentity(name, certificate));
      return faults.some((fault) => fault === undefined) ? undefined : faults[0];
    },
  };
}

function collect(response: IncomingMessage, lines: RegExp | undefined): Promise<Answer> {
  const status = response.statusCode ?? 0;
  const zipped = response.headers['content-encoding'] === 'gzip';
  return bodyOf(response, { zipped, lines: status === 200 ? lines : undefined }).then((body) => ({
    status,
    headers: response.headersDistinct,
    body,
  }));
}

/**
 * The body of an answer, unpacked; only those of its lines that match, where that is asked for. By events: an iterator
 * over the stream costs a third of the time of a small one.
 */
export function bodyOf(
  response: Readable,
  { zipped, lines }: { zipped: boolean; lines: RegExp | undefined },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const text: Readable = lines !== undefined && zipped ? response.pipe(createGunzip()) : response;
    const kept = lines === undefined ? keptWhole() : keptLines(lines);
    text.on('data', (chunk: Buffer) => kept.take(chunk));
    response.on('error', reject);
    text.on('error', reject);
    text.on('end', () => {
      const body = kept.all();
      if (zipped && lines === undefined) unzip(body).then(resolve, reject);
      else resolve(body);
    });
  });
}

interface Kept {
  take(chunk: Buffer): void;
  all(): Buffer;
}

function keptWhole(): Kept {
  const chunks: Buffer[] = [];
  return {
    take: (chunk) => chunks.push(chunk),
    all: () => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
  };
}

function keptLines(pattern: RegExp): Kept {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let kept = '';
  const add = (line: string) => {
    if (pattern.test(line)) kept += `${line}\n`;
  };
  return {
    take: (chunk) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) add(line);
    },
    all: () => {
      add(rest + decoder.end());
      return Buffer.from(kept);
    },
  };
}

export function timedOut(): Error {
  return Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' });
}

/** The code that Node gives a failed connection; its message where it gives none. */
export function codeOf(error: unknown): string {
  return stringAt(error, 'code') ?? stringAt(error, 'message') ?? 'unknown';
}
