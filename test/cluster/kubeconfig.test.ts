import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KubeconfigSource, selectContext } from '../../src/cluster/kubeconfig.js';
import { ClusterError } from '../../src/wizard/ports.js';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-harden-kubeconfig-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const file = (name: string, text: string) => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const COMPLETE = `
clusters:
- {name: c, cluster: {server: "https://one.example:6443", certificate-authority: pki/ca.crt}}
users:
- {name: u, user: {client-certificate: me.crt, client-key: /keys/me.key, exec: {command: ./bin/login}}}
contexts:
- {name: prod, context: {cluster: c, user: u}}
- {name: broken, context: {cluster: nowhere, user: u}}
- {name: stranger, context: {cluster: c, user: nobody}}
current-context: prod
`;

const refusal = (source: KubeconfigSource, env: NodeJS.ProcessEnv = {}): string => {
  try {
    selectContext(source, env);
  } catch (error) {
    if (error instanceof ClusterError) return error.message;
    throw error;
  }
  throw new Error('was accepted');
};

test('relative paths start at the file that holds them', () => {
  const selected = selectContext({ kubeconfigPath: file('complete', COMPLETE) }, {});
  expect(selected).toMatchObject({
    context: 'prod',
    server: 'https://one.example:6443',
    cluster: { 'certificate-authority': join(directory, 'pki/ca.crt') },
    user: {
      'client-certificate': join(directory, 'me.crt'),
      'client-key': '/keys/me.key',
      exec: { command: join(directory, 'bin/login') },
    },
  });
});

test('of several files the first to name something wins; missing ones are passed over', () => {
  const second = file('second', COMPLETE);
  const first = file(
    'first',
    'clusters: [{name: c, cluster: {server: "https://two.example"}}]\ncontexts: []\nusers: []\n',
  );
  const env = { KUBECONFIG: ['/does/not/exist', first, second].join(':') };
  expect(selectContext({}, env)).toMatchObject({ context: 'prod', server: 'https://two.example' });
});

test('text wins over everything, a path over KUBECONFIG, that over the home directory', () => {
  const other = file('other', COMPLETE.replace('one.example', 'other.example'));
  expect(selectContext({ kubeconfigPath: other }, { KUBECONFIG: '/does/not/exist' }).server).toContain(
    'other',
  );
  expect(selectContext({ kubeconfigText: COMPLETE, kubeconfigPath: other }, {}).server).toContain('one');
});

describe('what is wrong is said in one to three lines', () => {
  const cases: readonly (readonly [string, () => string, readonly string[]])[] = [
    [
      'unknown context',
      () => refusal({ kubeconfigText: COMPLETE, context: 'prd' }),
      ['"prd"', 'broken, prod, stranger'],
    ],
    [
      'context without cluster',
      () => refusal({ kubeconfigText: COMPLETE, context: 'broken' }),
      ['"nowhere"'],
    ],
    ['context without user', () => refusal({ kubeconfigText: COMPLETE, context: 'stranger' }), ['"nobody"']],
    [
      'no current context',
      () => refusal({ kubeconfigText: COMPLETE.replace(/current.*/, '') }),
      ['--context', 'prod'],
    ],
    ['no file', () => refusal({}, { HOME: '/no/such/home' }), ['/no/such/home/.kube/config', '--sandbox']],
    [
      'named file missing',
      () => refusal({ kubeconfigPath: '/no/such/file' }),
      ['/no/such/file', 'does not exist'],
    ],
    ['a directory', () => refusal({ kubeconfigPath: directory }), ['cannot be read']],
    [
      'not YAML',
      () => refusal({ kubeconfigPath: file('bad', 'clusters:\n- name: "c\n  x: {') }),
      ['bad', 'line'],
    ],
    ['not a map', () => refusal({ kubeconfigText: 'just words' }), ['expected a map']],
    [
      'entry without name',
      () => refusal({ kubeconfigText: 'clusters: [{cluster: {}}]' }),
      ['clusters[0].name'],
    ],
    [
      'no address',
      () => refusal({ kubeconfigText: COMPLETE.replace('https://one.example:6443', 'ftp://one') }),
      ['ftp://one', 'http'],
    ],
    [
      'escape sequences in names',
      () => refusal({ kubeconfigText: COMPLETE, context: 'a\u001b[2Jb' }),
      ['a\\x1b[2Jb'],
    ],
  ];
  test.each(cases)('%s', (_name, run, parts) => {
    const message = run();
    for (const part of parts) expect(message).toContain(part);
    expect(message.split('\n').length).toBeLessThanOrEqual(3);
    expect(message).not.toContain('\u001b');
  });

  test('a broken file does not spill its credentials', () => {
    const message = refusal({
      kubeconfigText: 'users:\n- name: u\n  user: {token: planted-token\nclusters: [',
    });
    expect(message).not.toContain('planted');
  });
});
