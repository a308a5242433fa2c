import path from 'node:path';
import { declarations, declaredText, observedConnections } from '../../src/declared/index.js';
import { readFlows } from '../../src/host/flows.js';
import type { Manifest } from '../../src/model/manifest.js';
import { flowLog } from '../support/flows.js';
import { FIXTURES, parseManifests } from '../support/golden.js';
import { snapshotOf } from '../support/snapshot.js';

const CLUSTER: readonly Manifest[] = parseManifests(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  {name: web-6d4b75cb6d, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: '', controller: true}]}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-6d4b75cb6d-x2x9z
  namespace: shop
  labels: {app: web}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-6d4b75cb6d, uid: '', controller: true}]
spec: {containers: [{name: c}]}
status: {podIP: 10.0.1.5}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: db-0
  namespace: shop
  labels: {app: db}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: '', controller: true}]
spec: {containers: [{name: c}]}
status: {podIP: 10.0.2.7}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report, namespace: shop}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: report}}, spec: {containers: [{name: c}]}}}}}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {clusterIP: 10.96.0.5, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.1.0.1}]}
`);

const DB = 'shop/web[Deployment] => shop/db[StatefulSet] : TCP';
/** By its name where the log has nothing else; an allow can hold the address only. */
const PARTNER = 'shop/web[Deployment] => api.partner.net : TCP 443';
const PARTNER_ADDRESS = 'shop/web[Deployment] => 203.0.113.8 : TCP 443';
const SELF = 'shop/web[Deployment] => shop/web[Deployment] : TCP 8080';

test.each<[string, string[], number]>([
  [
    'hubble.jsonl',
    [`${DB} 5432`, PARTNER_ADDRESS, 'shop/web[Deployment] => {kubernetes-api} : TCP 6443', SELF],
    0,
  ],
  [
    'calico.log',
    [
      `${DB} 5432`,
      `${DB} 9187`,
      PARTNER_ADDRESS,
      '{outside} => shop/web[Deployment] : TCP 8080',
      'shop/report[CronJob] => shop/db[StatefulSet] : TCP 5432',
    ],
    // A workload that is gone; a node on a port that is not said.
    2,
  ],
  [
    'flows.csv',
    [
      `${DB} 5432`,
      `${DB} 9187`,
      `${DB} 5433`,
      'shop/report[CronJob] => 192.0.2.10 : UDP 514',
      '{outside} => shop/web[Deployment] : TCP 8080',
      PARTNER,
      SELF,
    ],
    0,
  ],
])('%s: connections between workloads', async (file, expected, unmatched) => {
  const log = await readFlows(path.join(FIXTURES, 'flows', file));
  const { connections, observed } = observedConnections([log], CLUSTER);
  expect(connections.map(declaredText).sort()).toEqual([...expected].sort());
  expect(observed[0]?.unmatched).toHaveLength(unmatched);
  for (const { why, evidence } of connections) {
    expect(why).toBe('observed');
    expect(evidence.object.name).toContain(file);
    expect(evidence.field).toMatch(/^line [0-9]+$/);
  }
});

test('evidence: how often, when, first line; flows of several pods are one connection of their workload', () => {
  const { connections, observed } = observedConnections(
    [
      flowLog([
        'shop/web-6d4b75cb6d-x2x9z,shop/db-0,TCP,5432',
        'shop/web-6d4b75cb6d-gone1,shop/db-1,TCP,5432',
      ]),
    ],
    CLUSTER,
  );
  expect(connections.map(({ evidence }) => evidence)).toEqual([
    {
      object: { apiVersion: '', kind: 'File', name: 'seen.csv' },
      field: 'line 1',
      value:
        '4 lines, 1970-01-01T00:00Z to 1970-01-01T00:01Z: shop/web-6d4b75cb6d-x2x9z -> shop/db-0 TCP 5432',
    },
  ]);
  expect(observed).toMatchObject([{ connections: 1, undeclared: 1, unmatched: [] }]);
});

test('what an object declares keeps its own evidence; a flow log adds the rest', () => {
  const web = parseManifests(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: caller, namespace: shop}
spec: {template: {metadata: {labels: {app: caller}}, spec: {containers: [{name: c, env: [{name: WEB, value: 'http://front:80'}]}]}}}
`);
  const log = flowLog(['shop/caller,shop/web,TCP,8080', 'shop/caller,shop/db,TCP,5432']);
  const now = { ...snapshotOf({ objects: [...CLUSTER, ...web] }), observed: [log] };
  const said = declarations(now);
  const caller = said.connections.filter(
    ({ source, why }) => source.kind === 'workload' && source.ref.name === 'caller' && why !== 'dns',
  );
  expect(caller.map((flow) => [declaredText(flow), flow.why])).toEqual([
    [`shop/caller[Deployment] => shop/db[StatefulSet] : TCP 5432`, 'observed'],
    [`shop/caller[Deployment] => shop/web[Deployment] : TCP 8080`, 'config'],
  ]);
  expect(said.observed).toMatchObject([{ connections: 2, undeclared: 1 }]);
});

test('more addresses than a policy can list are one destination: outside', () => {
  const many = Array.from({ length: 101 }, (_, i) => `shop/web,203.0.113.${i},TCP,443`);
  const few = ['shop/web,198.51.100.7,TCP,587'];
  const { connections } = observedConnections([flowLog([...many, ...few])], CLUSTER);
  expect(connections.map(declaredText).sort()).toEqual([
    'shop/web[Deployment] => 198.51.100.7 : TCP 587',
    'shop/web[Deployment] => {outside} : TCP 443',
  ]);
  expect(connections.find(({ destination }) => destination.kind === 'outside')?.evidence.value).toMatch(
    /^202 lines.*shop\/web -> 101 addresses TCP 443$/,
  );
});
