import { writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { isRecord, listAt } from '../../src/model/manifest.js';
import { type Beginning, beginning, contentOf, started } from './cluster.js';
import { type Draw, status } from './plan.js';
import { type FaultProxy, faultProxy } from './proxy.js';
import { begunIn, inProcess, kubeconfigFor, runsIn, wordsOf } from './runs.js';

/** A request of the default-deny step: with it something is written, and something is left. */
const WRITING = ({ method, path: url }: { method: string; path: string }) =>
  method === 'PATCH' &&
  url.includes('/shop/networkpolicies/allow-deployment-store?') &&
  !url.includes('dryRun');

describe('a machine in trouble', () => {
  let directory: string;
  let from: Beginning;
  let undisturbed: Record<string, string>;
  const open: { close(): Promise<void> }[] = [];

  /** A cluster of its own for a test, with a proxy before it, and the words of `apply` and `resume` on it. */
  async function place(name: string, draw: Draw = () => undefined) {
    const own = path.join(directory, name);
    await mkdir(own);
    const cluster = await started(from, own);
    open.push(cluster);
    const proxy: FaultProxy = await faultProxy(cluster, draw);
    open.push(proxy);
    const kubeconfig = await kubeconfigFor(cluster, proxy.address, own);
    return {
      own,
      kubeconfig,
      words: (run?: string) => wordsOf(kubeconfig, from, run),
      content: () => contentOf(cluster.file),
    };
  }

  /** A run that was killed in the middle of the default-deny step. */
  async function killedIn(name: string) {
    let killed = () => {};
    const at = await place(name, (request) => {
      if (WRITING(request)) killed();
      return undefined;
    });
    const child = inProcess(at.words(), at.own);
    killed = () => child.kill('SIGKILL');
    expect((await child).signal).toBe('SIGKILL');
    killed = () => {};
    const run = (await begunIn(at.own)) ?? '';
    return { ...at, run, journal: path.join(runsIn(at.own), run, 'journal.jsonl') };
  }

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-machine-'));
    from = await beginning(directory);
    const at = await place('undisturbed');
    const { exitCode, all } = await inProcess(at.words(), at.own);
    if (exitCode !== 0) throw new Error(`undisturbed: ${exitCode}\n${all}`);
    undisturbed = await at.content();
  }, 120_000);
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('a disk that fills up stops the run before the next write, in words; with room it is taken up', async () => {
    const at = await place('full');
    // No file grows beyond 4 KiB (8 blocks of 512 bytes): the journal is the first to meet it.
    const full = await inProcess(at.words(), at.own, { first: 'ulimit -f 8' });
    expect(full.exitCode).toBe(2);
    expect(full.all).toMatch(/journal .* cannot be written: /);
    expect(full.all).not.toMatch(/\n\s+at /);
    const resumed = await inProcess(at.words(await begunIn(at.own)), at.own);
    expect({ code: resumed.exitCode, said: resumed.all }).toMatchObject({ code: 0 });
    expect(await at.content()).toEqual(undisturbed);
  }, 60_000);

  test('where no state can be kept nothing is written', async () => {
    const at = await place('nowhere');
    const before = await at.content();
    const file = path.join(at.own, 'a-file');
    await writeFile(file, '');
    const env = { XDG_STATE_HOME: file };
    const refused = await inProcess(at.words(), at.own, { env });
    expect(refused.exitCode).toBe(2);
    expect(refused.all).toContain(`A run cannot be kept in ${file}`);
    expect(await at.content()).toEqual(before);
  }, 60_000);

  test('a last line of the journal that was torn off is passed over, and the run goes on', async () => {
    const at = await killedIn('torn');
    const { length } = await readFile(at.journal);
    await truncate(at.journal, length - 7);
    const resumed = await inProcess(at.words(at.run), at.own);
    expect({ code: resumed.exitCode, said: resumed.all }).toMatchObject({ code: 0 });
    expect(await at.content()).toEqual(undisturbed);
  }, 60_000);

  test('a clock that was set back by a day holds nothing up', async () => {
    const at = await killedIn('clock');
    const back = path.join(at.own, 'back.mjs');
    await writeFile(
      back,
      `const Real = Date;
const DAY = 86_400_000;
globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() - DAY);
    else super(...given);
  }
  static now() {
    return Real.now() - DAY;
  }
};
`,
    );
    const resumed = await inProcess(at.words(at.run), at.own, {
      env: { NODE_OPTIONS: `--import ${back}` },
    });
    expect({ code: resumed.exitCode, said: resumed.all }).toMatchObject({ code: 0 });
    expect(resumed.all).toContain('was taken over');
    expect(await at.content()).toEqual(undisturbed);
  }, 60_000);

  test('of two processes at once one writes; the other says which, and writes nothing', async () => {
    let second: ReturnType<typeof inProcess> | undefined;
    const at = await place('two', (request) => {
      // The first one is held in the middle of a write until the other has come to its end.
      if (second !== undefined || !WRITING(request)) return undefined;
      second = inProcess(at.words(), path.join(at.own, 'other'));
      return { name: 'held', before: { until: second.then(() => undefined) } };
    });
    const first = await inProcess(at.words(), at.own);
    const other = await second;
    expect({ code: other?.exitCode, said: other?.all }).toMatchObject({
      code: 2,
      said: expect.stringMatching(/Another run writes to this cluster: run [0-9a-f]+, process \d+/),
    });
    expect(other?.all).not.toContain('[ok] done');
    expect({ code: first.exitCode, said: first.all }).toMatchObject({ code: 0 });
    expect(await at.content()).toEqual(undisturbed);
  }, 60_000);

  test('credentials of a plugin that expire again and again are asked for again; no token is said', async () => {
    let token = 0;
    let count = 0;
    // The plugin gives what the server takes at that moment.
    const tokens = path.join(directory, 'token');
    writeFileSync(tokens, 'expiring-0');
    const at = await place('plugin', ({ authorization }) => {
      if (++count % 200 === 0) writeFileSync(tokens, `expiring-${++token}`);
      return authorization === `Bearer expiring-${token}` ? undefined : status(401, 'Unauthorized');
    });
    const plugin = path.join(at.own, 'plugin');
    await writeFile(
      plugin,
      `#!/bin/sh
sleep 0.05
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat "${tokens}")"
`,
    );
    await chmod(plugin, 0o700);
    const config: unknown = parse(await readFile(at.kubeconfig, 'utf8'));
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    if (isRecord(config))
      await writeFile(
        at.kubeconfig,
        stringify({
          ...config,
          users: listAt(config, 'users').map((user) => ({ ...(user as object), user: { exec } })),
        }),
      );
    const ran = await inProcess(at.words(), at.own);
    expect(`${ran.exitCode} ${ran.all}`).toMatch(/^0 /);
    expect(ran.all).not.toContain('expiring-');
    expect(token).toBeGreaterThan(2);
    expect(await at.content()).toEqual(undisturbed);
  }, 60_000);
});
