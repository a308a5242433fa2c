import { parseAddress } from '../../src/reach/address.js';
import { type Endpoint, type Protocol, type Reach, reachOf } from '../../src/reach/index.js';
import { KUBERNETES, type Semantics } from '../../src/reach/semantics.js';
import { allowed, type End } from './naive.js';
import { PORTS, PROTOCOLS, type RandomCluster, randomFrom } from './random-cluster.js';

export interface Disagreement {
  question: string;
  engine: boolean;
  naive: boolean;
}

/** How many pairs of ends, and ports of each pair, one cluster is asked about. */
const PAIRS = 12;
const PROBES = 4;

/**
 * Asks the engine and the naive evaluator the same questions about one cluster; the first on which they differ. The
 * engine must also explain what it answers: its two ways to an answer, by sets and rule by rule, are compared as well.
 */
export function disagreement(
  { objects, options, ends }: RandomCluster,
  seed: number,
  semantics: Semantics = KUBERNETES,
): Disagreement | undefined {
  const reach = reachOf(objects, { ...options, owners: 'direct' }, semantics);
  const random = randomFrom(seed ^ 0x5bd1e995);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  for (let i = 0; i < PAIRS; i++) {
    const from = pick(ends);
    const to = pick(ends);
    if (from.object === undefined && to.object === undefined) continue;
    // What a workload's future pods do among themselves is not a question about one pair.
    if (from === to && from.object?.kind !== 'Pod') continue;
    for (let j = 0; j < PROBES; j++) {
      const protocol = pick(PROTOCOLS);
      const port = pick(PORTS) + (random() < 0.2 ? 1 : 0);
      const naive = allowed(objects, options, from, to, protocol, port);
      const engine = reach.allows(endpoint(from), endpoint(to), protocol, port);
      if (j === 0 && semantics === KUBERNETES) explains(reach, from, to, protocol, port, engine);
      if (engine !== naive) {
        const question = `${name(from)} => ${name(to)} ${protocol} ${port}`;
        return { question, engine, naive };
      }
    }
  }
  return undefined;
}

function explains(reach: Reach, from: End, to: End, protocol: Protocol, port: number, bySets: boolean): void {
  const byRules = reach.explain(endpoint(from), endpoint(to), protocol, port).allowed;
  if (bySets !== byRules)
    throw new Error(
      `sets say ${bySets}, rules say ${byRules}: ${name(from)} => ${name(to)} ${protocol} ${port}`,
    );
}

function endpoint({ object, address }: End): Endpoint {
  if (object === undefined) {
    if (address === undefined || parseAddress(address) === undefined)
      throw new Error('an end without address');
    return { address };
  }
  const { namespace, name } = object.metadata;
  return object.kind === 'Pod'
    ? { pod: `${namespace}/${name}` }
    : { workload: `${namespace}/${name}[${object.kind}]` };
}

function name({ object, address }: End): string {
  return object === undefined ? `${address}` : `${object.metadata.namespace}/${object.metadata.name}`;
}
