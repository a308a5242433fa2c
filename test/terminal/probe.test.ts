import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeAll, clusterWithNodes } from '../cluster/probe/cluster.js';
import { BACK_OFF, type Network, UNSCHEDULED } from '../support/kubelet.js';
import { harden, PROGRAM } from '../support/program.js';
import { KEYS, missingTerminal, Terminal } from '../support/terminal.js';

let directory: string;
let env: Record<string, string>;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-probe-'));
  env = { XDG_STATE_HOME: path.join(directory, 'state'), HOME: directory, KUBECONFIG: '/nonexistent' };
});
afterEach(async () => {
  await closeAll();
  await rm(directory, { recursive: true, force: true });
});

async function clusterOf(...given: Parameters<typeof clusterWithNodes>) {
  const cluster = await clusterWithNodes(...given);
  const file = path.join(directory, 'kubeconfig');
  await writeFile(file, cluster.kubeconfig, { mode: 0o600 });
  const left = async () => (await cluster.namespaces()).filter((name) => name.includes('probe'));
  const created = () =>
    cluster.proxy.seen.filter(({ method, body }) => method === 'POST' && body.includes('probe'));
  return { ...cluster, file, left, created };
}

/** The lines of the only run's journal. */
async function journal(): Promise<{ type: string; run?: string }[]> {
  const runs = path.join(directory, 'state', 'kubectl-harden', 'runs');
  const [run = ''] = await readdir(runs);
  const text = await readFile(path.join(runs, run, 'journal.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; run?: string });
}

describe('kubectl harden probe without a terminal', () => {
  test('the verdict as JSON, exit code 0, a run on record that resume leaves alone', async () => {
    const { file, left, proxy } = await clusterOf({ enforces: true });
    const ran = await harden(['probe', '--kubeconfig', file, '--confirm', 'prod', '-o', 'json'], env);
    const leases = proxy.seen.filter(({ path }) => path.includes('/leases')).map(({ method }) => method);
    expect([leases[0], leases.at(-1)]).toEqual(['POST', 'DELETE']);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toEqual({
      version: 1,
      verdict: 'enforced',
      evidence: [expect.stringContaining('not while a policy denied it')],
      at: expect.any(String),
      interrupted: false,
      left: [],
    });
    expect(ran.stderr).toContain('creates the namespace kubectl-harden-probe-<random>');
    expect(await left()).toEqual([]);
    expect((await journal()).map(({ type }) => type)).toEqual(['started', 'probing', 'probed', 'ended']);
    const resumed = await harden(['resume', '--kubeconfig', file, '--confirm', 'prod'], env);
    expect(resumed.stderr).toContain('There is no run to take up');
    const { run } = (await journal())[0] as { run: string };
    const named = await harden(['resume', run, '--kubeconfig', file, '--confirm', 'prod'], env);
    expect([named.code, named.stderr]).toEqual([2, expect.stringContaining('was a live probe')]);
  });

  test('what could not be found out is exit code 2, with the reason', async () => {
    const { file, left } = await clusterOf({ enforces: true, instead: () => BACK_OFF });
    const args = [
      'probe',
      '--kubeconfig',
      file,
      '--confirm',
      'prod',
      '--probe-image',
      'mirror.test/agnhost:2',
    ];
    const ran = await harden(args, env);
    expect([ran.code, ran.stdout]).toEqual([2, expect.stringContaining('ImagePullBackOff')]);
    expect(ran.stderr).toContain('mirror.test/agnhost:2');
    expect(await left()).toEqual([]);
  });

  test('another context than the one that is meant: nothing is created', async () => {
    const { file, created } = await clusterOf({ enforces: true });
    const ran = await harden(['probe', '--kubeconfig', file, '--confirm', 'staging'], env);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('Nothing was created.')]);
    expect(created()).toEqual([]);
  });
});

const missing = missingTerminal();
(missing === undefined ? describe : describe.skip)(
  `kubectl harden probe in a real terminal${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let terminal: Terminal | undefined;
    afterEach(() => terminal?.kill());
    const open = (file: string): Terminal => {
      const command = [process.execPath, PROGRAM, 'probe', '--kubeconfig', file];
      terminal = new Terminal(command, { columns: 100, rows: 30, env });
      return terminal;
    };
    async function confirmed(file: string): Promise<Terminal> {
      const t = open(file);
      await t.waitFor("Type the context's name (prod) to try it out");
      await new Promise((resolve) => setTimeout(resolve, 300));
      t.press('prod', KEYS.enter);
      return t;
    }
    const STUCK: Network = { enforces: true, instead: () => UNSCHEDULED };

    test('the default is no', async () => {
      const { file, created } = await clusterOf({ enforces: true });
      const t = open(file);
      await t.waitFor("Type the context's name (prod) to try it out");
      await new Promise((resolve) => setTimeout(resolve, 300));
      t.press(KEYS.enter);
      await t.waitFor('Nothing was created.');
      expect(await t.exit).toBe(2);
      expect(created()).toEqual([]);
    });

    test('the name typed, it tells what it does and its verdict', async () => {
      const { file } = await clusterOf({ enforces: true });
      const t = await confirmed(file);
      const shown = await t.waitFor('NetworkPolicies are enforced: a pod on node');
      expect(shown).toContain('connecting without a policy ...');
      expect(await t.exit).toBe(0);
    });

    test('ctrl-c removes what was created', async () => {
      const { file, left } = await clusterOf(STUCK);
      const t = await confirmed(file);
      await t.waitFor('starting the pod that listens');
      t.press(KEYS.ctrlC);
      await t.waitFor('Stopping: what was created is being removed');
      expect(await t.exit).toBe(130);
      expect(await left()).toEqual([]);
      expect((await journal()).map(({ type }) => type).slice(-2)).toEqual(['probed', 'ended']);
    });

    test('a second ctrl-c leaves at once, and tells the command that removes what may be left', async () => {
      const { file, left } = await clusterOf(STUCK, ({ method, path: at }) =>
        method === 'DELETE' || (method === 'GET' && /\/namespaces\/kubectl-harden-probe-[^/]+$/.test(at))
          ? { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: at.split('/').at(-1) } } }
          : undefined,
      );
      const t = await confirmed(file);
      await t.waitFor('starting the pod that listens');
      t.press(KEYS.ctrlC);
      await t.waitFor('removing namespace');
      t.press(KEYS.ctrlC);
      const shown = await t.waitFor('Remove what may be left:');
      const [name = ''] = await left();
      expect(shown.replaceAll('\n', '')).toContain(`--context prod delete namespace ${name}`);
      expect(await t.exit).toBe(130);
    });
  },
);
