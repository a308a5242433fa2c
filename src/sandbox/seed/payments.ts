import type { Manifest } from '../../model/manifest.js';
import { accountTokens, helmHistory, opaque, type Part, registry, tls } from './build.js';

/** A policy as somebody wrote it: `policyType` is no field, was dropped, and left egress open. */
const WRITTEN = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { annotations: {}, name: 'default-deny', namespace: 'payments' },
  spec: { podSelector: {}, policyType: ['Ingress', 'Egress'] },
};

const policies: readonly Manifest[] = [
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name: 'default-deny',
      namespace: 'payments',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(WRITTEN)}\n` },
    },
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'allow-api', namespace: 'payments' },
    spec: {
      podSelector: { matchLabels: { app: 'payments-api' } },
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { team: 'storefront' } } },
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } },
          ],
          ports: [{ port: 8080 }],
        },
      ],
      policyTypes: ['Ingress'],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'allow-database', namespace: 'payments' },
    spec: {
      podSelector: { matchLabels: { app: 'payments-db' } },
      ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 5432 }] }],
      policyTypes: ['Ingress'],
    },
  },
];

/** The payments team: thinks that it is locked down. */
export const payments: Part = {
  namespaces: [{ name: 'payments', labels: { team: 'payments', 'cost-center': '4711' } }],
  workloads: [
    {
      namespace: 'payments',
      name: 'payments-api',
      replicas: 2,
      labels: { team: 'payments' },
      serviceAccount: 'payments-api',
      containers: [
        {
          image: 'registry.example.com/payments/api:7.0.2',
          ports: { http: 8080 },
          env: { DB_HOST: 'payments-db', ACQUIRER_URL: 'https://api.acquirer.example' },
          secretEnv: { DB_PASSWORD: 'payments-db/password', ACQUIRER_KEY: 'acquirer/key' },
          requests: { cpu: '200m', memory: '256Mi' },
          limits: { memory: '512Mi' },
        },
      ],
    },
    {
      namespace: 'payments',
      name: 'settlement-worker',
      labels: { team: 'payments' },
      containers: [
        {
          image: 'registry.example.com/payments/settlement:3.3.0',
          env: { DB_HOST: 'payments-db', BANK_SFTP: 'sftp.bank.example:22' },
          secretEnv: { DB_PASSWORD: 'payments-db/password' },
        },
      ],
    },
    {
      kind: 'StatefulSet',
      namespace: 'payments',
      name: 'payments-db',
      labels: { team: 'payments' },
      containers: [
        {
          image: 'docker.io/library/postgres:16',
          ports: { postgres: 5432 },
          secretEnv: { POSTGRES_PASSWORD: 'payments-db/password' },
          requests: { cpu: '500m', memory: '1Gi' },
          limits: { memory: '2Gi' },
        },
      ],
    },
  ],
  services: [
    {
      namespace: 'payments',
      name: 'payments-api',
      selector: { app: 'payments-api' },
      ports: [{ name: 'http', port: 8080 }],
    },
    {
      namespace: 'payments',
      name: 'payments-db',
      selector: { app: 'payments-db' },
      clusterIP: 'None',
      ports: [{ name: 'postgres', port: 5432 }],
    },
  ],
  secrets: [
    opaque('payments', 'payments-db', 'user', 'password'),
    { ...opaque('payments', 'acquirer', 'key', 'merchant-id'), applied: true },
    opaque('payments', 'card-vault', 'kek', 'hmac'),
    opaque('payments', 'bank-sftp', 'id_ed25519', 'known_hosts'),
    tls('payments', 'payments-internal'),
    registry('payments'),
    ...accountTokens('payments', 'default', 'payments-api', 'settlement'),
    ...['payments-api', 'settlement-worker', 'payments-db'].flatMap((release) =>
      helmHistory('payments', release, 10),
    ),
    ...Array.from({ length: 30 }, (_, index) => tls('payments', `merchant-${String(1001 + index)}`)),
  ],
  objects: [
    ...policies,
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'defaults', namespace: 'payments' },
      spec: { limits: [{ type: 'Container', max: { memory: '4Gi' }, defaultRequest: { memory: '128Mi' } }] },
    },
  ],
};
