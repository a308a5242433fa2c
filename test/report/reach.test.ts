import { diffReach, FILES, reachOf } from '../../src/reach/index.js';
import { diffText, explainText, reachDot, reachJson, reachText } from '../../src/report/reach.js';
import { reachSvg, tooLargeToDraw } from '../../src/report/svg.js';
import { expectGolden, parseManifests } from '../support/golden.js';

const POLICIES = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: sql}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 8080, endPort: 8090}]}]
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: no-metadata}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
  - {name: imds, action: Deny, to: [{networks: [169.254.169.254/32]}], protocols: [{tcp: {destinationPort: {number: 80}}}]}
`;
const workload = (namespace: string, name: string, port: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec: {template: {metadata: {labels: {app: ${name}}}, spec: {containers: [{name: main, ports: [${port}]}]}}}
`;
const WORKLOADS = [
  workload('shop', 'web', '{name: http, containerPort: 8080}'),
  workload('shop', 'db', '{name: sql, containerPort: 5432}'),
  workload('tools', 'ci"} -> x', '{containerPort: 1}').replaceAll('ci"} -> x', "'ci\"} -> x'"),
].join('---');

const open = () => reachOf(parseManifests(WORKLOADS), FILES);
const closed = () => reachOf(parseManifests(`${WORKLOADS}---${POLICIES}`), FILES);

describe('connections as they are printed', () => {
  test('text', () => expectGolden('reach/list.txt', [...reachText(closed())].join('')));
  test('dot', () => expectGolden('reach/list.dot', [...reachDot(closed())].join('')));

  test('JSON says the same as the analysis', () => {
    const reach = closed();
    expect(JSON.parse([...reachJson(reach)].join(''))).toEqual([...reach.connections()]);
    expect(JSON.parse([...reachJson(reachOf([]))].join(''))).toEqual([]);
  });

  test('characters that could move the cursor do not reach a terminal', () => {
    const evil = workload('shop', 'x', '{containerPort: 1}').replaceAll('name: x', 'name: "x\\e[2J"');
    const text = [...reachText(reachOf(parseManifests(`${evil}---${WORKLOADS}`), FILES))].join('');
    expect(text).toContain('\\x1b[2J');
    expect(text).not.toContain('\u001b');
  });
});

describe('explanations', () => {
  const cases: [string, string, string, number | undefined][] = [
    ['allowed', 'shop/web', 'shop/db', 5432],
    ['blocked', 'shop/web', 'shop/db', 80],
    ['every-port', 'shop/web', 'shop/db', undefined],
    ['nobody-speaks', 'tools/ci"} -> x', 'shop/web', 8080],
    ['denied', 'tools/ci"} -> x', '169.254.169.254', 80],
  ];
  test.each(cases)('%s', (name, src, dst, port) => {
    const to = /^\d/.test(dst) ? { address: dst } : { workload: dst };
    const found = closed().explain({ workload: src }, to, port === undefined ? undefined : 'TCP', port);
    expectGolden(`reach/explain-${name}.txt`, explainText(`${src} => ${dst} ${port ?? ''}`.trim(), found));
  });
});

test('an explanation names the rule that holds the address of a pod', () => {
  const pod = (name: string, ip: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}
status: {podIP: ${ip}}
`;
  const policy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: by-address, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24}}], ports: [{port: 80}]}]}
`;
  const reach = reachOf(parseManifests([pod('web', '10.0.0.7'), pod('db', '10.0.1.1'), policy].join('---')), {
    ...FILES,
    podAddresses: 'ignore',
  });
  const ask = (src: string, port: number) =>
    reach.explain({ workload: src }, { workload: 'shop/db[Pod]' }, 'TCP', port).cases[0]?.ingress;
  expect(ask('shop/web[Pod]', 80)).toMatchObject({ allowed: false, byAddress: [{ rule: 'ingress[0]' }] });
  expect(ask('shop/web[Pod]', 81)).toMatchObject({ allowed: false, byAddress: [] });
  const found = reach.explain({ workload: 'shop/web[Pod]' }, { workload: 'shop/db[Pod]' }, 'TCP', 80);
  expectGolden('reach/explain-by-address.txt', explainText('shop/web => shop/db 80', found));
});

describe('differences', () => {
  test('what the policies closed', () =>
    expectGolden('reach/diff.txt', diffText(diffReach(open(), closed()))));

  test('the other way round it is what they would open', () => {
    const there = diffReach(open(), closed());
    const back = diffReach(closed(), open());
    expect(back).toEqual({ ...there, opened: there.closed, closed: there.opened });
  });

  test('nothing between the same', () => {
    expect(diffReach(closed(), closed())).toEqual({ opened: [], closed: [], added: [], removed: [] });
  });

  test('a workload that is new opens what it may', () => {
    const more = reachOf(
      parseManifests(`${WORKLOADS}---${workload('shop', 'new', '{containerPort: 1}')}`),
      FILES,
    );
    const { added, opened, closed } = diffReach(open(), more);
    expect(added).toEqual(['shop/new[Deployment]']);
    expect(closed).toEqual([]);
    expect(opened.every(({ src, dst }) => `${src}${dst}`.includes('shop/new[Deployment]'))).toBe(true);
    expect(opened).toHaveLength(8);
  });
});

describe('SVG', () => {
  const workloads = (count: number) =>
    reachOf(
      parseManifests(
        Array.from({ length: count }, (_, i) => workload('shop', `w${i}`, '{containerPort: 1}')).join('---'),
      ),
      FILES,
    );

  test('holds every workload and every connection', async () => {
    const reach = closed();
    const svg = await reachSvg(reach);
    const titles = [...svg.matchAll(/<g id="(node|edge)[0-9]+"/g)].map(([, kind]) => kind);
    expect(titles.filter((kind) => kind === 'edge')).toHaveLength([...reach.connections()].length);
    const ends = new Set([...reach.connections()].flatMap(({ src, dst }) => [src, dst]));
    for (const { name } of reach.workloads) ends.add(name);
    expect(titles.filter((kind) => kind === 'node')).toHaveLength(ends.size);
    expect(svg).toMatch(/<text [^>]*>TCP 5432<\/text>/);
    expect(svg).toMatch(/^<\?xml[\s\S]*<\/svg>\s*$/);
  });

  test.each([
    '</text><script>alert(1)</script>',
    '"];x->y[label="',
    '&lt;script&gt;',
    '<b>bold</b>',
    'back\\slash\\N',
    '\u001b[2J\u202e',
    'ünïcode',
  ])('%j as a name is text', async (name) => {
    const [object] = parseManifests(workload('shop', 'web', '{containerPort: 1}'));
    const made = { ...object!, metadata: { name, namespace: 'shop' } };
    const other = { ...object!, metadata: { name: 'other', namespace: name } };
    const svg = await reachSvg(reachOf([made, other], FILES));
    expect(
      [...svg.matchAll(/<([a-zA-Z]+)/g)].map(([, tag]) => tag).filter((tag) => !SVG_TAGS.includes(tag!)),
    ).toEqual([]);
    expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    // Two of them, and what is outside of the cluster.
    expect(svg.match(/<g id="node/g)).toHaveLength(3);
  });

  test('too much is counted, not drawn', () => {
    expect(tooLargeToDraw(workloads(20))).toBeUndefined();
    expect(tooLargeToDraw(workloads(30))).toBe('more than 500 connections');
    expect(tooLargeToDraw(workloads(3), { connections: 500, workloads: 2 })).toBe('3 workloads');
  });
});

const SVG_TAGS = ['svg', 'g', 'title', 'polygon', 'path', 'text', 'ellipse', 'polyline', 'DOCTYPE'];
