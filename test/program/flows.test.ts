import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { harden } from '../support/program.js';

interface PlanJson {
  steps: { findings: { id: string; evidence: string; message: string }[]; changes: { id: string }[] }[];
}

describe('--flows FILE', () => {
  let directory: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-flows-'));
    env = { XDG_STATE_HOME: path.join(directory, 'state') };
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const at = (...names: string[]) => path.join(directory, ...names);

  const CSV = ['src,dst,protocol,port', 'shop/mailer,shop/catalog,TCP,3550', 'nonsense', ''].join('\n');
  const HUBBLE = `${JSON.stringify({
    flow: {
      time: '2026-11-01T10:00:00Z',
      verdict: 'FORWARDED',
      l4: { TCP: { destination_port: 6379 } },
      source: { namespace: 'shop', workloads: [{ name: 'web', kind: 'Deployment' }] },
      destination: { namespace: 'shop', workloads: [{ name: 'cart-redis', kind: 'Deployment' }] },
      is_reply: false,
    },
  })}\n`;

  async function findings(args: readonly string[]) {
    const ran = await harden([...args, '--step', 'default-deny', '-o', 'json'], env);
    const { steps } = JSON.parse(ran.stdout) as PlanJson;
    return { ...ran, told: (steps[0]?.findings ?? []).filter(({ id }) => id.startsWith('flows-')) };
  }

  test('plan: several logs, a bad line by file and line, the rest counts', async () => {
    await writeFile(at('a.csv'), CSV);
    await writeFile(at('b.jsonl'), HUBBLE);
    const { code, stderr, told } = await findings([
      'plan',
      '--sandbox',
      '--flows',
      at('a.csv'),
      '--flows',
      at('b.jsonl'),
    ]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `${at('a.csv')} line 3: expected Hubble JSON ({"flow":{...}}), Calico flow log JSON ({"source_name_aggr":...}) or CSV: src,dst,protocol,port, found nonsense.`,
    );
    expect(told.map(({ id }) => id)).toEqual(['flows-read', 'flows-unreadable', 'flows-read']);
    expect(told[2]?.evidence).toContain('1 line, 2026-11-01T10:00Z;');
  });

  test('generate: the policies hold what was seen', async () => {
    await writeFile(at('a.csv'), CSV);
    const files = async (...flags: string[]) => {
      const out = at(flags.length === 0 ? 'without' : 'with');
      await harden(['generate', '--sandbox', '--step', 'default-deny', '--output-dir', out, ...flags], env);
      const names = await readdir(path.join(out, '02-default-deny'));
      const mailer = names.find((name) => name.includes('mailer')) ?? '';
      return readFile(path.join(out, '02-default-deny', mailer), 'utf8');
    };
    expect(await files('--flows', at('a.csv'))).toMatch(/app: catalog[\s\S]*port: 3550/);
    expect(await files()).not.toContain('3550');
  });

  test('files in place of a cluster take flow logs too', async () => {
    await writeFile(
      at('m.yaml'),
      ['web', 'db']
        .map(
          (name) =>
            `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}, namespace: shop}\nspec: {template: {metadata: {labels: {app: ${name}}}, spec: {containers: [{name: c}]}}}\n`,
        )
        .join('---\n'),
    );
    await writeFile(at('a.csv'), 'shop/web,shop/db,TCP,5432\n');
    const { told } = await findings(['plan', '--from', at('m.yaml'), '--flows', at('a.csv')]);
    expect(told).toMatchObject([
      { id: 'flows-read', message: expect.stringContaining('shows 1 connection') },
    ]);
  });

  test.each([
    ['missing', undefined, /The flow log .*missing cannot be read: it does not exist\.$/],
    ['empty', '\n', /empty holds no connection: expected lines of Hubble JSON/],
  ])('a log that is %s: said in one line, exit 2', async (name, text, says) => {
    if (text !== undefined) await writeFile(at(name), text);
    const ran = await harden(['plan', '--sandbox', '--flows', at(name)], env);
    expect({ code: ran.code, stdout: ran.stdout, lines: ran.stderr.trim().split('\n').length }).toEqual({
      code: 2,
      stdout: '',
      lines: 1,
    });
    expect(ran.stderr.trim()).toMatch(says);
  });

  describe('a run remembers the files that it was started with', () => {
    /** The only run that there is, begun with these flags. */
    async function begun(...flags: string[]): Promise<string> {
      await writeFile(at('answers.yaml'), 'default-deny: {namespaces: none}\n');
      const cluster = ['--sandbox-file', at('c.json'), '--confirm', 'sandbox'];
      await harden(['apply', ...cluster, '--step', 'default-deny', ...flags], env);
      return (await readdir(at('state', 'kubectl-harden', 'runs')))[0] ?? '';
    }

    const started = async (run: string) => {
      const text = await readFile(at('state', 'kubectl-harden', 'runs', run, 'journal.jsonl'), 'utf8');
      const lines = text.trim().split('\n');
      return lines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((e) => e.type === 'started');
    };

    test('they are read again, and where one is gone that is said', async () => {
      await writeFile(at('a.csv'), 'shop/mailer,shop/catalog,TCP,3550\n');
      const run = await begun('--flows', at('a.csv'), '--answers', at('answers.yaml'));
      const resume = ['resume', run, '--sandbox-file', at('c.json'), '--confirm', 'sandbox'];
      expect((await harden(resume, env)).code).toBe(0);
      const files = { flows: [at('a.csv')], answers: at('answers.yaml'), answersHash: expect.any(String) };
      expect(await started(run)).toMatchObject([{ files }, { files }]);
      await rename(at('a.csv'), at('b.csv'));
      const gone = await harden(resume, env);
      expect({ code: gone.code, stderr: gone.stderr }).toEqual({
        code: 2,
        stderr: `The flow log ${at('a.csv')} cannot be read: it does not exist.\nRun ${run} was started with --answers ${at('answers.yaml')} --flows ${at('a.csv')}; give what has moved by its flag.`,
      });
      expect((await harden([...resume, '--flows', at('b.csv')], env)).code).toBe(0);
    });
  });
});
