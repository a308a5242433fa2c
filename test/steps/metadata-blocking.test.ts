import { loadTemplates } from '../../src/host/templates.js';
import { type Manifest, refText } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { type Answers, completeAnswers, needsAnswer } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { TemplateError } from '../../src/model/template.js';
import { otherPorts } from '../../steps/default-deny/outside.js';
import { reachIn } from '../../steps/default-deny/state.js';
import { metadataBlocking as step } from '../../steps/metadata-blocking.js';
import { expectGolden, manifestsIn, yamlText } from '../support/golden.js';
import { daemonSet, type NodeSigns, networkPolicy, node, pod } from '../support/objects.js';
import { namespace, object, type SnapshotOptions, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const answer = (now: Snapshot, given: Answers = {}) => completeAnswers(step.questions(now), given, true);
const planOf = (now: Snapshot, given: Answers = {}) => step.plan(now, answer(now, given), templates);
const blocked = (now: Snapshot) => overlay(now, planOf(now));
const findings = (now: Snapshot) =>
  step
    .assess(now, {})
    .filter(({ id }) => !id.startsWith('node-'))
    .map((f) => `${f.severity} ${f.id}${f.object === undefined ? '' : ` ${refText(f.object)}`}`);

/** What is asked beyond namespaces of the system, which are always there to be named. */
const asked = (now: Snapshot) =>
  step
    .questions(now)
    .flatMap((q) => (q.type === 'choices' ? q.choices.filter(({ apart }) => !apart) : []))
    .map(({ value }) => value);

const AWS: NodeSigns = { providerID: 'aws:///eu-central-1a/i-1' };
const CALICO = daemonSet('kube-system', 'calico-node');
const on = (signs: readonly NodeSigns[], more: readonly Manifest[] = [], options: SnapshotOptions = {}) =>
  snapshotOf({
    objects: [
      namespace('kube-system'),
      CALICO,
      namespace('shop'),
      pod('shop', 'web', { app: 'web' }),
      ...signs.map((sign, index) => node(`n${index}`, sign)),
      ...more,
    ],
    sandbox: true,
    ...options,
  });
const WEB = { workload: 'shop/web[Pod]' };
const IMDS = { address: '169.254.169.254' };
const leaves = (now: Snapshot, address: string, port: number, protocol: 'TCP' | 'UDP' | 'SCTP' = 'TCP') =>
  reachIn(now).allows(WEB, { address }, protocol, port);

test('three providers in one cluster: questions, findings, changes', () => {
  const now = snapshotOf({
    objects: manifestsIn('metadata-blocking/three-providers/cluster.yaml'),
    sandbox: true,
  });
  const text = yamlText({
    questions: step.questions(now),
    findings: step.assess(now, {}),
    changes: planOf(now),
    findingsAfter: step.assess(blocked(now), {}).filter(({ id }) => !id.startsWith('node-')),
  });
  expectGolden('metadata-blocking/three-providers/plan.golden.yaml', text);
});

describe('a namespace whose egress nothing closes', () => {
  const now = on([AWS]);

  test('loses the metadata port, on both families, and nothing else', () => {
    expect(leaves(now, IMDS.address, 80)).toBe(true);
    const then = blocked(now);
    expect([leaves(then, IMDS.address, 80), leaves(then, 'fd00:ec2::254', 80)]).toEqual([false, false]);
    const kept: [string, number, ('TCP' | 'UDP')?][] = [
      [IMDS.address, 53],
      [IMDS.address, 53, 'UDP'],
      [IMDS.address, 123, 'UDP'],
      [IMDS.address, 79],
      [IMDS.address, 81],
      [IMDS.address, 65535],
      ['169.254.170.23', 80],
      ['169.254.20.10', 53, 'UDP'],
      ['192.0.2.1', 80],
      ['2001:db8::1', 80],
      ['fd00:ec2::253', 53],
    ];
    for (const [address, port, protocol] of kept)
      expect([address, port, leaves(then, address, port, protocol)]).toEqual([address, port, true]);
    expect(reachIn(then).between(WEB, { freshPod: 'kube-system' })).toBe('All Connections');
  });

  test('a second run changes nothing and finds nothing', () => {
    expect(planOf(blocked(now))).toEqual([]);
    expect(step.plan(blocked(now), { namespaces: ['shop'] }, templates)).toEqual([]);
    expect(findings(blocked(now))).toEqual([]);
    expect(asked(blocked(now))).toEqual([]);
    expect(step.questions(blocked(now)).filter(needsAnswer)).toEqual([]);
  });

  test('nothing is done on a real cluster without an answer', () => {
    const real = { ...now, cluster: { ...now.cluster, sandbox: false } };
    expect(step.plan(real, completeAnswers(step.questions(real), {}, false), templates)).toEqual([]);
    expect(step.questions(real).every(needsAnswer)).toBe(true);
  });

  test('before 1.22 there are no port ranges: DNS and NTP live on, and it says so', () => {
    const old = on([AWS], [], { version: '1.20' });
    const [change] = planOf(old);
    expect(JSON.stringify((change as ApplyChange).manifest)).not.toContain('endPort');
    expect(change?.breaks.join()).toContain('only DNS and NTP stay reachable');
    expect(leaves(blocked(old), IMDS.address, 53, 'UDP')).toBe(true);
    expect(leaves(blocked(old), IMDS.address, 80)).toBe(false);
    expect(leaves(blocked(old), '192.0.2.1', 80)).toBe(true);
  });

  test('another provider joins: our policy is amended', () => {
    const then = blocked(now);
    const grown = overlay(then, []);
    const listing = grown.listings.get('Node');
    if (listing?.state !== 'read') throw new Error('nodes were not read');
    const items = [...listing.items, node('z', { providerID: 'azure:///x' })];
    const mixed = { ...grown, listings: new Map(grown.listings).set('Node', { ...listing, items }) };
    const [change] = planOf(mixed);
    expect(change).toMatchObject({ kind: 'apply', before: { metadata: { name: 'block-cloud-metadata' } } });
    expect(leaves(blocked(mixed), '168.63.129.16', 32526)).toBe(false);
    expect(leaves(blocked(mixed), '168.63.129.16', 53, 'UDP')).toBe(true);
  });
});

test('a namespace of the system is offered apart, never recommended, and changed where it is named', () => {
  const now = on([AWS]);
  expect(step.questions(now)[0]).toMatchObject({
    choices: [{ value: 'shop' }, { value: 'kube-system', apart: true }],
    recommended: ['shop'],
  });
  expect(planOf(now, { namespaces: ['kube-system'] }).map(({ ref }) => ref.namespace)).toEqual([
    'kube-system',
  ]);
});

describe('a namespace whose egress somebody closes', () => {
  test('closed for all: nothing to do', () => {
    const now = on([AWS], [networkPolicy('shop', 'x', { podSelector: {}, policyTypes: ['Egress'] })]);
    expect(findings(now)).toEqual([]);
    expect(asked(now)).toEqual([]);
    expect(planOf(now, { namespaces: ['shop'] })).toEqual([]);
  });

  test('closed with a leak: the policy is named, and nothing is added that would open the rest', () => {
    const leak = {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 80 }] }],
    };
    const now = on([AWS], [networkPolicy('shop', 'http', leak)]);
    expect(findings(now)).toEqual(['high metadata-allowed-by-policy NetworkPolicy shop/http']);
    expect(planOf(now, { namespaces: ['shop'] })).toEqual([]);
  });

  test('closed for some pods: the others reach it, and the way out is default-deny', () => {
    const db = { podSelector: { matchLabels: { app: 'db' } }, policyTypes: ['Egress'] };
    const now = on([AWS], [networkPolicy('shop', 'db', db)]);
    expect(findings(now)).toEqual(['high metadata-reachable-unselected Namespace shop']);
    expect(planOf(now, { namespaces: ['shop'] })).toEqual([]);
  });

  test('our own policy that somebody closed the namespace beside is taken away', () => {
    const then = blocked(on([AWS]));
    const closed = overlay(then, [
      {
        kind: 'apply',
        id: 'x',
        ref: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace: 'shop', name: 'x' },
        risk: 'none',
        why: '',
        breaks: [],
        manifest: networkPolicy('shop', 'x', { podSelector: {}, policyTypes: ['Egress'] }),
      },
    ]);
    expect(findings(closed)).toEqual([
      'high metadata-policy-reopens NetworkPolicy shop/block-cloud-metadata',
    ]);
    expect(planOf(closed).map(({ kind }) => kind)).toEqual(['delete']);
    expect(leaves(blocked(closed), '192.0.2.1', 443)).toBe(false);
  });

  test('a baseline of the cluster ends where a policy selects a pod: nothing is added', () => {
    const baseline = object(
      'policy.networking.k8s.io/v1alpha1',
      'BaselineAdminNetworkPolicy',
      undefined,
      'default',
      {
        spec: {
          subject: { namespaces: {} },
          egress: [{ action: 'Deny', to: [{ networks: ['198.51.100.0/24'] }] }],
        },
      },
    );
    expect(planOf(on([AWS], [baseline]), { namespaces: ['shop'] })).toEqual([]);
  });
});

describe('where there is nothing to block, or it cannot be told', () => {
  test.each<[string, NodeSigns[], string[]]>([
    ['bare metal', [{ providerID: 'metal3://x/y/z' }], ['info no-metadata-address']],
    ['Equinix', [{ providerID: 'equinixmetal://x' }], ['info no-metadata-address']],
    ['nodes that tell nothing', [{}], ['notVisible provider-not-visible']],
    ['no nodes', [], ['notVisible provider-not-visible']],
    [
      'GKE with its metadata server on every node',
      [{ providerID: 'gce://p/z/n', labels: { 'iam.gke.io/gke-metadata-server-enabled': 'true' } }],
      ['info metadata-concealed'],
    ],
    [
      'GKE with its metadata server on some nodes',
      [
        { providerID: 'gce://p/z/n', labels: { 'iam.gke.io/gke-metadata-server-enabled': 'true' } },
        { providerID: 'gce://p/z/m', labels: { 'cloud.google.com/gke-nodepool': 'old' } },
      ],
      ['medium metadata-partly-concealed'],
    ],
  ])('%s', (_name, signs, expected) => {
    const now = on(signs);
    expect(findings(now)).toEqual(expected);
    expect(step.questions(now).filter(({ id }) => id !== 'provider')).toEqual([]);
    expect(planOf(now, { namespaces: ['shop'] })).toEqual([]);
  });

  test('unseen nodes and unseen policies are not visible, never fine', () => {
    expect(findings(on([AWS], [], { notVisible: { Node: 'forbidden' } }))).toEqual([
      'notVisible provider-not-visible',
    ]);
    const blind = on([AWS], [], { notVisible: { NetworkPolicy: 'forbidden' } });
    expect(findings(blind)).toEqual(['notVisible exposure-not-visible']);
    expect(planOf(blind, { namespaces: ['shop'] })).toEqual([]);
  });
});

test('nodes of a provider that no table knows: it is said, and the addresses that nearly all clouds use are taken', () => {
  const now = on([{ providerID: 'acme://x' }]);
  expect(findings(now)).toEqual([
    'notVisible provider-not-visible',
    'high metadata-reachable Namespace shop',
  ]);
  const [told] = step.assess(now, {});
  expect(told?.evidence).toContain('acme://x');
  expect(told?.message).toContain('169.254.169.254, fd00:ec2::254, TCP 80');
  const then = blocked(now);
  expect([leaves(then, IMDS.address, 80), leaves(then, 'fd00:ec2::254', 80)]).toEqual([false, false]);
  expect(leaves(then, IMDS.address, 53, 'UDP')).toBe(true);
});

test('an address that one cloud needs for identities is not blocked for the metadata of another', () => {
  const gke = { providerID: 'gce://p/z/n', labels: { 'iam.gke.io/gke-metadata-server-enabled': 'true' } };
  const now = on([AWS, gke]);
  const then = blocked(now);
  expect([leaves(then, IMDS.address, 80), leaves(then, 'fd00:ec2::254', 80)]).toEqual([true, false]);
  expect(findings(now)).toContain('medium metadata-shared-with-identity');
});

test('on Cilium no NetworkPolicy is proposed: it would cut nodes and the API server off', () => {
  const cilium = [
    daemonSet('kube-system', 'cilium'),
    object('v1', 'ConfigMap', 'kube-system', 'cilium-config', { data: { 'enable-policy': 'default' } }),
  ];
  const now = on([AWS], cilium);
  const only = { ...now, listings: new Map(now.listings) };
  const sets = only.listings.get('DaemonSet');
  if (sets?.state !== 'read') throw new Error('DaemonSets were not read');
  only.listings.set('DaemonSet', {
    ...sets,
    items: sets.items.filter(({ metadata }) => metadata.name === 'cilium'),
  });
  expect(findings(only)).toEqual([
    'high metadata-reachable Namespace shop',
    'medium plugin-needs-own-policy',
  ]);
  expect(step.questions(only)).toEqual([]);
  expect(planOf(only, { namespaces: ['shop'] })).toEqual([]);
});

test('on a plugin that cannot be seen no policy is proposed: it may be one that would cut the API server off', () => {
  const unread = step.reads.flatMap((query) =>
    'kind' in query && !['Namespace', 'Node', 'NetworkPolicy'].includes(query.kind) ? [query.kind] : [],
  );
  const now = on([AWS], [], { notVisible: Object.fromEntries(unread.map((kind) => [kind, 'forbidden'])) });
  expect(step.questions(now)).toEqual([]);
  expect(planOf(now, { namespaces: ['shop'] })).toEqual([]);
  const found = step.assess(now, {});
  expect(found.map(({ id }) => id)).toContain('plugin-not-visible');
  for (const kind of unread)
    expect(found.filter(({ message }) => message.includes(`of kind ${kind} could`))).toHaveLength(1);
});

test('the controls of the nodes are advice with the whole command, and how they stand is not claimed', () => {
  const of = (signs: NodeSigns, id: string) =>
    step
      .assess(on([signs]), {})
      .filter((finding) => finding.id === id)
      .map(({ severity, message }) => `${severity} ${message}`);
  const controls = of(AWS, 'node-side-control');
  expect(controls).toHaveLength(3);
  expect(controls[0]).toContain('--http-tokens required --http-put-response-hop-limit 1');
  expect(controls[1]).toContain(
    `--source-version '$Latest' --launch-template-data '{"MetadataOptions":{"HttpTokens":"required","HttpPutResponseHopLimit":1}}'`,
  );
  expect(of(AWS, 'node-control-not-visible')).toEqual([
    expect.stringMatching(
      /^notVisible AWS: whether IMDSv2 with hop limit 1 .* describe-instances .*--instance-ids i-1 /,
    ),
  ]);
  expect(of({ providerID: 'oci://ocid1.instance.oc1.fra.abc' }, 'node-side-control')).toEqual([
    expect.stringContaining(
      `--instance-id ocid1.instance.oc1.fra.abc --instance-options '{"areLegacyImdsEndpointsDisabled": true}'`,
    ),
  ]);
  const pool = { annotations: { 'oci.oraclecloud.com/node-pool-id': 'ocid1.nodepool.oc1.fra.p' } };
  expect(of({ providerID: 'oci://ocid1.instance.oc1.fra.abc', ...pool }, 'node-side-control')[1]).toContain(
    `oci ce node-pool update --node-pool-id ocid1.nodepool.oc1.fra.p --node-metadata '{"areLegacyImdsEndpointsDisabled": "true"}'`,
  );
  expect(of({ providerID: 'azure:///x' }, 'node-side-control').join()).toContain('--enable-imds-restriction');
  const gke = { providerID: 'gce://p/z/n', labels: { 'cloud.google.com/gke-nodepool': 'old' } };
  expect(of(gke, 'node-side-control').join()).toContain('update old --cluster CLUSTER');
  // Its label tells: nothing is hidden.
  expect(of(gke, 'node-control-not-visible')).toEqual([]);
  const fargate = { ...AWS, labels: { 'eks.amazonaws.com/compute-type': 'fargate' } };
  expect([...of(fargate, 'node-control-not-visible'), ...of(fargate, 'node-side-control')]).toEqual([]);
});

test.each<[readonly number[], string]>([
  [[80], '1-79 81-65535'],
  [[80, 32526], '1-79 81-32525 32527-65535'],
  [[80, 987, 988, 8080], '1-79 81-986 989-8079 8081-65535'],
  [[1, 65535], '2-65534'],
])('the other TCP ports of %j are %s', (ports, expected) => {
  const endpoint = { address: '192.0.2.1', ports, what: '' };
  const ranges = otherPorts(endpoint, true).filter((p) => p.protocol === 'TCP' && p.endPort !== undefined);
  expect(ranges.map((p) => `${p.port}-${p.endPort}`).join(' ')).toBe(expected);
});

test('a template of another shape is refused by name', () => {
  const wrong = networkPolicy('x', 'y', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  const now = on([AWS]);
  const broken = new Map([...templates, ['metadata-blocking/networkpolicy.yaml', wrong]]);
  expect(() => step.plan(now, answer(now), broken)).toThrow(TemplateError);
});

test('a template that lets everything pass is refused', () => {
  const spec = { podSelector: {}, policyTypes: ['Egress'], egress: [{}] };
  const open = new Map([
    ...templates,
    ['metadata-blocking/networkpolicy.yaml', networkPolicy('x', 'block-cloud-metadata', spec)],
  ]);
  expect(() => step.plan(on([AWS]), { namespaces: ['shop'] }, open)).toThrow(/lets everything pass/);
});

test('a policy of our name that is not ours is left as it is', () => {
  const now = on(
    [AWS],
    [networkPolicy('shop', 'block-cloud-metadata', { podSelector: {}, policyTypes: ['Ingress'] })],
  );
  const names = objects(blocked(now), 'NetworkPolicy').map(({ metadata }) => metadata.name);
  expect(names).toEqual(['block-cloud-metadata', 'kubectl-harden-block-cloud-metadata']);
});

describe('nodes that do not tell where they run', () => {
  const bare = on([{}, {}]);
  const complete = (now: Snapshot, given: Answers) =>
    completeAnswers(step.questions(now, given), given, now.cluster.sandbox);
  const ids = (now: Snapshot, given: Answers) => step.questions(now, given).map(({ id }) => id);

  test('by default nothing is asked, shown or planned beyond where they run', () => {
    expect(ids(bare, {})).toEqual(['provider']);
    expect(step.plan(bare, complete(bare, {}), templates)).toEqual([]);
    expect(step.tables?.(bare, bare, complete(bare, {}))).toEqual([]);
    expect(findings(bare)).toEqual(['notVisible provider-not-visible']);
    expect(ids(on([AWS]), {})).not.toContain('provider');
  });

  test('of a cloud that is said they are like nodes that tell', () => {
    const given = { provider: 'aws' };
    const telling = on([AWS, AWS]);
    expect(ids(bare, given)).toEqual(['provider', ...ids(telling, {})]);
    const changes = step.plan(bare, complete(bare, given), templates);
    expect(changes).toEqual(planOf(telling));
    expect(leaves(overlay(bare, changes), IMDS.address, 80)).toBe(false);
    expect(step.assess(bare, given).map(({ id, evidence }) => [id, evidence])).not.toContainEqual([
      'provider-not-visible',
      expect.anything(),
    ]);
    const [table] = step.tables?.(bare, bare, given) ?? [];
    expect(table?.rows.length).toBeGreaterThan(0);
  });

  test('beside nodes of another cloud both are blocked; on a real cluster nothing is chosen by itself', () => {
    const mixed = on([AWS, {}], [], { sandbox: false });
    const question = step.questions(mixed, { provider: 'alibaba' }).find(({ id }) => id === 'namespaces');
    expect(question).toMatchObject({ risk: 'cutsTraffic', cautious: [] });
    expect(step.plan(mixed, complete(mixed, { provider: 'alibaba' }), templates)).toEqual([]);
    const changes = step.plan(
      mixed,
      complete(mixed, { provider: 'alibaba', namespaces: ['shop'] }),
      templates,
    );
    const after = overlay(mixed, changes);
    expect([leaves(after, IMDS.address, 80), leaves(after, '100.100.100.200', 80)]).toEqual([false, false]);
  });
});

test.each([
  [{ httpTokens: 'required', httpPutResponseHopLimit: 1 }, 'info node-class-closed'],
  [{ httpEndpoint: 'disabled' }, 'info node-class-closed'],
  [{ httpTokens: 'required', httpPutResponseHopLimit: 2 }, 'low node-class-open'],
  [{ httpTokens: 'optional', httpPutResponseHopLimit: 1 }, 'low node-class-open'],
  [{ httpTokens: 'required' }, 'notVisible node-class-not-visible'],
  [{ httpPutResponseHopLimit: 1 }, 'notVisible node-class-not-visible'],
  [undefined, 'notVisible node-class-not-visible'],
])("Karpenter's class with metadata options %j: %s", (metadataOptions, expected) => {
  const nodeClass = object('karpenter.k8s.aws/v1', 'EC2NodeClass', undefined, 'general', {
    spec: { ...(metadataOptions === undefined ? {} : { metadataOptions }) },
  });
  const found = step.assess(on([AWS], [nodeClass]), {}).filter(({ id }) => id.startsWith('node-class'));
  expect(found.map(({ severity, id }) => `${severity} ${id}`)).toEqual([expected]);
});
