import { listAt, stringAt } from '../../src/model/manifest.js';
import type { Answer } from '../support/rest.js';
import {
  type Client,
  CONFIGMAPS,
  configMap,
  field,
  managersInConflict,
  POLICIES,
  policy,
  reason,
  version,
} from './tools.js';

const deployment = (containers: readonly unknown[], replicas?: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
  },
});

const container = (answer: Answer, name: string): unknown =>
  listAt(answer.json, 'spec', 'template', 'spec', 'containers').find((one) => stringAt(one, 'name') === name);

/** Server-side apply: who owns what, what merges, what conflicts. */
export function describeApply(cluster: () => Client): void {
  describe('server-side apply', () => {
    test('creates, then changes nothing when nothing is new', async () => {
      const ns = await cluster().namespace('apply-twice');
      const path = `${POLICIES(ns)}/p`;
      const wanted = policy('p', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
      const first = await cluster().apply(path, 'harden', wanted);
      const second = await cluster().apply(path, 'harden', wanted);
      expect([first.status, second.status]).toEqual([201, 200]);
      expect(version(second)).toBe(version(first));
    });

    test('needs a field manager', async () => {
      const path = `${CONFIGMAPS('default')}/none?`;
      const answer = await cluster().ask({
        method: 'PATCH',
        path,
        type: 'application/apply-patch+yaml',
        body: configMap('none'),
      });
      expect(answer.status).toBe(422);
    });

    test('merges maps and remembers who owns each key', async () => {
      const ns = await cluster().namespace('apply-maps');
      const path = `${CONFIGMAPS(ns)}/one`;
      await cluster().apply(path, 'first', configMap('one', { a: '1', b: '2' }));
      const both = await cluster().apply(path, 'second', configMap('one', { c: '3' }));
      expect(field(both, 'data')).toEqual({ a: '1', b: '2', c: '3' });
      const less = await cluster().apply(path, 'first', configMap('one', { a: '1' }));
      expect(field(less, 'data')).toEqual({ a: '1', c: '3' });
    });

    test('says who owns what it would change, and takes it over only when forced', async () => {
      const ns = await cluster().namespace('apply-conflict');
      const path = `${CONFIGMAPS(ns)}/one`;
      await cluster().apply(path, 'first', configMap('one', { a: '1' }));
      const refused = await cluster().apply(path, 'second', configMap('one', { a: '2' }));
      expect([refused.status, reason(refused)]).toEqual([409, 'Conflict']);
      expect(managersInConflict(refused)).toEqual(['first']);
      expect(listAt(refused.json, 'details', 'causes')).toMatchObject([{ field: '.data.a' }]);
      const agreed = await cluster().apply(path, 'second', configMap('one', { a: '1' }));
      expect(agreed.status).toBe(200);
      const forced = await cluster().apply(path, 'third', configMap('one', { a: '3' }), '&force=true');
      expect(field(forced, 'data')).toEqual({ a: '3' });
      const back = await cluster().apply(path, 'first', configMap('one', { a: '1' }));
      expect(managersInConflict(back)).toEqual(['third']);
    });

    test('leaves what somebody else still owns when one owner gives it up', async () => {
      const ns = await cluster().namespace('apply-shared');
      const path = `${CONFIGMAPS(ns)}/one`;
      await cluster().apply(path, 'first', configMap('one', { a: '1' }));
      await cluster().apply(path, 'second', configMap('one', { a: '1' }));
      const left = await cluster().apply(path, 'first', configMap('one', {}));
      expect(field(left, 'data')).toEqual({ a: '1' });
      const gone = await cluster().apply(path, 'second', configMap('one', {}));
      expect(field(gone, 'data')).toBeUndefined();
    });

    test('owns the lists of a policy as a whole', async () => {
      const ns = await cluster().namespace('apply-lists');
      const path = `${POLICIES(ns)}/p`;
      const rule = (port: number) => ({ ports: [{ port, protocol: 'TCP' }] });
      await cluster().apply(path, 'first', policy('p', { podSelector: {}, ingress: [rule(80)] }));
      const refused = await cluster().apply(
        path,
        'second',
        policy('p', { podSelector: {}, ingress: [rule(443)] }),
      );
      expect(listAt(refused.json, 'details', 'causes')).toMatchObject([{ field: '.spec.ingress' }]);
      const forced = await cluster().apply(
        path,
        'second',
        policy('p', { podSelector: {}, ingress: [rule(443)] }),
        '&force=true',
      );
      expect(field(forced, 'spec', 'ingress')).toEqual([rule(443)]);
    });

    test('merges containers by their names', async () => {
      const ns = await cluster().namespace('apply-containers');
      const path = `/apis/apps/v1/namespaces/${ns}/deployments/web`;
      await cluster().apply(
        path,
        'team',
        deployment([{ name: 'web', image: 'example.com/web:1', env: [{ name: 'A', value: '1' }] }], 0),
      );
      const limits = { limits: { memory: '64Mi' } };
      const both = await cluster().apply(
        path,
        'harden',
        deployment([{ name: 'web', resources: limits, env: [{ name: 'B', value: '2' }] }]),
      );
      expect(both.status).toBe(200);
      expect(container(both, 'web')).toMatchObject({
        image: 'example.com/web:1',
        resources: limits,
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      });
      const sidecar = await cluster().apply(
        path,
        'mesh',
        deployment([{ name: 'proxy', image: 'example.com/proxy:1' }]),
      );
      expect(container(sidecar, 'web')).toBeDefined();
      expect(container(sidecar, 'proxy')).toBeDefined();
      const without = await cluster().apply(path, 'mesh', deployment([]));
      expect(container(without, 'proxy')).toBeUndefined();
    });

    test('counts what was written by other means as owned by its writer', async () => {
      const ns = await cluster().namespace('apply-update');
      await cluster().post(`${CONFIGMAPS(ns)}?fieldManager=kubectl-create`, configMap('one', { a: '1' }));
      const refused = await cluster().apply(`${CONFIGMAPS(ns)}/one`, 'harden', configMap('one', { a: '2' }));
      expect(managersInConflict(refused)).toEqual(['kubectl-create']);
    });

    test('persists nothing of a dry run', async () => {
      const ns = await cluster().namespace('apply-dry');
      const path = `${POLICIES(ns)}/p`;
      const dry = await cluster().apply(path, 'harden', policy('p', { podSelector: {} }), '&dryRun=All');
      expect(dry.status).toBe(201);
      expect(field(dry, 'spec', 'policyTypes')).toEqual(['Ingress']);
      expect((await cluster().get(path)).status).toBe(404);
      const made = await cluster().apply(path, 'harden', policy('p', { podSelector: {} }));
      const again = await cluster().apply(
        path,
        'harden',
        policy('p', { podSelector: {}, policyTypes: ['Egress'] }),
        '&dryRun=All',
      );
      expect(field(again, 'spec', 'policyTypes')).toEqual(['Egress']);
      expect(version(await cluster().get(path))).toBe(version(made));
    });

    test('checks the version that the manifest names', async () => {
      const ns = await cluster().namespace('apply-version');
      const path = `${CONFIGMAPS(ns)}/one`;
      const made = await cluster().apply(path, 'harden', configMap('one', { a: '1' }));
      await cluster().merge(path, { data: { b: '2' } });
      const late = await cluster().apply(
        path,
        'harden',
        configMap('one', { a: '3' }, { resourceVersion: version(made) }),
      );
      expect([late.status, reason(late)]).toEqual([409, 'Conflict']);
      expect(field(late, 'details', 'causes')).toBeUndefined();
    });

    test('does not swallow a field that the kind does not have', async () => {
      const path = `${POLICIES('default')}/typo`;
      const answer = await cluster().apply(
        path,
        'harden',
        policy('typo', { podSelector: {}, policyType: ['Egress'] }),
      );
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect((await cluster().get(path)).status).toBe(404);
    });

    test('refuses what is not valid, field by field', async () => {
      const ns = await cluster().namespace('apply-invalid');
      const answer = await cluster().apply(
        `${POLICIES(ns)}/p`,
        'harden',
        policy('p', { podSelector: {}, policyTypes: ['Out'] }),
      );
      expect([answer.status, reason(answer)]).toEqual([422, 'Invalid']);
    });
  });
}
