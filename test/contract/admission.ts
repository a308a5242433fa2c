import { stringAt } from '../../src/model/manifest.js';
import type { Answer } from '../support/rest.js';
import { type Client, field, pod, reason } from './tools.js';

const PODS = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

/** LimitRange and ResourceQuota: what is filled in, what is refused, and what controllers compute. */
export function describeAdmission(cluster: () => Client): void {
  const limitRange = (namespace: string, limits: readonly unknown[]): Promise<Answer> =>
    cluster().post(`/api/v1/namespaces/${namespace}/limitranges`, {
      metadata: { name: 'limits' },
      spec: { limits },
    });
  const quota = async (namespace: string, hard: Record<string, string>): Promise<Answer> => {
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    await cluster().post(path, { metadata: { name: 'quota' }, spec: { hard } });
    return cluster().until(
      () => cluster().get(`${path}/quota`),
      (answer) => field(answer, 'status', 'hard') !== undefined,
    );
  };
  /** A dry run, repeated until admission has seen what was written before. */
  const tryPod = (namespace: string, body: unknown, seen: (answer: Answer) => boolean): Promise<Answer> =>
    cluster().until(() => cluster().post(`${PODS(namespace)}?dryRun=All`, body), seen);

  describe('limits and quotas', () => {
    test.each([
      [
        'max alone becomes limit and request',
        { max: { memory: '4Gi' } },
        { default: { memory: '4Gi' }, defaultRequest: { memory: '4Gi' } },
      ],
      ['default becomes request', { default: { cpu: '1' } }, { defaultRequest: { cpu: '1' } }],
      ['min becomes request', { min: { cpu: '50m' } }, { defaultRequest: { cpu: '50m' } }],
      [
        'a request of its own stays',
        { max: { cpu: '2' }, defaultRequest: { cpu: '100m' } },
        { default: { cpu: '2' }, defaultRequest: { cpu: '100m' } },
      ],
    ])('a LimitRange is filled in: %s', async (title, item, expected) => {
      const ns = await cluster().namespace(`limits-default-${title.split(' ')[0]}-${title.length}`);
      const answer = await limitRange(ns, [{ type: 'Container', ...item }]);
      expect(answer.status).toBe(201);
      expect(field(answer, 'spec', 'limits', 0)).toMatchObject(expected);
    });

    test('writes amounts in one form', async () => {
      const ns = await cluster().namespace('limits-form');
      const answer = await limitRange(ns, [
        { type: 'Container', defaultRequest: { cpu: '0.10', memory: '2048Mi' } },
      ]);
      expect(field(answer, 'spec', 'limits', 0, 'defaultRequest')).toEqual({ cpu: '100m', memory: '2Gi' });
    });

    test("puts a LimitRange's requests into pods that state none, also in a dry run", async () => {
      const ns = await cluster().namespace('limits-pods');
      await limitRange(ns, [{ type: 'Container', defaultRequest: { cpu: '100m' }, max: { memory: '1Gi' } }]);
      const answer = await tryPod(
        ns,
        pod('p'),
        (one) => field(one, 'spec', 'containers', 0, 'resources', 'requests') !== undefined,
      );
      expect(field(answer, 'spec', 'containers', 0, 'resources')).toEqual({
        requests: { cpu: '100m', memory: '1Gi' },
        limits: { memory: '1Gi' },
      });
      const over = await tryPod(ns, pod('p', { limits: { memory: '2Gi' } }), ({ status }) => status === 403);
      expect([over.status, reason(over)]).toEqual([403, 'Forbidden']);
    });

    test('computes the status of a quota', async () => {
      const ns = await cluster().namespace('quota-status');
      const answer = await quota(ns, { pods: '3', 'requests.cpu': '1' });
      expect(field(answer, 'status')).toEqual({
        hard: { pods: '3', 'requests.cpu': '1' },
        used: { pods: '0', 'requests.cpu': '0' },
      });
    });

    test('refuses a pod that states no value where a quota tracks it', async () => {
      const ns = await cluster().namespace('quota-unstated');
      await quota(ns, { 'requests.cpu': '1', 'limits.memory': '1Gi' });
      const answer = await tryPod(ns, pod('p'), ({ status }) => status === 403);
      expect([answer.status, reason(answer)]).toEqual([403, 'Forbidden']);
      expect(stringAt(answer.json, 'message')).toMatch(/must specify limits\.memory.*requests\.cpu/);
      const stated = pod('p', { requests: { cpu: '100m' }, limits: { memory: '64Mi' } });
      expect((await tryPod(ns, stated, ({ status }) => status === 201)).status).toBe(201);
    });

    test('refuses the pod that would exceed a quota', async () => {
      const ns = await cluster().namespace('quota-exceeded');
      await quota(ns, { 'requests.cpu': '150m' });
      const asking = (name: string) => pod(name, { requests: { cpu: '100m' } });
      const first = await cluster().until(
        () => cluster().post(PODS(ns), asking('one')),
        ({ status }) => status !== 403,
      );
      expect(first.status).toBe(201);
      const second = await tryPod(ns, asking('two'), ({ status }) => status === 403);
      expect([second.status, reason(second)]).toEqual([403, 'Forbidden']);
      expect(stringAt(second.json, 'message')).toMatch(
        /exceeded quota: quota, requested: requests\.cpu=100m, used: requests\.cpu=100m, limited: requests\.cpu=150m/,
      );
      const status = await cluster().until(
        () => cluster().get(`/api/v1/namespaces/${ns}/resourcequotas/quota`),
        (answer) => field(answer, 'status', 'used', 'requests.cpu') === '100m',
      );
      expect(field(status, 'status', 'used')).toEqual({ 'requests.cpu': '100m' });
    });

    test('counts objects as well', async () => {
      const ns = await cluster().namespace('quota-counts');
      await quota(ns, { configmaps: '1' });
      const path = `/api/v1/namespaces/${ns}/configmaps`;
      const make = (name: string) => cluster().post(path, { metadata: { name } });
      const first = await cluster().until(
        () => make('one'),
        ({ status }) => status !== 403,
      );
      expect([201, 403]).toContain(first.status); // a newer cluster's root certificate may have taken the place
      const second = await cluster().until(
        () => cluster().post(`${path}?dryRun=All`, { metadata: { name: 'two' } }),
        ({ status }) => status === 403,
      );
      expect([second.status, reason(second)]).toEqual([403, 'Forbidden']);
    });
  });
}
