import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from '../../src/cli/parse.js';
import { reach } from '../../src/commands/reach.js';
import { writtenIo } from '../support/written-io.js';

/** Forms in which policies and workloads come, each as a file, and what `reach` prints of it by the documentation. */
interface Case {
  name: string;
  manifest: string;
  flags?: readonly string[];
  lines: readonly string[];
}

const pod = (name: string, more = '', namespace = 'a') =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: ${namespace}, labels: {app: ${name}}}, ${more}}`;
const ports = (...list: string[]) => `spec: {containers: [{name: c, ports: [${list.join(', ')}]}]}`;
const at = (ip: string) => `status: {podIPs: [{ip: ${ip}}]}`;
const policy = (spec: string, namespace = 'a') =>
  `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: ${namespace}}, spec: ${spec}}`;
const cluster = (kind: string, name: string, spec: string) =>
  `{apiVersion: policy.networking.k8s.io/${kind === 'ClusterNetworkPolicy' ? 'v1alpha2' : 'v1alpha1'}, kind: ${kind}, metadata: {name: ${name}}, spec: ${spec}}`;
const file = (...documents: string[]) => documents.join('\n---\n');
const ALL = '0.0.0.0-255.255.255.255[External]';
/** What pods that nothing closes have with everything outside. */
const outside = (...names: string[]) =>
  names.flatMap((name) => [`${name} => ${ALL} : All Connections`, `${ALL} => ${name} : All Connections`]);

const CASES: readonly Case[] = [
  {
    name: 'lists of kinds, lists in lists, selectors that are null',
    manifest: file(
      '{apiVersion: v1, kind: PodList, items: [{metadata: {name: x, namespace: a}}]}',
      `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [${pod('y')}]}]}`,
      `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicyList, items: [{metadata: {name: p, namespace: a}, spec: {podSelector: null, policyTypes: [Egress, Ingress], egress: [{to: null, ports: null}], ingress: [{from: [{podSelector: {matchLabels: null, matchExpressions: null}}]}]}}]}`,
    ),
    lines: [
      'a/x[Pod] => a/y[Pod] : All Connections',
      'a/y[Pod] => a/x[Pod] : All Connections',
      `a/x[Pod] => ${ALL} : All Connections`,
      `a/y[Pod] => ${ALL} : All Connections`,
    ],
  },
  {
    name: 'named ports are those of each destination, by protocol; SCTP; endPort',
    manifest: file(
      pod('x', ports('{name: main, containerPort: 80}')),
      pod('y', ports('{name: main, containerPort: 8080}', '{name: main2, containerPort: 99, protocol: UDP}')),
      pod('z', ports('{name: main, containerPort: 5, protocol: UDP}')),
      policy(
        '{podSelector: {}, policyTypes: [Ingress, Egress], egress: [{ports: [{port: main}, {protocol: SCTP, port: 1, endPort: 9}]}], ingress: [{from: [{podSelector: {}}]}]}',
      ),
    ),
    lines: [
      'a/x[Pod] => a/y[Pod] : SCTP 1-9,TCP 8080',
      'a/x[Pod] => a/z[Pod] : SCTP 1-9',
      'a/y[Pod] => a/x[Pod] : SCTP 1-9,TCP 80',
      'a/y[Pod] => a/z[Pod] : SCTP 1-9',
      'a/z[Pod] => a/x[Pod] : SCTP 1-9,TCP 80',
      'a/z[Pod] => a/y[Pod] : SCTP 1-9,TCP 8080',
      ...['x', 'y', 'z'].map((one) => `a/${one}[Pod] => ${ALL} : SCTP 1-9`),
    ],
  },
  {
    name: 'Admin before NetworkPolicy before Baseline: the lowest number first, Pass goes on, the rest of a rule stays',
    manifest: file(
      pod('x'),
      pod('y', '', 'b'),
      cluster(
        'AdminNetworkPolicy',
        'late',
        '{priority: 9, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}',
      ),
      cluster(
        'AdminNetworkPolicy',
        'soon',
        '{priority: 3, subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: a}}}, ingress: [{action: Pass, from: [{namespaces: {}}], ports: [{portRange: {protocol: TCP, start: 80, end: 90}}]}, {action: Allow, from: [{namespaces: {}}], ports: [{portNumber: {protocol: UDP, port: 53}}]}]}',
      ),
      cluster(
        'BaselineAdminNetworkPolicy',
        'default',
        '{subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portNumber: {protocol: TCP, port: 81}}]}]}',
      ),
    ),
    lines: ['b/y[Pod] => a/x[Pod] : TCP 80,82-90,UDP 53', ...outside('a/x[Pod]', 'b/y[Pod]')],
  },
  {
    name: 'ClusterNetworkPolicy: tiers and protocols',
    manifest: file(
      pod('x', ports('{name: web, containerPort: 80}')),
      pod('y', '', 'b'),
      cluster(
        'ClusterNetworkPolicy',
        'base',
        '{tier: Baseline, priority: 0, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}',
      ),
      cluster(
        'ClusterNetworkPolicy',
        'admin',
        '{tier: Admin, priority: 1000, subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: x}}}}, ingress: [{action: Accept, from: [{namespaces: {}}], protocols: [{destinationNamedPort: web}, {sctp: {}}, {udp: {destinationPort: {range: {start: 5, end: 6}}}}]}]}',
      ),
    ),
    lines: ['b/y[Pod] => a/x[Pod] : SCTP 1-65535,TCP 80,UDP 5-6', ...outside('a/x[Pod]', 'b/y[Pod]')],
  },
  {
    name: 'networks: pods by address as well as what is outside',
    manifest: file(
      pod('x', at('10.0.0.1')),
      pod('y', at('10.0.0.2')),
      pod('z', at('10.9.0.3')),
      cluster(
        'ClusterNetworkPolicy',
        'ranges',
        '{tier: Admin, priority: 1, subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: x}}}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/16]}]}]}',
      ),
    ),
    lines: [
      'a/x[Pod] => a/z[Pod] : All Connections',
      ...['y', 'z'].flatMap((from) =>
        ['x', 'y', 'z'].flatMap((to) =>
          from === to ? [] : [`a/${from}[Pod] => a/${to}[Pod] : All Connections`],
        ),
      ),
      ...['x', 'y', 'z'].flatMap((one) => [
        `a/${one}[Pod] => 0.0.0.0-9.255.255.255[External] : All Connections`,
        ...(one === 'x' ? [] : [`a/${one}[Pod] => 10.0.0.0-10.0.255.255[External] : All Connections`]),
        `a/${one}[Pod] => 10.1.0.0-255.255.255.255[External] : All Connections`,
        `${ALL} => a/${one}[Pod] : All Connections`,
      ]),
    ],
  },
  {
    name: 'domain names, by the addresses that are given',
    flags: ['--resolve', 'www.example.com=192.0.2.7', '--resolve', 'example.org=192.0.2.9'],
    manifest: file(
      pod('x'),
      cluster(
        'ClusterNetworkPolicy',
        'names',
        '{tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Accept, to: [{domainNames: ["*.example.com"]}], protocols: [{tcp: {destinationPort: {number: 443}}}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}]}',
      ),
    ),
    lines: ['a/x[Pod] => 192.0.2.7-192.0.2.7[External] : TCP 443', `${ALL} => a/x[Pod] : All Connections`],
  },
  {
    name: 'an Ingress to a Service without selector, and a Route',
    manifest: file(
      pod('x', `${ports('{containerPort: 8080}')}, ${at('10.0.0.1')}`),
      pod('y', ports('{containerPort: 9090, name: web}')),
      '{apiVersion: v1, kind: Service, metadata: {name: manual, namespace: a}, spec: {ports: [{port: 80}]}}',
      '{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: manual-1, namespace: a, labels: {kubernetes.io/service-name: manual}}, addressType: IPv4, ports: [{port: 8080}], endpoints: [{addresses: [10.0.0.1]}]}',
      '{apiVersion: v1, kind: Service, metadata: {name: y, namespace: a}, spec: {selector: {app: y}, ports: [{port: 80, targetPort: web}]}}',
      '{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: a}, spec: {defaultBackend: {service: {name: manual, port: {number: 80}}}}}',
      '{apiVersion: route.openshift.io/v1, kind: Route, metadata: {name: r, namespace: a}, spec: {to: {kind: Service, name: y}}}',
      policy('{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}'),
    ),
    lines: [
      'a/x[Pod] => a/y[Pod] : All Connections',
      'a/y[Pod] => a/x[Pod] : All Connections',
      `a/x[Pod] => ${ALL} : All Connections`,
      `a/y[Pod] => ${ALL} : All Connections`,
      '{ingress-controller} => a/x[Pod] : TCP 8080',
      '{ingress-controller} => a/y[Pod] : TCP 9090',
    ],
  },
  {
    name: 'pods of one owner whose labels differ are open where one of them is',
    manifest: file(
      ...['one', 'two'].map(
        (name) =>
          `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: a, labels: {app: ${name}}, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: j, uid: u, controller: true}]}}`,
      ),
      pod('x'),
      policy('{podSelector: {matchLabels: {app: one}}, ingress: []}'),
    ),
    lines: [
      'a/j[Job] => a/x[Pod] : All Connections',
      'a/x[Pod] => a/j[Job] : All Connections',
      ...outside('a/j[Job]', 'a/x[Pod]'),
    ],
  },
];

test.each(CASES)('$name', async ({ manifest, flags = [], lines }) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'forms-'));
  try {
    const from = path.join(directory, 'all.yaml');
    writeFileSync(from, manifest);
    const { io, written } = writtenIo();
    const command = parse(['reach', '--from', from, ...flags], {}, { stdin: false, stdout: false }, []);
    if (command.name !== 'reach') throw new Error(JSON.stringify(command));
    expect([await reach(command, io), written.stderr]).toEqual([0, '']);
    expect(written.stdout.split('\n').filter(Boolean).sort()).toEqual([...lines].sort());
  } finally {
    rmSync(directory, { recursive: true });
  }
});
