import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  connect as http2,
  type IncomingHttpHeaders,
} from 'node:http2';
import { isIP } from 'node:net';
import { connect as tls } from 'node:tls';
import type { Credentials } from './credentials.js';
import {
  ANSWER_LIMIT,
  type Answer,
  bodyOf,
  type Call,
  CONNECT_LIMIT,
  certificateCheck,
  codeOf,
  type Route,
  type Sender,
  Transport,
  TransportError,
  timedOut,
} from './transport.js';

/** Bytes that the server may send ahead: the 64 KiB of the standard are used up by 40 answers. */
const WINDOW = 4 << 20;
/** Megabytes that Node lets a session hold before it refuses streams. */
const SESSION_MEMORY = 64;

/**
 * Requests side by side over one connection (HTTP/2), as other Kubernetes clients make them: a handshake for each of
 * many connections would cost the server more than what is asked of it. Where the server, or something before it,
 * speaks HTTP/1.1 only, over connections as `Transport` makes them.
 */
export class Multiplexed implements Sender {
  readonly credentials: Credentials;
  readonly #route: Route;
  readonly #base: URL;
  /** Where HTTP/2 is not spoken. */
  #plain: Transport | undefined;
  /** The connection in use; undefined once it is to take no more. */
  #current: Promise<ClientHttp2Session | undefined> | undefined;
  readonly #sessions = new Set<ClientHttp2Session>();
  /** What is in hand, oldest first, and when it began. One timer for all costs less than one each. */
  readonly #open = new Map<ClientHttp2Stream, number>();
  readonly #watch: NodeJS.Timeout;
  #closed = false;

  constructor(route: Route, credentials: Credentials) {
    this.credentials = credentials;
    this.#route = route;
    this.#base = new URL(route.server);
    this.#watch = setInterval(() => this.#giveUp(), 1_000);
    this.#watch.unref();
  }

  /** Whether a route may be tried so: proxies are left to agents that know them. */
  static suits(route: Route, credentials: Credentials): boolean {
    return route.server.startsWith('https:') && credentials.proxy === undefined && !throughProxy();
  }

  async send(call: Call): Promise<Answer> {
    const session = this.#plain === undefined ? await this.#session() : undefined;
    if (session !== undefined) return await this.#exchange(session, call);
    this.#plain ??= new Transport(this.#route, this.credentials);
    return await this.#plain.send(call);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    for (const session of this.#sessions) session.destroy();
    this.#plain?.close();
  }

  #session(): Promise<ClientHttp2Session | undefined> {
    this.#current ??= this.#connect().catch((error: unknown) => {
      this.#current = undefined;
      throw new TransportError(codeOf(error), false);
    });
    return this.#current;
  }

  /** A new connection; undefined where the server chose HTTP/1.1. */
  #connect(): Promise<ClientHttp2Session | undefined> {
    const host = this.#base.hostname.replace(/^\[|\]$/g, '');
    return new Promise((resolve, reject) => {
      const socket = tls({
        host,
        port: Number(this.#base.port || 443),
        ...(isIP(host) ? {} : { servername: host }),
        ...this.credentials.tls,
        ...certificateCheck(this.#route),
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      socket.setNoDelay();
      const limit = setTimeout(() => socket.destroy(timedOut()), CONNECT_LIMIT);
      socket.on('error', reject);
      socket.on('close', () => {
        clearTimeout(limit);
        reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
      });
      socket.once('secureConnect', () => {
        clearTimeout(limit);
        if (socket.alpnProtocol !== 'h2') {
          socket.destroy();
          return resolve(undefined);
        }
        const session = http2(this.#base, {
          createConnection: () => socket,
          settings: { enablePush: false, initialWindowSize: WINDOW },
          maxSessionMemory: SESSION_MEMORY,
        });
        session.setLocalWindowSize(WINDOW);
        const retire = () => this.#retire(session);
        session.on('goaway', retire);
        session.on('error', retire);
        session.on('close', () => {
          retire();
          this.#sessions.delete(session);
        });
        this.#sessions.add(session);
        if (this.#closed) session.destroy();
        resolve(session);
      });
    });
  }

  /** What is in hand on it goes on; what comes next connects anew. */
  #retire(session: ClientHttp2Session): void {
    const current = this.#current;
    current?.then((one) => {
      if (one === session && this.#current === current) this.#current = undefined;
    });
  }

  #exchange(session: ClientHttp2Session, call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let stream: ClientHttp2Stream;
      try {
        stream = session.request(this.#headers(call), { endStream: call.body === undefined });
      } catch (error) {
        // A session that is closing takes nothing more.
        this.#retire(session);
        reject(new TransportError(codeOf(error), false));
        return;
      }
      let whole = false;
      let code = 'ECONNRESET';
      this.#open.set(stream, performance.now());
      stream.on('error', (error) => {
        code = codeOf(error);
      });
      // An answer that breaks off ends as well.
      stream.on('end', () => {
        whole = stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted;
      });
      stream.on('close', () => {
        this.#open.delete(stream);
        if (!whole) reject(new TransportError(code, wasSeen(stream)));
      });
      stream.on('response', (headers) => {
        const status = Number(headers[constants.HTTP2_HEADER_STATUS] ?? 0);
        const zipped = headers['content-encoding'] === 'gzip';
        bodyOf(stream, { zipped, lines: status === 200 ? call.lines : undefined }).then(
          (body) => {
            if (whole) resolve({ status, headers: distinct(headers), body });
          },
          (error: unknown) => reject(new TransportError(codeOf(error), true)),
        );
      });
      if (call.body !== undefined) stream.end(call.body);
    });
  }

  /** Ends what the server leaves without an answer; a connection that swallows requests takes no more. */
  #giveUp(): void {
    for (const [stream, began] of this.#open) {
      if (performance.now() - began < ANSWER_LIMIT) return;
      if (stream.session !== undefined) this.#retire(stream.session as ClientHttp2Session);
      stream.destroy(timedOut());
    }
  }

  #headers(call: Call): Record<string, string> {
    const headers: Record<string, string> = {
      ':method': call.method,
      ':path': this.#base.pathname.replace(/\/$/, '') + call.path,
      accept: 'application/json',
      'accept-encoding': 'gzip',
    };
    for (const [name, value] of Object.entries(call.headers ?? {})) headers[name.toLowerCase()] = value;
    if (call.body !== undefined) headers['content-length'] = String(Buffer.byteLength(call.body));
    return headers;
  }
}

/** Whether the server may have looked at a request that has no answer (RFC 9113 section 8.7). */
function wasSeen(stream: ClientHttp2Stream): boolean {
  return !stream.pending && stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM;
}

/** The headers of an answer that anybody looks at, each as a list. */
function distinct(headers: IncomingHttpHeaders): Answer['headers'] {
  const found: Answer['headers'] = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !name.startsWith(':')) found[name] = Array.isArray(value) ? value : [value];
  return found;
}

function throughProxy(): boolean {
  return ['https_proxy', 'all_proxy'].some(
    (name) => (process.env[name] ?? process.env[name.toUpperCase()] ?? '') !== '',
  );
}
