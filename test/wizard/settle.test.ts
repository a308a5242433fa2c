import type { Manifest } from '../../src/model/manifest.js';
import { refOf } from '../../src/model/manifest.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { settle } from '../../src/wizard/settle.js';
import { MemoryCluster } from '../support/memory.js';
import { object } from '../support/snapshot.js';

const changeOf = (manifest: Manifest, settles: 'stored' | 'enforced'): ApplyChange => ({
  id: 'c',
  kind: 'apply',
  ref: refOf(manifest),
  risk: 'none',
  why: '',
  breaks: [],
  manifest,
  settles,
});
const never = new AbortController().signal;
const range = object('v1', 'LimitRange', 'a', 'r', { spec: { limits: [{ type: 'Container' }] } });
const quota = object('v1', 'ResourceQuota', 'a', 'q', { spec: { hard: { cpu: '1', pods: '3' } } });
const inForce = { ...quota, status: { hard: { cpu: '1000m', pods: '3' }, used: { cpu: '0', pods: '0' } } };

test('what was written is still there', async () => {
  expect(await settle(new MemoryCluster([range]), changeOf(range, 'stored'), range, never)).toEqual({
    holds: true,
  });
});

test.each([
  ['changed', [{ ...range, spec: { limits: [] } }]],
  ['removed', []],
])('what somebody %s right after does not carry what comes next', async (word, now) => {
  const settled = await settle(new MemoryCluster(now), changeOf(range, 'stored'), range, never);
  expect(settled).toMatchObject({ holds: false, message: expect.stringContaining(`somebody ${word} it`) });
});

test('a quota is in force once its status has the amounts', async () => {
  const cluster = new MemoryCluster([quota]);
  const later = setTimeout(() => {
    cluster.items = [inForce];
  }, 60);
  const settled = await settle(cluster, changeOf(quota, 'enforced'), quota, never);
  clearTimeout(later);
  expect(settled).toEqual({ holds: true, message: 'in force' });
});

test('where nobody computes it, that is said, and nobody waits for long after an interrupt', async () => {
  const stopped = AbortSignal.abort();
  expect(await settle(new MemoryCluster([quota]), changeOf(quota, 'enforced'), quota, stopped)).toEqual({
    holds: true,
    message: 'the quota controller has not taken it over yet: not in force',
  });
});
