import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { structuredPatch } from 'diff';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  type Wanted,
  withConfiguration,
  withoutConfiguration,
} from '../../../src/host/control-plane/manifest-edit.js';
import { configurationOf, onNode, readStaticPod } from '../../../src/host/control-plane/static-pod.js';
import { expectGolden } from '../../support/golden.js';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/control-plane/manifests');
const CORPUS = readdirSync(FOLDER).filter((name) => !name.includes('golden'));
const textOf = (name: string) => readFileSync(path.join(FOLDER, name), 'utf8');
const FILE = '/etc/kubernetes/enc/encryption-config.yaml';
const SHA = '1'.repeat(32) + 'e'.repeat(1) + '2'.repeat(31);
const on = (text: string, more: Partial<Wanted> = {}) =>
  withConfiguration(text, 'kube-apiserver.yaml', { file: FILE, sha256: SHA, ...more });
const off = (text: string) => withoutConfiguration(text, 'kube-apiserver.yaml');

/** Every line that differs, with where it stands in the old text. */
function difference(before: string, after: string): string[] {
  return structuredPatch('a', 'b', before, after, '', '', { context: 0 }).hunks.flatMap(
    ({ oldStart, lines }) => [`@ ${oldStart}`, ...lines.map((line) => line.replaceAll('\r', '\\r'))],
  );
}

describe('a manifest gets an encryption configuration', () => {
  test('in a corpus of manifests, only the intended lines differ', () => {
    const all = CORPUS.flatMap((name) => [
      `== ${name}: on`,
      ...difference(textOf(name), on(textOf(name))),
      `== ${name}: on, and off again`,
      ...difference(textOf(name), off(on(textOf(name)))),
    ]);
    expectGolden('control-plane/manifests/differences.golden.txt', `${all.join('\n')}\n`);
  });

  test.each(CORPUS)('%s: a second time changes nothing', (name) => {
    const once = on(textOf(name));
    expect(on(once)).toBe(once);
  });

  test.each(CORPUS)('%s: the API server would find its file', (name) => {
    const pod = readStaticPod(on(textOf(name)), name);
    expect(configurationOf(pod)).toEqual({ path: FILE, file: FILE });
    expect((pod.value.metadata as { annotations: unknown }).annotations).toMatchObject({
      'kubectl-harden/encryption-config-sha256': SHA,
    });
  });

  test('JSON stays JSON', () => {
    expect(JSON.parse(on(textOf('all.json')))).toEqual(parse(on(textOf('all.json'))));
  });

  test('the directory of a KMS socket is mounted as well, unless it is', () => {
    const text = on(textOf('kubeadm.yaml'), {
      mounts: ['/run/kms', '/etc/kubernetes/pki/kms'].map((path) => ({ path, readOnly: false })),
    });
    const pod = readStaticPod(text, 'x');
    expect(onNode(pod, '/run/kms/socket.sock')).toBe('/run/kms/socket.sock');
    expect(onNode(pod, '/etc/kubernetes/pki/kms/s')).toBe('/etc/kubernetes/pki/kms/s');
    expect(text.match(/mountPath/g)).toHaveLength(4);
  });

  test('whatever comments and blank lines stand anywhere, they stay', () => {
    const lines = textOf('kubeadm.yaml').split('\n');
    const insert = fc.record({
      at: fc.nat(lines.length - 1),
      line: fc.constantFrom(
        '',
        '# a remark',
        '   # further in',
        '                    # far in',
        '#- --flag=x',
      ),
    });
    fc.assert(
      fc.property(fc.array(insert, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'), (inserts, newline) => {
        const edited = [...lines];
        for (const { at, line } of inserts) edited.splice(at, 0, line);
        const text = edited.join(newline);
        const changes = difference(text, on(text)).filter((line) => !line.startsWith('@'));
        expect(changes.every((line) => line.startsWith('+'))).toBe(true);
        expect(changes).toHaveLength(9);
        expect(
          off(on(text))
            .split(newline)
            .filter((line) => !line.includes('sha256')),
        ).toEqual(edited);
      }),
      { numRuns: 200 },
    );
  });
});

const kubeadm = textOf('kubeadm.yaml');
test.each([
  ['no YAML', 'a: [', 'is not valid YAML'],
  ['a tab', kubeadm.replace('    - --secure', '\t- --secure'), 'is not valid YAML'],
  ['nothing', '', 'holds no or several documents'],
  ['two pods', `${kubeadm}---\n${kubeadm}`, 'holds no or several documents'],
  ['another kind', kubeadm.replace('kind: Pod', 'kind: PodList'), 'is not a Pod of v1'],
  [
    'another pod',
    kubeadm.replace('name: kube-apiserver\n    resources', 'name: etcd\n    resources'),
    'no container',
  ],
  [
    'a shell',
    kubeadm.replace(/command:\n( {4}- .*\n)+/, 'command: [sh, -c, "kube-apiserver --a"]\n'),
    'another way',
  ],
  ['the flag twice', on(kubeadm).replace(/(.*--encryption-provider-config=.*\n)/, '$1$1'), 'more than once'],
  [
    'a file that is nowhere',
    on(kubeadm).replace('--encryption-provider-config=/etc/', '--encryption-provider-config=/srv/'),
    'no hostPath volume',
  ],
  [
    'the directory taken',
    kubeadm.replace('mountPath: /etc/ssl/certs', 'mountPath: /etc/kubernetes/enc'),
    'mounts something else',
  ],
  [
    'an anchor',
    kubeadm.replace('volumeMounts:\n', 'volumeMounts: &m\n').replace('status: {}', 'x: *m'),
    'cannot be edited',
  ],
])('%s is refused, and nothing is changed', (_name, text, message) => {
  expect(() => on(text)).toThrow(message);
});

test('a flag in two words is found, and taken out with its value', () => {
  const text = textOf('encrypted.yaml').replace(
    /- --encryption-provider-config=(\S+).*/,
    '- --encryption-provider-config\n    - $1',
  );
  expect(configurationOf(readStaticPod(text, 'x'))?.file).toBe(FILE);
  expect(off(text)).not.toContain('enc');
});
