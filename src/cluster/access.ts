import { at } from '../model/manifest.js';
import { type Need, type Right, rightKey } from '../model/rights.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { inParallel } from './pool.js';

/** Reviews asked at a time. */
const AT_ONCE = 16;

/** Which of these needs this account lacks, in order, by the server's own access reviews. @throws ClusterError */
export async function lacking(client: Client, needs: readonly Need[]): Promise<readonly Need[]> {
  const rights = new Map(needs.map(({ right }) => [rightKey(right), right]));
  const answers = await inParallel([...rights], AT_ONCE, async ([key, right]) => ({
    key,
    allowed: await allowed(client, right),
  }));
  const denied = new Set(answers.filter((one) => !one.allowed).map(({ key }) => key));
  return needs.filter(({ right }) => denied.has(rightKey(right)));
}

/** The same where it decides nothing that a later answer does not: a server that reviews nothing lacks nothing here. */
export async function lackingSoftly(client: Client, needs: readonly Need[]): Promise<readonly Need[]> {
  try {
    return await lacking(client, needs);
  } catch (error) {
    if (!(error instanceof ClusterError) || ['unreachable', 'unauthorized'].includes(error.reason))
      throw error;
    return [];
  }
}

async function allowed(client: Client, right: Right): Promise<boolean> {
  const spec =
    'url' in right
      ? { nonResourceAttributes: { path: right.url, verb: right.verb } }
      : { resourceAttributes: right };
  const { body } = await client.json(
    {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec,
      }),
    },
    { doing: 'ask which rights this account has' },
  );
  const answer = at(body, 'status', 'allowed');
  if (typeof answer !== 'boolean')
    throw new ClusterError('server', 'The API server did not say which rights this account has.');
  return answer;
}
