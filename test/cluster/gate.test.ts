import { connect } from '../../src/cluster/connect.js';
import { status } from './recording.js';
import { PLANTED, type SecretsSetup, secretsServer } from './secrets-server.js';

const BOX = 'k8s:enc:secretbox:v1:key1:';
const CBC = 'k8s:enc:aescbc:v1:key2:';
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function gateOf(setup: Partial<SecretsSetup>) {
  const server = await secretsServer({
    names: { 'kube-system': [], shop: ['a'] },
    servers: [{ writes: BOX }],
    ...setup,
  });
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  const result = await cluster.gate();
  const left = Object.keys(server.stored()).filter((key) => key.includes('scratch'));
  return {
    result,
    server,
    left,
    evidence: result.evidence.join('\n'),
    reason: result.open ? '' : result.reason,
  };
}
const noMetrics: SecretsSetup['instead'] = ({ path }) =>
  path === '/metrics' ? status(403, 'Forbidden', 'User "me" cannot get path "/metrics"') : undefined;

test('one server that encrypts: open, over fresh connections, and nothing is left behind', async () => {
  const { result, server, left, evidence } = await gateOf({});
  expect(result).toMatchObject({ open: true, servers: [server.address] });
  expect(evidence).toContain(BOX);
  expect(left).toEqual([]);
  const patches = server.seen.filter(({ method }) => method === 'PATCH');
  expect(patches.length).toBe(10);
  expect(new Set(patches.map((seen) => seen.connection)).size).toBe(10);
  expect(
    patches.every(
      ({ body, path }) => body === '{}' && path.includes('/kube-system/secrets/kubectl-harden-scratch-'),
    ),
  ).toBe(true);
  expect(server.answered()).not.toContain(PLANTED);
});

test.each<[string, SecretsSetup['servers']]>([
  ['the other writes plain text', [{ writes: BOX }, { writes: '' }]],
  ['the other writes another key', [{ writes: BOX }, { writes: CBC }]],
  ['the other cannot read', [{ writes: BOX }, { writes: BOX, reads: [''] }]],
])('servers that disagree: %s', async (_name, servers) => {
  const { reason, left, server } = await gateOf({ servers });
  expect(reason).toContain('API servers disagree');
  expect(left).toEqual([]);
  expect(server.stored()['shop/a']).toBe('');
});

test('the server writes plain text, with and without a configuration', async () => {
  expect((await gateOf({ servers: [{ writes: '' }] })).reason).toContain('plain text');
  expect((await gateOf({ servers: [{ writes: '', unconfigured: true }] })).reason).toContain('plain text');
});

test('an address that cannot be reached is told', async () => {
  const { result, evidence } = await gateOf({ endpoints: [{ ip: '127.0.0.1', port: 1 }] });
  expect(result.open).toBe(true);
  expect(evidence).toContain('https://127.0.0.1:1 could not be reached');
});

test('metrics hidden: the flag of every server must be there', async () => {
  expect(await gateOf({ instead: noMetrics, flags: ['/e.yaml'] })).toMatchObject({ result: { open: true } });
  const missing = await gateOf({ instead: noMetrics, flags: ['/e.yaml', null] });
  expect(missing.reason).toContain('kube-apiserver-1');
  const blind = await gateOf({ instead: noMetrics });
  expect(blind.reason).toContain('/metrics');
  expect(blind.left).toEqual([]);
});

test('no right to create: closed, and said what is missing', async () => {
  const { reason } = await gateOf({
    instead: ({ method }) =>
      method === 'POST'
        ? status(403, 'Forbidden', 'User "me" cannot create resource "secrets" in API group')
        : undefined,
  });
  expect(reason).toContain('you may not create a scratch Secret');
});

test('a scratch Secret that cannot be removed is named', async () => {
  const { result, left, evidence } = await gateOf({
    instead: ({ method }) => (method === 'DELETE' ? status(403, 'Forbidden', 'no') : undefined),
  });
  expect(result.open).toBe(true);
  expect(left).toHaveLength(1);
  expect(evidence).toContain(`${left[0]} could not be removed`);
});

test('a failure in the middle removes it all the same', async () => {
  let patches = 0;
  const setup: SecretsSetup = {
    names: { 'kube-system': [] },
    servers: [{ writes: BOX }],
    instead: ({ method }) =>
      method === 'PATCH' && ++patches > 3
        ? status(403, 'Forbidden', 'User "x" cannot patch resource "secrets"')
        : undefined,
  };
  const server = await secretsServer(setup);
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  await expect(cluster.gate()).rejects.toMatchObject({ name: 'ClusterError', reason: 'forbidden' });
  expect(server.stored()).toEqual({});
});
