import type { Manifest } from '../../src/model/manifest.js';
import { FILES, reachOf } from '../../src/reach/index.js';

const object = (apiVersion: string, kind: string, name: string, spec: object): Manifest => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'shop' },
  spec,
});
const WEB: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'main',
            ports: [
              { containerPort: 8080, name: 'http' },
              { containerPort: 8443, name: 'https', protocol: 'TCP' },
              { containerPort: 5353, name: 'dns', protocol: 'UDP' },
            ],
          },
        ],
      },
    },
  },
};
const service = (ports: object[], selector: object | undefined = { app: 'web' }) =>
  object('v1', 'Service', 'web', { selector, ports });
const ingress = (port: object) =>
  object('networking.k8s.io/v1', 'Ingress', 'entry', {
    rules: [{ http: { paths: [{ backend: { service: { name: 'web', port } } }] } }],
  });
const route = (spec: object) =>
  object('route.openshift.io/v1', 'Route', 'entry', { to: { kind: 'Service', name: 'web' }, ...spec });
const policy = (rule: object) =>
  object('networking.k8s.io/v1', 'NetworkPolicy', 'web', { podSelector: {}, ingress: [rule] });

const HTTP = { name: 'plain', port: 80, targetPort: 'http' };
const HTTPS = { name: 'tls', port: 443, targetPort: 8443 };

describe('EndpointSlices only add', () => {
  const BARE: Manifest = object('v1', 'Service', 'web', {
    ports: [
      { name: 'plain', port: 80 },
      { name: 'tls', port: 443 },
    ],
  });
  const pod = (name: string, podIP: string, spec: object = {}): Manifest => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels: { app: name } },
    spec: { containers: [{ name: 'main' }], ...spec },
    status: { podIP, podIPs: [{ ip: podIP }] },
  });
  const slice = (endpoints: object[], ports: object[], service = 'web', apiVersion = 'discovery.k8s.io/v1') =>
    ({
      apiVersion,
      kind: 'EndpointSlice',
      metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      endpoints,
      ports,
    }) as Manifest;
  const OLD: Manifest = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'web', namespace: 'shop' },
    subsets: [{ addresses: [{ ip: '10.0.0.7' }], ports: [{ name: 'plain', port: 9000 }] }],
  };
  const BY_ADDRESS = [{ addresses: ['10.0.0.7'] }];
  const PLAIN = [{ name: 'plain', port: 9000 }];
  const DB = 'shop/db[Pod]';

  test.each<[string, Manifest[], readonly string[]]>([
    ['a pod by address', [BARE, slice(BY_ADDRESS, PLAIN)], [`${DB} TCP 9000`]],
    [
      'the first version of the kind',
      [BARE, slice(BY_ADDRESS, PLAIN, 'web', 'discovery.k8s.io/v1beta1')],
      [`${DB} TCP 9000`],
    ],
    ['Endpoints', [BARE, OLD], [`${DB} TCP 9000`]],
    [
      'a pod by name, whatever address stands there',
      [BARE, slice([{ addresses: ['10.9.9.9'], targetRef: { kind: 'Pod', name: 'db' } }], PLAIN)],
      [`${DB} TCP 9000`],
    ],
    ['another port of the Service', [BARE, slice(BY_ADDRESS, [{ name: 'tls', port: 9443 }])], []],
    ['another Service', [BARE, slice(BY_ADDRESS, PLAIN, 'other')], []],
    ['UDP', [BARE, slice(BY_ADDRESS, [{ ...PLAIN[0], protocol: 'UDP' }])], []],
    ['an address that is no pod', [BARE, slice([{ addresses: ['192.0.2.1'] }], PLAIN)], []],
    [
      'what is no address and no port',
      [BARE, slice([{ addresses: ['x', 7] }, {}], [{ name: 'plain', port: 'x' }, {}])],
      [],
    ],
    [
      'a node, not the pod on its network',
      [BARE, slice([{ addresses: ['10.1.0.1'] }], PLAIN), pod('agent', '10.1.0.1', { hostNetwork: true })],
      [],
    ],
    ['a policy still decides', [BARE, slice(BY_ADDRESS, PLAIN), policy({ ports: [{ port: 1 }] })], []],
    [
      'beside what a selector finds',
      [service([{ ...HTTP }]), slice(BY_ADDRESS, PLAIN)],
      [`${DB} TCP 9000`, 'shop/web[Deployment] TCP 8080'],
    ],
  ])('%s', (_, objects, expected) => {
    const all = [WEB, pod('db', '10.0.0.7'), ingress({ number: 80 }), ...objects];
    const lines = [...reachOf(all, FILES).connections()].filter(({ src }) => src === '{ingress-controller}');
    expect(lines.map(({ dst, conn }) => `${dst} ${conn}`).sort()).toEqual(expected);
  });
});

describe('what Ingress and Route expose', () => {
  test.each<[string, Manifest[], string | undefined]>([
    ['by number of the Service port', [service([HTTP, HTTPS]), ingress({ number: 80 })], 'TCP 8080'],
    ['by name of the Service port', [service([HTTP, HTTPS]), ingress({ name: 'tls' })], 'TCP 8443'],
    ['without targetPort it is the port', [service([{ port: 8080 }]), ingress({ number: 8080 })], 'TCP 8080'],
    ['a port that the Service lacks', [service([HTTP]), ingress({ number: 81 })], undefined],
    [
      'a port that is UDP on the pod',
      [service([{ port: 53, targetPort: 'dns' }]), ingress({ number: 53 })],
      undefined,
    ],
    ['a Service that is not there', [ingress({ number: 80 })], undefined],
    [
      'a Service without selector',
      [service([HTTP], undefined), ingress({ number: 80 })].map((o) =>
        o.kind === 'Service' ? { ...o, spec: { ports: [HTTP] } } : o,
      ),
      undefined,
    ],
    [
      'the default backend',
      [
        service([HTTP]),
        object('networking.k8s.io/v1', 'Ingress', 'entry', {
          defaultBackend: { service: { name: 'web', port: { number: 80 } } },
        }),
      ],
      'TCP 8080',
    ],
    [
      'the form of v1beta1',
      [
        service([HTTP]),
        object('networking.k8s.io/v1beta1', 'Ingress', 'entry', {
          backend: { serviceName: 'web', servicePort: 80 },
        }),
      ],
      'TCP 8080',
    ],
    ['a Route to all ports', [service([HTTP, HTTPS]), route({})], 'TCP 8080,8443'],
    ['a Route by target port', [service([HTTP, HTTPS]), route({ port: { targetPort: 8443 } })], 'TCP 8443'],
    [
      'a Route to something else',
      [service([HTTP]), route({ to: { kind: 'Other', name: 'web' } })],
      undefined,
    ],
    [
      'a Route with alternate backends',
      [
        service([HTTP]),
        route({ to: { name: 'gone' }, alternateBackends: [{ kind: 'Service', name: 'web' }] }),
      ],
      'TCP 8080',
    ],
    [
      'policies that let everybody in on one port',
      [service([HTTP, HTTPS]), route({}), policy({ ports: [{ port: 8443 }] })],
      'TCP 8443',
    ],
    [
      'policies that let the namespace in only',
      [service([HTTP]), ingress({ number: 80 }), policy({ from: [{ podSelector: {} }] })],
      undefined,
    ],
    [
      'policies that let every namespace in',
      [service([HTTP]), ingress({ number: 80 }), policy({ from: [{ namespaceSelector: {} }] })],
      'TCP 8080',
    ],
  ])('%s', (_, objects, conn) => {
    const lines = [...reachOf([WEB, ...objects], FILES).connections()].filter(
      ({ src }) => src === '{ingress-controller}',
    );
    expect(lines).toEqual(
      conn === undefined ? [] : [{ src: '{ingress-controller}', dst: 'shop/web[Deployment]', conn }],
    );
  });
});
