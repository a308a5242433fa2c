import type { Manifest } from '../model/manifest.js';
import type { Api } from './api.js';
import { resourceOf } from './resources.js';
import { newUid } from './store.js';

/**
 * Makes the Service `default/kubernetes` lead to this server, as every API server does for itself when it starts: the
 * port is another one in each run.
 */
export function showOwnAddress(api: Api, port: number): void {
  const put = (manifest: Manifest): void => {
    const resource = resourceOf(manifest)!;
    const live = api.store.get(resource, 'default', 'kubernetes')?.object;
    const metadata = {
      uid: newUid(),
      creationTimestamp: '2025-02-03T08:00:00Z',
      ...live?.metadata,
      ...manifest.metadata,
    };
    api.write(resource, { ...live, ...manifest, metadata });
  };
  const ip = '127.0.0.1';
  put({
    kind: 'Service',
    apiVersion: 'v1',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
    },
    status: { loadBalancer: {} },
  });
  put({
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: [{ ip }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  });
  put({
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'kubernetes' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  });
}
