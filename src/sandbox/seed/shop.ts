import { accountTokens, helmHistory, opaque, type Part, registry, tls } from './build.js';

const ARGO = (name: string): Record<string, string> => ({
  'argocd.argoproj.io/tracking-id': `shop:apps/Deployment:shop/${name}`,
});

/** The storefront team: open to everybody, no requests, managed by Argo CD. */
export const shop: Part = {
  namespaces: [{ name: 'shop', labels: { team: 'storefront' } }],
  workloads: [
    {
      namespace: 'shop',
      name: 'web',
      replicas: 3,
      labels: { team: 'storefront' },
      annotations: ARGO('web'),
      containers: [
        {
          image: 'registry.example.com/shop/web:4.12.0',
          ports: { http: 8080, metrics: 9102 },
          env: {
            CART_URL: 'http://cart:7070',
            CATALOG_URL: 'http://catalog:3550',
            PAYMENTS_URL: 'http://payments-api.payments.svc.cluster.local:8080',
          },
          secretEnv: { SESSION_KEY: 'web-session/key' },
        },
      ],
    },
    {
      namespace: 'shop',
      name: 'cart',
      replicas: 2,
      labels: { team: 'storefront' },
      annotations: ARGO('cart'),
      containers: [
        {
          image: 'registry.example.com/shop/cart:2.8.1',
          ports: { grpc: 7070 },
          env: { REDIS_ADDR: 'cart-redis:6379' },
        },
      ],
    },
    {
      namespace: 'shop',
      name: 'cart-redis',
      labels: { team: 'storefront' },
      containers: [{ image: 'docker.io/library/redis:7.2', ports: { redis: 6379 } }],
    },
    {
      namespace: 'shop',
      name: 'catalog',
      replicas: 2,
      labels: { team: 'storefront' },
      annotations: ARGO('catalog'),
      containers: [
        {
          image: 'registry.example.com/shop/catalog:3.1.4',
          ports: { grpc: 3550 },
          env: { S3_BUCKET: 'shop-catalog-images', AWS_REGION: 'eu-central-1' },
        },
      ],
    },
    {
      namespace: 'shop',
      name: 'mailer',
      labels: { team: 'storefront' },
      containers: [
        {
          image: 'registry.example.com/shop/mailer:1.9.0',
          env: { SMTP_HOST: 'smtp.example.net:587' },
          secretEnv: { SMTP_PASSWORD: 'smtp/password' },
        },
      ],
    },
  ],
  services: [
    {
      namespace: 'shop',
      name: 'web',
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'metrics', port: 9102 },
      ],
    },
    { namespace: 'shop', name: 'cart', selector: { app: 'cart' }, ports: [{ name: 'grpc', port: 7070 }] },
    { namespace: 'shop', name: 'cart-redis', selector: { app: 'cart-redis' }, ports: [{ port: 6379 }] },
    {
      namespace: 'shop',
      name: 'catalog',
      selector: { app: 'catalog' },
      ports: [{ name: 'grpc', port: 3550 }],
    },
  ],
  secrets: [
    tls('shop', 'shop-example-com'),
    opaque('shop', 'web-session', 'key'),
    opaque('shop', 'smtp', 'user', 'password'),
    opaque('shop', 'cdn-signing', 'private-key'),
    { ...opaque('shop', 'analytics-token', 'token'), applied: true },
    registry('shop'),
    ...accountTokens('shop', 'default', 'web', 'cart', 'catalog'),
    ...['web', 'cart', 'catalog', 'mailer'].flatMap((release) => helmHistory('shop', release, 10)),
    ...Array.from({ length: 44 }, (_, index) =>
      opaque('shop', `voucher-key-${String(index + 1).padStart(2, '0')}`, 'key'),
    ),
  ],
  objects: [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: 'shop',
        namespace: 'shop',
        annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' },
      },
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: ['shop.example.com'], secretName: 'shop-example-com' }],
        rules: [
          {
            host: 'shop.example.com',
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: 'web', port: { name: 'http' } } },
                },
              ],
            },
          },
        ],
      },
    },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        minReplicas: 3,
        maxReplicas: 10,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
          },
        ],
      },
    },
  ],
};
