import { accountTokens, opaque, type Part, registry } from './build.js';

/** What was left in `default`: the loyalty team never got a namespace, and somebody forgot a debug pod. */
export const defaultNamespace: Part = {
  workloads: [
    {
      namespace: 'default',
      name: 'loyalty-api',
      replicas: 2,
      labels: { team: 'loyalty' },
      podLabels: { app: 'loyalty-api', team: 'loyalty' },
      containers: [
        {
          image: 'registry.example.com/loyalty/api:latest',
          ports: { http: 8080 },
          env: {
            POINTS_STORE: 'redis://loyalty-redis:6379',
            PAYMENTS_URL: 'http://payments-api.payments.svc.cluster.local:8080',
          },
          secretEnv: { JWT_KEY: 'loyalty-jwt/key' },
        },
      ],
    },
    {
      namespace: 'default',
      name: 'loyalty-redis',
      labels: { team: 'loyalty' },
      podLabels: { app: 'loyalty-redis', team: 'loyalty' },
      containers: [{ image: 'docker.io/library/redis:7', ports: { redis: 6379 } }],
    },
    {
      kind: 'Pod',
      namespace: 'default',
      name: 'debug-shell',
      containers: [{ image: 'docker.io/library/busybox', command: ['sleep', 'infinity'] }],
    },
    {
      kind: 'CronJob',
      namespace: 'kube-public',
      name: 'price-feed',
      schedule: '*/15 * * * *',
      labels: { team: 'storefront' },
      podLabels: { app: 'price-feed', team: 'storefront' },
      containers: [
        {
          image: 'registry.example.com/shop/price-feed:1.0',
          env: { FEED_URL: 'https://prices.example.org/v2' },
        },
      ],
    },
  ],
  services: [
    {
      namespace: 'default',
      name: 'loyalty-api',
      selector: { app: 'loyalty-api' },
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
    {
      namespace: 'default',
      name: 'loyalty-redis',
      selector: { app: 'loyalty-redis' },
      ports: [{ port: 6379 }],
    },
  ],
  secrets: [
    opaque('default', 'loyalty-jwt', 'key'),
    { ...opaque('default', 'loyalty-db', 'user', 'password'), applied: true },
    opaque('default', 'old-backup-credentials', 'access-key', 'secret-key'),
    registry('default'),
    ...accountTokens('default', 'default', 'jenkins', 'deployer'),
  ],
};
