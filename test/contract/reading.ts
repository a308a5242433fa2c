import { randomBytes } from 'node:crypto';
import { listAt } from '../../src/model/manifest.js';
import { type Connection, request } from '../support/rest.js';
import {
  type Client,
  CONFIGMAPS,
  configMap,
  field,
  firstCells,
  names,
  POLICIES,
  SECRETS,
  TABLE,
  version,
} from './tools.js';

const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** Discovery, access, lists in pages, selectors, and the forms in which objects are asked for. */
export function describeReading(cluster: () => Client, connection: () => Connection): void {
  describe('reading', () => {
    test('says its version', async () => {
      const answer = await cluster().get('/version');
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject({ major: '1', gitVersion: expect.stringMatching(/^v1\.\d+\.\d+/) });
    });

    test.each([
      ['/api', { kind: 'APIVersions', versions: ['v1'] }],
      ['/apis', { kind: 'APIGroupList' }],
      ['/api/v1', { kind: 'APIResourceList', groupVersion: 'v1' }],
      ['/apis/networking.k8s.io/v1', { kind: 'APIResourceList', groupVersion: 'networking.k8s.io/v1' }],
    ])('discovers what it serves at %s', async (path, expected) => {
      const answer = await cluster().get(path);
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject(expected);
    });

    test('tells of each resource its kind, whether it has namespaces, and what can be done with it', async () => {
      const answer = await cluster().get('/apis/networking.k8s.io/v1');
      expect(listAt(answer.json, 'resources')).toContainEqual(
        expect.objectContaining({
          name: 'networkpolicies',
          kind: 'NetworkPolicy',
          namespaced: true,
          verbs: expect.arrayContaining(['get', 'list', 'create', 'patch', 'delete']),
        }),
      );
    });

    test.each([
      '/api/v1/nothings',
      '/apis/nothing.example/v1',
      '/apis/nothing.example/v1/namespaces/default/things',
    ])('answers 404 where it serves nothing: %s', async (path) =>
      expect((await cluster().get(path)).status).toBe(404),
    );

    test('refuses a token that it does not know', async () => {
      const answer = await request({ ...connection(), token: 'wrong' }, { path: '/api/v1/namespaces' });
      expect(answer.status).toBe(401);
      expect(answer.json).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
    });

    test('answers a self subject access review', async () => {
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'patch', resource: 'secrets', namespace: 'default' } },
      };
      const answer = await cluster().post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review);
      expect(answer.status).toBe(201);
      expect(field(answer, 'status', 'allowed')).toBe(true);
    });

    test('has the namespaces of every cluster, with an identity that stays', async () => {
      const first = await cluster().get('/api/v1/namespaces/kube-system');
      const second = await cluster().get('/api/v1/namespaces/kube-system');
      expect(field(first, 'metadata', 'uid')).toMatch(/^[0-9a-f-]{36}$/);
      expect(field(second, 'metadata', 'uid')).toBe(field(first, 'metadata', 'uid'));
      const all = names(await cluster().get('/api/v1/namespaces'));
      expect(all).toEqual(
        expect.arrayContaining(['default', 'kube-node-lease', 'kube-public', 'kube-system']),
      );
    });

    test('serves a list in pages that show one moment', async () => {
      const ns = await cluster().namespace('reading-pages');
      for (const name of ['a', 'b', 'c', 'd', 'e'])
        await cluster().post(CONFIGMAPS(ns), configMap(name, { x: name }));
      const first = await cluster().get(`${CONFIGMAPS(ns)}?limit=2`);
      expect(field(first, 'metadata', 'remainingItemCount')).toBe(3);
      await cluster().post(CONFIGMAPS(ns), configMap('bb', { x: 'late' }));
      await cluster().delete(`${CONFIGMAPS(ns)}/d`);
      const seen = [...names(first)];
      let token = field(first, 'metadata', 'continue');
      for (let pages = 0; typeof token === 'string' && token !== '' && pages < 10; pages++) {
        const next = await cluster().get(`${CONFIGMAPS(ns)}?limit=2&continue=${encodeURIComponent(token)}`);
        expect(version(next)).toBe(version(first));
        seen.push(...names(next));
        token = field(next, 'metadata', 'continue');
      }
      expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(names(await cluster().get(CONFIGMAPS(ns)))).toEqual(['a', 'b', 'bb', 'c', 'e']);
    });

    test.each(['limit=1&continue=nonsense', 'labelSelector=a%20b', 'fieldSelector=data.x%3Dy', 'limit=many'])(
      'refuses a list that it cannot understand: %s',
      async (query) => {
        const answer = await cluster().get(`${CONFIGMAPS('default')}?${query}`);
        expect(answer.status).toBe(400);
        expect(answer.json).toMatchObject({ kind: 'Status', reason: 'BadRequest' });
      },
    );

    test.each([
      ['labelSelector=team%3Da', ['one']],
      ['labelSelector=team', ['one', 'two']],
      ['labelSelector=!team', ['three']],
      ['labelSelector=team%20notin%20(a)', ['three', 'two']],
      ['labelSelector=team%20in%20(a,b),tier!%3Dweb', ['one']],
      ['fieldSelector=metadata.name%3Dtwo', ['two']],
      ['fieldSelector=metadata.name!%3Dtwo', ['one', 'three']],
    ])('narrows a list by %s', async (query, expected) => {
      const ns = 'reading-selectors';
      if ((await cluster().get(`/api/v1/namespaces/${ns}`)).status === 404) {
        await cluster().namespace(ns);
        await cluster().post(CONFIGMAPS(ns), configMap('one', {}, { labels: { team: 'a' } }));
        await cluster().post(CONFIGMAPS(ns), configMap('two', {}, { labels: { team: 'b', tier: 'web' } }));
        await cluster().post(CONFIGMAPS(ns), configMap('three'));
      }
      expect(names(await cluster().get(`${CONFIGMAPS(ns)}?${query}`))).toEqual(expected);
    });

    test('leaves kind and apiVersion out of the items of a list', async () => {
      const answer = await cluster().get('/api/v1/namespaces?limit=1');
      expect(answer.json).toMatchObject({ kind: 'NamespaceList', apiVersion: 'v1' });
      expect(Object.keys(listAt(answer.json, 'items')[0] as object)).not.toContain('kind');
    });

    test('compresses large answers when asked', async () => {
      const ns = await cluster().namespace('reading-gzip');
      const text = randomBytes(100_000).toString('hex');
      await cluster().post(CONFIGMAPS(ns), configMap('large', { text }));
      const plain = await cluster().get(`${CONFIGMAPS(ns)}/large`);
      const packed = await cluster().ask({
        path: `${CONFIGMAPS(ns)}/large`,
        headers: { 'accept-encoding': 'gzip' },
      });
      expect(packed.headers['content-encoding']).toBe('gzip');
      expect(packed.raw.length).toBeLessThan(plain.raw.length);
      expect(packed.json).toEqual(plain.json);
    });

    test('gives metadata alone when asked, of one object and of a list', async () => {
      const ns = await cluster().namespace('reading-partial');
      await cluster().post(CONFIGMAPS(ns), configMap('one', { content: 'unseen' }));
      const one = await cluster().get(`${CONFIGMAPS(ns)}/one`, PARTIAL);
      const list = await cluster().get(CONFIGMAPS(ns), PARTIAL_LIST);
      expect(one.json).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'one' } });
      expect(list.json).toMatchObject({
        kind: 'PartialObjectMetadataList',
        items: [{ metadata: { name: 'one' } }],
      });
      expect(one.text + list.text).not.toContain('unseen');
    });

    test('lists Secrets as tables without objects: names first, no value and no annotation', async () => {
      const ns = await cluster().namespace('reading-table');
      const annotations = { note: 'planted-value' };
      for (const name of ['a', 'b', 'c'])
        await cluster().post(SECRETS(ns), {
          metadata: { name, annotations },
          stringData: { key: 'planted-value' },
        });
      const first = await cluster().get(`${SECRETS(ns)}?limit=2&includeObject=None`, TABLE);
      const token = encodeURIComponent(String(field(first, 'metadata', 'continue')));
      const rest = await cluster().get(`${SECRETS(ns)}?limit=2&includeObject=None&continue=${token}`, TABLE);
      const one = await cluster().get(`${SECRETS(ns)}/a?includeObject=None`, TABLE);
      expect([...firstCells(first), ...firstCells(rest)]).toEqual(['a', 'b', 'c']);
      expect(listAt(first.json, 'rows', 0, 'cells').slice(0, 3)).toEqual(['a', 'Opaque', 1]);
      expect(listAt(first.json, 'columnDefinitions')[0]).toMatchObject({ name: 'Name', format: 'name' });
      expect(firstCells(one)).toEqual(['a']);
      for (const answer of [first, rest, one]) {
        expect(answer.json).toMatchObject({ kind: 'Table' });
        expect(answer.text).not.toContain('planted');
        expect(answer.text).not.toContain(Buffer.from('planted-value').toString('base64'));
        expect(field(answer, 'rows', 0, 'object') ?? null).toBeNull();
      }
    });

    test('does not answer in a form that it does not know', async () => {
      const answer = await cluster().get(POLICIES('default'), 'text/plain');
      expect(answer.status).toBe(406);
    });
  });
}
