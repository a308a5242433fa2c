import { connect } from '../../src/cluster/connect.js';
import { KINDS, type KindName } from '../../src/model/kinds.js';
import { startSandbox } from '../../src/sandbox/index.js';
import { recordingProxy } from './recording.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function embedded() {
  const sandbox = await startSandbox();
  open.push(sandbox);
  const proxy = await recordingProxy(sandbox);
  open.push(proxy);
  const cluster = await connect({
    kubeconfigText: sandbox.kubeconfig.replace(sandbox.server, proxy.address),
    sandbox: true,
  });
  open.push(cluster);
  return { sandbox, proxy, cluster };
}

test('every kind is read or absent, and the Secrets are told as they are stored', async () => {
  const { cluster, proxy, sandbox } = await embedded();
  expect(await cluster.info()).toMatchObject({ context: 'sandbox', sandbox: true });
  const kinds = Object.keys(KINDS) as KindName[];
  const { listings, encryption } = await cluster.read([
    ...kinds.map((kind) => ({ kind, as: 'objects' as const, for: 'test' })),
    { probe: 'encryption', for: 'test' },
  ]);
  for (const kind of kinds) expect([kind, listings.get(kind)?.state]).not.toEqual([kind, 'notVisible']);
  const secrets = listings.get('Secret');
  const count = secrets?.state === 'read' ? secrets.items.length : 0;
  expect(count).toBeGreaterThan(100);
  expect(encryption).toMatchObject({ secrets: count, stored: { '': count }, writes: '' });
  expect(encryption?.flags).toEqual([expect.objectContaining({ value: null })]);
  expect(proxy.answered()).not.toContain(sandbox.planted);
  expect(proxy.answered()).not.toContain(Buffer.from(sandbox.planted).toString('base64').slice(0, 40));
});

test('the gate is closed while it writes plain text, and a re-write then moves nothing', async () => {
  const { cluster, proxy, sandbox } = await embedded();
  expect(await cluster.gate()).toMatchObject({ open: false });
  expect(await cluster.rewrite({})).toMatchObject({ rewritten: 0, refused: 0, failures: [] });
  expect(proxy.answered()).not.toContain(sandbox.planted);
});
