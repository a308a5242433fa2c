import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js';
import { markedSecret, sweepMarkers } from '../support/markers.js';
import { request } from '../support/rest.js';

describe('Secrets stay where they are', () => {
  let directory: string;
  let sandbox: Sandbox;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-markers-'));
    sandbox = await startSandbox();
  });
  afterAll(async () => {
    await sandbox.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('no value, key or token in any output, file or argument list, whatever the command', async () => {
    const { body, markers } = markedSecret('marked');
    expect(
      (await request(sandbox, { method: 'POST', path: '/api/v1/namespaces/shop/secrets', body })).status,
    ).toBe(201);
    const { found, ...figures } = await sweepMarkers(
      directory,
      { server: sandbox.server, token: sandbox.token, context: 'prod' },
      [...markers, sandbox.planted],
    );
    expect(found).toEqual([]);
    // Something was written, started and taken back; else there was nothing to find.
    expect(figures.codes).toMatchObject({
      'plan --answers': 1,
      'apply --answers --confirm prod': 1,
      runs: 0,
      'rbac --also undo': 0,
      'reach explain shop/web shop/cart 80 -o json': 0,
      'reach diff --from --to -o json': 2,
      'rewrite-secrets --sandbox-file --confirm sandbox -o json': 0,
    });
    expect(figures.standing).toContain('takenBack');
    expect(figures.files).toBeGreaterThan(100);
    expect(figures.processes).toBeGreaterThan(20);
  }, 300_000);
});
