import { accountTokens, helmHistory, opaque, type Part, tls } from './build.js';

/** What the platform team runs: ingress, certificates, an image policy that pods cannot start without, monitoring. */
export const platform: Part = {
  namespaces: [
    { name: 'ingress-nginx', labels: { 'app.kubernetes.io/name': 'ingress-nginx' } },
    { name: 'cert-manager' },
    { name: 'image-policy', labels: { team: 'platform' } },
    { name: 'monitoring', labels: { team: 'platform' } },
  ],
  workloads: [
    {
      namespace: 'ingress-nginx',
      name: 'ingress-nginx-controller',
      replicas: 2,
      podLabels: {
        app: 'ingress-nginx-controller',
        'app.kubernetes.io/name': 'ingress-nginx',
        'app.kubernetes.io/component': 'controller',
      },
      serviceAccount: 'ingress-nginx',
      containers: [
        {
          name: 'controller',
          image: 'registry.k8s.io/ingress-nginx/controller:v1.11.3',
          args: ['/nginx-ingress-controller', '--ingress-class=nginx'],
          ports: { http: 80, https: 443, webhook: 8443 },
          requests: { cpu: '100m', memory: '90Mi' },
        },
      ],
    },
    {
      namespace: 'cert-manager',
      name: 'cert-manager',
      serviceAccount: 'cert-manager',
      containers: [
        { image: 'quay.io/jetstack/cert-manager-controller:v1.16.2', ports: { 'http-metrics': 9402 } },
      ],
    },
    {
      namespace: 'cert-manager',
      name: 'cert-manager-webhook',
      serviceAccount: 'cert-manager-webhook',
      containers: [
        {
          image: 'quay.io/jetstack/cert-manager-webhook:v1.16.2',
          args: ['--secure-port=10250'],
          ports: { https: 10250 },
        },
      ],
    },
    {
      namespace: 'image-policy',
      name: 'image-policy',
      replicas: 2,
      labels: { team: 'platform' },
      serviceAccount: 'image-policy',
      containers: [
        {
          image: 'registry.example.com/platform/image-policy:2.3.0',
          ports: { webhook: 9443 },
          env: { REGISTRY_URL: 'https://registry.example.com' },
        },
      ],
    },
    {
      kind: 'StatefulSet',
      namespace: 'monitoring',
      name: 'prometheus',
      labels: { team: 'platform' },
      serviceAccount: 'prometheus',
      containers: [
        {
          image: 'quay.io/prometheus/prometheus:v2.55.1',
          ports: { web: 9090 },
          requests: { cpu: '200m', memory: '1Gi' },
        },
      ],
    },
    {
      namespace: 'monitoring',
      name: 'grafana',
      labels: { team: 'platform' },
      containers: [
        {
          image: 'docker.io/grafana/grafana:11.3.1',
          ports: { http: 3000 },
          env: { GF_DATASOURCE_URL: 'http://prometheus.monitoring.svc:9090' },
          secretEnv: { GF_SECURITY_ADMIN_PASSWORD: 'grafana-admin/password' },
        },
      ],
    },
  ],
  services: [
    {
      namespace: 'ingress-nginx',
      name: 'ingress-nginx-controller',
      type: 'LoadBalancer',
      selector: { 'app.kubernetes.io/name': 'ingress-nginx', 'app.kubernetes.io/component': 'controller' },
      ports: [
        { name: 'http', port: 80, targetPort: 'http', nodePort: 31080 },
        { name: 'https', port: 443, targetPort: 'https', nodePort: 31443 },
      ],
    },
    {
      namespace: 'cert-manager',
      name: 'cert-manager-webhook',
      selector: { app: 'cert-manager-webhook' },
      ports: [{ name: 'https', port: 443, targetPort: 'https' }],
    },
    {
      namespace: 'image-policy',
      name: 'image-policy',
      selector: { app: 'image-policy' },
      ports: [{ name: 'webhook', port: 443, targetPort: 'webhook' }],
    },
    {
      namespace: 'monitoring',
      name: 'prometheus',
      selector: { app: 'prometheus' },
      ports: [{ name: 'web', port: 9090, targetPort: 'web' }],
    },
    {
      namespace: 'monitoring',
      name: 'grafana',
      selector: { app: 'grafana' },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  ],
  secrets: [
    tls('ingress-nginx', 'default-certificate'),
    tls('ingress-nginx', 'ingress-nginx-admission'),
    tls('cert-manager', 'cert-manager-webhook-ca'),
    opaque('cert-manager', 'letsencrypt-account', 'tls.key'),
    tls('image-policy', 'image-policy-certificate'),
    opaque('image-policy', 'cosign-public-key', 'cosign.pub'),
    opaque('monitoring', 'grafana-admin', 'user', 'password'),
    opaque('monitoring', 'alertmanager-pagerduty', 'routing-key'),
    ...accountTokens('monitoring', 'prometheus', 'grafana', 'kube-state-metrics'),
    ...accountTokens('ingress-nginx', 'ingress-nginx'),
    ...helmHistory('ingress-nginx', 'ingress-nginx', 10),
    ...helmHistory('cert-manager', 'cert-manager', 10),
    ...helmHistory('image-policy', 'image-policy', 8),
    ...helmHistory('monitoring', 'prometheus', 10),
    ...helmHistory('monitoring', 'grafana', 10),
  ],
  objects: [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'k8s.io/ingress-nginx' },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'image-policy' },
      webhooks: [
        {
          name: 'images.policy.example.com',
          admissionReviewVersions: ['v1'],
          clientConfig: {
            service: { name: 'image-policy', namespace: 'image-policy', path: '/validate', port: 443 },
          },
          failurePolicy: 'Fail',
          matchPolicy: 'Equivalent',
          sideEffects: 'None',
          timeoutSeconds: 10,
          namespaceSelector: {
            matchExpressions: [
              {
                key: 'kubernetes.io/metadata.name',
                operator: 'NotIn',
                values: ['kube-system', 'image-policy'],
              },
            ],
          },
          rules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              operations: ['CREATE'],
              resources: ['pods'],
              scope: 'Namespaced',
            },
          ],
        },
      ],
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'cert-manager-webhook' },
      webhooks: [
        {
          name: 'webhook.cert-manager.io',
          admissionReviewVersions: ['v1'],
          clientConfig: {
            service: {
              name: 'cert-manager-webhook',
              namespace: 'cert-manager',
              path: '/validate',
              port: 443,
            },
          },
          failurePolicy: 'Fail',
          sideEffects: 'None',
          rules: [
            {
              apiGroups: ['cert-manager.io'],
              apiVersions: ['v1'],
              operations: ['CREATE', 'UPDATE'],
              resources: ['*/*'],
              scope: '*',
            },
          ],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'grafana-is-admin' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'grafana', namespace: 'monitoring' }],
    },
  ],
};
