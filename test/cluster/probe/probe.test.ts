import { at, listAt, stringAt } from '../../../src/model/manifest.js';
import type { ProbeFacts } from '../../../src/model/policy-probe.js';
import { BACK_OFF, type Network, OTHER_IMAGE, UNSCHEDULED } from '../../support/kubelet.js';
import { request } from '../../support/rest.js';
import { status } from '../recording.js';
import { closeAll, clusterWithNodes, probing, QUICK } from './cluster.js';

afterEach(closeAll);

const SYSTEM = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** The verdict, with nothing left behind. */
async function verdictOf(network: Network, more: Parameters<typeof probing>[0] = {}) {
  const { cluster, namespaces, proxy } = await clusterWithNodes(network);
  const request = probing(more);
  const facts = await cluster.probePolicies(request);
  expect(facts.left).toEqual([]);
  expect((await namespaces()).sort()).toEqual(SYSTEM);
  return { ...facts, text: facts.evidence.join('\n'), names: request.names, proxy };
}

test('a network that enforces: reached, cut, reached again', async () => {
  const { verdict, text, names, proxy } = await verdictOf({ enforces: true });
  expect(verdict).toBe('enforced');
  expect(text).toBe(
    'a pod on node node-a reached a pod on node node-a (TCP 8080), not while a policy denied it (TIMEOUT), and again once that policy was removed',
  );
  expect(names).toEqual([expect.stringMatching(/^kubectl-harden-probe-[0-9a-f]{12}$/)]);
  // Nothing is written elsewhere, and no log is read.
  const writes = proxy.seen.filter(({ method, path }) => method !== 'GET' && !path.includes('access'));
  expect(writes.every(({ path, body }) => `${path} ${body}`.includes(names[0]!))).toBe(true);
  expect(proxy.seen.some(({ path }) => /log|exec/.test(path))).toBe(false);
});

test('a network that takes its time is waited for', async () => {
  expect(await verdictOf({ enforces: true, delay: 600 })).toMatchObject({ verdict: 'enforced' });
});

test('a network that ignores policies is said to only after the time to settle', async () => {
  const began = performance.now();
  const { verdict, text } = await verdictOf({ enforces: false });
  expect(verdict).toBe('notEnforced');
  expect(text).toMatch(/and still did \d+ s after a policy was written that denies it/);
  expect(performance.now() - began).toBeGreaterThan(QUICK.settleSeconds * 1000);
});

const UNCLEAR: readonly [string, Network, string][] = [
  ['the image cannot be pulled', { enforces: true, instead: () => BACK_OFF }, 'ImagePullBackOff: Back-off'],
  [
    'no node takes the pod',
    { enforces: true, instead: () => UNSCHEDULED },
    'pod server did not get ready within 2 s: no node takes it: 0/3 nodes are available',
  ],
  ['no kubelet', { enforces: true, instead: () => ({ phase: 'Pending' }) }, 'has not started it'],
  ['another image', { enforces: true, instead: () => OTHER_IMAGE }, 'is the image one of agnhost?'],
  [
    'the client is of another image',
    { enforces: true, instead: (name) => (name === 'server' ? undefined : OTHER_IMAGE) },
    'pod client-1 ended with exit code 128 (no such file): is the image one of agnhost?',
  ],
  ['pods cannot connect at all', { enforces: true, deaf: 'TIMEOUT\n' }, 'before any policy was written'],
  [
    'the client fails for a reason that is not the network',
    { enforces: true, deaf: 'UNKNOWN: bad arguments' },
    'exit code 1 (UNKNOWN: bad arguments)',
  ],
  [
    'the connection does not come back: something else may have cut it',
    { enforces: true, dies: true },
    'and still did 1 s after that policy was removed',
  ],
  [
    'the pod is evicted',
    { enforces: true, instead: () => ({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' }) },
    'pod server does not run: Evicted: low on memory',
  ],
];

test.each(UNCLEAR)('nothing is said where %s', async (_name, network, why) => {
  const { verdict, text } = await verdictOf(network);
  expect([verdict, text]).toEqual(['inconclusive', expect.stringContaining(why)]);
  expect(text).not.toContain('\u001b');
});

test('a pod that could not be pulled is not waited for', async () => {
  const began = performance.now();
  await verdictOf({ enforces: true, instead: () => BACK_OFF }, { options: { ...QUICK, startSeconds: 60 } });
  expect(performance.now() - began).toBeLessThan(5_000);
});

describe('whatever happens, the namespace is removed', () => {
  /** A probe whose request number `at` (from when it begins) is answered otherwise. */
  async function failing(at: number, reply: Parameters<typeof status> | 'reset') {
    let armed = false;
    let count = 0;
    const network: Network = { enforces: true };
    const { cluster, namespaces } = await clusterWithNodes(network, ({ path }) => {
      if (!armed || path.includes('selfsubjectaccessreviews')) return undefined;
      count += 1;
      if (count !== at) return undefined;
      return reply === 'reset' ? { reset: true } : status(...reply);
    });
    armed = true;
    const facts = await cluster.probePolicies(probing());
    armed = false;
    return { facts, count, namespaces: (await namespaces()).sort() };
  }

  test.each<[string, Parameters<typeof status> | 'reset', ProbeFacts['verdict']]>([
    ['fails', [500, 'InternalError', 'it broke'], 'inconclusive'],
    ['is refused', [403, 'Forbidden', 'denied the request'], 'inconclusive'],
    ['breaks off', 'reset', 'enforced'],
  ])('one request, the first to the last, %s', async (_name, reply, first) => {
    const all = (await failing(0, reply)).count;
    expect(all).toBeGreaterThanOrEqual(12);
    const outcomes: string[] = [];
    for (let request = 1; request <= all; request++) {
      const { facts, namespaces } = await failing(request, reply);
      expect([request, namespaces, facts.left]).toEqual([request, SYSTEM, []]);
      outcomes.push(facts.verdict);
    }
    // The first one creates the namespace; the last ones clean up, and are made again.
    expect([outcomes[0], outcomes.at(-1)]).toEqual([first, 'enforced']);
    expect(outcomes).not.toContain('notEnforced');
  });

  test('stopped by the user at any stage', async () => {
    const { cluster, namespaces } = await clusterWithNodes({ enforces: true });
    const stages: string[] = [];
    await cluster.probePolicies(probing({ onStage: (text) => stages.push(text) }));
    expect(stages).toHaveLength(6);
    for (let index = 0; index < stages.length; index++) {
      const stop = new AbortController();
      let seen = 0;
      const onStage = () => {
        if (seen++ === index) stop.abort();
      };
      const facts = await cluster.probePolicies(probing({ onStage, signal: stop.signal }));
      expect(facts.interrupted).toBe(true);
      expect(facts.verdict).toBe(index === stages.length - 1 ? 'enforced' : 'inconclusive');
      expect((await namespaces()).sort()).toEqual(SYSTEM);
    }
  });

  test('while a pod does not start', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const began = performance.now();
    const options = { ...QUICK, startSeconds: 60 };
    const { interrupted, text } = await verdictOf(
      { enforces: true, instead: () => UNSCHEDULED },
      { options, signal: stop.signal },
    );
    expect([interrupted, text]).toEqual([true, 'it was stopped']);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('a namespace that cannot be removed is told, with the command that removes it', () => {
  test('the server refuses', async () => {
    const { cluster, namespaces } = await clusterWithNodes({ enforces: true }, ({ method, path }) =>
      method === 'DELETE' && /\/namespaces\/[^/]+$/.test(path)
        ? status(500, 'InternalError', 'etcd is away')
        : undefined,
    );
    const request = probing();
    const facts = await cluster.probePolicies(request);
    const [namespace = ''] = request.names;
    expect(facts.verdict).toBe('enforced');
    expect(facts.left).toEqual([
      { namespace, command: `kubectl --context prod delete namespace ${namespace}` },
    ]);
    expect(facts.evidence[1]).toContain(`namespace ${namespace} could not be removed`);
    expect(await namespaces()).toContain(namespace);
  });

  test('something holds it', async () => {
    const { cluster } = await clusterWithNodes({ enforces: true }, ({ method, path }) =>
      method === 'GET' && path.includes('/namespaces/kubectl-harden-probe-') && !path.includes('/pods/')
        ? { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: path.split('/').at(-1) } } }
        : undefined,
    );
    const facts = await cluster.probePolicies(probing({ options: { ...QUICK, removeSeconds: 1 } }));
    expect(facts.evidence[1]).toContain('is being deleted, and was still there after 1 s');
    expect(facts.left).toHaveLength(1);
  });
});

test('without the right to remove it, nothing is created', async () => {
  const { cluster, proxy } = await clusterWithNodes({ enforces: true }, ({ path, body }) =>
    path.includes('selfsubjectaccessreviews') && body.includes('"delete"') && body.includes('"namespaces"')
      ? { body: { status: { allowed: false } } }
      : undefined,
  );
  const facts = await cluster.probePolicies(probing());
  expect(facts.evidence).toEqual(['this account may not delete namespaces; nothing was created']);
  expect(proxy.seen.filter(({ method, path }) => method === 'POST' && !path.includes('access'))).toEqual([]);
});

test('where it cannot be put on record, nothing is created', async () => {
  const { cluster, namespaces } = await clusterWithNodes({ enforces: true });
  const before = async () => {
    throw new Error('disk full');
  };
  await expect(cluster.probePolicies(probing({ before }))).rejects.toThrow('disk full');
  expect((await namespaces()).sort()).toEqual(SYSTEM);
});

describe('what an earlier probe left behind', () => {
  const OLD = 'kubectl-harden-probe-0123456789ab';
  /** A cluster with a namespace such as a killed probe leaves, and the uid of it. */
  async function withLeftover(manager: string, age: number) {
    const { cluster, sandbox, namespaces } = await clusterWithNodes(
      { enforces: true },
      ({ method, path }) => {
        if (path !== `/api/v1/namespaces/${OLD}`) return undefined;
        gone ||= method === 'DELETE';
        if (method !== 'GET' || gone) return undefined;
        return { body: { ...made, metadata: { ...made.metadata, creationTimestamp } } };
      },
    );
    let gone = false;
    const creationTimestamp = new Date(Date.now() - age).toISOString();
    const labels = {
      'app.kubernetes.io/managed-by': 'kubectl-harden',
      'app.kubernetes.io/component': 'policy-probe',
    };
    const { json } = await request(sandbox, {
      method: 'POST',
      path: `/api/v1/namespaces?fieldManager=${manager}`,
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OLD, labels } },
    });
    const made = json as { metadata: { uid: string } };
    const probe = async (uid = made.metadata.uid) => {
      const facts = await cluster.probePolicies(probing({ leftovers: [{ name: OLD, uid }] }));
      return { facts, there: (await namespaces()).includes(OLD) };
    };
    return { probe };
  }
  const HOUR = 3_600_000;

  test('is removed', async () => {
    const { probe } = await withLeftover('kubectl-harden', HOUR);
    const { there, facts } = await probe();
    expect([there, facts.verdict]).toEqual([false, 'enforced']);
  });

  test.each<[string, string, number, string | undefined]>([
    ['somebody else made it', 'kubectl-create', HOUR, undefined],
    ['its probe may still be at work', 'kubectl-harden', 60_000, undefined],
    ['it is not the one that was confirmed', 'kubectl-harden', HOUR, 'another-uid'],
  ])('is left alone where %s', async (_name, manager, age, uid) => {
    const { probe } = await withLeftover(manager, age);
    const { there, facts } = await probe(uid);
    expect(there).toBe(true);
    expect(facts.verdict).toBe('enforced');
    expect(facts.evidence[1]).toContain('was left alone: nothing proves that a probe made it');
  });
});

test('the pods are admitted under the restricted Pod Security Standard, and by quotas', async () => {
  const { cluster, proxy } = await clusterWithNodes({ enforces: true });
  await cluster.probePolicies(probing());
  const pods = proxy.seen
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/pods'))
    .map(({ body }) => JSON.parse(body) as unknown);
  expect(pods.length).toBeGreaterThanOrEqual(4);
  for (const pod of pods) {
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'volumes'])
      expect(at(pod, 'spec', field)).toBeUndefined();
    expect(at(pod, 'spec', 'securityContext')).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(at(pod, 'spec', 'securityContext', 'runAsUser')).toBeGreaterThan(0);
    expect(at(pod, 'spec', 'automountServiceAccountToken')).toBe(false);
    expect(stringAt(pod, 'spec', 'restartPolicy')).toBe('Never');
    expect(at(pod, 'spec', 'activeDeadlineSeconds')).toBeGreaterThan(0);
    for (const container of listAt(pod, 'spec', 'containers')) {
      expect(at(container, 'securityContext')).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
      expect(listAt(container, 'ports')).toEqual([]);
      expect(at(container, 'resources', 'requests')).toEqual(at(container, 'resources', 'limits'));
      expect(Object.keys(at(container, 'resources', 'limits') as object).sort()).toEqual([
        'cpu',
        'ephemeral-storage',
        'memory',
      ]);
    }
  }
});
