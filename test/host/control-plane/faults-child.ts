/*
 * Changes a node with a fault at one call of the file system, in a program of its own, where the calls of
 * node:fs/promises can be replaced by ones that count.
 *
 * usage: faults-child.ts HOW HEALTH ROOT [N]
 *   run     no fault
 *   kill    SIGKILL before call N
 *   hang    for every N up to the last: call N never ends, and nothing after it happens, as if the process were gone;
 *           then once more without a fault
 *   full    for every N up to the last: call N and every later one that needs room fails with ENOSPC
 * Prints what came of it as JSON.
 */
import { readdirSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { configText, MANIFEST } from './configs.js';
import { CLUSTER, FakeNode } from './fake-node.js';

const [how = '', health = '', root = '', number = '0'] = process.argv.slice(2);
const MUTATING = ['open', 'rename', 'link', 'rm', 'mkdir', 'chmod', 'chown', 'writeFile', 'rmdir'] as const;
const NEEDS_ROOM = ['open', 'link', 'mkdir', 'writeFile'];
let calls = 0;
let fault: 'none' | 'kill' | 'hang' | 'full' = 'none';
let at = 0;
let hung = (): void => undefined;
const anyFs = fs as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
const { rm } = fs;
for (const name of MUTATING) {
  const real = anyFs[name]!;
  anyFs[name] = async (...given) => {
    calls++;
    if (fault === 'kill' && calls === at) process.kill(process.pid, 'SIGKILL');
    if (fault === 'hang' && calls >= at) {
      hung();
      return new Promise(() => undefined);
    }
    if (fault === 'full' && calls >= at && NEEDS_ROOM.includes(name))
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    return real(...given);
  };
}
syncBuiltinESMExports();

const { changeNode } = await import('../../../src/host/control-plane/change.js');
const WANTED = configText('secretbox/key1', 'identity');

export interface Said {
  at: number;
  state: string;
  reason?: string;
  calls: number;
  /** What was ever wrong with the manifests directory. */
  breaches: readonly string[];
  names: readonly string[];
  manifest: string;
  configuration: string | null;
  stored: readonly string[];
  readable: boolean;
  left: readonly string[];
}

async function change(directory: string): Promise<{ state: string; reason?: string }> {
  const node = nodeIn(directory);
  const outcome = await changeNode(
    {
      place: node.place,
      server: node,
      cluster: CLUSTER,
      time: node.time,
      patience: { poll: 1_000, settle: 4_000, limit: 20_000 },
    },
    {
      file: node.file,
      before: null,
      after: WANTED,
      fallback: configText('identity', 'secretbox/key1'),
      mounts: [],
      sockets: [],
    },
  ).catch((error: unknown) => ({ state: 'refused', reason: String(error) }));
  return node.breaches.length > 0 ? { state: node.breaches.join('; ') } : outcome;
}

function nodeIn(directory: string): FakeNode {
  const node = new FakeNode(MANIFEST, directory);
  if (health === 'breaks') node.health = (text) => (text === WANTED ? { breaksAfter: 3 } : 'well');
  return node;
}

async function said(directory: string, outcome: { state: string; reason?: string }): Promise<Said> {
  const node = nodeIn(directory);
  const names = readdirSync(path.dirname(node.place.manifest));
  const { stored } = node.state;
  const work = await fs.readdir(node.place.work).catch(() => []);
  return {
    at,
    ...outcome,
    calls,
    breaches: node.breaches,
    names,
    manifest: node.manifest,
    configuration: node.configuration,
    stored,
    readable: await node.readsSecrets(),
    left: work.filter((name) => !/^\.?lock\./.test(name)),
  };
}

const out: Said[] = [];
if (how === 'run' || how === 'kill') {
  fault = how === 'kill' ? 'kill' : 'none';
  at = Number(number);
  out.push(await said(root, await change(root)));
} else {
  const first = path.join(root, 'first');
  await fs.mkdir(first);
  calls = 0;
  await change(first);
  const last = calls;
  for (at = 1; at <= last; at++) {
    const directory = path.join(root, String(at));
    await fs.mkdir(directory);
    calls = 0;
    fault = how === 'full' ? 'full' : 'hang';
    if (how === 'full') {
      const outcome = await change(directory);
      fault = 'none';
      out.push(await said(directory, outcome));
      continue;
    }
    const stuck = new Promise<'hung'>((resolve) => {
      hung = () => resolve('hung');
    });
    const before = await Promise.race([stuck, change(directory)]);
    fault = 'none';
    out.push(await said(directory, { state: before === 'hung' ? 'hung' : before.state }));
    if (before === 'hung') {
      // The process that held it is gone.
      const work = path.join(directory, 'etc/kubernetes/kubectl-harden');
      for (const name of await fs.readdir(work).catch(() => []))
        if (name.startsWith('lock.')) await rm(path.join(work, name));
      out.push(await said(directory, await change(directory)));
    }
  }
}
process.stdout.write(JSON.stringify(out));
