import {
  type Client,
  CONFIGMAPS,
  causes,
  configMap,
  field,
  names,
  POLICIES,
  policy,
  reason,
  SECRETS,
  TABLE,
  uid,
  version,
} from './tools.js';

/** Create, update, merge and JSON patch, delete: preconditions, refusals, and what is dropped or filled in. */
export function describeWriting(cluster: () => Client): void {
  describe('writing', () => {
    test('refuses what exists, what has no namespace, and what is not there', async () => {
      const ns = await cluster().namespace('writing-refusals');
      expect((await cluster().post(CONFIGMAPS(ns), configMap('one'))).status).toBe(201);
      const again = await cluster().post(CONFIGMAPS(ns), configMap('one'));
      expect([again.status, reason(again)]).toEqual([409, 'AlreadyExists']);
      const nowhere = await cluster().post(CONFIGMAPS('writing-nowhere'), configMap('one'));
      expect([nowhere.status, reason(nowhere), field(nowhere, 'details', 'kind')]).toEqual([
        404,
        'NotFound',
        'namespaces',
      ]);
      const gone = await cluster().get(`${CONFIGMAPS(ns)}/two`);
      expect([gone.status, reason(gone)]).toEqual([404, 'NotFound']);
    });

    test('drops fields that the kind does not have: `policyType` isolates nothing from leaving', async () => {
      const ns = await cluster().namespace('writing-unknown');
      const answer = await cluster().post(
        POLICIES(ns),
        policy('deny', { podSelector: {}, policyType: ['Ingress', 'Egress'] }),
      );
      expect(answer.status).toBe(201);
      expect(field(answer, 'spec')).toEqual({ podSelector: {}, policyTypes: ['Ingress'] });
    });

    test.each([
      ['no egress', { podSelector: {} }, ['Ingress']],
      ['an egress rule', { podSelector: {}, egress: [{}] }, ['Ingress', 'Egress']],
      ['an empty list of egress rules', { podSelector: {}, egress: [] }, ['Ingress']],
    ])('fills in policyTypes: %s', async (title, spec, expected) => {
      const ns = `writing-types-${title.length}`;
      await cluster().namespace(ns);
      expect(field(await cluster().post(POLICIES(ns), policy('p', spec)), 'spec', 'policyTypes')).toEqual(
        expected,
      );
    });

    test('answers 422 with each field that is wrong', async () => {
      const ns = await cluster().namespace('writing-invalid');
      const answer = await cluster().post(
        POLICIES(ns),
        policy('Bad', {
          podSelector: {},
          policyTypes: ['Ingres'],
          egress: [{ to: [{}], ports: [{ port: 70_000, protocol: 'ICMP' }] }],
        }),
      );
      expect([answer.status, reason(answer)]).toEqual([422, 'Invalid']);
      expect(causes(answer).toSorted()).toEqual([
        'FieldValueInvalid metadata.name',
        'FieldValueInvalid spec.egress[0].ports[0].port',
        'FieldValueNotSupported spec.egress[0].ports[0].protocol',
        'FieldValueNotSupported spec.policyTypes[0]',
        'FieldValueRequired spec.egress[0].to[0]',
      ]);
    });

    test('refuses a value of the wrong type', async () => {
      const answer = await cluster().post(POLICIES('default'), policy('typed', { podSelector: 'all' }));
      expect([answer.status, reason(answer)]).toEqual([400, 'BadRequest']);
    });

    test('writes only over the version that was read', async () => {
      const ns = await cluster().namespace('writing-versions');
      const path = `${CONFIGMAPS(ns)}/one`;
      const made = await cluster().post(CONFIGMAPS(ns), configMap('one', { a: '1' }));
      const moved = await cluster().merge(path, { data: { a: '2' } });
      expect(version(moved)).not.toBe(version(made));
      for (const late of [
        await cluster().put(path, configMap('one', { a: '3' }, { resourceVersion: version(made) })),
        await cluster().merge(path, { metadata: { resourceVersion: version(made) }, data: { a: '3' } }),
        await cluster().delete(path, { resourceVersion: version(made) }),
        await cluster().delete(path, { uid: '00000000-0000-0000-0000-000000000000' }),
      ])
        expect([late.status, reason(late)]).toEqual([409, 'Conflict']);
      expect(field(await cluster().get(path), 'data')).toEqual({ a: '2' });
      const current = configMap('one', { a: '3' }, { resourceVersion: version(moved) });
      expect((await cluster().put(path, current)).status).toBe(200);
      expect((await cluster().delete(path, { uid: uid(made) })).status).toBe(200);
      expect((await cluster().get(path)).status).toBe(404);
    });

    test('changes nothing with a write that changes nothing', async () => {
      const ns = await cluster().namespace('writing-nothing');
      const path = `${CONFIGMAPS(ns)}/one`;
      const made = await cluster().post(CONFIGMAPS(ns), configMap('one', { a: '1' }));
      expect(version(await cluster().merge(path, {}))).toBe(version(made));
      expect(version(await cluster().merge(path, { data: { a: '1' } }))).toBe(version(made));
    });

    test('persists nothing of a dry run, and shows what it would be', async () => {
      const ns = await cluster().namespace('writing-dry');
      const made = await cluster().post(`${POLICIES(ns)}?dryRun=All`, policy('p', { podSelector: {} }));
      expect(made.status).toBe(201);
      expect(field(made, 'spec', 'policyTypes')).toEqual(['Ingress']);
      expect(names(await cluster().get(POLICIES(ns)))).toEqual([]);
      const kept = await cluster().post(POLICIES(ns), policy('p', { podSelector: {} }));
      const patched = await cluster().merge(`${POLICIES(ns)}/p?dryRun=All`, {
        spec: { policyTypes: ['Egress'] },
      });
      expect(field(patched, 'spec', 'policyTypes')).toEqual(['Egress']);
      await cluster().ask({ method: 'DELETE', path: `${POLICIES(ns)}/p?dryRun=All` });
      const after = await cluster().get(`${POLICIES(ns)}/p`);
      expect(version(after)).toBe(version(kept));
      expect((await cluster().post(`${POLICIES(ns)}?dryRun=Some`, policy('q', {}))).status).toBe(422);
    });

    test('a delete with a body takes its dry run from there, not from the query', async () => {
      const ns = await cluster().namespace('writing-delete-body');
      for (const name of ['one', 'two']) await cluster().post(CONFIGMAPS(ns), configMap(name));
      const body = { kind: 'DeleteOptions', apiVersion: 'v1' };
      const remove = (name: string, query: string, options: object) =>
        cluster().ask({
          method: 'DELETE',
          path: `${CONFIGMAPS(ns)}/${name}${query}`,
          body: { ...body, ...options },
        });
      expect((await remove('one', '', { dryRun: ['All'] })).status).toBe(200);
      expect((await cluster().get(`${CONFIGMAPS(ns)}/one`)).status).toBe(200);
      await remove('two', '?dryRun=All', {});
      expect((await cluster().get(`${CONFIGMAPS(ns)}/two`)).status).toBe(404);
    });

    test('an empty patch of a Secret, asked for as a table, carries nothing and moves nothing', async () => {
      const ns = await cluster().namespace('writing-secret');
      const made = await cluster().post(SECRETS(ns), {
        metadata: { name: 's' },
        stringData: { key: 'planted-value' },
      });
      const patched = await cluster().merge(`${SECRETS(ns)}/s?includeObject=None`, {}, TABLE);
      expect(patched.status).toBe(200);
      expect(version(patched)).toBe(version(made));
      expect(patched.text).not.toContain(Buffer.from('planted-value').toString('base64'));
      expect((await cluster().merge(`${SECRETS(ns)}/gone?includeObject=None`, {}, TABLE)).status).toBe(404);
    });

    test('allots a Service its address and fills in its ports', async () => {
      const ns = await cluster().namespace('writing-service');
      const path = `/api/v1/namespaces/${ns}/services`;
      const answer = await cluster().post(path, {
        metadata: { name: 'web' },
        spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
      });
      expect(answer.status).toBe(201);
      expect(field(answer, 'spec')).toMatchObject({
        type: 'ClusterIP',
        clusterIP: expect.stringMatching(/^10\./),
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      });
      const none = await cluster().post(path, { metadata: { name: 'none' }, spec: {} });
      expect(causes(none)).toEqual(['FieldValueRequired spec.ports']);
    });

    test('deletes a namespace with all that is in it, and lets nothing new in meanwhile', async () => {
      const ns = await cluster().namespace('writing-ending');
      await cluster().post(CONFIGMAPS(ns), configMap('one'));
      const deleted = await cluster().delete(`/api/v1/namespaces/${ns}`);
      expect(deleted.status).toBe(200);
      expect(field(deleted, 'status', 'phase')).toBe('Terminating');
      const late = await cluster().post(CONFIGMAPS(ns), configMap('late'));
      expect([403, 404]).toContain(late.status); // 404 where the namespace has ended already
      const end = await cluster().until(
        () => cluster().get(`/api/v1/namespaces/${ns}`),
        ({ status }) => status === 404,
      );
      expect(end.status).toBe(404);
      expect((await cluster().get(`${CONFIGMAPS(ns)}/one`)).status).toBe(404);
    });

    test.each(['default', 'kube-system'])('does not let namespace %s be deleted', async (name) => {
      const answer = await cluster().delete(`/api/v1/namespaces/${name}`);
      expect([answer.status, reason(answer)]).toEqual([403, 'Forbidden']);
    });
  });
}
