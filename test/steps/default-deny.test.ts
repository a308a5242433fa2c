import { loadTemplates } from '../../src/host/templates.js';
import { type Manifest, refText } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import { type ApplyChange, type Change, canonical, without } from '../../src/model/plan.js';
import { type Answers, completeAnswers, needsAnswer } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { statusOf } from '../../src/model/step.js';
import { TemplateError } from '../../src/model/template.js';
import { diffReach, isolation, reachOf } from '../../src/reach/index.js';
import { unknownFields } from '../../steps/default-deny/fields.js';
import { policyTypes, promisedBy } from '../../steps/default-deny/pretences.js';
import { namespaceState, reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { expectGolden, manifestsIn, yamlText } from '../support/golden.js';
import { coreDns, daemonSet, networkPolicy, node, pod, service } from '../support/objects.js';
import { namespace, object, type SnapshotOptions, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const answer = (now: Snapshot, given: Answers = {}) => completeAnswers(step.questions(now), given, true);
const planOf = (now: Snapshot, given: Answers = {}) => step.plan(now, answer(now, given), templates);
const closed = (now: Snapshot, given: Answers = {}) => overlay(now, planOf(now, given));
/** Those about what is there; that new namespaces start open is another matter, and has tests of its own. */
const aboutToday = (now: Snapshot) => step.assess(now, {}).filter(({ id }) => id !== 'new-namespaces-open');
const findings = (now: Snapshot) =>
  aboutToday(now).map((f) => `${f.severity} ${f.id}${f.object === undefined ? '' : ` ${refText(f.object)}`}`);
const applied = (changes: readonly Change[]) =>
  changes.filter((change): change is ApplyChange => change.kind === 'apply').map((change) => change.manifest);
const spec = (changes: readonly Change[]) => applied(changes).find((m) => m.kind === 'NetworkPolicy')?.spec;

/** Everything inside of the namespace stays open, nothing outside: the simplest answers. */
const INSIDE: Answers = { sameNamespace: 'all', egressOutside: 'closed' };
const CALICO = daemonSet('kube-system', 'calico-node');
const BASE = [namespace('kube-system'), CALICO, ...coreDns()];
const cluster = (objects: readonly Manifest[], more: SnapshotOptions = {}) =>
  snapshotOf({ objects: [...BASE, ...objects], sandbox: true, ...more });
const shop = (...more: Manifest[]) =>
  cluster([namespace('shop'), pod('shop', 'web', { app: 'web' }), ...more]);

describe('the metadata address of nodes that do not tell where they run', () => {
  const now = shop(node('n1', {}));
  const question = (of: Snapshot, given: Answers = {}) =>
    step.questions(of, given).find(({ id }) => id === 'provider');
  const except = (given: Answers) =>
    JSON.stringify(
      step
        .plan(
          now,
          completeAnswers(step.questions(now, given), { egressOutside: 'open', ...given }, true),
          templates,
        )
        .flatMap((change) => (change.kind === 'apply' ? [change.manifest.spec] : [])),
    );

  test('stays closed as the answer says, which is asked of such nodes alone and changes nothing by itself', () => {
    expect(question(now, { provider: 'alibaba' })).toMatchObject({
      recommended: 'none',
      cautious: 'none',
      risk: 'none',
    });
    expect(question(shop(node('a1', { providerID: 'aws:///z/i-1' })))).toBeUndefined();
    expect(except({})).toContain('"except":["169.254.169.254/32"]');
    expect(except({ provider: 'alibaba' })).toContain('"except":["100.100.100.200/32"]');
  });
});

describe('a cluster with every kind of namespace', () => {
  const now = snapshotOf({ objects: manifestsIn('default-deny/shop/cluster.yaml'), sandbox: true });
  // shop is not chosen by itself: it holds a webhook that fails shut.
  const all = { namespaces: ['data', 'default', 'legacy', 'shop'] };

  test('questions, findings and changes', () => {
    const text = yamlText({
      questions: step.questions(now),
      findings: step.assess(now, {}),
      changes: planOf(now, all),
      findingsAfter: step.assess(closed(now, all), {}),
    });
    expectGolden('default-deny/shop/plan.golden.yaml', text);
  });

  test('what can be closed is closed by effect; a second run changes nothing', () => {
    const then = closed(now, { ...all, egressOutside: 'closed' });
    for (const name of ['default', 'shop', 'data', 'payments']) {
      const { ingress, egress } = isolation(reachIn(then), name);
      expect([name, ingress.covered, ingress.open, egress.covered, egress.open]).toEqual([
        name,
        true,
        [],
        true,
        [],
      ]);
    }
    expect(planOf(then)).toEqual([]);
    expect(step.plan(then, answer(now, { ...all, egressOutside: 'closed' }), templates)).toEqual([]);
  });

  test('no connection opens outside of what the answers allow: DNS, and inside the namespace', () => {
    const { opened } = diffReach(reachIn(now), reachIn(closed(now, { sameNamespace: 'all' })));
    for (const { src, dst } of opened)
      if (!dst.startsWith('kube-system/coredns'))
        expect([src, dst.split('/')[0]]).toEqual([src, src.split('/')[0]]);
  });

  test('names still resolve, and pods of a namespace still talk to each other', () => {
    const then = reachIn(closed(now, INSIDE));
    const dns = { pod: 'kube-system/coredns-1' };
    for (const name of ['shop', 'data', 'default', 'legacy'])
      for (const protocol of ['UDP', 'TCP'] as const) {
        expect(then.allows({ freshPod: name }, dns, protocol, 53)).toBe(true);
        expect(then.allows({ freshPod: name }, dns, protocol, 9153)).toBe(false);
      }
    const [web, hooks] = [{ workload: 'shop/web[Deployment]' }, { workload: 'shop/hooks[Deployment]' }];
    expect(then.allows(web, hooks, 'TCP', 8080)).toBe(true);
    expect(then.allows({ workload: 'data/db[StatefulSet]' }, web, 'TCP', 8080)).toBe(false);
    expect(then.allows(web, { address: '192.0.2.1' }, 'TCP', 443)).toBe(false);
  });

  test('without same-namespace traffic only DNS is left', () => {
    const then = reachIn(closed(now, { ...all, sameNamespace: false }));
    const web = { workload: 'shop/web[Deployment]' };
    expect(then.allows(web, { workload: 'shop/hooks[Deployment]' }, 'TCP', 8080)).toBe(false);
    expect(then.allows(web, { pod: 'kube-system/coredns-1' }, 'UDP', 53)).toBe(true);
  });
});

describe('what is proposed', () => {
  test('nothing on a real cluster without an answer; unattended it is demanded which namespaces are closed', () => {
    const now = shop();
    const real = { ...now, cluster: { ...now.cluster, sandbox: false } };
    expect(step.plan(real, completeAnswers(step.questions(real), {}, false), templates)).toEqual([]);
    expect(step.questions(real).filter(needsAnswer)).toMatchObject([{ id: 'namespaces' }]);
  });

  test('system namespaces are not offered, excluded ones neither, infrastructure is but not chosen', () => {
    const now = cluster([namespace('shop'), namespace('monitoring'), namespace('team-a')], {
      exclude: ['team-*'],
    });
    expect(step.questions(now)[0]).toMatchObject({
      choices: [{ value: 'monitoring', note: expect.stringContaining('infrastructure') }, { value: 'shop' }],
      recommended: ['shop'],
      cautious: [],
    });
  });

  test('namespaces of the system are offered apart, but for kube-system; nobody has to answer for them', () => {
    const now = cluster([namespace('shop'), namespace('kube-public')]);
    expect(step.questions(now)[0]).toMatchObject({
      choices: [{ value: 'shop' }, { value: 'kube-public', apart: true }],
      recommended: ['shop'],
    });
    const then = closed(now);
    expect(step.questions(then).filter(needsAnswer)).toEqual([]);
    expect(planOf(then)).toEqual([]);
    expect(findings(then)).toEqual(['info egress-outside-open']);
    const asked = planOf(then, { namespaces: ['kube-public'] });
    expect(asked.map(({ ref }) => ref.namespace)).toEqual(['kube-public']);
  });

  test('an answer that names an unknown or a system namespace changes nothing there', () => {
    expect(planOf(shop(), { namespaces: ['kube-system', 'nowhere'] })).toEqual([]);
  });

  test('an isolated namespace is neither a finding nor closed again, and no question is left', () => {
    const now = shop(
      networkPolicy('shop', 'anything', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
    );
    expect(findings(now)).toEqual([]);
    expect(step.questions(now)).toEqual([]);
    expect(statusOf(aboutToday(now), planOf(now))).toBe('ok');
  });

  test('only the direction that is open is closed; what others close stays exactly so', () => {
    const now = shop(networkPolicy('shop', 'in', { podSelector: {}, policyTypes: ['Ingress'] }));
    expect(spec(planOf(now))).toMatchObject({ policyTypes: ['Egress'] });
    expect(spec(planOf(now))).not.toHaveProperty('ingress');
    const then = reachIn(closed(now));
    expect(then.allows({ freshPod: 'shop' }, { workload: 'shop/web[Pod]' }, 'TCP', 80)).toBe(false);
  });

  test('policies that leave new pods out are not isolation', () => {
    const now = shop(
      networkPolicy('shop', 'web', {
        podSelector: { matchLabels: { app: 'web' } },
        policyTypes: ['Ingress', 'Egress'],
      }),
    );
    expect(findings(now)).toEqual([
      'high namespace-open-ingress Namespace shop',
      'high namespace-open-egress Namespace shop',
    ]);
    const then = reachIn(closed(now, INSIDE));
    expect(then.allows({ freshPod: 'shop' }, { workload: 'shop/web[Pod]' }, 'TCP', 80)).toBe(false);
    expect(then.allows({ freshPod: 'shop' }, { freshPod: 'shop' }, 'TCP', 80)).toBe(true);
  });

  test('where too many selectors would be needed, it says whose traffic grows', () => {
    const many = ['a', 'b', 'c', 'd'].map((value) =>
      networkPolicy('shop', value, {
        podSelector: { matchLabels: { app: value, tier: value } },
        policyTypes: ['Ingress'],
      }),
    );
    const now = shop(...many, pod('shop', 'a', { app: 'a', tier: 'a' }));
    const changes = planOf(now, INSIDE).filter(({ ref }) => ref.namespace === 'shop');
    expect(changes.map(({ ref }) => ref.name)).toContain('default-deny');
    expect(changes.at(-1)?.breaks.join()).toContain(
      'shop/a[Pod]: narrowed by other policies today, gains traffic',
    );
  });

  test('what is needed no more of ours is taken away, after the deny', () => {
    const web = networkPolicy('shop', 'web', {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    const then = closed(shop(web, pod('shop', 'job', { app: 'job' })), INSIDE);
    const gone = {
      ...then,
      listings: new Map(then.listings).set('Pod', { state: 'read' as const, apiVersion: 'v1', items: [] }),
    };
    const answers = { namespaces: ['shop'], sameNamespace: false, egressOutside: 'closed' };
    const changes = step.plan(gone, answers, templates);
    expect(changes.map(({ kind, ref }) => [kind, ref.name])).toEqual([
      ['delete', 'default-deny-same-namespace'],
      ['delete', 'allow-pod-job'],
    ]);
  });

  test('a policy of somebody else that lets everything pass is named, and nothing pretends to close it', () => {
    const everything = { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] };
    const now = shop(networkPolicy('shop', 'open-house', everything));
    expect(findings(now)).toEqual(['high policy-allows-everything NetworkPolicy shop/open-house']);
    expect(step.questions(now)).toEqual([]);
    expect(planOf(now, { namespaces: ['shop'] })).toEqual([]);
  });

  test('a policy of our name that is not ours is left as it is', () => {
    const foreign = networkPolicy('shop', 'default-deny', { podSelector: {}, policyTypes: ['Ingress'] });
    const changes = planOf(shop(foreign));
    expect(applied(changes).map((m) => m.metadata.name)).toContain('kubectl-harden-default-deny');
    const both = shop(
      foreign,
      networkPolicy('shop', 'kubectl-harden-default-deny', { podSelector: {}, policyTypes: ['Ingress'] }),
    );
    expect(applied(planOf(both)).map((m) => m.metadata.name)).toContain('kubectl-harden-default-deny-2');
  });

  test('a policy with our labels that somebody else wrote is never removed nor amended', () => {
    const labels = (component: string) => ({
      labels: {
        'app.kubernetes.io/managed-by': 'kubectl-harden',
        'app.kubernetes.io/component': component,
      },
      managedFields: [{ manager: 'kubectl-create' }],
    });
    const now = shop(
      networkPolicy('shop', 'a', { podSelector: {}, egress: [{}] }, labels('metadata-blocking')),
      networkPolicy('shop', 'b', { podSelector: { matchLabels: { x: 'y' } } }, labels('default-deny')),
      networkPolicy('shop', 'c', { podSelector: {} }, labels('default-deny-same-namespace')),
    );
    const changes = planOf(now, { namespaces: ['shop'] });
    expect(changes.filter((change) => change.kind === 'delete')).toEqual([]);
    expect(changes.map(({ ref }) => ref.name).filter((name) => ['a', 'b', 'c'].includes(name))).toEqual([]);
  });

  test('ours is amended where the answers changed', () => {
    const then = closed(shop(), INSIDE);
    const changes = step.plan(then, { ...INSIDE, namespaces: ['shop'], sameNamespace: false }, templates);
    expect(changes.at(-1)).toMatchObject({ kind: 'apply', before: { metadata: { name: 'default-deny' } } });
    for (const change of changes)
      expect(canonical((change as ApplyChange).manifest.spec)).not.toContain('"podSelector":{}}]');
  });

  test('a template that selects less than every pod is refused', () => {
    const partly = networkPolicy('x', 'default-deny', { podSelector: { matchLabels: { a: 'b' } } });
    const now = shop();
    expect(() =>
      step.plan(now, answer(now), new Map([...templates, ['default-deny/networkpolicy.yaml', partly]])),
    ).toThrow(TemplateError);
  });
});

describe('a policy of our own that was changed since', () => {
  const open = networkPolicy('x', 'default-deny', { podSelector: {}, ingress: [{}] });
  const weak = (now: Snapshot) => {
    const listing = now.listings.get('NetworkPolicy');
    if (listing?.state !== 'read') throw new Error('no policies');
    const items = listing.items.map((item) => ({
      ...item,
      spec: { podSelector: {}, ingress: [{}], egress: [{}] },
    }));
    return { ...now, listings: new Map(now.listings).set('NetworkPolicy', { ...listing, items }) };
  };

  test('is named as what keeps the namespace open, and written anew', () => {
    const now = weak(closed(shop()));
    const named = step
      .assess(now, {})
      .filter(({ message }) => message.includes('NetworkPolicy shop/default-deny is'));
    expect(named.map(({ id }) => id)).toEqual(['namespace-open-ingress', 'namespace-open-egress']);
    expect(JSON.stringify(step.assess(now, {}))).not.toContain('metadata');
    expect(step.questions(now)[0]).toMatchObject({ recommended: ['shop'] });
    expect(planOf(closed(now))).toEqual([]);
    expect(namespaceState(closed(now), 'shop')).toMatchObject({
      ingress: { closed: true },
      egress: { closed: true },
    });
  });

  test('where somebody else changed it, its fields are taken over, and that is said', () => {
    const now = weak(closed(shop()));
    const listing = now.listings.get('NetworkPolicy');
    if (listing?.state !== 'read') throw new Error('no policies');
    const managedFields = [{ manager: 'kubectl-harden' }, { manager: 'kubectl-edit' }];
    const items = listing.items.map((item) => ({ ...item, metadata: { ...item.metadata, managedFields } }));
    const edited = { ...now, listings: new Map(now.listings).set('NetworkPolicy', { ...listing, items }) };
    expect(planOf(now)[0]).not.toHaveProperty('force');
    expect(planOf(edited)[0]).toMatchObject({
      force: true,
      breaks: expect.arrayContaining([expect.stringContaining('kubectl-edit')]),
    });
  });

  test.each([
    [{ ingress: [{}] }],
    [{ egress: [{ to: [] }] }],
    [{ ingress: [{ from: [{ namespaceSelector: {} }] }] }],
    [{ egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] }],
  ])('a template that lets everything pass is refused: %j', (rules) => {
    const now = shop();
    const template = { ...open, spec: { podSelector: {}, ...rules } };
    expect(() =>
      step.plan(now, answer(now), new Map([...templates, ['default-deny/networkpolicy.yaml', template]])),
    ).toThrow(/lets everything pass/);
  });

  test('a template that names peers or ports is taken', () => {
    const now = shop();
    const rules = { egress: [{ ports: [{ port: 443 }] }, { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] };
    const template = { ...open, spec: { podSelector: {}, ...rules } };
    const changes = step.plan(
      now,
      answer(now),
      new Map([...templates, ['default-deny/networkpolicy.yaml', template]]),
    );
    expect(canonical((changes.at(-1) as ApplyChange).manifest.spec)).toContain('10.0.0.0/8');
  });
});

describe('DNS', () => {
  test('where the namespace of DNS is excluded and lacks its label, neither it nor egress is touched', () => {
    const now = shop();
    const old = cluster([namespace('shop')], { version: '1.20', exclude: ['kube-*'] });
    expect(planOf(old).map(({ ref }) => ref.kind)).toEqual(['NetworkPolicy']);
    expect(spec(planOf(old))).toMatchObject({ policyTypes: ['Ingress'] });
    expect(step.assess(old, {}).find(({ id }) => id === 'dns-not-selectable')?.evidence).toContain(
      'is excluded',
    );
    expect(spec(planOf({ ...now, scope: { exclude: ['kube-*'] } }))).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  const noDns = (more: SnapshotOptions = {}) =>
    snapshotOf({ objects: [namespace('kube-system'), CALICO, namespace('shop')], sandbox: true, ...more });

  test('without a DNS Service only ingress is closed, and it says so', () => {
    expect(spec(planOf(noDns()))).toMatchObject({ policyTypes: ['Ingress'] });
    expect(findings(noDns())).toContain('medium no-dns-service');
    expect(findings(closed(noDns()))).toContain('medium no-dns-service');
    expect(planOf(closed(noDns()))).toEqual([]);
  });

  test('without DNS in files the finding says how egress gets closed as well', () => {
    const now = noDns();
    const said = (files: object) =>
      step
        .assess({ ...now, cluster: { ...now.cluster, ...files } }, {})
        .find(({ id }) => id === 'no-dns-service')?.message;
    expect(said({ files: true })).toContain('add the manifests of its DNS to those files');
    expect(said({})).not.toContain('manifests');
  });

  test('Services that could not be read: the same, as not visible', () => {
    const now = noDns({ notVisible: { Service: 'forbidden' } });
    expect(spec(planOf(now))).toMatchObject({ policyTypes: ['Ingress'] });
    expect(findings(now)).toContain('notVisible dns-not-visible');
  });

  test('a namespace that we closed is not opened again where DNS is no longer seen', () => {
    const then = closed(shop());
    const blind = {
      ...then,
      listings: new Map(then.listings).set('Service', { state: 'notVisible' as const, reason: 'x' }),
    };
    expect(step.plan(blind, { namespaces: ['shop'], sameNamespace: true }, templates)).toEqual([]);
  });

  test('OpenShift: port 5353 in openshift-dns', () => {
    const dns = [
      namespace('openshift-dns'),
      service('openshift-dns', 'dns-default', {
        clusterIP: '172.30.0.10',
        selector: { 'dns.operator.openshift.io/daemonset-dns': 'default' },
        ports: [{ port: 53, protocol: 'UDP', targetPort: 5353 }],
      }),
    ];
    expect(
      spec(planOf(snapshotOf({ objects: [CALICO, namespace('shop'), ...dns], sandbox: true }), INSIDE)),
    ).toMatchObject({
      egress: [
        { to: [{ podSelector: {} }] },
        {
          to: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'openshift-dns' } },
              podSelector: { matchLabels: { 'dns.operator.openshift.io/daemonset-dns': 'default' } },
            },
          ],
          ports: [
            { protocol: 'UDP', port: 5353 },
            { protocol: 'TCP', port: 5353 },
          ],
        },
      ],
    });
  });

  test('NodeLocal DNSCache and own name servers are allowed by address', () => {
    const cache = daemonSet('kube-system', 'node-local-dns', [
      { name: 'node-cache', image: 'x', args: ['-localip', '169.254.20.10,10.96.0.10'] },
    ]);
    const own = pod('shop', 'odd', {}, { dnsConfig: { nameservers: ['192.0.2.53'] } });
    const then = reachIn(closed(shop(cache, own), INSIDE));
    for (const address of ['169.254.20.10', '10.96.0.10', '192.0.2.53']) {
      expect(then.allows({ freshPod: 'shop' }, { address }, 'UDP', 53)).toBe(true);
      expect(then.allows({ freshPod: 'shop' }, { address }, 'TCP', 80)).toBe(false);
    }
  });

  test('on 1.20 the namespace of DNS gets its name label first, once', () => {
    const objects = [...BASE, namespace('shop'), namespace('data')];
    const now = snapshotOf({ objects, version: '1.20', sandbox: true });
    const changes = planOf(now);
    expect(changes.map(({ id }) => id)).toEqual([
      'default-deny/-/Namespace/kube-system',
      'default-deny/data/NetworkPolicy/default-deny',
      'default-deny/shop/NetworkPolicy/default-deny',
    ]);
    expect(applied(changes)[0]).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'kube-system', labels: { 'kubernetes.io/metadata.name': 'kube-system' } },
    });
    const then = closed(now);
    expect(reachIn(then).allows({ freshPod: 'shop' }, { pod: 'kube-system/coredns-1' }, 'UDP', 53)).toBe(
      true,
    );
    expect(planOf(then)).toEqual([]);
  });
});

describe('what cannot be seen', () => {
  test('every kind that could not be read is a finding of its own, and egress stays open without Pods', () => {
    const readable = ['Namespace', 'Service', 'Node', 'NetworkPolicy'];
    const unread = step.reads.flatMap((query) =>
      'kind' in query && !readable.includes(query.kind) ? [query.kind] : [],
    );
    const now = cluster([namespace('shop')], {
      notVisible: Object.fromEntries(unread.map((kind) => [kind, 'forbidden'])),
    });
    const messages = step.assess(now, {}).filter(({ severity }) => severity === 'notVisible');
    for (const kind of unread)
      expect(messages.filter(({ message }) => message.includes(`of kind ${kind} could`))).toHaveLength(1);
    expect(unread.length).toBeGreaterThan(12);
    expect(findings(now)).toContain('notVisible dns-not-visible');
    expect(spec(planOf(now))).toMatchObject({ policyTypes: ['Ingress'] });
    expect(planOf(now)[0]?.breaks.join()).toMatch(
      /not known: .*ValidatingWebhookConfiguration, .*could not be read/,
    );
  });

  test('policies of network plugins that are served but not read are named', () => {
    const crd = (name: string) =>
      object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', undefined, name);
    const now = shop(
      crd('ciliumnetworkpolicies.cilium.io'),
      crd('globalnetworkpolicies.crd.projectcalico.org'),
      crd('networkpolicies.shop.example'),
    );
    const named = step.assess(now, {}).filter(({ id }) => id === 'foreign-policies-not-visible');
    expect(named.map(({ evidence }) => evidence)).toEqual([
      'CustomResourceDefinition globalnetworkpolicies.crd.projectcalico.org',
      'CustomResourceDefinition ciliumnetworkpolicies.cilium.io',
    ]);
  });

  test('unseen policies: nothing is judged, nothing proposed', () => {
    const now = cluster([namespace('shop')], { notVisible: { NetworkPolicy: 'forbidden' } });
    expect(findings(now)).toEqual(['notVisible policies-not-visible']);
    expect(step.questions(now)).toEqual([]);
    expect(step.plan(now, { namespaces: ['shop'] }, templates)).toEqual([]);
  });

  test('a plugin that does not enforce is a high finding, an unknown one is not visible', () => {
    const flannel = daemonSet('kube-flannel', 'kube-flannel-ds');
    expect(findings(snapshotOf({ objects: [namespace('kube-system'), flannel] }))).toEqual([
      'high policies-not-enforced',
    ]);
    expect(findings(snapshotOf({ objects: [namespace('kube-system')] }))).toEqual([
      'notVisible policy-enforcement-not-visible',
    ]);
    const now = snapshotOf({
      objects: [namespace('kube-system'), flannel, namespace('shop')],
      sandbox: true,
    });
    expect(step.questions(now)[0]).toMatchObject({ id: 'anyway', recommended: false });
    expect(planOf(now)).toEqual([]);
    expect(planOf(now, { anyway: true })[0]?.breaks.join()).toContain('changes nothing');
  });

  test('workloads on the network of their node are listed as not coverable', () => {
    const now = closed(shop(pod('shop', 'agent', {}, { hostNetwork: true })));
    expect(findings(now)).toEqual([
      'info host-network-not-coverable Namespace shop',
      'info egress-outside-open',
    ]);
  });
});

describe('policies that isolate less than they seem to', () => {
  const notes = (policy: Manifest) =>
    step
      .assess(shop(policy), {})
      .filter(({ id }) => id === 'policy-isolates-less' || id === 'policy-unknown-field')
      .map(({ message }) => message);

  test('deny-all-egress that covers ingress only', () => {
    expect(notes(networkPolicy('shop', 'deny-all-egress', { podSelector: {} }))).toEqual([
      'NetworkPolicy shop/deny-all-egress isolates less than its name says: it does not cover egress.',
    ]);
  });

  test('a deny that lets everything pass, and one that selects only some pods', () => {
    expect(
      notes(
        networkPolicy('shop', 'deny-ingress', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] }),
      ),
    ).toEqual([
      'NetworkPolicy shop/deny-ingress isolates less than its name says: a rule of it lets everything pass on ingress.',
    ]);
    expect(
      notes(
        networkPolicy('shop', 'isolate', {
          podSelector: { matchLabels: { app: 'no' } },
          policyTypes: ['Ingress', 'Egress'],
        }),
      ),
    ).toEqual([
      'NetworkPolicy shop/isolate isolates less than its name says: its selector leaves pods out on ingress, and its selector leaves pods out on egress.',
    ]);
  });

  test('the same policy is no finding where others isolate the namespace', () => {
    const now = shop(
      networkPolicy('shop', 'deny-all-egress', { podSelector: {} }),
      networkPolicy('shop', 'out', { podSelector: {}, policyTypes: ['Egress'] }),
    );
    expect(findings(now)).toEqual([]);
  });

  test('fields that the API does not know, in the object and in what was last applied', () => {
    const spec = {
      podSelector: {},
      policyType: ['Egress'],
      ingress: [{ form: [], ports: [{ port: 1, protocl: 'TCP' }] }],
    };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec }) };
    const paths = (policy: Manifest) => unknownFields(policy).map(({ path }) => path);
    const expected = ['spec.policyType', 'spec.ingress[0].form', 'spec.ingress[0].ports[0].protocl'];
    expect(paths(networkPolicy('shop', 'x', spec))).toEqual(expected);
    expect(paths(networkPolicy('shop', 'x', { podSelector: {} }, { annotations }))).toEqual(expected);
    expect(
      paths(
        networkPolicy(
          'shop',
          'x',
          {},
          { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{' } },
        ),
      ),
    ).toEqual([]);
  });

  test.each([
    ['deny-all', ['ingress', 'egress']],
    ['default-deny-ingress', ['ingress']],
    ['deny-outbound', ['egress']],
    ['isolate-team', ['ingress', 'egress']],
    ['deny-from-other-namespaces', ['ingress']],
    ['allow-web', []],
    ['deny-cloud-metadata', []],
  ])('%s promises %j', (name, directions) => {
    expect(promisedBy(name)).toEqual(directions);
  });

  test.each([
    [{}, ['ingress']],
    [{ egress: [] }, ['ingress']],
    [{ egress: [{}] }, ['ingress', 'egress']],
    [{ policyTypes: ['Egress'] }, ['egress']],
  ])('policyTypes in effect of %j are %j', (spec, types) => {
    expect(policyTypes(networkPolicy('n', 'p', spec))).toEqual(types);
  });
});

describe('what cannot be kept', () => {
  const cilium = [
    daemonSet('kube-system', 'cilium'),
    object('v1', 'ConfigMap', 'kube-system', 'cilium-config', { data: { 'enable-policy': 'default' } }),
  ];
  const watcher = pod('shop', 'watcher', { app: 'watcher' }, { serviceAccountName: 'watcher' });
  const binding = object('rbac.authorization.k8s.io/v1', 'RoleBinding', 'shop', 'watcher', {
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [{ kind: 'ServiceAccount', name: 'watcher', namespace: 'shop' }],
  });
  const objects = [namespace('kube-system'), ...coreDns(), namespace('shop'), watcher, binding];
  const asked = (now: Snapshot) => step.questions(now).find(({ id }) => id === 'namespaces');

  test('on Cilium no address range allows the Kubernetes API: offered with a note, not recommended, and said', () => {
    const now = snapshotOf({ objects: [...objects, ...cilium], sandbox: true });
    expect(asked(now)).toMatchObject({
      recommended: [],
      choices: [{ value: 'shop', note: expect.stringContaining('1 declared connection cannot be kept') }],
    });
    expect(planOf(now)).toEqual([]);
    const deny = planOf(now, { namespaces: ['shop'] }).at(-1);
    expect(deny?.breaks[0]).toMatch(/^Cuts shop\/watcher\[Pod\] => \{kubernetes-api\}.*Cilium/);
  });

  test('with another plugin it is kept', () => {
    const now = snapshotOf({ objects: [...objects, CALICO], sandbox: true });
    expect(asked(now)).toMatchObject({ recommended: ['shop'] });
    expect(planOf(now).at(-1)?.breaks.join()).not.toContain('Cuts');
  });

  test('a host name is cut where the outside is closed', () => {
    const env = [{ name: 'API_URL', value: 'https://api.example.net' }];
    const caller = pod('shop', 'caller', { app: 'caller' }, { containers: [{ name: 'c', image: 'x', env }] });
    const deny = planOf(shop(caller), { egressOutside: 'closed' }).at(-1);
    expect(deny?.breaks[0]).toContain('shop/caller[Pod] => api.example.net : TCP 443');
    expect(planOf(shop(caller)).at(-1)?.breaks.join()).not.toContain('Cuts');
  });
});

test('a namespace of one that is to be created is closed as well', () => {
  const now = overlay(cluster([]), [
    {
      kind: 'apply',
      id: 'namespaces/-/Namespace/team-x',
      ref: { apiVersion: 'v1', kind: 'Namespace', name: 'team-x' },
      risk: 'none',
      why: '',
      breaks: [],
      manifest: namespace('team-x'),
    },
  ]);
  expect(planOf(now).map(({ id }) => id)).toEqual(['default-deny/team-x/NetworkPolicy/default-deny']);
  expect(namespaceState(closed(now), 'team-x').egress.closed).toBe(true);
});

test('the engine and the step judge the same objects', () => {
  const now = shop();
  expect(
    isolation(reachOf([...BASE, namespace('shop'), pod('shop', 'web', { app: 'web' })]), 'shop'),
  ).toEqual(isolation(reachIn(now), 'shop'));
});

test('a deny is left out with what it would do harm without: the allows, and the label that they select by', () => {
  const web = networkPolicy('shop', 'web', {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
  });
  const now = snapshotOf({ objects: [...BASE, namespace('shop'), web], version: '1.20', sandbox: true });
  const changes = planOf(now, INSIDE);
  const ids = (left: readonly Change[]) => left.map(({ ref }) => refText(ref));
  expect(ids(changes)).toEqual([
    'Namespace kube-system',
    'NetworkPolicy shop/default-deny-same-namespace',
    'NetworkPolicy shop/default-deny',
  ]);
  expect(ids(without(changes, [changes[1]!.id]))).toEqual(['Namespace kube-system']);
  expect(ids(without(changes, [changes[0]!.id]))).not.toContain('NetworkPolicy shop/default-deny');
});
