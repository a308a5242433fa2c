import { connect } from '../../src/cluster/connect.js';
import type { GateOptions } from '../../src/wizard/ports.js';
import { status } from './recording.js';
import { PLANTED, type SecretsSetup, secretsServer } from './secrets-server.js';

const BOX = 'k8s:enc:secretbox:v1:key1:';
const CBC = 'k8s:enc:aescbc:v1:key2:';
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function gateOf(setup: Partial<SecretsSetup>, options: GateOptions = {}) {
  const server = await secretsServer({
    names: { 'kube-system': [], shop: ['a'] },
    servers: [{ writes: BOX }],
    ...setup,
  });
  open.push(server);
  const cluster = await connect({ kubeconfigText: server.kubeconfig });
  open.push(cluster);
  const result = await cluster.gate(options);
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

/** Addresses at which nothing answers. */
const dead = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ip: '127.0.0.1', port: 1 + index }));

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

describe.each([
  ['ConfigMap', 'configmaps'],
  ['Lease', 'leases.coordination.k8s.io'],
])('where each %s is re-written', (kind, resource) => {
  const resources = ['secrets', resource];
  const plural = resource.split('.')[0] ?? '';
  const oneDiffers = [{ writes: BOX }, { writes: BOX, writesOthers: '' }];

  test('a server that differs for them alone is noticed, and nothing is left behind', async () => {
    expect((await gateOf({ servers: oneDiffers })).result).toMatchObject({ open: true });
    const { reason, left } = await gateOf({ servers: oneDiffers }, { resources });
    expect(reason).toContain(`API servers disagree: a ${kind} that one wrote`);
    expect(left).toEqual([]);
  });

  test('servers that agree: open; what could not be removed is named', async () => {
    const servers = [{ writes: BOX }, { writes: BOX }];
    const { result, evidence, left } = await gateOf({ servers }, { resources });
    expect([result.open, left]).toEqual([true, []]);
    expect(evidence).toMatch(new RegExp(`a scratch Secret kept[^]*a scratch ${kind} kept`));
    const stays = await gateOf(
      {
        servers,
        instead: ({ method, path }) =>
          method === 'DELETE' && path.includes(plural) ? status(403, 'Forbidden', 'no') : undefined,
      },
      { resources },
    );
    expect(stays.left).toHaveLength(1);
    expect(stays.evidence).toMatch(
      new RegExp(`the scratch ${kind} kube-system/kubectl-harden-scratch-\\S+ could not`),
    );
  });

  test('no right to create one: closed, and said', async () => {
    const instead: SecretsSetup['instead'] = ({ method, path }) =>
      method === 'POST' && path.includes(plural)
        ? status(403, 'Forbidden', `User "me" cannot create resource "${plural}" in API group`)
        : undefined;
    expect((await gateOf({ instead })).result.open).toBe(true);
    const { reason, left } = await gateOf({ instead }, { resources });
    expect(reason).toContain(`you may not create a scratch ${kind}`);
    expect(left).toEqual([]);
  });
});

describe('of a resource of which no scratch object is made', () => {
  const options = { resources: ['secrets', 'widgets.example.com'] };
  const two = { servers: [{ writes: BOX }, { writes: BOX }], endpoints: dead(2) };

  test('several servers: closed and said, and open only where an answer says so', async () => {
    const { result, reason, left } = await gateOf(two, options);
    expect(result).toMatchObject({
      open: false,
      untried: [expect.stringMatching(/^widgets\.example\.com /)],
    });
    expect(reason).toContain('widgets.example.com (no scratch object is made of those');
    expect(left).toEqual([]);
    const told = await gateOf(two, { ...options, evenIfUntried: true });
    expect(told.result).toMatchObject({ open: true, untried: [] });
    expect(told.evidence).toContain('not tried: widgets.example.com');
  });

  test('one server, or one hash on all: nothing is left to try', async () => {
    expect((await gateOf({ endpoints: dead(1) }, options)).result.open).toBe(true);
    const hashed = two.servers.map((one) => ({ ...one, hash: 'one' }));
    expect((await gateOf({ ...two, servers: hashed }, options)).result.open).toBe(true);
  });
});

test('the server writes plain text, with and without a configuration', async () => {
  expect((await gateOf({ servers: [{ writes: '' }] })).reason).toContain('plain text');
  expect((await gateOf({ servers: [{ writes: '', unconfigured: true }] })).reason).toContain('plain text');
});

test('servers that write the same form from different files disagree too, where they tell their hash', async () => {
  const servers = [
    { writes: BOX, hash: 'one' },
    { writes: BOX, hash: 'two' },
  ];
  // Two listed servers that only the given address leads to: it has to meet both.
  const different = await gateOf({ servers, endpoints: dead(2) });
  expect(different.reason).toContain('another file');
  expect(different.left).toEqual([]);
  const same = servers.map((one) => ({ ...one, hash: 'one' }));
  expect((await gateOf({ servers: same, endpoints: dead(2) })).result).toMatchObject({ open: true });
});

test('one listed server is the given one, whatever address it lists: nothing is untried', async () => {
  const { result, evidence } = await gateOf({ endpoints: dead(1) });
  expect(result).toMatchObject({ open: true, untried: [] });
  expect(evidence).not.toContain('not tried');
});

test('listed servers that nobody met: closed, each named, and open only where an answer says so', async () => {
  const setup = { endpoints: dead(2) };
  const { result, reason, left } = await gateOf(setup);
  expect(result.open).toBe(false);
  expect(reason).toContain('https://127.0.0.1:1, https://127.0.0.1:2');
  expect(reason).toContain('unreachedServers');
  expect(left).toEqual([]);
  const told = await gateOf(setup, { evenIfUntried: true });
  expect(told.result).toMatchObject({
    open: true,
    untried: ['https://127.0.0.1:1', 'https://127.0.0.1:2'],
  });
  expect(told.evidence).toContain('https://127.0.0.1:2 could not be reached from here and was not tried');
});

test.each([2, 3])('%i servers at private addresses, all met behind the given one: open', async (count) => {
  const servers = Array.from({ length: count }, () => ({ writes: BOX }));
  const { result, evidence } = await gateOf({ servers, endpoints: dead(count) });
  expect(result).toMatchObject({ open: true, untried: [] });
  expect(evidence).toContain(`${count} API servers were met behind`);
});

test('a server that restarts meanwhile is not taken for two', async () => {
  // The same server before and after: what was met first never comes back.
  const { result } = await gateOf({
    servers: [{ writes: BOX }, { writes: BOX }],
    endpoints: dead(2),
    balance: (connection) => (connection < 6 ? 0 : 1),
  });
  expect(result.open).toBe(false);
});

test('a server met only behind the given address disagrees: closed', async () => {
  const { reason, server } = await gateOf({
    servers: [{ writes: BOX }, { writes: '' }],
    endpoints: dead(2),
    balance: (connection) => (connection % 7 === 0 ? 1 : 0),
  });
  expect(reason).toContain('API servers disagree');
  expect(server.stored()['shop/a']).toBe('');
});

test('how many servers there are may not be seen: closed, also on loopback, unless an answer says so', async () => {
  const setup: Partial<SecretsSetup> = {
    instead: ({ path }) =>
      path.endsWith('/endpoints/kubernetes')
        ? status(403, 'Forbidden', 'User "me" cannot get resource "endpoints" in API group')
        : undefined,
  };
  const { reason } = await gateOf(setup);
  expect(reason).toContain('endpoints of the Service default/kubernetes may not be read');
  expect((await gateOf(setup, { evenIfUntried: true })).result).toMatchObject({ open: true });
});

test('metrics hidden: closed, whatever the flags say, and said how to go on', async () => {
  for (const flags of [undefined, ['/e.yaml'], ['/e.yaml', '/e.yaml']]) {
    const { result, reason, left } = await gateOf(
      { instead: noMetrics, ...(flags === undefined ? {} : { flags }) },
      { evenIfUntried: true },
    );
    expect(result.open).toBe(false);
    expect(reason).toContain('/metrics');
    expect(left).toEqual([]);
  }
  const missing = await gateOf({ instead: noMetrics, flags: ['/e.yaml', null] });
  expect(missing.reason).toContain('kube-apiserver-1');
});

test('identity first, metrics hidden, the flag set: closed, and every Secret stays encrypted', async () => {
  const { result, server } = await gateOf({
    servers: [{ writes: '' }],
    stored: BOX,
    instead: noMetrics,
    flags: ['/e.yaml'],
  });
  expect(result.open).toBe(false);
  expect(server.stored()).toEqual({ 'shop/a': BOX });
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

test('removed through another connection where one server cannot read it', async () => {
  for (const odd of [0, 1]) {
    const { left } = await gateOf({
      servers: [{ writes: BOX }, { writes: BOX, reads: [''] }],
      balance: (connection) => (connection + odd) % 2,
    });
    expect(left).toEqual([]);
  }
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

test('a failure in the middle names what could not be removed', async () => {
  let patches = 0;
  const work = gateOf({
    instead: ({ method }) => {
      if (method === 'DELETE') return status(403, 'Forbidden', 'no');
      return method === 'PATCH' && ++patches > 3
        ? status(403, 'Forbidden', 'User "x" cannot patch resource "secrets"')
        : undefined;
    },
  });
  await expect(work).rejects.toMatchObject({
    reason: 'forbidden',
    message: expect.stringMatching(/kube-system\/kubectl-harden-scratch-[0-9a-f]+ .*delete it by hand/),
  });
});

test('created, but the answer was lost: it is removed, and another one serves', async () => {
  let lost = 0;
  const { result, left, server } = await gateOf({
    instead: ({ method, path, body }, state) => {
      if (method !== 'POST' || !path.includes('/secrets') || lost++ > 0) return undefined;
      state.add(`kube-system/${(JSON.parse(body) as { metadata: { name: string } }).metadata.name}`, BOX);
      return { reset: true };
    },
  });
  expect(result.open).toBe(true);
  expect(left).toEqual([]);
  expect(server.seen.filter(({ method }) => method === 'DELETE').length).toBe(2);
});

test('created, but every answer was lost: it is removed by its name, or named', async () => {
  const setup = (removable: boolean): Partial<SecretsSetup> => ({
    instead: ({ method, path, body }, state) => {
      if (method === 'DELETE' && !removable) return status(403, 'Forbidden', 'no');
      if (method !== 'POST' || !path.includes('/secrets')) return undefined;
      const { name } = (JSON.parse(body) as { metadata: { name: string } }).metadata;
      state.add(`kube-system/${name}`, BOX);
      return { reset: true };
    },
  });
  await expect(gateOf(setup(true))).rejects.toMatchObject({ reason: 'unreachable' });
  await expect(gateOf(setup(false))).rejects.toMatchObject({
    message: expect.stringMatching(/kubectl-harden-scratch-[0-9a-f]+ may be left.*delete it by hand/),
  });
});
