import { type Client, names, SECRETS, type Subject, TABLE, transformations, version } from './tools.js';

const PROVIDER = 'k8s:enc:secretbox:v1:';

/** What can be seen and done about encryption at rest without ever reading a value. */
export function describeEncryption(cluster: () => Client, subject: () => Subject): void {
  const rewrite = (ns: string, name: string) =>
    cluster().merge(`${SECRETS(ns)}/${name}?includeObject=None`, {}, TABLE);
  const counters = async () => transformations((await cluster().get('/metrics')).text);
  const ns = 'encryption';
  const before = new Map<string, string>();

  describe('encryption at rest', () => {
    test('without a configuration nothing is counted, and an empty patch moves nothing', async () => {
      await cluster().namespace(ns);
      for (const name of ['a', 'b', 'c']) {
        const made = await cluster().post(SECRETS(ns), {
          metadata: { name },
          stringData: { key: 'planted-value' },
        });
        before.set(name, version(made));
      }
      expect([...(await counters()).keys()]).toEqual([]);
      expect(version(await rewrite(ns, 'a'))).toBe(before.get('a'));
    });

    test('after it was switched on, new Secrets are written encrypted, and it shows', async () => {
      await subject().encrypt();
      const start = await counters();
      await cluster().post(SECRETS(ns), { metadata: { name: 'new' }, stringData: { key: 'planted-value' } });
      const end = await counters();
      const written = (prefix: string): number =>
        (end.get(`to_storage ${prefix}`) ?? 0) - (start.get(`to_storage ${prefix}`) ?? 0);
      expect([written(PROVIDER), written('key1:'), written('')]).toEqual([1, 1, 0]);
    }, 60_000);

    test('a dry run re-writes nothing', async () => {
      const dry = await cluster().merge(`${SECRETS(ns)}/a?includeObject=None&dryRun=All`, {}, TABLE);
      expect(dry.status).toBe(200);
      expect(version(await cluster().get(`${SECRETS(ns)}/a?includeObject=None`, TABLE))).toBe(
        before.get('a'),
      );
    });

    test('reading each by name counts how it is stored', async () => {
      const start = await counters();
      for (const name of ['a', 'b', 'c', 'new'])
        await cluster().get(`${SECRETS(ns)}/${name}?includeObject=None`, TABLE);
      const end = await counters();
      const read = (...prefixes: string[]): number =>
        prefixes.reduce(
          (sum, prefix) =>
            sum + (end.get(`from_storage ${prefix}`) ?? 0) - (start.get(`from_storage ${prefix}`) ?? 0),
          0,
        );
      expect(read(PROVIDER)).toBe(1);
      expect(read('identity', '')).toBe(3);
    });

    test('an empty patch re-writes what is stored in the old form, once', async () => {
      for (const name of ['a', 'b', 'c']) {
        const moved = await rewrite(ns, name);
        expect(moved.status).toBe(200);
        expect(version(moved)).not.toBe(before.get(name));
        expect(moved.text).not.toContain(Buffer.from('planted-value').toString('base64'));
        expect(version(await rewrite(ns, name))).toBe(version(moved));
      }
      const start = await counters();
      for (const name of names(await cluster().get(SECRETS(ns))))
        await cluster().get(`${SECRETS(ns)}/${String(name)}?includeObject=None`, TABLE);
      const end = await counters();
      expect(end.get('from_storage identity') ?? 0).toBe(start.get('from_storage identity') ?? 0);
    });

    test('what an identical write leaves alone is not re-written either', async () => {
      const first = await rewrite(ns, 'new');
      expect(version(await rewrite(ns, 'new'))).toBe(version(first));
    });
  });
}
