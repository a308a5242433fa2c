import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stringify } from 'yaml';
import { type Connection, request } from '../support/rest.js';

/** One request as the server saw it. */
export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
  /** Tells connections apart, counted from 1. */
  connection: number;
}

export interface Reply {
  status?: number;
  body?: unknown;
  text?: string;
  headers?: Record<string, string | string[]>;
  /** Break the connection instead of answering. */
  reset?: boolean;
}

export interface Recording {
  address: string;
  kubeconfig: string;
  seen: Seen[];
  /** Every byte of every answer. */
  answered(): string;
  close(): Promise<void>;
}

/** An HTTP server that answers as the handler says and keeps what went in and out. */
export async function recording(handler: (seen: Seen) => Reply | Promise<Reply>): Promise<Recording> {
  const seen: Seen[] = [];
  const answers: string[] = [];
  const connections = new Map<unknown, number>();
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const url = new URL(incoming.url ?? '/', 'http://it');
    if (!connections.has(incoming.socket)) connections.set(incoming.socket, connections.size + 1);
    const one: Seen = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(parts).toString(),
      connection: connections.get(incoming.socket) ?? 0,
    };
    seen.push(one);
    const reply = await handler(one);
    if (reply.reset === true) return incoming.socket.destroy();
    const text = reply.text ?? JSON.stringify(reply.body ?? {});
    answers.push(text, JSON.stringify(reply.headers ?? {}));
    response.writeHead(reply.status ?? 200, { 'Content-Type': 'application/json', ...reply.headers });
    response.end(text);
  };
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    kubeconfig: kubeconfigOf(address, { token: 'a-token' }),
    seen,
    answered: () => answers.join('\n'),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** A recording server that passes everything on, to another one or by connection to several, but what is answered instead. */
export function recordingProxy(
  target: Connection | ((connection: number) => Connection),
  instead: (seen: Seen) => Reply | undefined = () => undefined,
): Promise<Recording> {
  return recording(async (seen) => {
    const special = instead(seen);
    if (special !== undefined) return special;
    const { method, path, query, headers, body, connection } = seen;
    const { 'content-type': type, accept } = headers;
    const answer = await request(typeof target === 'function' ? target(connection) : target, {
      method,
      path: query.size === 0 ? path : `${path}?${query}`,
      ...(body === '' ? {} : { raw: body }),
      ...(type === undefined ? {} : { type }),
      ...(accept === undefined ? {} : { accept }),
    });
    return { status: answer.status, text: answer.text };
  });
}

/** A kubeconfig with one context, `test`. */
export function kubeconfigOf(server: string, user: unknown, cluster: Record<string, unknown> = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'test',
  });
}

/** A Status as API servers answer it. */
export function status(
  code: number,
  reason: string,
  message: string,
  more: Record<string, unknown> = {},
): Reply {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, ...more },
  };
}

/** Answers what every connection begins with: version, identity and discovery of some resources of `v1`. */
export function basics({ path }: Seen, plurals: readonly string[] = []): Reply | undefined {
  switch (path) {
    case '/version':
      return { body: { major: '1', minor: '31+', gitVersion: 'v1.31.4-test' } };
    case '/api/v1/namespaces/kube-system':
      return { body: { metadata: { name: 'kube-system', uid: 'uid-of-kube-system' } } };
    case '/apis':
      return { body: { groups: [] } };
    case '/api/v1':
      return { body: { resources: plurals.map((name) => ({ name, verbs: ['get', 'list'] })) } };
    default:
      return undefined;
  }
}
