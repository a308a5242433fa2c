import { stringAt } from '../../src/model/manifest.js';
import { type Ask, type Connection, request } from '../support/rest.js';
import { KINDS, type KindSeed } from './kinds.js';
import { type Normalised, normalise } from './normalise.js';
import { Random } from './random.js';

/** How many requests one sequence sends after it has made its namespace. */
const LENGTH = 9;

const NAMES = ['one', 'two', 'Bad_Name'];
const TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const LABELS = [
  { team: 'a' },
  { team: 'b', tier: 'web' },
  { 'bad label': 'x' },
  undefined,
  undefined,
  undefined,
];
const SELECTORS = ['team=a', 'team!=a', 'team in (a,b),tier', '!team', 'team notin (b)'];

/** What a sequence remembers of a cluster's answers: the resourceVersions that it saw. */
interface Memory {
  versions: Map<string, string>;
}

type Step = (memory: Memory) => Ask;

/** The steps of a seed. They are the same for every cluster; only remembered resourceVersions differ. */
function stepsOf(seed: number, namespace: string): readonly Step[] {
  const random = new Random(seed);
  const kinds = random.some(KINDS, 0.5);
  const chosen = kinds.length > 0 ? kinds : [random.pick(KINDS)];
  return Array.from({ length: LENGTH }, (_, index) =>
    stepOf(random, random.pick(chosen), namespace, index < 2 ? FIRST : ACTIONS),
  );
}

/** Sends a seed's requests one after the other and returns what clusters must agree on. */
export async function runSequence(
  cluster: Connection,
  seed: number,
  namespace: string,
): Promise<{ ask: Ask; answer: Normalised }[]> {
  const steps = stepsOf(seed, namespace);
  const memory: Memory = { versions: new Map() };
  const results: { ask: Ask; answer: Normalised }[] = [];
  const make: Ask = { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } };
  for (const ask of [make, ...steps.map((step) => () => step(memory))]) {
    const resolved = typeof ask === 'function' ? ask() : ask;
    const answer = await request(cluster, resolved);
    const version = stringAt(answer.json, 'metadata', 'resourceVersion');
    const name = stringAt(answer.json, 'metadata', 'name');
    const kind = stringAt(answer.json, 'kind');
    if (version !== undefined && name !== undefined) memory.versions.set(`${kind}/${name}`, version);
    results.push({ ask: resolved, answer: normalise(answer) });
  }
  return results;
}

const FIRST = ['create', 'apply'] as const;
const ACTIONS = [
  ...['create', 'create', 'apply', 'apply', 'apply', 'merge', 'merge', 'strategic', 'json', 'put', 'put'],
  ...['delete', 'get', 'list', 'table'],
] as const;

function stepOf(random: Random, seed: KindSeed, namespace: string, actions: readonly string[]): Step {
  const name = random.chance(0.9) ? random.pick(NAMES.slice(0, 2)) : random.pick(NAMES);
  const collection = seed.path.replace('$ns', random.chance(0.97) ? namespace : 'nowhere');
  const object = `${collection}/${name}`;
  const dry = random.chance(0.15) ? 'dryRun=All' : '';
  const body = random.pick(seed.bodies);
  const labels = random.pick(LABELS);
  const precondition = random.pick(['none', 'none', 'none', 'seen', 'stale'] as const);
  const manifest = (memory: Memory): Record<string, unknown> => ({
    apiVersion: seed.apiVersion,
    kind: seed.kind,
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...versionOf(memory, seed, name, precondition),
    },
    ...body,
  });
  const query = (...parts: string[]): string => {
    const given = [dry, ...parts].filter((part) => part !== '');
    return given.length === 0 ? '' : `?${given.join('&')}`;
  };
  const action = random.pick(actions);
  const manager = random.pick(['m1', 'm2']);
  const force = random.chance(0.3) ? 'force=true' : '';
  const patch = random.pick(seed.patches);
  const operations = random.pick(seed.jsonPatches);
  const narrow = random.pick([
    '',
    `labelSelector=${encodeURIComponent(random.pick(SELECTORS))}`,
    `fieldSelector=metadata.name%3D${name}`,
    'limit=1',
  ]);
  switch (action) {
    case 'create':
      return (memory) => {
        const { metadata, ...rest } = manifest(memory);
        const { resourceVersion: _none, ...meta } = metadata as Record<string, unknown>;
        return { method: 'POST', path: collection + query(), body: { ...rest, metadata: meta } };
      };
    case 'apply':
      return (memory) => ({
        method: 'PATCH',
        path: object + query(`fieldManager=${manager}`, force),
        type: TYPES.apply,
        body: manifest(memory),
      });
    case 'merge':
      return () => ({ method: 'PATCH', path: object + query(), type: TYPES.merge, body: patch });
    case 'strategic': {
      // A null for a map that is not there is dropped from 1.27 on only.
      const body = JSON.parse(JSON.stringify(patch), (_key, value) => (value === null ? undefined : value));
      return () => ({ method: 'PATCH', path: object + query(), type: TYPES.strategic, body });
    }
    case 'json':
      return () => ({ method: 'PATCH', path: object + query(), type: TYPES.json, body: operations });
    case 'put':
      return (memory) => ({
        method: 'PUT',
        path: object + query(`fieldManager=${manager}`),
        body: manifest(memory),
      });
    case 'delete':
      return (memory) => {
        const { resourceVersion } = versionOf(memory, seed, name, precondition);
        return {
          method: 'DELETE',
          path: object + query(),
          ...(resourceVersion === undefined
            ? {}
            : { body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { resourceVersion } } }),
        };
      };
    case 'get':
      return () => ({ path: object });
    case 'list':
      return () => ({ path: `${collection}${narrow === '' ? '' : `?${narrow}`}` });
    default:
      return () => ({
        path: `${collection}${narrow === '' ? '' : `?${narrow}`}`,
        accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      });
  }
}

function versionOf(
  memory: Memory,
  seed: KindSeed,
  name: string,
  precondition: 'none' | 'seen' | 'stale',
): { resourceVersion?: string } {
  if (precondition === 'none' || !seed.quiet) return {};
  if (precondition === 'stale') return { resourceVersion: '1' };
  const seen = memory.versions.get(`${seed.kind}/${name}`);
  return seen === undefined ? {} : { resourceVersion: seen };
}
