import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { configText, MANIFEST, secretOf } from './configs.js';
import type { Said } from './faults-child.js';

const CHILD = path.join(import.meta.dirname, 'faults-child.ts');
const HOOKS = pathToFileURL(path.join(import.meta.dirname, '../../support/typescript-hooks.mjs')).href;
const WANTED = configText('secretbox/key1', 'identity');

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-faults-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function child(...args: string[]): Promise<readonly Said[] | 'killed'> {
  const { stdout, signal, stderr, exitCode } = await execa(
    process.execPath,
    ['--no-warnings', '--import', HOOKS, CHILD, ...args],
    { reject: false },
  );
  if (signal === 'SIGKILL') return 'killed';
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Said[];
}

async function run(...args: string[]): Promise<readonly Said[]> {
  const all = await child(...args);
  if (all === 'killed') throw new Error('killed');
  return all;
}

/** What has to hold whenever somebody looks: one manifest, and the key wherever a value may need it. */
function faultsOf({ names, manifest, configuration, stored, readable, breaches }: Said): string[] {
  const flagged = manifest.includes('--encryption-provider-config');
  const faults = [...breaches];
  if (names.join() !== 'kube-apiserver.yaml') faults.push(`the manifests directory holds ${names.join()}`);
  if (flagged && !configuration?.includes(secretOf('key1'))) faults.push('the flag without the key');
  if (!flagged && stored.some((prefix) => prefix !== '')) faults.push('encrypted values without the flag');
  if (!readable) faults.push('a value cannot be read');
  return faults;
}

describe.each([
  ['well', 'applied'],
  ['breaks', 'fellBack'],
])('an API server that %s', (health, end) => {
  test('gone at any call of the file system: safe at once, and brought to its end by the next run', async () => {
    const all = await run('hang', health, root);
    const hung = all.filter(({ state }) => state === 'hung');
    expect(hung.length).toBeGreaterThan(30);
    expect(
      all.map((one) => ({ at: one.at, faults: faultsOf(one) })).filter((one) => one.faults.length > 0),
    ).toEqual([]);
    const ends = all.filter(({ state }) => state !== 'hung');
    expect(ends.length).toBeGreaterThanOrEqual(hung.length);
    const KEPT = configText('identity', 'secretbox/key1');
    for (const { at, state, reason, left, configuration } of ends) {
      // Gone when all was over but for the tidying up: the next run finds what it went back to, and says so.
      const over = state === 'refused' && reason?.includes('has changed since') && configuration === KEPT;
      expect({ at, state: over ? 'fellBack' : state, reason: over ? '' : (reason ?? ''), left }).toEqual({
        at,
        state: end,
        reason: health === 'well' ? '' : over ? '' : 'connection refused',
        left: [],
      });
      expect(configuration).toBe(health === 'well' ? WANTED : KEPT);
    }
  }, 300_000);

  test('a disk that is full from any call on: nothing is lost, and the API server runs', async () => {
    const all = await run('full', health, root);
    expect(
      all.map((one) => ({ at: one.at, faults: faultsOf(one) })).filter((one) => one.faults.length > 0),
    ).toEqual([]);
    const refused = all.filter(({ state }) => state === 'refused');
    expect(refused.length).toBeGreaterThan(10);
    for (const { manifest, configuration, reason, left } of refused) {
      expect(reason).toMatch(/the disk is full\.\s+Nothing was changed/);
      expect([manifest, configuration, left]).toEqual([MANIFEST, null, []]);
    }
    expect(new Set(all.map(({ state }) => state))).toEqual(new Set(['refused', end]));
  }, 300_000);

  test('really killed, and killed again while that is made good', async () => {
    for (const at of [12, 24, 40]) {
      const directory = path.join(root, String(at));
      expect(await child('kill', health, directory, String(at))).toBe('killed');
      await child('kill', health, directory, '9');
      const [said] = await run('run', health, directory);
      expect({ state: said?.state, faults: said === undefined ? [] : faultsOf(said) }).toEqual({
        state: end,
        faults: [],
      });
    }
  }, 120_000);
});
