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
