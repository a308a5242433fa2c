import type { Manifest } from '../../src/model/manifest.js';
import { refused } from '../../src/model/validation/refused.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';

const reason = missingReal();

const labels = { app: 'a' };
const podSpec = (port: object = {}) => ({
  containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, ...port }] }],
});
const POD = (metadata: object = {}, port: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'default', labels, ...metadata },
  spec: podSpec(port),
});
const SERVICE = (spec: object = {}, metadata: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', namespace: 'default', ...metadata },
  spec: { selector: labels, ports: [{ port: 80 }], ...spec },
});
const DEPLOYMENT = (template: object = {}, port: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'default' },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels, ...template }, spec: podSpec(port) },
  },
});
const INGRESS = (port: object): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'a', namespace: 'default' },
  spec: { defaultBackend: { service: { name: 'a', port } } },
});
const named = (apiVersion: string, kind: string, name: string, more: object = {}): Manifest => ({
  apiVersion,
  kind,
  metadata: { name },
  ...more,
});
const LISTS: Readonly<Record<string, string>> = {
  Pod: '/api/v1/namespaces/default/pods',
  Service: '/api/v1/namespaces/default/services',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
  Namespace: '/api/v1/namespaces',
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
};
const LONG = 'a'.repeat(64);

/** Each is right but for one thing, or right altogether: the server is asked which. */
const CASES: readonly Manifest[] = [
  POD(),
  ...['Web', 'a_b', 'a.b', '-a', 'a b', 'a'.repeat(253), 'a'.repeat(254)].map((name) => POD({ name })),
  ...[{ 'a b': 'c' }, { 'a/b/c': 'd' }, { [LONG]: 'd' }, { 'A.b/c': 'd' }, { a: 'b c' }, { a: LONG }].map(
    (more) => POD({ labels: { ...labels, ...more } }),
  ),
  ...[{ a: '' }, { a: null }, { a: 1 }, { a: true }, { 'a.b/C_d.e': 'F_g.h-i' }].map((more) =>
    POD({ labels: { ...labels, ...more } }),
  ),
  POD({ labels: ['a'] }),
  ...[0, 1, 65_535, 65_536, 80.5, '80', -1].map((containerPort) => POD({}, { containerPort })),
  ...['http', 'a-name-of-more-than-15', 'HTTP', '80', 'a_b', 'a--b', ''].map((name) => POD({}, { name })),
  ...['TCP', 'SCTP', 'tcp', 'ICMP'].map((protocol) => POD({}, { protocol })),
  ...[0, 70_000].map((hostPort) => POD({}, { hostPort })),
  DEPLOYMENT({ labels: { ...labels, b: 'c d' } }),
  DEPLOYMENT({}, { containerPort: 70_000 }),
  DEPLOYMENT(),
  ...['a', 'a.b', 'A', LONG].map((name) => SERVICE({}, { name })),
  ...[{ app: 'a b' }, { 'a b': 'c' }, { app: 1 }, 'app', {}, null].map((selector) => SERVICE({ selector })),
  ...[0, 70_000, '80', 80.5].map((port) => SERVICE({ ports: [{ port }] })),
  ...[70_000, 'http', 'a_b', '8080', 0].map((targetPort) => SERVICE({ ports: [{ port: 80, targetPort }] })),
  ...['HTTP', 'UDP'].map((protocol) => SERVICE({ ports: [{ port: 80, protocol }] })),
  ...['NodePorts', 'NodePort', 'ClusterIP'].map((type) => SERVICE({ type })),
  SERVICE({ ports: [] }),
  SERVICE({ ports: [], clusterIP: 'None' }),
  SERVICE({
    ports: [
      { port: 80, name: 'a' },
      { port: 81, name: 'a' },
    ],
  }),
  SERVICE({
    ports: [
      { port: 80, name: 'a' },
      { port: 80, name: 'b' },
    ],
  }),
  SERVICE({
    ports: [
      { port: 80, name: 'a' },
      { port: 80, name: 'b', protocol: 'UDP' },
    ],
  }),
  SERVICE({ ports: [{ port: 80, name: 'A' }] }),
  ...['old.example.net', 'old.example.net.', 'http://a', undefined].map((externalName) =>
    SERVICE({ type: 'ExternalName', externalName, selector: undefined, ports: [] }),
  ),
  ...[{ number: 80 }, { number: 70_000 }, { name: 'http' }, { name: 'a_b' }].map(INGRESS),
  ...['a', 'a.b', 'A', LONG].map((name) => named('v1', 'Namespace', name)),
  ...['a.b', 'A'].map((name) => named('v1', 'ConfigMap', name)),
  ...['system:A b', 'a/b', 'a%b'].map((name) => named('rbac.authorization.k8s.io/v1', 'ClusterRole', name)),
];

(reason === undefined ? describe : describe.skip)(
  `what is refused in files, the API server refuses${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let cluster: RealCluster;
    beforeAll(async () => {
      cluster = await startReal({ flags: { 'disable-admission-plugins': 'ServiceAccount' } });
    }, 120_000);
    afterAll(() => cluster?.stop(), 60_000);

    test('and what is taken, it takes', async () => {
      const different: unknown[] = [];
      for (const body of CASES) {
        const list = LISTS[body.kind] ?? '';
        const answer = await request(cluster, { method: 'POST', path: `${list}?dryRun=All`, body });
        const server = answer.status >= 400;
        const ours = refused(body);
        if (server !== ours.length > 0)
          different.push({ body, ours, status: answer.status, server: answer.text.slice(0, 400) });
      }
      expect(different).toEqual([]);
    }, 120_000);
  },
);
