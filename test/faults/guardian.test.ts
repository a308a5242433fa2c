import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unguarded } from '../../src/commands/unguarded.js';
import { stringAt } from '../../src/model/manifest.js';
import { harden } from '../support/program.js';
import { request } from '../support/rest.js';
import { type Beginning, contentOf, started, unencrypted } from './cluster.js';
import { type Draw, status } from './plan.js';
import { faultProxy } from './proxy.js';
import { endGuardians, ioIn, kubeconfigFor, type Standing, standingIn, untilStanding } from './runs.js';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

describe('a step that nobody kept, and a cluster that cannot be written to at that moment', () => {
  let directory: string;
  let from: Beginning;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-guardian-'));
    from = await unencrypted(directory);
  }, 120_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** Quotas written with a short time on a cluster of its own, and what came of it. */
  async function place(name: string) {
    const own = path.join(directory, name);
    await mkdir(own);
    const cluster = await started(from, own);
    let draw: Draw = () => undefined;
    const proxy = await faultProxy(cluster, (asked) => draw(asked));
    const kubeconfig = await kubeconfigFor(cluster, proxy.address, own);
    const before = await contentOf(cluster.file);
    const env = { XDG_STATE_HOME: path.join(own, 'state') };
    const io = ioIn(own);
    return {
      cluster,
      before,
      standing: () => standingIn(own),
      meets: (next: Draw) => {
        draw = next;
      },
      apply: () =>
        harden(
          ['apply', '--kubeconfig', kubeconfig, '--answers', from.answers, '--take-over'].concat([
            '--step',
            'quotas',
            '--confirm',
            'sandbox',
            '--confirm-within',
            '12s',
          ]),
          env,
        ),
      /** What every command says of it at its beginning. */
      said: async () => (await unguarded(io)).join('\n'),
      until: (holds: (now: Standing) => boolean) => untilStanding(own, holds),
      content: () => contentOf(cluster.file),
      close: async () => {
        await endGuardians(own);
        await proxy.close();
        await cluster.close();
      },
    };
  }

  /** What is in its way from the end of `apply` on, the words for it, and how it is cleared. */
  const CASES: Record<
    string,
    {
      blocks(at: Awaited<ReturnType<typeof place>>): Promise<() => Promise<void>>;
      words: RegExp;
    }
  > = {
    'no server answers': {
      blocks: async (at) => {
        at.meets(() => ({ name: 'gone', before: { reset: true } }));
        return async () => at.meets(() => undefined);
      },
      words: /cannot be reached/,
    },
    'another run holds the Lease': {
      blocks: async ({ cluster }) => {
        const now = new Date().toISOString().replace(/Z$/, '000Z');
        const spec = {
          holderIdentity: 'run ffff, process 1.1 on elsewhere',
          leaseDurationSeconds: 3_600,
          acquireTime: now,
          renewTime: now,
        };
        const body = { metadata: { name: 'kubectl-harden' }, spec };
        expect((await request(cluster, { method: 'POST', path: LEASE, body })).status).toBe(201);
        return async () => {
          await request(cluster, { method: 'DELETE', path: `${LEASE}/kubectl-harden` });
        };
      },
      words: /Another run writes to this cluster: run ffff/,
    },
    'the right to remove is withdrawn': {
      blocks: async (at) => {
        const words =
          'resourcequotas "x" is forbidden: User "me" cannot delete resource "resourcequotas" in API group ""';
        at.meets(({ method }) => (method === 'DELETE' ? status(403, 'Forbidden', {}, words) : undefined));
        return async () => at.meets(() => undefined);
      },
      words: /You may not delete ResourceQuota .*\(delete resourcequotas\)/,
    },
  };

  async function blocked(name: string, { blocks, words }: (typeof CASES)[string]): Promise<void> {
    const at = await place(name.replaceAll(' ', '-'));
    try {
      const applied = await at.apply();
      expect({ name, code: applied.code, stderr: applied.stderr }).toMatchObject({ code: 0 });
      const clear = await blocks(at);
      await at.until(({ trouble }) => trouble !== undefined);
      const now = await at.standing();
      expect({ name, ...now }).toMatchObject({
        standing: 'takingBack',
        trouble: { reason: expect.stringMatching(words) },
      });
      expect(await at.said()).toMatch(
        /quotas on sandbox was not kept in time, and could not be taken back yet \([\d:]+ UTC: .*\n.*kubectl harden undo [0-9a-f]+/,
      );
      await clear();
      await at.until(({ standing }) => standing === 'takenBack');
      expect((await at.standing()).trouble).toBeUndefined();
      expect(await at.said()).toBe('');
    } finally {
      await at.close();
    }
    expect(await at.content()).toEqual(at.before);
  }

  test(`runs and every command say so and name the undo; it is tried again, and taken back once it can be: ${Object.keys(CASES).join(', ')}`, async () => {
    await Promise.all(Object.entries(CASES).map(([name, one]) => blocked(name, one)));
  }, 180_000);

  test('what somebody changed meanwhile stays, and runs names it', async () => {
    const at = await place('changed');
    try {
      expect((await at.apply()).code).toBe(0);
      const quota = '/api/v1/namespaces/shop/resourcequotas/namespace-quota';
      const changed = await request(at.cluster, {
        method: 'PATCH',
        path: quota,
        type: 'application/merge-patch+json',
        body: { metadata: { labels: { theirs: 'yes' } } },
      });
      expect(changed.status).toBe(200);
      await at.until(({ standing }) => standing === 'takenBack');
      await at.until(({ trouble }) => trouble !== undefined);
      expect(await at.standing()).toMatchObject({
        trouble: {
          reason: expect.stringMatching(/^ResourceQuota shop\/namespace-quota: It is left as it is/),
        },
      });
      const { json } = await request(at.cluster, { path: quota });
      expect(stringAt(json, 'metadata', 'labels', 'theirs')).toBe('yes');
    } finally {
      await at.close();
    }
    const after = await at.content();
    const differing = Object.keys({ ...after, ...at.before }).filter(
      (name) => after[name] !== at.before[name],
    );
    expect(differing).toEqual(['ResourceQuota/shop/namespace-quota']);
  }, 180_000);
});
