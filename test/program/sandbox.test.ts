import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden, ROOT } from '../support/program.js';

interface PlanJson {
  version: number;
  cluster: { context: string };
  steps: {
    id: string;
    title: string;
    status: string;
    findings: { id: string }[];
    changes: { id: string; kind: string; ref: string; risk: string }[];
  }[];
}

/** The files of a generated round that hold a key: what it puts in place, and what it falls back to. */
const withKey = ['encryption-config.fallback.yaml', 'encryption-config.yaml'];

describe('the program on the embedded cluster, without a terminal', () => {
  let directory: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-program-'));
    env = { XDG_STATE_HOME: path.join(directory, 'state') };
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const at = (...names: string[]) => path.join(directory, ...names);

  async function onlyRun(): Promise<string> {
    const runs = await readdir(at('state', 'kubectl-harden', 'runs'));
    expect(runs).toHaveLength(1);
    return at('state', 'kubectl-harden', 'runs', runs[0] ?? '');
  }

  /** Every file below a directory with the digest of its bytes. */
  async function digests(of: string): Promise<Record<string, string>> {
    const entries = await readdir(of, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    const pairs = await Promise.all(
      files.map(
        async (file): Promise<[string, string]> => [
          path.relative(of, file),
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
        ],
      ),
    );
    return Object.fromEntries(pairs.sort());
  }

  test('the wizard prints its plan instead, says how to open it, and exits 0', async () => {
    const ran = await harden(['--sandbox'], env);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/1 Namespaces[\s\S]*5 Metadata blocking/);
    expect(ran.stdout.trim().split('\n').at(-1)).toContain('npm start');
  });

  test('plan names the five steps in order and exits 1; it leaves nothing behind', async () => {
    const ran = await harden(['plan', '--sandbox', '-o', 'json'], env);
    const plan = JSON.parse(ran.stdout) as PlanJson;
    expect({
      code: ran.code,
      stderr: ran.stderr,
      version: plan.version,
      context: plan.cluster.context,
    }).toEqual({ code: 1, stderr: '', version: 1, context: 'sandbox' });
    expect(plan.steps.map((s) => s.id)).toEqual([
      'namespaces',
      'default-deny',
      'quotas',
      'encryption-at-rest',
      'metadata-blocking',
    ]);
    expect(plan.steps.slice(0, 4).map((s) => s.status)).toEqual(['changes', 'changes', 'changes', 'changes']);
    expect(await readdir(directory)).toEqual([]);
  });

  test('the commands that a plan ends with cover what it covers', async () => {
    await writeFile(at('answers file.yaml'), 'quotas: {}\n');
    await cp(path.join(ROOT, 'templates/quotas'), at('templates/quotas'), { recursive: true });
    const flags = ['--sandbox-file', at('state.json'), '--step', 'quotas', '--step', 'default-deny'];
    const more = [
      '--exclude-namespace',
      'shop*',
      '--templates',
      at('templates'),
      '--answers',
      at('answers file.yaml'),
    ];
    const ran = await harden(['plan', ...flags, ...more], env);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 1, stderr: '' });
    const same = `${flags.join(' ')} --exclude-namespace 'shop*' --templates ${at('templates')} --answers '${at('answers file.yaml')}'`;
    expect(ran.stdout.trim().split('\n').slice(-3)).toEqual([
      `apply all of it             kubectl harden apply ${same} --confirm sandbox`,
      `write patch files           kubectl harden generate ${same} --output-dir DIR`,
      `go through it step by step  kubectl harden ${same}`,
    ]);
  });

  test('apply leaves nothing pending, and a second apply has nothing to do', async () => {
    const applied = await harden(
      ['apply', '--sandbox-file', at('cluster.json'), '--confirm', 'sandbox'],
      env,
    );
    expect({ code: applied.code, stderr: applied.stderr }).toMatchObject({ code: 0 });
    expect((await stat(at('cluster.json'))).mode & 0o777).toBe(0o600);
    const plan = await harden(['plan', '--sandbox-file', at('cluster.json'), '-o', 'json'], env);
    expect({
      code: plan.code,
      changes: (JSON.parse(plan.stdout) as PlanJson).steps.flatMap((s) => s.changes),
    }).toEqual({ code: 0, changes: [] });
    const again = await harden(['apply', '--sandbox-file', at('cluster.json'), '--confirm', 'sandbox'], env);
    expect(again.code).toBe(0);
    expect(again.stderr).not.toContain('[ok]');
  });

  test('one step after the other comes to the same as all in one go, in the order of the wizard or not', async () => {
    const policies = async (file: string) => {
      const ran = await harden(['reach', '--sandbox-file', file], env);
      expect(ran.code).toBe(0);
      return ran.stdout;
    };
    await harden(['apply', '--sandbox-file', at('all.json'), '--confirm', 'sandbox'], env);
    for (const step of [
      'metadata-blocking',
      'namespaces',
      'default-deny',
      'quotas',
      'encryption-at-rest',
      'metadata-blocking',
    ]) {
      const ran = await harden(
        ['apply', '--sandbox-file', at('single.json'), '--confirm', 'sandbox', '--step', step],
        env,
      );
      expect({ step, code: ran.code, stderr: ran.stderr }).toMatchObject({ step, code: 0 });
    }
    expect(await policies(at('single.json'))).toBe(await policies(at('all.json')));
    expect((await harden(['plan', '--sandbox-file', at('single.json')], env)).code).toBe(0);
  }, 120_000);

  test('generate writes the same bytes every time, but for the key, and nothing in the cluster', async () => {
    const first = await harden(
      ['generate', '--sandbox-file', at('cluster.json'), '--output-dir', at('one')],
      env,
    );
    const second = await harden(
      ['generate', '--sandbox-file', at('cluster.json'), '--output-dir', at('two')],
      env,
    );
    expect([first.code, second.code]).toEqual([0, 0]);
    const [one, two] = [await digests(at('one')), await digests(at('two'))];
    const differing = Object.keys({ ...one, ...two }).filter((name) => one[name] !== two[name]);
    expect(differing.map((name) => path.basename(name))).toEqual(withKey);
    for (const name of differing) expect((await stat(at('one', name))).mode & 0o777).toBe(0o600);
    expect(Object.keys(one).map((name) => name.split('/')[0])).toEqual(
      expect.arrayContaining([
        '01-namespaces',
        '02-default-deny',
        '03-quotas',
        '04-encryption-at-rest',
        'README.md',
        'apply.sh',
        'kustomization.yaml',
      ]),
    );
    expect((await harden(['plan', '--sandbox-file', at('cluster.json')], env)).code).toBe(1);
    expect(await readdir(directory)).not.toContain('state');
  });

  test('generate refuses a directory that is not empty, and with --force keeps the encryption configuration', async () => {
    await harden(['generate', '--sandbox', '--output-dir', at('out')], env);
    const before = await digests(at('out'));
    const refused = await harden(['generate', '--sandbox', '--output-dir', at('out')], env);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(await digests(at('out'))).toEqual(before);
    const forced = await harden(['generate', '--sandbox', '--output-dir', at('out'), '--force'], env);
    expect(forced.code).toBe(0);
    expect(await digests(at('out'))).toEqual(before);
  });

  test('no key is in the journal, on the screen or in the state of the embedded cluster', async () => {
    const applied = await harden(
      ['apply', '--sandbox-file', at('cluster.json'), '--confirm', 'sandbox'],
      env,
    );
    const generated = await harden(['generate', '--sandbox', '--output-dir', at('out')], env);
    const key =
      /secret: ?"?([A-Za-z0-9+/]{43}=)/.exec(
        await readFile(at('out', '04-encryption-at-rest', '1-write', 'encryption-config.yaml'), 'utf8'),
      )?.[1] ?? '';
    expect(Buffer.from(key, 'base64')).toHaveLength(32);
    const everything = [applied.stdout, applied.stderr, generated.stdout, generated.stderr];
    for (const root of [at('state'), at('out')]) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (entry.isFile() && !withKey.includes(entry.name))
          everything.push(await readFile(path.join(entry.parentPath, entry.name), 'utf8'));
      }
    }
    everything.push(await readFile(at('cluster.json'), 'utf8'));
    // 32 bytes in base64, wherever they may stand.
    for (const text of everything)
      expect(text).not.toMatch(/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])/);
  });

  test('a resumed run keeps to the steps that it was started for', async () => {
    await harden(
      ['apply', '--sandbox-file', at('cluster.json'), '--confirm', 'sandbox', '--step', 'namespaces'],
      env,
    );
    const run = path.basename(await onlyRun());
    const resumed = await harden(
      ['resume', run, '--sandbox-file', at('cluster.json'), '--confirm', 'sandbox'],
      env,
    );
    expect({ code: resumed.code, wrote: /\[ok\]/.test(resumed.stderr) }).toEqual({ code: 0, wrote: false });
  });

  describe('what is wrong is said in one to three lines, with the right exit code', () => {
    const cases: readonly {
      name: string;
      args: (at: (...n: string[]) => string) => string[];
      files?: Record<string, string>;
      says: RegExp;
    }[] = [
      {
        name: 'a context that is not this one',
        args: () => ['apply', '--sandbox', '--confirm', 'prod'],
        says: /prod.*sandbox/,
      },
      { name: 'apply without --confirm', args: () => ['apply', '--sandbox'], says: /--confirm/ },
      {
        name: 'an unknown step',
        args: () => ['plan', '--sandbox', '--step', 'quota'],
        says: /quota.*quotas/s,
      },
      { name: 'no kubeconfig', args: (at) => ['plan', '--kubeconfig', at('nowhere')], says: /nowhere/ },
      {
        name: 'a broken kubeconfig',
        args: (at) => ['plan', '--kubeconfig', at('kubeconfig')],
        files: { kubeconfig: 'clusters: [\n' },
        says: /kubeconfig/,
      },
      {
        name: 'an unknown context',
        args: (at) => ['plan', '--kubeconfig', at('kubeconfig'), '--context', 'staging'],
        files: {
          kubeconfig:
            'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: prod, context: {cluster: c, user: u}}]\n',
        },
        says: /staging[\s\S]*prod/,
      },
      {
        name: 'a server that does not answer',
        args: (at) => ['plan', '--kubeconfig', at('kubeconfig')],
        files: {
          kubeconfig:
            'apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: prod, context: {cluster: c, user: u}}]\n',
        },
        says: /127\.0\.0\.1:1/,
      },
      {
        name: 'a broken answers file',
        args: (at) => ['plan', '--sandbox', '--answers', at('answers.yaml')],
        files: { 'answers.yaml': 'default-deny:\n  namespaces: {}\n' },
        says: /answers\.yaml:2/,
      },
      {
        name: 'an answer to a step that does not exist',
        args: (at) => ['plan', '--sandbox', '--answers', at('answers.yaml')],
        files: { 'answers.yaml': 'defaultdeny: {}\n' },
        says: /answers\.yaml:1.*defaultdeny/,
      },
      {
        name: 'a broken state of the embedded cluster',
        args: (at) => ['plan', '--sandbox-file', at('cluster.json')],
        files: { 'cluster.json': '{' },
        says: /cluster\.json/,
      },
      {
        name: 'a run that does not exist',
        args: () => ['resume', 'ffff', '--sandbox', '--confirm', 'sandbox'],
        says: /ffff/,
      },
    ];
    test.each(cases)('$name', async ({ args, files, says }) => {
      for (const [name, text] of Object.entries(files ?? {})) await writeFile(at(name), text);
      const { code, stdout, stderr } = await harden(args(at), env);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(says);
      expect(stderr).not.toMatch(/^\s+at |node:internal|did not expect/m);
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
    });

    test('a broken template', async () => {
      const { mkdir } = await import('node:fs/promises');
      await mkdir(at('templates', 'default-deny'), { recursive: true });
      const packaged = await readdir(path.resolve(import.meta.dirname, '../../templates/default-deny'));
      await writeFile(at('templates', 'default-deny', packaged[0] ?? ''), 'apiVersion: v1\nkind: [\n');
      const { code, stderr } = await harden(['plan', '--sandbox', '--templates', at('templates')], env);
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/:\d+/) });
    });

    test('a run of another cluster', async () => {
      await harden(
        ['apply', '--sandbox-file', at('one.json'), '--confirm', 'sandbox', '--step', 'namespaces'],
        env,
      );
      const id = /"cluster":\{"id":"([^"]+)"/.exec(
        await readFile(path.join(await onlyRun(), 'journal.jsonl'), 'utf8'),
      )?.[1];
      const text = await readFile(at('one.json'), 'utf8');
      expect(text).toContain(id);
      await writeFile(at('two.json'), text.replaceAll(id ?? '', '00000000-0000-4000-8000-000000000000'));
      const run = (await readdir(at('state', 'kubectl-harden', 'runs')))[0] ?? '';
      const { code, stderr } = await harden(
        ['resume', run, '--sandbox-file', at('two.json'), '--confirm', 'sandbox'],
        env,
      );
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('another cluster') });
    });
  });
});
