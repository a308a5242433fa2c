import { accountTokens, helmHistory, opaque, type Part, registry } from './build.js';

/** The analytics team with a quota that is nearly full, and an old FTP server on the hosts' network. */
export const reports: Part = {
  namespaces: [
    { name: 'reports', labels: { team: 'analytics' } },
    { name: 'legacy-ftp', labels: { team: 'analytics' } },
  ],
  workloads: [
    {
      namespace: 'reports',
      name: 'dashboard',
      replicas: 2,
      labels: { team: 'analytics' },
      containers: [
        {
          image: 'registry.example.com/reports/dashboard:5.2',
          ports: { http: 3000 },
          env: { WAREHOUSE_URL: 'clickhouse://warehouse:9000', PAYMENTS_DB: 'payments-db.payments:5432' },
          secretEnv: { WAREHOUSE_PASSWORD: 'warehouse/password' },
          requests: { cpu: '250m', memory: '512Mi' },
          limits: { cpu: '500m', memory: '1Gi' },
        },
      ],
    },
    {
      kind: 'StatefulSet',
      namespace: 'reports',
      name: 'warehouse',
      labels: { team: 'analytics' },
      containers: [
        {
          image: 'docker.io/clickhouse/clickhouse-server:24.8',
          ports: { native: 9000, http: 8123 },
          requests: { cpu: '1', memory: '4Gi' },
          limits: { cpu: '2', memory: '6Gi' },
        },
      ],
    },
    {
      kind: 'CronJob',
      namespace: 'reports',
      name: 'nightly-export',
      schedule: '30 2 * * *',
      labels: { team: 'analytics' },
      containers: [
        {
          image: 'registry.example.com/reports/export:2.0',
          env: { WAREHOUSE_URL: 'clickhouse://warehouse:9000', EXPORT_BUCKET: 's3://shop-reports' },
          requests: { cpu: '500m', memory: '1Gi' },
          limits: { cpu: '1', memory: '1Gi' },
        },
      ],
    },
    {
      kind: 'DaemonSet',
      namespace: 'legacy-ftp',
      name: 'ftpd',
      labels: { team: 'analytics' },
      hostNetwork: true,
      containers: [
        {
          image: 'registry.example.com/legacy/ftpd:0.9',
          ports: { ftp: 21 },
          securityContext: { privileged: true },
          secretEnv: { FTP_PASSWORD: 'ftp-users/password' },
        },
      ],
    },
  ],
  services: [
    {
      namespace: 'reports',
      name: 'dashboard',
      selector: { app: 'dashboard' },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
    {
      namespace: 'reports',
      name: 'warehouse',
      selector: { app: 'warehouse' },
      ports: [
        { name: 'native', port: 9000 },
        { name: 'http', port: 8123 },
      ],
    },
    {
      namespace: 'legacy-ftp',
      name: 'ftpd',
      type: 'NodePort',
      selector: { app: 'ftpd' },
      ports: [{ name: 'ftp', port: 21, nodePort: 30021 }],
    },
  ],
  secrets: [
    opaque('reports', 'warehouse', 'user', 'password'),
    opaque('reports', 's3-export', 'access-key', 'secret-key'),
    registry('reports'),
    opaque('legacy-ftp', 'ftp-users', 'password', 'users'),
    ...accountTokens('reports', 'default', 'exporter'),
    ...['dashboard', 'warehouse', 'nightly-export'].flatMap((release) => helmHistory('reports', release, 10)),
    ...Array.from({ length: 36 }, (_, index) =>
      opaque('reports', `partner-${String(index + 1).padStart(2, '0')}-api`, 'id', 'secret'),
    ),
  ],
  objects: [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'dashboard', namespace: 'reports' },
      spec: {
        ingressClassName: 'nginx',
        rules: [
          {
            host: 'reports.example.com',
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: 'dashboard', port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'team-quota', namespace: 'reports' },
      spec: {
        hard: {
          'requests.cpu': '1600m',
          'requests.memory': '6Gi',
          'limits.cpu': '4',
          'limits.memory': '10Gi',
          pods: '4',
        },
      },
    },
  ],
};
