import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { credentialsByLibrary, credentialsOf } from '../../src/cluster/credentials.js';
import { staticCredentials } from '../../src/cluster/static-credentials.js';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-harden-credentials-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string) => {
  const path = join(directory, name);
  writeFileSync(path, `content of ${name}\n`);
  return path;
};
const base64 = (text: string) => Buffer.from(text).toString('base64');

const user = fc.record(
  {
    token: fc.constantFrom('a-token', ' padded \n', ''),
    tokenFile: fc.constantFrom(file('token'), ''),
    'client-certificate': fc.constant(file('cert')),
    'client-certificate-data': fc.constant(base64('cert data')),
    'client-key': fc.constant(file('key')),
    'client-key-data': fc.constant(base64('key data')),
  },
  { requiredKeys: [] },
);
const cluster = fc.record(
  {
    'certificate-authority': fc.constant(file('ca')),
    'certificate-authority-data': fc.constant(base64('ca data')),
    'insecure-skip-tls-verify': fc.boolean(),
    'tls-server-name': fc.constant('api.example'),
  },
  { requiredKeys: [] },
);

/** Where both are given, the text counts (client-go: the data overrides the file); the library takes the file. */
const both = (one: object) => Object.keys(one).some((key) => Object.hasOwn(one, `${key}-data`));

/** As text, so that a buffer and a string of the same content are equal. */
const shown = ({ headers, tls, proxy }: Awaited<ReturnType<typeof credentialsOf>>) => ({
  headers,
  proxy,
  tls: Object.fromEntries(Object.entries(tls).map(([key, value]) => [key, String(value)])),
});

test('what a kubeconfig says by itself is understood as the library understands it', async () => {
  await fc.assert(
    fc.asyncProperty(
      user.filter((one) => !both(one)),
      cluster.filter((one) => !both(one)),
      fc.constantFrom('https://10.0.0.1:6443', 'http://127.0.0.1:8080', 'http://10.0.0.1:8080'),
      async (someUser, someCluster, server) => {
        const selected = {
          context: 'c',
          userName: 'u',
          server,
          user: someUser,
          cluster: { server, ...someCluster },
        };
        expect(staticCredentials(selected)).toBeDefined();
        const ours = shown(await credentialsOf(selected));
        const theirs = shown(await credentialsByLibrary(selected));
        // Without TLS there is nothing to check; the library is told to skip it because it refuses http otherwise.
        if (server.startsWith('http:')) for (const { tls } of [ours, theirs]) delete tls.rejectUnauthorized;
        expect(ours).toEqual(theirs);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  [{ exec: { command: 'login' } }, {}],
  [{ 'auth-provider': { name: 'oidc' } }, {}],
  [{ username: 'a', password: 'b' }, {}],
  [{ token: 't', as: 'somebody' }, {}],
  [{ token: 't' }, { 'proxy-url': 'http://proxy' }],
])('%j with cluster %j is left to the library', (someUser, someCluster) => {
  const server = 'https://10.0.0.1';
  const selected = {
    context: 'c',
    userName: 'u',
    server,
    user: someUser,
    cluster: { server, ...someCluster },
  };
  expect(staticCredentials(selected as never)).toBeUndefined();
});

test('a certificate in the text counts before one in a file', () => {
  const server = 'https://10.0.0.1';
  const of = {
    context: 'c',
    userName: 'u',
    server,
    cluster: { server, 'certificate-authority': file('ca'), 'certificate-authority-data': base64('ca data') },
    user: {},
  };
  expect(String(staticCredentials(of)?.tls.ca)).toBe('ca data');
});
