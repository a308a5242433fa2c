import { listAt, stringAt } from '../../src/model/manifest.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js';
import { Client, SECRETS, TABLE, transformations, version } from '../contract/tools.js';
import { encryptionChange } from './tools.js';

let sandbox: Sandbox;
let cluster: Client;
beforeEach(async () => {
  sandbox = await startSandbox();
  cluster = new Client(sandbox);
});
afterEach(() => sandbox.close());

const apiServerCommand = async (): Promise<unknown[]> => {
  const pods = await cluster.get(
    '/api/v1/namespaces/kube-system/pods?labelSelector=component%3Dkube-apiserver',
  );
  expect(listAt(pods.json, 'items')).toHaveLength(1);
  return listAt(pods.json, 'items', 0, 'spec', 'containers', 0, 'command');
};
const [configuration, patch] = encryptionChange().files;

test('starts without encryption, with the API server to be seen as a mirror pod', async () => {
  const command = await apiServerCommand();
  expect(command[0]).toBe('kube-apiserver');
  expect(command.filter((argument) => String(argument).includes('encryption'))).toEqual([]);
});

test('a host change restarts the API server with the flag, counters at zero', async () => {
  const outcome = await sandbox.host.apply(encryptionChange());
  expect(outcome).toEqual({ state: 'applied', evidence: expect.stringContaining('secretbox') });
  expect(await apiServerCommand()).toContain(
    '--encryption-provider-config=/etc/kubernetes/enc/encryption-config.yaml',
  );
  expect(transformations((await cluster.get('/metrics')).text).size).toBe(0);
});

test('tells one process from the next by when it started', async () => {
  const started = async () =>
    /^process_start_time_seconds (\S+)$/m.exec((await cluster.get('/metrics')).text)?.[1];
  const before = await started();
  await sandbox.host.apply(encryptionChange());
  expect(await started()).not.toBe(before);
});

test.each([
  [
    'the configuration is missing',
    { files: [patch!] },
    /no \/etc\/kubernetes\/enc\/encryption-config\.yaml on the node/,
  ],
  [
    'others could read the key',
    { files: [{ ...configuration!, mode: 0o644 }, patch!] },
    /readable by others/,
  ],
  [
    'its folder is not mounted',
    { files: [configuration!, { ...patch!, content: (patch!.content as unknown[]).slice(0, 1) }] },
    /not mounted/,
  ],
  [
    'the patch does not fit',
    {
      files: [configuration!, { ...patch!, content: [{ op: 'add', path: '/spec/nothing/here', value: 1 }] }],
    },
    /does not fit the static pod/,
  ],
  ['a file is neither', { files: [{ ...configuration!, content: { kind: 'Pod' } }] }, /neither/],
])(
  'leaves the node as it was where the API server would not come back: %s',
  async (_title, change, expected) => {
    const before = await apiServerCommand();
    const outcome = await sandbox.host.apply(encryptionChange(change));
    expect(outcome).toMatchObject({ state: 'left', reason: expect.stringMatching(expected) });
    expect(await apiServerCommand()).toEqual(before);
  },
);

test('putting the old configuration back makes encrypted Secrets unreadable, as on a real server', async () => {
  await sandbox.host.apply(encryptionChange());
  await cluster.merge(`${SECRETS('shop')}/smtp?includeObject=None`, {}, TABLE);
  const plain = {
    ...configuration!,
    content: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [{ resources: ['secrets'], providers: [{ identity: {} }] }],
    },
  };
  await sandbox.host.apply(encryptionChange({ files: [plain] }));
  const broken = await cluster.get(`${SECRETS('shop')}/smtp?includeObject=None`, TABLE);
  expect(broken.status).toBe(500);
  expect(stringAt(broken.json, 'reason')).toBe('InternalError');
  expect((await cluster.get(`${SECRETS('shop')}/web-session?includeObject=None`, TABLE)).status).toBe(200);
});

test('identity first turns encrypted Secrets back into plain text, one empty patch each', async () => {
  await sandbox.host.apply(encryptionChange());
  const encrypted = version(await cluster.merge(`${SECRETS('shop')}/smtp?includeObject=None`, {}, TABLE));
  const content = configuration!.content as { resources: { providers: unknown[] }[] };
  const reversed = {
    ...content,
    resources: [{ resources: ['secrets'], providers: content.resources[0]!.providers.toReversed() }],
  };
  await sandbox.host.apply(encryptionChange({ files: [{ ...configuration!, content: reversed }] }));
  const plain = await cluster.merge(`${SECRETS('shop')}/smtp?includeObject=None`, {}, TABLE);
  expect(version(plain)).not.toBe(encrypted);
  expect(transformations((await cluster.get('/metrics')).text).get('to_storage ')).toBe(1);
});
