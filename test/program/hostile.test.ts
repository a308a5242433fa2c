import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { yamlText } from '../../src/model/hostfile.js';
import { ENDLESS, HOSTILE, hostileState, rawIn } from '../support/hostile.js';
import { harden, type Ran } from '../support/program.js';

/** An argument of a program holds no NUL. */
const WORD = HOSTILE.replaceAll('\u0000', '');

describe('nothing raw from a cluster or a file reaches the output', () => {
  let directory: string;
  let env: Record<string, string>;
  let cluster: string;
  const file = (name: string) => path.join(directory, name);
  const wrong: string[] = [];

  /** Runs a command and notes what it wrote that it must not have. */
  async function swept(args: readonly string[]): Promise<Ran> {
    const ran = await harden(args, env);
    const name = args
      .filter((arg) => !arg.includes(directory))
      .join(' ')
      .slice(0, 60);
    const longest = args.some((arg) => ['json', 'dot', 'svg'].includes(arg))
      ? Number.POSITIVE_INFINITY
      : 6_000;
    wrong.push(
      ...rawIn(ran.stdout, { longest })
        .slice(0, 4)
        .map((one) => `${name}: stdout ${one}`),
      ...rawIn(ran.stderr)
        .slice(0, 4)
        .map((one) => `${name}: stderr ${one}`),
    );
    if (/did not expect|\bat .*\.js:\d+/.test(ran.stderr)) wrong.push(`${name}: ${ran.stderr.slice(0, 300)}`);
    return ran;
  }

  /** Commands that are not in each other's way, several at a time. */
  async function each(all: readonly (readonly string[])[]): Promise<void> {
    const rest = [...all];
    const worker = async () => {
      for (let args = rest.shift(); args !== undefined; args = rest.shift()) await swept(args);
    };
    await Promise.all([worker(), worker(), worker()]);
  }

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-hostile-'));
    env = { XDG_STATE_HOME: file('state') };
    cluster = file('cluster.json');
    await harden(['plan', '--sandbox-file', cluster, '--step', 'namespaces'], env);
    await writeFile(cluster, JSON.stringify(hostileState(JSON.parse(await readFile(cluster, 'utf8')))));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  afterEach(() => {
    expect(wrong.splice(0)).toEqual([]);
  });

  const target = () => ['--sandbox-file', cluster];

  test('findings, plans, patch files, reach in every form', async () => {
    // None of these writes to the cluster.
    await each([
      ['plan', ...target()],
      ['plan', ...target(), '-o', 'json'],
      ...['text', 'json', 'dot', 'svg'].map((form) => ['reach', ...target(), '-o', form]),
      ['reach', 'explain', `shop/${WORD}`, 'shop/web', '80', ...target()],
      ['generate', ...target(), '--output-dir', file('patches')],
    ]);
    const said: string[] = [];
    for (const entry of await readdir(file('patches'), { recursive: true, withFileTypes: true })) {
      if (rawIn(entry.name).length > 0) said.push(`the name ${JSON.stringify(entry.name)}`);
      if (!entry.isFile()) continue;
      const text = await readFile(path.join(entry.parentPath, entry.name), 'utf8');
      for (const one of rawIn(text, { longest: Number.POSITIVE_INFINITY })) said.push(`${entry.name} ${one}`);
    }
    expect(said).toEqual([]);
  }, 300_000);

  test('YAML with what is escaped in it means the same', async () => {
    expect(parse(yamlText({ [HOSTILE]: HOSTILE, tag: '\u{e0041}', lines: 'a\n\tb' }))).toEqual({
      [HOSTILE]: HOSTILE,
      tag: '\u{e0041}',
      lines: 'a\n\tb',
    });
    expect(rawIn(yamlText({ [HOSTILE]: HOSTILE, tag: '\u{e0041}' }))).toEqual([]);
  });

  test('apply, undo, resume, runs', async () => {
    await swept(['apply', ...target(), '--step', 'quotas', '--step', 'default-deny', '--confirm', 'sandbox']);
    await swept(['undo', ...target(), '--confirm', 'sandbox']);
    await each([
      ['apply', ...target(), '--confirm', WORD],
      ['undo', WORD, ...target(), '--confirm', 'sandbox'],
      ['resume', WORD, ...target(), '--confirm', 'sandbox'],
      ['keep', WORD],
      ['guard', WORD],
      ['apply', ...target(), '--confirm', 'sandbox', '--confirm-within', WORD],
      ['runs'],
      ['rbac', '--step', WORD],
      ['rbac', '--resource', WORD],
      ['rbac', '--group', WORD, '--user', WORD],
      ['rbac', '--group', WORD, '--user', WORD, '-o', 'json'],
    ]);
  }, 300_000);

  test('a journal that somebody wrote into', async () => {
    const run = file('state/kubectl-harden/runs/ffff');
    await mkdir(path.join(run, 'confirm'), { recursive: true });
    const lines = [
      {
        type: 'started',
        run: 'ffff',
        cluster: { id: 'x', context: HOSTILE, version: HOSTILE },
        command: HOSTILE,
      },
      { type: 'skipped', step: HOSTILE, reason: HOSTILE },
      { type: 'provisional', id: 'a.1', step: HOSTILE, seconds: 1e300, from: { context: HOSTILE } },
      { type: 'applying', step: HOSTILE, change: HOSTILE },
      { type: HOSTILE },
    ];
    await writeFile(
      path.join(run, 'journal.jsonl'),
      lines.map((line) => `${JSON.stringify({ v: 1, at: `2026-01-01${HOSTILE}`, ...line })}\n`).join(''),
    );
    await swept(['runs']);
    await swept(['runs', '-o', 'json']);
    await swept(['keep', 'ffff', '--step', 'quotas']);
    await writeFile(path.join(run, 'journal.jsonl'), `${HOSTILE}\n`);
    await swept(['runs']);
    await rm(run, { recursive: true });
  }, 120_000);

  test('files: manifests, answers, templates, flow logs, a kubeconfig', async () => {
    const evil = JSON.stringify(HOSTILE);
    await writeFile(
      file('manifests.yaml'),
      [
        `{apiVersion: v1, kind: Namespace, metadata: {name: ${evil}, labels: {${evil}: ${evil}}}}`,
        `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ${evil}}, spec: {containers: [{name: ${evil}, image: ${evil}}]}}`,
        `{apiVersion: ${evil}, kind: ${evil}, metadata: {name: n}}`,
        `{broken: [${evil}`,
      ].join('\n---\n'),
    );
    const all: string[][] = [['plan'], ['reach'], ['reach', '-o', 'dot'], ['reach', '-o', 'svg']].map(
      (args) => [...args, '--from', file('manifests.yaml')],
    );
    all.push(['reach', 'diff', '--from', file('manifests.yaml'), '--to', file('manifests.yaml')]);
    all.push(['plan', '--from', file(`gone${WORD}`)]);
    await writeFile(
      file('answers.yaml'),
      `${evil}: {${evil}: ${evil}}\nquotas: {namespaces: [${evil}], ${evil}: 1}\n`,
    );
    all.push(['plan', ...target(), '--answers', file('answers.yaml')]);
    await writeFile(file('broken.yaml'), `quotas: [${HOSTILE}`);
    all.push(['plan', ...target(), '--answers', file('broken.yaml')]);
    await writeFile(
      file('flows.jsonl'),
      `{"flow": ${evil}}\n${HOSTILE}\n${JSON.stringify({ flow: { source: { namespace: HOSTILE, labels: [HOSTILE] }, verdict: 'FORWARDED' } })}\n`,
    );
    all.push(['plan', ...target(), '--step', 'default-deny', '--flows', file('flows.jsonl')]);
    await mkdir(file('templates/quotas'), { recursive: true });
    await writeFile(file('templates/quotas/limitrange.yaml'), `kind: ${evil}\n`);
    all.push(['plan', ...target(), '--templates', file('templates')]);
    await writeFile(
      file('kubeconfig'),
      `apiVersion: v1\nkind: Config\ncurrent-context: ${evil}\ncontexts: [{name: ${evil}, context: {cluster: ${evil}, user: ${evil}}}]\n`,
    );
    all.push(['plan', '--kubeconfig', file('kubeconfig')]);
    all.push(['plan', '--kubeconfig', file('kubeconfig'), '--context', `other${WORD}`]);
    await each(all);
  }, 300_000);

  test('what an API server answers: errors, warnings, versions, and bodies that are none', async () => {
    const status = JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: HOSTILE + ENDLESS,
      reason: HOSTILE,
      details: { name: HOSTILE, causes: [{ field: HOSTILE, message: HOSTILE, reason: HOSTILE }] },
    });
    let code = 403;
    let body = status;
    const server: Server = createServer((_request, response) => {
      response.writeHead(code, {
        'content-type': 'application/json',
        warning: `299 - "${encodeURIComponent(HOSTILE)}"`,
      });
      response.end(body);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeFile(
      file('server.kubeconfig'),
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: url } }],
        users: [{ name: 'u', user: { token: 't' } }],
      }),
    );
    try {
      for (const [answered, text] of [
        [403, status],
        [401, status],
        [422, status],
        [
          200,
          JSON.stringify({
            gitVersion: HOSTILE,
            major: HOSTILE,
            metadata: { uid: HOSTILE, resourceVersion: HOSTILE },
          }),
        ],
        [200, HOSTILE],
      ] as const) {
        code = answered;
        body = text;
        const [all, first] = [
          [['plan'], ['probe', '--confirm', 'c']],
          [
            ['apply', '--confirm', 'c'],
            ['rewrite-secrets', '--confirm', 'c'],
          ],
        ];
        const commands = answered === 403 ? [...all, ...first] : all;
        await each(commands.map((command) => [...command, '--kubeconfig', file('server.kubeconfig')]));
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }, 300_000);
});
