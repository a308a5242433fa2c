import { listAt, stringAt } from '../../src/model/manifest.js';

/** Everything that an API server keeps in etcd, by key; both as base64. */
export type EtcdState = ReadonlyMap<string, string>;

/** What nobody wrote, and what must not be turned back under a running API server: its own lease, the events. */
const LEFT = /^\/registry\/(masterleases|events|health)/;

const base64 = (text: string) => Buffer.from(text).toString('base64');
const REGISTRY = { key: base64('/registry/'), range_end: base64('/registry0') };

/** What etcd holds now. */
export async function etcdState(etcdUrl: string): Promise<EtcdState> {
  const kvs = listAt(await ask(etcdUrl, 'range', REGISTRY), 'kvs');
  const pairs = kvs.map((kv): [string, string] => [stringAt(kv, 'key') ?? '', stringAt(kv, 'value') ?? '']);
  return new Map(pairs.filter(([key]) => !LEFT.test(Buffer.from(key, 'base64').toString())));
}

/** Puts back what was there; API servers and controllers, which watch, follow within moments. */
export async function restoreEtcd(etcdUrl: string, state: EtcdState): Promise<void> {
  const now = await etcdState(etcdUrl);
  const gone = [...now.keys()].filter((key) => !state.has(key));
  const changed = [...state].filter(([key, value]) => now.get(key) !== value);
  await Promise.all([
    ...gone.map((key) => ask(etcdUrl, 'deleterange', { key })),
    ...changed.map(([key, value]) => ask(etcdUrl, 'put', { key, value })),
  ]);
}

async function ask(etcdUrl: string, what: 'range' | 'put' | 'deleterange', body: object): Promise<unknown> {
  const answer = await fetch(`${etcdUrl}/v3/kv/${what}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd: ${what}: ${answer.status}`);
  return answer.json();
}
