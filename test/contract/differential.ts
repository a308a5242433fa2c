import { createHash } from 'node:crypto';
import { canonical } from '../../src/model/plan.js';
import type { Connection } from '../support/rest.js';
import type { Normalised } from './normalise.js';
import { runSequence } from './sequences.js';

/** Seeds of the random request sequences. */
export const SEEDS: readonly number[] = Array.from({ length: 300 }, (_, index) => index + 1);
/** Sequences under way at a time. */
const AT_ONCE = 6;

/** What a cluster answered to each seed's requests, in short: `status-hash` of each normalised answer. */
export type Digest = Record<string, string>;

function digestOf(answers: readonly Normalised[]): string {
  return answers
    .map((answer) => {
      const hash = createHash('sha256').update(canonical(answer)).digest('hex').slice(0, 8);
      return `${answer.status}-${hash}`;
    })
    .join(' ');
}

/** Runs all seeds against one cluster. */
export async function digestAll(cluster: Connection): Promise<Digest> {
  const digest: Digest = {};
  await eachSeed(async (seed) => {
    const results = await runSequence(cluster, seed, `seq-${seed}`);
    digest[seed] = digestOf(results.map(({ answer }) => answer));
  });
  return Object.fromEntries(SEEDS.map((seed) => [seed, digest[seed] ?? '']));
}

export interface Difference {
  seed: number;
  request: string;
  one: Normalised;
  other: Normalised;
}

/** The first difference of each seed between two clusters. */
export async function differences(one: Connection, other: Connection): Promise<Difference[]> {
  const found: Difference[] = [];
  await eachSeed(async (seed) => {
    const difference = await compareOnce(one, other, seed, `both-${seed}`);
    if (difference !== undefined) found.push(difference);
  });
  return found;
}

async function compareOnce(
  one: Connection,
  other: Connection,
  seed: number,
  namespace: string,
): Promise<Difference | undefined> {
  const [left, right] = await Promise.all([
    runSequence(one, seed, namespace),
    runSequence(other, seed, namespace),
  ]);
  for (const [index, { ask, answer }] of left.entries()) {
    const there = right[index]!.answer;
    if (canonical(answer) !== canonical(there))
      return {
        seed,
        request: `${ask.method ?? 'GET'} ${ask.path} ${JSON.stringify(ask.body ?? null)}`,
        one: answer,
        other: there,
      };
  }
  return undefined;
}

async function eachSeed(run: (seed: number) => Promise<void>): Promise<void> {
  const waiting = [...SEEDS];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) await run(seed);
    }),
  );
}
