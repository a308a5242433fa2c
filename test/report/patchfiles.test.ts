import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execaSync } from 'execa';
import { parse } from 'yaml';
import { generate } from '../../src/host/generate.js';
import { yamlText } from '../../src/model/hostfile.js';
import { type PatchFile, patchFiles } from '../../src/report/patchfiles.js';
import type { Decisions } from '../../src/wizard/assemble.js';
import { expectGolden, parseManifests } from '../support/golden.js';
import { namespace, object } from '../support/snapshot.js';
import { sample } from './sample.js';

let home: string;
let out: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'patch-'));
  out = path.join(home, 'out');
});
afterEach(() => rmSync(home, { recursive: true }));

function files(decisions: Readonly<Record<string, Decisions>> = {}): readonly PatchFile[] {
  const { now, steps } = sample(decisions);
  return patchFiles(now, steps);
}
const without = (...steps: string[]): Record<string, Decisions> =>
  Object.fromEntries(steps.map((id) => [id, { answers: {}, excluded: [], skipped: 'later' }]));
const KEY = '04-encryption-at-rest/encryption-config.yaml';
const read = (name: string) => readFileSync(path.join(out, name), 'utf8');
const tree = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .toSorted()
      .map((file) => [path.relative(directory, file), readFileSync(file, 'utf8')]),
  );

describe('the plan as files', () => {
  test('all of them', () => {
    const text = files().map((file) => {
      const content = 'text' in file ? file.text : `(waits for a key)\n${yamlText(file.keyed)}`;
      return `=== ${file.path} ${file.mode.toString(8)}\n${content}`;
    });
    expectGolden('report/patchfiles.txt', text.join('\n'));
  });

  test('hold nothing that the server owns', () => {
    for (const file of files())
      if ('text' in file && file.path.endsWith('.yaml'))
        expect(file.text).not.toMatch(/\b(uid|resourceVersion|managedFields|creationTimestamp|status):/);
  });

  test('an object that two steps change is one file with both changes', () => {
    const shop = files().filter((file) => file.path.endsWith('namespace-shop.yaml'));
    expect(shop.map((file) => file.path)).toEqual(['01-namespaces/02-namespace-shop.yaml']);
    expect('text' in shop[0]! && parse(shop[0].text).metadata.labels).toEqual({
      owner: 'shop',
      'kubernetes.io/metadata.name': 'shop',
    });
  });

  test('a skipped step has no files', () => {
    const paths = files(without('quotas')).map((file) => file.path);
    expect(paths.some((name) => name.startsWith('03-'))).toBe(false);
  });

  test('with nothing to apply there is no kustomization, which kubectl would refuse when empty', () => {
    const all = files(without('namespaces', 'default-deny', 'quotas'));
    expect(all.map((file) => file.path)).not.toContain('kustomization.yaml');
  });

  test('names of a cluster cannot leave the directory or a line of a script', () => {
    const { now, steps } = sample();
    const evil = object('v1', 'ConfigMap', '../../etc', "x'; rm -rf ~; '\n\u001b[2J");
    const change = {
      ...steps[0]!.plan.changes[0]!,
      kind: 'delete' as const,
      before: evil,
      ref: { apiVersion: 'v1', kind: 'ConfigMap', namespace: '../../etc', name: evil.metadata.name },
    };
    const state = {
      ...steps[0]!,
      plan: { ...steps[0]!.plan, changes: [change, { ...steps[0]!.plan.changes[0]!, ref: change.ref }] },
    };
    const made = patchFiles(now, [state]);
    expect(made.map((file) => file.path)).toContain(
      '01-namespaces/01-configmap-.._.._etc-x___rm_-rf________2J.yaml',
    );
    const script = made.find((file) => file.path === 'apply.sh');
    expect(script !== undefined && 'text' in script && script.text).toContain(
      String.raw`'x'\''; rm -rf ~; '\''`,
    );
  });

  test('of the embedded cluster are the same at every start, and meant for no cluster that kubectl reaches', () => {
    const { now, steps } = sample();
    const started = (id: string) =>
      patchFiles({ ...now, cluster: { ...now.cluster, sandbox: true, id } }, steps);
    expect(started('one')).toEqual(started('two'));
    const script = started('one').find((file) => file.path === 'apply.sh');
    expect(script !== undefined && 'text' in script && script.text).toContain("PLANNED_CLUSTER=''\n");
  });

  test('a Secret is never written', () => {
    const { now, steps } = sample();
    const secret = object('v1', 'Secret', 'shop', 'db', { data: { password: 'bWFya2Vy' } });
    const change = { ...steps[0]!.plan.changes[0]!, manifest: secret } as never;
    expect(() => patchFiles(now, [{ ...steps[0]!, plan: { ...steps[0]!.plan, changes: [change] } }])).toThrow(
      'cannot be a patch file',
    );
  });
});

describe('generate', () => {
  test('writes a new directory whole, with the key for its owner alone', async () => {
    const result = await generate(out, files(), { force: false });
    expect(result).toMatchObject({ kept: [], removed: [] });
    expect(result.written).toEqual(files().map((file) => file.path));
    expect(statSync(path.join(out, KEY)).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(out, 'apply.sh')).mode & 0o777).toBe(0o755);
    expect(readdirSync(home)).toEqual(['out']);
    const [{ providers }] = parse(read(KEY)).resources;
    expect(Buffer.from(providers[0].secretbox.keys[0].secret, 'base64')).toHaveLength(32);
  });

  const modes = (...names: string[]) =>
    names.map((name) => (statSync(path.join(out, name)).mode & 0o777).toString(8));

  test('the way to a key is for its owner alone: the new directory and each folder down to it', async () => {
    await generate(out, files(), { force: false });
    expect(modes('', path.dirname(KEY), '03-quotas')).toEqual(['700', '700', '755']);
    await generate(path.join(home, 'none'), files(without('encryption-at-rest')), { force: false });
    expect(modes('../none')).toEqual(['755']);
  });

  test("with force: a folder for a key is closed, also where an earlier run left it open; the directory is its owner's", async () => {
    mkdirSync(path.join(out, path.dirname(KEY)), { recursive: true, mode: 0o755 });
    chmodSync(out, 0o755);
    await generate(out, files(), { force: true });
    expect(modes('', path.dirname(KEY))).toEqual(['755', '700']);
  });

  test('the same plan gives the same bytes, the key aside, and the key stands in one file', async () => {
    await generate(out, files(), { force: false });
    await generate(path.join(home, 'again'), files(), { force: false });
    const [one, two] = [tree(out), tree(path.join(home, 'again'))];
    expect(Object.keys(one)).toEqual(Object.keys(two));
    expect(Object.keys(one).filter((name) => one[name] !== two[name])).toEqual([KEY]);
    const key: string = parse(read(KEY)).resources[0].providers[0].secretbox.keys[0].secret;
    expect(Object.keys(one).filter((name) => one[name]?.includes(key))).toEqual([KEY]);
  });

  test('refuses a directory that is not empty, and leaves it as it is', async () => {
    mkdirSync(out);
    writeFileSync(path.join(out, 'mine'), 'x');
    await expect(generate(out, files(), { force: false })).rejects.toThrow(/is not empty\.\n.*--force/);
    expect(tree(home)).toEqual({ 'out/mine': 'x' });
  });

  test('takes an empty one', async () => {
    mkdirSync(out);
    await generate(out, files(), { force: false });
    expect(existsSync(path.join(out, KEY))).toBe(true);
  });

  test('with force: keeps the encryption configuration, replaces ours, removes what the plan has no more, leaves the rest', async () => {
    await generate(out, files(), { force: false });
    writeFileSync(path.join(out, 'mine'), 'x');
    const key = read(KEY);
    const result = await generate(out, files(without('quotas')), { force: true });
    expect(result.kept).toEqual([KEY]);
    expect(result.removed).toEqual([
      '03-quotas/01-limitrange-shop-defaults.yaml',
      '03-quotas/02-resourcequota-shop-quota.yaml',
    ]);
    expect([read(KEY), read('mine')]).toEqual([key, 'x']);
    expect(existsSync(path.join(out, '03-quotas/01-limitrange-shop-defaults.yaml'))).toBe(false);
    await generate(out, files(without('encryption-at-rest')), { force: true });
    expect(read(KEY)).toBe(key);
  });

  test('with force: an encryption configuration of another plan is refused, and nothing is written', async () => {
    mkdirSync(path.join(out, '04-encryption-at-rest'), { recursive: true });
    writeFileSync(path.join(out, KEY), 'kind: EncryptionConfiguration\n');
    const before = tree(out);
    await expect(generate(out, files(), { force: true })).rejects.toThrow(/belongs to another plan/);
    expect(tree(out)).toEqual(before);
  });

  test('with force: a link in its place is not followed', async () => {
    mkdirSync(path.join(out, '04-encryption-at-rest'), { recursive: true });
    symlinkSync(path.join(home, 'elsewhere'), path.join(out, KEY));
    await expect(generate(out, files(), { force: true })).rejects.toThrow(/belongs to another plan/);
    expect(lstatSync(path.join(out, KEY)).isSymbolicLink()).toBe(true);
    expect(existsSync(path.join(home, 'elsewhere'))).toBe(false);
  });

  test.each(['a link', 'a link to nowhere'])(
    'with force: %s in place of a folder is refused, and nothing is written',
    async (what) => {
      const elsewhere = path.join(home, 'elsewhere');
      if (what === 'a link') mkdirSync(elsewhere);
      mkdirSync(out);
      symlinkSync(elsewhere, path.join(out, '02-default-deny'));
      await expect(generate(out, files(), { force: true })).rejects.toThrow(
        /02-default-deny is a link.*\n.*[Rr]emove/,
      );
      expect(readdirSync(out)).toEqual(['02-default-deny']);
      expect(existsSync(elsewhere) ? readdirSync(elsewhere) : []).toEqual([]);
    },
  );

  test('with force: what lies behind a link is not removed either', async () => {
    await generate(out, files(), { force: false });
    const elsewhere = path.join(home, 'elsewhere');
    renameSync(path.join(out, '03-quotas'), elsewhere);
    symlinkSync(elsewhere, path.join(out, '03-quotas'));
    const before = tree(elsewhere);
    await expect(generate(out, files(without('quotas')), { force: true })).rejects.toThrow('is a link');
    expect(tree(elsewhere)).toEqual(before);
  });

  test('with force: patch files of another cluster are refused, so that no key is ever shared', async () => {
    await generate(out, files(), { force: false, cluster: 'uid-1' });
    const before = tree(out);
    const refused = /written for another cluster.*\n.*another directory/;
    await expect(generate(out, files(), { force: true, cluster: 'uid-2' })).rejects.toThrow(refused);
    await expect(generate(out, files(), { force: true })).rejects.toThrow(refused);
    expect(tree(out)).toEqual(before);
    expect((await generate(out, files(), { force: true, cluster: 'uid-1' })).kept).toEqual([KEY]);
  });

  test('a directory of the embedded cluster is not taken for one of a real cluster', async () => {
    await generate(out, files(), { force: false });
    await expect(generate(out, files(), { force: true, cluster: 'uid-1' })).rejects.toThrow(
      'another cluster',
    );
    expect((await generate(out, files(), { force: true })).kept).toEqual([KEY]);
  });

  test('a list of ours that was tampered with removes nothing outside', async () => {
    mkdirSync(out);
    writeFileSync(path.join(home, 'outside'), 'x');
    writeFileSync(path.join(out, '.kubectl-harden.json'), JSON.stringify({ files: ['../outside'] }));
    await expect(generate(out, files(), { force: true })).rejects.toThrow('leads out of');
    expect(readFileSync(path.join(home, 'outside'), 'utf8')).toBe('x');
  });

  test('a failure leaves no directory behind, and says why', async () => {
    const broken = [...files(), { path: 'README.md/inside', mode: 0o644, text: '' }];
    await expect(generate(out, broken, { force: false })).rejects.toThrow(/cannot be written into .*: /);
    expect(readdirSync(home)).toEqual([]);
    writeFileSync(path.join(home, 'file'), '');
    await expect(generate(path.join(home, 'file/out'), files(), { force: false })).rejects.toThrow(
      'not a directory',
    );
  });
});

describe('apply.sh', () => {
  /** Stands in for kubectl: writes down its arguments, and answers the question which cluster this is. */
  function kubectl(id: string): string {
    const program = path.join(home, 'kubectl');
    writeFileSync(
      program,
      `#!/bin/sh\nprintf '%s|' "$@" >> '${home}/log'\necho >> '${home}/log'\ncase "$*" in *jsonpath*) printf '%s' '${id}' ;; esac\n`,
    );
    chmodSync(program, 0o755);
    return program;
  }
  const UID = 'b7a6f3d2-0000-4000-8000-000000000001';
  const log = () =>
    existsSync(path.join(home, 'log')) ? readFileSync(path.join(home, 'log'), 'utf8').trim().split('\n') : [];
  const run = (id: string, args: readonly string[] = [], env: Record<string, string> = {}) =>
    execaSync(path.join(out, 'apply.sh'), args, {
      reject: false,
      cwd: home,
      env: { ...env, KUBECTL: kubectl(id) },
    });

  test('applies every object in the order of the plan, LimitRange before ResourceQuota, and removes', async () => {
    await generate(out, files(), { force: false });
    const { exitCode, stdout } = run(UID);
    expect(exitCode).toBe(0);
    const apply = (file: string, ...more: string[]) =>
      [
        '--context',
        'prod-eu-1',
        'apply',
        '--server-side',
        '--field-manager=kubectl-harden',
        ...more,
        '-f',
        file,
        '',
      ].join('|');
    expect(log().slice(1)).toEqual([
      apply('01-namespaces/01-namespace-team-a.yaml'),
      apply('01-namespaces/02-namespace-shop.yaml'),
      apply('02-default-deny/01-networkpolicy-shop-default-deny.yaml', '--force-conflicts'),
      "--context|prod-eu-1|delete|networkpolicies.networking.k8s.io|it's-old|--namespace|shop|--ignore-not-found|",
      apply('03-quotas/01-limitrange-shop-defaults.yaml'),
      apply('03-quotas/02-resourcequota-shop-quota.yaml'),
    ]);
    expect(stdout.split('\n')).toEqual([
      'All that kubectl can apply is applied. Left for you, in this order:',
      '  EncryptionConfiguration encryption-config: on each control-plane node: follow 04-encryption-at-rest/INSTRUCTIONS.md',
      '  Secret all: once every API server encrypts: run 04-encryption-at-rest/rewrite-secrets.sh',
      '  Node node-1: at the provider: run 05-metadata-blocking/01-provider-node-node-1.sh',
    ]);
  });

  test('refuses another cluster before it writes anything, unless told', async () => {
    await generate(out, files(), { force: false });
    const refused = run('another');
    expect([refused.exitCode, log()]).toEqual([2, [expect.stringContaining('jsonpath')]]);
    expect(refused.stderr).toContain('context prod-eu-1 is not the cluster that was planned for');
    const told = run('another', ['--any-cluster', '--context', 'staging']);
    expect(told.exitCode).toBe(0);
    expect(log().at(-1)).toContain('--context|staging|apply|');
  });

  test.each([
    [['--context', 'other'], {}, 'other'],
    [[], { CONTEXT: 'from-env' }, 'from-env'],
  ])('%j %j names the context; the same cluster under another name is fine', async (args, env, name) => {
    await generate(out, files(), { force: false });
    expect(run(UID, args, env).exitCode).toBe(0);
    expect(new Set(log().map((line) => line.split('|')[1]))).toEqual(new Set([name]));
  });

  test.each([[['--contxt']], [['--context']], [['x']]])('%j is refused', async (args) => {
    await generate(out, files(), { force: false });
    expect(run(UID, args).exitCode).toBe(2);
    expect(log()).toEqual([]);
  });

  test('stops at the first object that is refused', async () => {
    await generate(out, files(), { force: false });
    const program = kubectl(UID);
    writeFileSync(
      program,
      readFileSync(program, 'utf8').replace('case', 'case "$*" in *team-a*) exit 1 ;; esac\ncase'),
    );
    const { exitCode } = execaSync(path.join(out, 'apply.sh'), [], {
      reject: false,
      env: { KUBECTL: program },
    });
    expect([exitCode, log().length]).toEqual([1, 2]);
  });

  test.each([
    'apply.sh',
    '04-encryption-at-rest/rewrite-secrets.sh',
    '05-metadata-blocking/01-provider-node-node-1.sh',
  ])('%s is a valid script', async (name) => {
    await generate(out, files(), { force: false });
    expect(spawnSync('sh', ['-n', path.join(out, name)]).status).toBe(0);
    expect(statSync(path.join(out, name)).mode & 0o111).toBe(0o111);
  });
});

const kubectlThere = spawnSync('kubectl', ['version', '--client']).status === 0;
(kubectlThere ? describe : describe.skip)(
  `read by kubectl${kubectlThere ? '' : ' (skipped: kubectl is not on the PATH)'}`,
  () => {
    test('kustomization.yaml builds to the very objects of the files', async () => {
      await generate(out, files(), { force: false });
      const built = parseManifests(execaSync('kubectl', ['kustomize', out]).stdout);
      const written = files().flatMap((file) =>
        'text' in file && /^0[1235].*\.yaml$/.test(file.path) ? [parse(file.text)] : [],
      );
      const byName = (a: { metadata: { name: string } }, b: { metadata: { name: string } }) =>
        a.metadata.name < b.metadata.name ? -1 : 1;
      expect(built.toSorted(byName)).toEqual(written.toSorted(byName));
    });

    test('strings that YAML could take for something else come through as strings', () => {
      const odd = [
        'yes',
        'no',
        'on',
        'off',
        'n',
        'y',
        '~',
        'null',
        '',
        '=',
        '<<',
        '1:30',
        '0777',
        '0o17',
        '0x1f',
        '1e3',
        '1_000',
        '.5',
        '+1',
        '.inf',
        '2001-01-01',
        ' x',
        'x ',
        'a: b',
        '# c',
        '- d',
        '*e',
        '&f',
        '!g',
        '%h',
        '@i',
        '`j',
        '{k',
        '[l',
        "'m",
        '"n',
        'o\np',
        'q\n',
        '\tr',
        '\u00e4',
        '\u2028 a',
        'd\ufeff',
        '\ud83d\ude00',
        '---',
        '...',
        'x'.repeat(300),
      ];
      const data = Object.fromEntries(odd.map((value, index) => [`k${index}`, value]));
      mkdirSync(out);
      const manifest = {
        ...object('v1', 'ConfigMap', 'shop', 'odd'),
        metadata: namespace('odd', data).metadata,
        data,
      };
      writeFileSync(path.join(out, 'odd.yaml'), yamlText(manifest));
      writeFileSync(path.join(out, 'kustomization.yaml'), yamlText({ resources: ['odd.yaml'] }));
      const [built] = parseManifests(execaSync('kubectl', ['kustomize', out]).stdout);
      expect(built?.data).toEqual(data);
      expect(built?.metadata.labels).toEqual(data);
    });
  },
);
