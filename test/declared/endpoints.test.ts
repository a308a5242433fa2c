import { declaredConnections, declaredText } from '../../src/declared/index.js';
import { parseManifests } from '../support/golden.js';

const CALLER = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {dnsPolicy: Default, containers: [{name: c, env: [{name: DB, value: 'db:5432'}]}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {template: {metadata: {labels: {app: db}}, spec: {dnsPolicy: Default, containers: [{name: c}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: db-0
  namespace: shop
  labels: {app: db}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: '', controller: true}]
spec: {dnsPolicy: Default, containers: [{name: c}]}
status: {podIP: 10.0.2.7}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.1.0.1}]}
`;
const BARE =
  'apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {ports: [{name: pg, port: 5432}]}';
const SELECTS = BARE.replace('spec: {', 'spec: {selector: {app: db}, ');
const slice = (endpoints: string, ports = '[{name: pg, port: 15432}]') =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}\nendpoints: ${endpoints}\nports: ${ports}`;
const POD = '{addresses: [10.0.2.7], targetRef: {kind: Pod, name: db-0}}';

test.each<[string, string[], string[]]>([
  ['no selector: a pod by name', [BARE, slice(`[${POD}]`)], ['shop/db[StatefulSet] : TCP 15432']],
  [
    'no selector: a pod by address',
    [BARE, slice('[{addresses: [10.0.2.7]}]')],
    ['shop/db[StatefulSet] : TCP 15432'],
  ],
  [
    'no selector: addresses outside',
    [BARE, slice('[{addresses: [192.0.2.7, 192.0.2.8]}]')],
    ['192.0.2.7 : TCP 15432', '192.0.2.8 : TCP 15432'],
  ],
  ['no selector: a node', [BARE, slice('[{addresses: [10.1.0.1]}]')], ['{nodes} : TCP 15432']],
  ['no selector: another port', [BARE, slice(`[${POD}]`, '[{name: other, port: 1}]')], []],
  [
    'a selector and an address beside it',
    [SELECTS, slice('[{addresses: [192.0.2.7]}]')],
    ['192.0.2.7 : TCP 15432', 'shop/db[StatefulSet] : TCP 5432'],
  ],
  [
    'a selector: what the slice says of its pods adds nothing',
    [SELECTS, slice(`[${POD}]`)],
    ['shop/db[StatefulSet] : TCP 5432'],
  ],
])('%s', (_, documents, expected) => {
  const objects = parseManifests([CALLER, ...documents].join('\n---\n'));
  const found = declaredConnections(objects).filter(
    ({ source }) => source.kind === 'workload' && source.ref.name === 'web',
  );
  expect(found.map((flow) => declaredText(flow).split(' => ')[1]).sort()).toEqual(expected);
});
