import path from 'node:path';
import { declaredText, observedConnections } from '../../src/declared/index.js';
import { readFlows } from '../../src/host/flows.js';
import type { Manifest } from '../../src/model/manifest.js';
import { FIXTURES, parseManifests } from '../support/golden.js';

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
const PARTNER = 'shop/web[Deployment] => api.partner.net : TCP 443';
const SELF = 'shop/web[Deployment] => shop/web[Deployment] : TCP 8080';

test.each<[string, string[], number]>([
  [
    'hubble.jsonl',
    [
      `${DB} 5432`,
      PARTNER,
      'shop/web[Deployment] => {kubernetes-api} : TCP 6443',
      '{nodes} => shop/web[Deployment] : TCP 8080',
      SELF,
    ],
    0,
  ],
  [
    'calico.log',
    [
      `${DB} 5432`,
      `${DB} 9187`,
      PARTNER,
      '{outside} => shop/web[Deployment] : TCP 8080',
      'shop/report[CronJob] => shop/db[StatefulSet] : TCP 5432',
      '{nodes} => shop/db[StatefulSet] : TCP',
    ],
    1,
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
  const observed = observedConnections(log, CLUSTER);
  expect(observed.connections.map(declaredText).sort()).toEqual([...expected].sort());
  expect(observed.unmatched).toHaveLength(unmatched);
  for (const { why, evidence } of observed.connections) {
    expect(why).toBe('observed');
    expect(evidence.object.name).toContain(file);
    expect(evidence.field).toMatch(/^line [0-9]+$/);
  }
});
