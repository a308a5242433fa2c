import { connect } from '../../src/cluster/connect.js';
import type { Cluster, Holder } from '../../src/wizard/ports.js';
import { type Client, field, kubeconfig, type Subject } from './tools.js';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const LEASE = `${LEASES}/kubectl-harden`;
const one: Holder = { run: 'aaaa', host: 'laptop', pid: 11, start: 'Mon Jan  5 10:00:00 2026' };
const two: Holder = { run: 'bbbb', host: 'desk', pid: 22, start: '4711' };
const alive = async () => false;

/** One run at a time writes to a cluster. */
export function describeLease(client: () => Client, subject: () => Subject): void {
  describe('the Lease of a run', () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await connect({ kubeconfigText: kubeconfig(subject()) });
    });
    afterAll(() => cluster.close());
    afterEach(() => client().delete(LEASE));

    test('keeps others out and names who holds it; released it is gone', async () => {
      const first = await cluster.claim(one, alive);
      expect(first.held).toBe(true);
      const second = await cluster.claim(two, alive);
      expect(second).toEqual({
        held: false,
        reason: expect.stringMatching(/run aaaa, process 11\..* on laptop, since .*, last seen \d s ago/),
      });
      if (first.held) await first.release();
      expect((await client().get(LEASE)).status).toBe(404);
      const third = await cluster.claim(two, alive);
      expect(third).toMatchObject({ held: true });
      if (third.held) await third.release();
    });

    test('a dead holder is asked about with all that was written of it, and taken over with a word', async () => {
      await cluster.claim(one, alive);
      const asked: Holder[] = [];
      const taken = await cluster.claim(two, async (other) => {
        asked.push(other);
        return true;
      });
      expect(asked).toEqual([one]);
      expect(taken).toMatchObject({ held: true, note: expect.stringContaining('run aaaa') });
      expect(field(await client().get(LEASE), 'spec', 'holderIdentity')).toContain('run bbbb');
      if (taken.held) await taken.release();
    });

    test('one that was not renewed in time is taken over; a release leaves that of another alone', async () => {
      const first = await cluster.claim(one, alive);
      const past = new Date(Date.now() - 61_000).toISOString().replace('Z', '000Z');
      await client().merge(LEASE, { spec: { renewTime: past } });
      const second = await cluster.claim(two, alive);
      expect(second).toMatchObject({ held: true, note: expect.stringContaining('taken over') });
      if (first.held) await first.release();
      expect(field(await client().get(LEASE), 'spec', 'holderIdentity')).toContain('run bbbb');
      if (second.held) await second.release();
    });

    test('what a dead process of a run left is removed for that run alone', async () => {
      await cluster.claim(one, alive);
      const there = async () => (await client().get(LEASE)).status === 200;
      await cluster.unclaim('bbbb', async () => true);
      expect(await there()).toBe(true);
      await cluster.unclaim('aaaa', alive);
      expect(await there()).toBe(true);
      await cluster.unclaim('aaaa', async () => true);
      expect(await there()).toBe(false);
      await cluster.unclaim('aaaa', async () => true);
    });

    test('a Lease of somebody else under the name keeps out until it runs out', async () => {
      const renewTime = new Date().toISOString().replace('Z', '000Z');
      const spec = { holderIdentity: 'them\u001b[31m', leaseDurationSeconds: 30, renewTime };
      await client().post(LEASES, { metadata: { name: 'kubectl-harden' }, spec });
      expect(await cluster.claim(one, async () => true)).toMatchObject({ held: false });
    });
  });
}
