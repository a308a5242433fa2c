import { type Agent, request as http } from 'node:http';
import { request as https } from 'node:https';
import { gunzipSync } from 'node:zlib';

/** Where a cluster is reached: its URL, the bearer token, and the CA of its certificate where it speaks TLS. */
export interface Connection {
  server: string;
  token: string;
  ca?: string;
  /** Keeps connections for many requests; none: each has its own. */
  agent?: Agent;
}

export interface Ask {
  method?: string;
  /** With its query. */
  path: string;
  body?: unknown;
  /** Sent as it stands instead of `body`. */
  raw?: string;
  type?: string;
  accept?: string;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The body as it came over the wire, compressed or not. */
  raw: Buffer;
  /** Parsed body; undefined where it is not JSON. */
  json: unknown;
}

/** One request, over a connection of its own unless an agent says otherwise: nothing is answered from a pool. */
export function request(connection: Connection, ask: Ask): Promise<Answer> {
  const url = new URL(connection.server + ask.path);
  const body = ask.raw ?? (ask.body === undefined ? undefined : JSON.stringify(ask.body));
  const options = {
    method: ask.method ?? 'GET',
    agent: connection.agent ?? (false as const),
    headers: {
      authorization: `Bearer ${connection.token}`,
      accept: ask.accept ?? 'application/json',
      'user-agent': 'contract/1',
      ...(body === undefined
        ? {}
        : {
            'content-type': ask.type ?? 'application/json',
            // Node sends no body with DELETE unless its length is said.
            'content-length': String(Buffer.byteLength(body)),
          }),
      ...ask.headers,
    },
    ...(connection.ca === undefined ? {} : { ca: connection.ca }),
  };
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === 'https:' ? https : http)(url, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const raw = Buffer.concat(parts);
        const text = (response.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
        let json: unknown;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, raw, json });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
