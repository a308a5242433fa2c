import { connect } from '../../src/cluster/connect.js';
import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { KIND_LABEL } from '../../src/model/namespaces.js';
import type { ApplyChange, Change } from '../../src/model/plan.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { startSandbox } from '../../src/sandbox/index.js';
import { check } from '../../src/wizard/check.js';
import { type Cluster, ClusterError } from '../../src/wizard/ports.js';
import { takeSnapshot } from '../../src/wizard/session.js';
import { namespaces as step } from '../../steps/namespaces.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const planOf = (now: Snapshot, given: Answers): readonly Change[] =>
  step.plan(now, completeAnswers(step.questions(now), given, false), templates);
const labelsOf = (changes: readonly Change[]) =>
  Object.fromEntries(
    changes.map((change) => [
      change.ref.name,
      change.kind === 'apply' ? change.manifest.metadata.labels : undefined,
    ]),
  );
const question = (now: Snapshot, id: string) => step.questions(now).find((one) => one.id === id);

const pod = (ns: string, name: string, spec: Record<string, unknown> = {}): Manifest =>
  object('v1', 'Pod', ns, name, {
    metadata: { labels: { team: 'web' } },
    spec: { containers: [{ name: 'c' }], ...spec },
    status: { phase: 'Running' },
  });
const PSA = 'pod-security.kubernetes.io/';
const warned = { [`${PSA}warn`]: 'baseline', [`${PSA}audit`]: 'baseline' };
const ready = [
  namespace('kube-system'),
  pod('kube-system', 'proxy', { hostNetwork: true }),
  namespace('shop', warned),
  pod('shop', 'web'),
];

test('nothing is labelled or bound unless somebody says so', () => {
  const now = snapshotOf({ objects: ready });
  expect(planOf(now, {})).toEqual([]);
});

test('owner, purpose and kind become labels, and nothing of others is taken over', () => {
  const now = snapshotOf({
    objects: [namespace('shop', { tier: 'x' }), namespace('monitoring'), namespace('kube-public')],
  });
  const given = { labels: 'shop=team-web/storefront', kinds: 'monitoring=user, kube-public=user' };
  expect(labelsOf(planOf(now, given))).toEqual({
    shop: { owner: 'team-web', purpose: 'storefront' },
    monitoring: { [KIND_LABEL]: 'user' },
  });
});

test('labels of ours are named again, or the server would take them away', () => {
  const ours = { ...namespace('shop', { owner: 'a', other: 'b' }) };
  ours.metadata.managedFields = [{ manager: 'kubectl-harden' }];
  expect(labelsOf(planOf(snapshotOf({ version: '1.20', objects: [ours] }), { labels: 'shop=a/b' }))).toEqual({
    shop: { owner: 'a', purpose: 'b', 'kubernetes.io/metadata.name': 'shop' },
  });
});

test('what all workloads of a namespace say is offered as words, not as an answer', () => {
  const now = snapshotOf({ objects: [namespace('shop'), pod('shop', 'a'), pod('shop', 'b')] });
  expect(question(now, 'labels')).toMatchObject({
    help: expect.stringContaining('shop=web'),
    recommended: '',
  });
});

test.each([
  ['a label of ours', { team: 'web', purpose: 'storefront' }, 'shop=web/storefront'],
  ['one of a domain', { team: 'web', 'example.com/purpose': 'cards' }, 'shop=web/cards'],
  ['the application', { team: 'web', 'app.kubernetes.io/part-of': 'boutique' }, 'shop=web/boutique'],
])('a purpose that all of them say is offered with the owner: %s', (_name, labels, words) => {
  const now = snapshotOf({
    objects: [
      namespace('shop'),
      { ...pod('shop', 'a'), metadata: { name: 'a', namespace: 'shop', labels } },
      { ...pod('shop', 'b'), metadata: { name: 'b', namespace: 'shop', labels } },
    ],
  });
  expect(question(now, 'labels')).toMatchObject({ help: expect.stringMatching(new RegExp(`${words}$`)) });
});

test('of two purposes none is offered', () => {
  const said = (name: string, purpose: string) =>
    object('v1', 'Pod', 'shop', name, { metadata: { labels: { team: 'web', purpose } } });
  const now = snapshotOf({ objects: [namespace('shop'), said('a', 'x'), said('b', 'y')] });
  expect(question(now, 'labels')).toMatchObject({ help: expect.stringMatching(/shop=web$/) });
});

test('a namespace for a team gets the purpose that its workloads say, or that was said', () => {
  const now = snapshotOf({
    objects: [
      namespace('default'),
      object('v1', 'Pod', 'default', 'a', {
        metadata: { labels: { team: 'web', 'app.kubernetes.io/part-of': 'boutique' } },
      }),
    ],
  });
  const made = labelsOf(
    planOf(now, { newNamespaces: ['web'], moreNamespaces: 'pay=team-pay/cards, ops=team-ops' }),
  );
  expect(made).toMatchObject({
    web: { owner: 'web', purpose: 'boutique' },
    pay: { owner: 'team-pay', purpose: 'cards' },
  });
  expect(made.ops).toMatchObject({ owner: 'team-ops' });
  expect(made.ops).not.toHaveProperty('purpose');
});

describe('templates of another', () => {
  const labels = (path: string, change: (had: Record<string, string>) => Record<string, string>) => {
    const own = templates.get(path);
    if (own === undefined) throw new Error(path);
    const metadata = { ...own.metadata, labels: change(own.metadata.labels ?? {}) };
    return new Map(templates).set(path, { ...own, metadata });
  };
  const planned = (now: Snapshot, given: Answers, other: typeof templates) =>
    labelsOf(step.plan(now, completeAnswers(step.questions(now), given, false), other));

  test('name the labels of owner and purpose', () => {
    const other = labels('namespaces/namespace.yaml', () => ({
      'example.com/owner': 'x',
      'example.com/purpose': 'x',
    }));
    const given = { labels: 'shop=web/storefront', moreNamespaces: 'pay=team-pay/cards' };
    expect(planned(snapshotOf({ objects: [namespace('shop')] }), given, other)).toMatchObject({
      shop: { 'example.com/owner': 'web', 'example.com/purpose': 'storefront' },
      pay: { 'example.com/owner': 'team-pay', 'example.com/purpose': 'cards' },
    });
  });

  test('say which modes of Pod Security are written, and for which version', () => {
    const other = labels('namespaces/pod-security.yaml', () => ({
      [`${PSA}warn`]: 'restricted',
      [`${PSA}warn-version`]: 'v1.30',
      [`${PSA}enforce-version`]: 'v1.30',
    }));
    expect(planned(snapshotOf({ objects: [namespace('shop')] }), { podSecurity: 'baseline' }, other)).toEqual(
      { shop: { [`${PSA}warn`]: 'baseline', [`${PSA}warn-version`]: 'v1.30' } },
    );
    expect(
      planned(snapshotOf({ objects: ready }), { podSecurityEnforce: ['shop'] }, other).shop,
    ).toMatchObject({ [`${PSA}enforce`]: 'baseline', [`${PSA}enforce-version`]: 'v1.30' });
  });
});

test('warn and audit come first, for namespaces of users that say nothing yet', () => {
  const now = snapshotOf({
    objects: [
      namespace('shop'),
      namespace('strict', { [`${PSA}enforce`]: 'restricted' }),
      namespace('argocd'),
      namespace('kube-system'),
    ],
  });
  expect(labelsOf(planOf(now, { podSecurity: 'baseline' }))).toEqual({ shop: warned });
  expect(
    question(snapshotOf({ version: '1.22', objects: [namespace('shop')] }), 'podSecurity'),
  ).toBeUndefined();
});

describe('enforcing', () => {
  test('is offered where the level is warned of already, on a server that has it stable, and a canary is there', () => {
    expect(question(snapshotOf({ objects: ready }), 'podSecurityEnforce')).toMatchObject({
      risk: 'rejectsWorkloads',
      cautious: [],
      choices: [{ value: 'shop', note: 'baseline' }],
    });
    expect(question(snapshotOf({ version: '1.24', objects: ready }), 'podSecurityEnforce')).toBeUndefined();
    const silent = ready.filter(({ metadata }) => metadata.name !== 'proxy');
    expect(question(snapshotOf({ objects: silent }), 'podSecurityEnforce')).toBeUndefined();
  });

  test('carries the canary that has to be warned of', () => {
    const [change] = planOf(snapshotOf({ objects: ready }), { podSecurityEnforce: ['shop'] });
    expect((change as ApplyChange).unwarned?.canary.metadata).toEqual({
      name: 'kube-system',
      labels: { [`${PSA}enforce`]: 'baseline' },
    });
  });

  const change = planOf(snapshotOf({ objects: ready }), { podSecurityEnforce: ['shop'] });
  /** A server that answers dry runs of namespaces with these warnings. */
  const server = (warnings: Readonly<Record<string, readonly string[]>>, refuses?: string): Cluster =>
    ({
      get: async () => undefined,
      apply: async (manifest: Manifest) => {
        if (manifest.metadata.name === refuses) throw new ClusterError('forbidden', 'may not');
        return { object: manifest, created: false, warnings: warnings[manifest.metadata.name] ?? [] };
      },
    }) as unknown as Cluster;
  // As Kubernetes 1.25 and later answer.
  const violates = (name: string) => [
    `existing pods in namespace "${name}" violate the new PodSecurity enforce level "baseline:latest"`,
    'proxy: host namespaces',
  ];
  test.each([
    ['no pod is warned of, the canary is', { 'kube-system': violates('kube-system') }, undefined, undefined],
    [
      'a pod is warned of',
      { shop: violates('shop'), 'kube-system': violates('kube-system') },
      undefined,
      'violate',
    ],
    [
      'the namespace is exempt',
      { shop: ['namespace "shop" is exempt from Pod Security'], 'kube-system': violates('kube-system') },
      undefined,
      'exempt',
    ],
    ['nobody is warned of', {}, undefined, 'does not warn of Namespace kube-system either'],
    [
      'the canary is exempt',
      { 'kube-system': ['namespace "kube-system" is exempt from Pod Security'] },
      undefined,
      'does not warn',
    ],
    ['the canary may not be tried', {}, 'kube-system', 'could not be tried'],
  ])('%s', async (_what, warnings, refuses, reason) => {
    const [checked] = await check(server(warnings as Record<string, readonly string[]>, refuses), change);
    if (reason === undefined) expect(checked?.check).toEqual({ by: 'server', warnings: [] });
    else expect(checked?.check).toEqual({ by: 'refusal', reason: expect.stringContaining(reason) });
  });
});

test('a group gets the ClusterRole edit in a namespace once', () => {
  const now = snapshotOf({ objects: [namespace('shop')] });
  const [change] = planOf(now, { editors: 'shop=oidc:Team-Web, gone=x, kube-system=x' });
  expect(change?.kind === 'apply' && change.manifest).toMatchObject({
    metadata: { name: 'edit-oidc-team-web', namespace: 'shop' },
    roleRef: { kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'Group', name: 'oidc:Team-Web' }],
  });
  const bound = snapshotOf({ objects: [namespace('shop'), (change as ApplyChange).manifest] });
  expect(planOf(bound, { editors: 'shop=oidc:Team-Web' })).toEqual([]);
  // In a namespace that is created in the same go, it waits for that.
  const both = planOf(now, { moreNamespaces: 'mail=ops', editors: 'mail=ops' });
  expect(both[1]).toMatchObject({
    ref: { kind: 'RoleBinding', namespace: 'mail' },
    requires: ['namespaces/-/Namespace/mail'],
  });
});

describe('on the embedded cluster', () => {
  test('warn and audit, then enforce: pods that run are warned of by the server, and then it is refused', async () => {
    const sandbox = await startSandbox();
    const cluster = await connect({ kubeconfigText: sandbox.kubeconfig, sandbox: true });
    try {
      const read = () =>
        takeSnapshot({ cluster, clock: { now: () => new Date(0) } }, { steps: [step], exclude: [] });
      const label = planOf(await read(), { podSecurity: 'restricted' });
      expect(label.map(({ ref }) => ref.name)).toContain('shop');
      for (const change of label) if (change.kind === 'apply') await cluster.apply(change.manifest);
      const now = await read();
      const enforce = planOf(now, { podSecurityEnforce: ['shop', 'legacy-ftp'] });
      expect(enforce.map(({ ref }) => ref.name)).toEqual(['legacy-ftp', 'shop']);
      for (const { check: result } of await check(cluster, enforce))
        expect(result).toMatchObject({
          by: 'refusal',
          reason: expect.stringContaining('violate the new PodSecurity enforce level "restricted:latest"'),
        });

      // A namespace whose pods all meet the level.
      const strict = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await cluster.apply({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'calm', labels: strict },
      });
      const plain = object('v1', 'Pod', 'calm', 'p', { spec: { containers: [{ name: 'c', image: 'x' }] } });
      await expect(cluster.apply(plain)).rejects.toThrow(
        /violates PodSecurity "restricted:latest": allowPrivilegeEscalation/,
      );
      const hard = {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'c',
            image: 'x',
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      };
      expect((await cluster.apply(object('v1', 'Pod', 'calm', 'p', { spec: hard }))).created).toBe(true);
      const would = await cluster.apply(
        object('v1', 'Pod', 'shop', 'p', { spec: { containers: [{ name: 'c', image: 'x' }] } }),
        { dryRun: true },
      );
      expect(would.warnings.join()).toContain('would violate PodSecurity "restricted:latest"');
    } finally {
      await cluster.close();
      await sandbox.close();
    }
  });
});
