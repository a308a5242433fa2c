import fc from 'fast-check';
import { parse } from 'yaml';
import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { copyOf } from '../../steps/namespaces/migration/copies.js';
import { nameUses, renamed } from '../../steps/namespaces/migration/names.js';
import { secretCommand } from '../../steps/namespaces/migration/secrets.js';
import { namespaces as step } from '../../steps/namespaces.js';
import { expectGolden, manifestsIn } from '../support/golden.js';
import { namespace, object, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const answersOf = (now: Snapshot, given: Answers) =>
  completeAnswers(step.questions(now, given), given, false);
const planOf = (now: Snapshot, given: Answers) => step.plan(now, answersOf(now, given), templates);
const filesOf = (now: Snapshot, given: Answers) => step.files?.(now, answersOf(now, given)) ?? [];
const findingsOf = (now: Snapshot, given: Answers) =>
  step.assess(now, answersOf(now, given)).filter(({ id }) => id.startsWith('migration-'));

const env = (value: string) => ({
  spec: { template: { spec: { containers: [{ name: 'c', env: [{ name: 'URL', value }] }] } } },
});

function cluster(...more: Manifest[]): Snapshot {
  return snapshotOf({
    version: '1.20',
    objects: [namespace('default'), ...manifestsIn('namespaces/move/default.yaml'), ...more],
  });
}

const elsewhere = [
  namespace('web'),
  object('apps/v1', 'Deployment', 'web', 'front', env('http://ledger.default:8080')),
  object('v1', 'Service', 'web', 'ledger', {
    spec: { type: 'ExternalName', externalName: 'ledger.default.svc.cluster.local' },
  }),
  object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', undefined, 'reporter', {
    roleRef: { kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'ServiceAccount', name: 'reporter', namespace: 'default' }],
  }),
  object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', undefined, 'hook', {
    webhooks: [{ name: 'h', clientConfig: { service: { namespace: 'default', name: 'memo' } } }],
  }),
  object('networking.k8s.io/v1', 'NetworkPolicy', 'web', 'from-default', {
    spec: {
      podSelector: {},
      ingress: [
        { from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } }] },
      ],
    },
  }),
  object('v1', 'Secret', 'default', 'db', { type: 'Opaque' }),
  object('v1', 'Secret', 'default', 'default-token-x', { type: 'kubernetes.io/service-account-token' }),
];

test('nothing is prepared, chosen or written unless it is asked for', () => {
  const now = cluster(...elsewhere);
  expect(filesOf(now, {})).toEqual([]);
  expect(findingsOf(now, {})).toEqual([]);
  expect(planOf(now, {})).toEqual([]);
  // Choosing copies alone names no place for them.
  expect(planOf(now, { migrateNow: ['Service/ledger'] })).toEqual([]);
  const asked = (given: Answers) => step.questions(now, given).find(({ id }) => id === 'migrateNow');
  expect([asked({}), asked({ migrateTo: '' }), asked({ migrateTo: 'default' })]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const question = asked({ migrateTo: 'shops' });
  expect(question?.type === 'choices' && question.choices.every(({ apart }) => apart)).toBe(true);
});

test('a bit of everything: copies, runbook and script', () => {
  const files = filesOf(cluster(...elsewhere), { migrateTo: 'shops=team-shop' });
  expectGolden(
    'namespaces/move/migration.golden.txt',
    files.map((file) => `==> ${file.path}\n${'text' in file ? file.text : file.commands}`).join('\n'),
  );
});

test('only what is chosen is a change, each of its own, and none without its namespace', () => {
  const now = cluster(...elsewhere);
  const changes = planOf(now, { migrateTo: 'shops', migrateNow: ['Service/ledger', 'StatefulSet/ledger'] });
  expect(
    changes.map((change) => [
      change.id,
      change.requires ?? [],
      change.kind === 'apply' && change.alone === true,
    ]),
  ).toEqual([
    ['namespaces/-/Namespace/shops', [], false],
    ['namespaces/shops/Service/ledger', ['namespaces/-/Namespace/shops'], true],
    ['namespaces/shops/StatefulSet/ledger', ['namespaces/-/Namespace/shops'], true],
  ]);
  // The very object of the file is the one that is applied.
  const file = filesOf(now, { migrateTo: 'shops' }).find(({ path }) =>
    path.endsWith('statefulset-ledger.yaml'),
  );
  const change = changes.at(-1);
  expect(change?.kind === 'apply' && change.manifest).toEqual(
    file !== undefined && 'text' in file && parse(file.text),
  );
});

describe('what annotations name for controllers', () => {
  const ingress = (ns: string, annotations: Record<string, string>) =>
    object('networking.k8s.io/v1', 'Ingress', ns, 'in', {
      metadata: { annotations },
      spec: { rules: [{ host: 'x.example.test' }] },
    });
  const nginx = (key: string) => `nginx.ingress.kubernetes.io/${key}`;
  const scriptOf = (...more: Manifest[]) => {
    const file = filesOf(cluster(...more), { migrateTo: 'shops' }).find(({ path }) => path.endsWith('.sh'));
    return file !== undefined && 'commands' in file ? file.commands : '';
  };
  const copyIn = (...more: Manifest[]) => {
    const file = filesOf(cluster(...more), { migrateTo: 'shops' }).find(({ path }) =>
      path.endsWith('ingress-in.yaml'),
    );
    return file !== undefined && 'text' in file ? file.text : '';
  };

  test.each([
    [nginx('auth-secret'), 'users', 'users', undefined],
    [nginx('auth-secret'), 'default/users', 'users', 'shops/users'],
    [nginx('auth-tls-secret'), 'default/ca', 'ca', 'shops/ca'],
    [nginx('proxy-ssl-secret'), 'default/ca', 'ca', 'shops/ca'],
    ['ingress.kubernetes.io/auth-secret', 'users', 'users', undefined],
    ['haproxy-ingress.github.io/secure-verify-ca-secret', 'secret://default/ca', 'ca', 'secret://shops/ca'],
    ['haproxy.org/server-ca', 'default/ca', 'ca', 'shops/ca'],
    ['nginx.org/basic-auth-secret', 'users', 'users', undefined],
    ['nginx.com/jwt-key', 'keys', 'keys', undefined],
    ['konghq.com/client-cert', 'cert', 'cert', undefined],
    [
      'alb.ingress.kubernetes.io/auth-idp-oidc',
      '{"issuer":"https://i","secretName":"oidc"}',
      'oidc',
      undefined,
    ],
  ])('%s: %s', (key, value, secret, becomes) => {
    const one = ingress('default', { [key]: value });
    expect(scriptOf(one)).toContain(`copy ${secret}\n`);
    expect(copyIn(one)).toContain(becomes ?? value);
    if (becomes !== undefined) {
      expect(copyIn(one)).not.toContain(`${key}: ${value}`);
      expect(copyIn(one)).toContain(`# metadata.annotations[${key}]: ${value} became ${becomes}`);
    }
  });

  test.each([
    [nginx('auth-secret'), 'web/users'],
    [nginx('auth-secret'), '{"secretName":"users"}'],
    ['alb.ingress.kubernetes.io/auth-idp-oidc', '{not json'],
    ['haproxy-ingress.github.io/auth-secret', 'file:///users'],
    ['example.com/auth-secret', 'users'],
  ])('no Secret of default: %s: %s', (key, value) => {
    expect(scriptOf(ingress('default', { [key]: value }))).not.toContain('copy users\n');
    expect(copyIn(ingress('default', { [key]: value }))).toContain(key);
  });

  test('a ConfigMap with its namespace is named in the new one', () => {
    expect(copyIn(ingress('default', { [nginx('custom-headers')]: 'default/head' }))).toContain('shops/head');
  });

  test('custom resources of Traefik are told, for they are not copied', () => {
    const key = 'traefik.ingress.kubernetes.io/router.middlewares';
    const one = ingress('default', { [key]: 'default-auth@kubernetescrd,web-strip@kubernetescrd' });
    expect(copyIn(one)).toContain(
      `# metadata.annotations[${key}] names default-auth@kubernetescrd of default: custom resources are not copied`,
    );
    expect(copyIn(one)).not.toContain('names web-strip');
  });

  test('what elsewhere names a Secret that is copied is told', () => {
    const secret = object('v1', 'Secret', 'default', 'ca', { type: 'Opaque' });
    const found = findingsOf(
      cluster(secret, namespace('web'), ingress('web', { [nginx('auth-tls-secret')]: 'default/ca' })),
      {
        migrateTo: 'shops',
      },
    );
    expect(found.find(({ id }) => id === 'migration-name-elsewhere')?.evidence).toBe(
      'Ingress web/in metadata.annotations[nginx.ingress.kubernetes.io/auth-tls-secret]: default/ca, there shops/ca (Secret)',
    );
  });
});

describe('what is not copied says why', () => {
  const job = (spec: object, status: object = {}) =>
    object('batch/v1', 'Job', 'default', 'j', { spec, status });
  const clone = object('v1', 'Pod', 'default', 'web-x', {
    metadata: {
      ownerReferences: [
        { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet', name: 'web', uid: 'u', controller: true },
      ],
    },
    spec: { containers: [] },
  });
  test.each([
    [
      'a Job that is over',
      job({}, { conditions: [{ type: 'Complete', status: 'True' }] }),
      'it is over: it stays as history',
    ],
    ['one that runs', job({}), 'it runs: a copy would do its work a second time'],
    ['one that is suspended', job({ suspend: true }), 'it is suspended: a copy would be a second one'],
    [
      'a controller that is not read',
      clone,
      'CloneSet of apps.kruise.io/v1alpha1 is not read, so it is not copied',
    ],
  ])('%s', (_name, one, why) => {
    const now = cluster(one);
    const found = findingsOf(now, { migrateTo: 'shops' }).map(({ evidence }) => evidence);
    expect(found.join('\n')).toContain(why);
    const readme = filesOf(now, { migrateTo: 'shops' }).find(({ path }) => path.endsWith('README.md'));
    expect(readme !== undefined && 'text' in readme && readme.text).toContain(why.slice(0, 20));
  });
});

test('what is in the new namespace already is left as it is', () => {
  const there = object('v1', 'Service', 'shops', 'ledger', { spec: { ports: [{ port: 1 }] } });
  const now = cluster(namespace('shops'), there);
  expect(planOf(now, { migrateTo: 'shops', migrateNow: ['Service/ledger'] })).toEqual([]);
  expect(filesOf(now, { migrateTo: 'shops' }).some(({ path }) => path.endsWith('service-ledger.yaml'))).toBe(
    false,
  );
});

test('what elsewhere names it is told, with what it becomes, and never changed', () => {
  const found = findingsOf(cluster(...elsewhere), { migrateTo: 'shops' });
  expect(found.filter(({ id }) => id === 'migration-name-elsewhere').map(({ evidence }) => evidence)).toEqual(
    [
      'Deployment web/front spec.template.spec.containers[c].env[URL].value: ledger.default, there ledger.shops (host name)',
      'Service web/ledger spec.externalName: ledger.default.svc, there ledger.shops.svc (host name)',
      'ValidatingWebhookConfiguration hook webhooks[h].clientConfig.service: default/memo, there shops/memo (Service)',
      'ClusterRoleBinding reporter subjects[reporter]: default/reporter, there shops/reporter (rights of a service account)',
      'NetworkPolicy web/from-default spec.ingress[0].from[0].namespaceSelector: default (it means default and not shops: let it mean both before clients move)',
    ],
  );
  expect(found.find(({ id }) => id === 'migration-secrets')?.evidence).toBe('Secret db');
});

test('what a custom resource controls is not copied, and named with its owner', () => {
  const ownedBy = (apiVersion: string, kind: string, name: string) => ({
    ownerReferences: [{ apiVersion, kind, name, uid: 'u', controller: true }],
  });
  const app = { metadata: ownedBy('x.example/v1', 'App', 'a') };
  const now = cluster(
    object('apps/v1', 'Deployment', 'default', 'managed', { ...app, ...env('x') }),
    object('v1', 'Service', 'default', 'managed', app),
    object('batch/v1', 'Job', 'default', 'managed', app),
    object('v1', 'ConfigMap', 'default', 'of-set', { metadata: ownedBy('apps/v1', 'Deployment', 'managed') }),
    object('apps/v1', 'ReplicaSet', 'default', 'managed-1', {
      metadata: ownedBy('apps/v1', 'Deployment', 'managed'),
    }),
  );
  const readme = filesOf(now, { migrateTo: 'shops' }).find(({ path }) => path.endsWith('README.md'));
  const told = (readme !== undefined && 'text' in readme ? readme.text : '')
    .split('\n')
    .filter((line) => line.includes('controls it'));
  const line = (object: string, owner: string) =>
    expect.stringMatching(new RegExp(`${object}.*${owner} controls it and is not copied`));
  expect(told).toEqual([
    line('ConfigMap default/of-set', 'Deployment managed of apps/v1'),
    line('Service default/managed', 'App a of x.example/v1'),
    line('Deployment default/managed', 'App a of x.example/v1'),
    line('Job default/managed', 'App a of x.example/v1'),
  ]);
});

describe('what names the namespace itself', () => {
  const group = 'system:serviceaccounts:default';
  const binding = (place: string) =>
    object('rbac.authorization.k8s.io/v1', 'RoleBinding', place, 'accounts', {
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'Group', name: group },
        { kind: 'User', name: 'system:serviceaccount:default:web' },
        { kind: 'Group', name: 'system:serviceaccounts:default-2' },
      ],
    });
  const term = { topologyKey: 'zone', namespaces: ['default', 'web'] };
  const deployment = (place: string) =>
    object('apps/v1', 'Deployment', place, 'placed', {
      spec: {
        template: {
          spec: {
            containers: [{ name: 'c', env: [{ name: 'SUFFIX', value: 'default.svc.cluster.local' }] }],
            dnsConfig: { searches: ['default.svc.cluster.local', 'my-default.svc.cluster.local'] },
            affinity: {
              podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
              podAntiAffinity: {
                preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }],
              },
            },
          },
        },
      },
    });

  test('becomes the new one in copies, where it can mean nothing else', () => {
    const files = filesOf(cluster(binding('default'), deployment('default')), { migrateTo: 'shops' });
    const text = (end: string) => {
      const file = files.find(({ path }) => path.endsWith(end));
      return file !== undefined && 'text' in file ? file.text : '';
    };
    const there = { topologyKey: 'zone', namespaces: ['shops', 'web'] };
    expect(parse(text('deployment-placed.yaml'))).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [{ env: [{ value: 'default.svc.cluster.local' }] }],
            dnsConfig: { searches: ['shops.svc.cluster.local', 'my-default.svc.cluster.local'] },
            affinity: {
              podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [there] },
              podAntiAffinity: {
                preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: there }],
              },
            },
          },
        },
      },
    });
    expect(text('deployment-placed.yaml')).toMatch(/# .*searches\[0\]: default\.svc became shops\.svc/);
    expect(text('deployment-placed.yaml')).toMatch(/# .*SUFFIX.*default\.svc was left/);
    expect(
      parse(text('rolebinding-accounts.yaml')).subjects.map(({ name }: { name: string }) => name),
    ).toEqual([
      'system:serviceaccounts:shops',
      'system:serviceaccount:shops:web',
      'system:serviceaccounts:default-2',
    ]);
  });

  test('is told elsewhere', () => {
    const found = findingsOf(cluster(namespace('web'), binding('web'), deployment('web')), {
      migrateTo: 'shops',
    });
    const spec = 'Deployment web/placed spec.template.spec';
    const affinity = 'namespaces[0]: default, there shops (namespace whose pods it means)';
    expect(
      found.filter(({ id }) => id === 'migration-name-elsewhere').map(({ evidence }) => evidence),
    ).toEqual([
      `${spec}.containers[c].env[SUFFIX].value: default.svc, there shops.svc (end of host names, if it is one)`,
      `${spec}.dnsConfig.searches[0]: default.svc, there shops.svc (search domain)`,
      `${spec}.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].${affinity}`,
      `${spec}.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.${affinity}`,
      `RoleBinding web/accounts subjects[${group}]: ${group}, there system:serviceaccounts:shops (rights of service accounts)`,
      'RoleBinding web/accounts subjects[system:serviceaccount:default:web]: system:serviceaccount:default:web, there system:serviceaccount:shops:web (rights of service accounts)',
    ]);
  });
});

test.each([
  ['kube-extra', false],
  ['default', false],
  ['default = a', false],
  ['Shops', false],
  ['shops=', false],
  ['shops', true],
  [' shops = team-shop ', true],
  ['default-shops', true],
])('the target %j is taken: %s', (migrateTo, taken) => {
  const question = step.questions(cluster()).find(({ id }) => id === 'migrateTo');
  const pattern = question?.type === 'text' ? question.pattern?.source : undefined;
  expect(new RegExp(pattern ?? '$^', 'u').test(migrateTo)).toBe(taken);
  expect(filesOf(cluster(), { migrateTo }).length > 0).toBe(taken);
});

test('nothing that belongs to the server or to the old place stays in a copy', () => {
  const live = object('v1', 'Service', 'default', 'a', {
    metadata: {
      uid: 'u',
      resourceVersion: '7',
      generation: 3,
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{}],
      selfLink: '/x',
      generateName: 'a-',
      finalizers: ['service.kubernetes.io/load-balancer-cleanup'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x' }],
      labels: { app: 'a' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'kept' },
    },
    spec: {
      type: 'NodePort',
      clusterIP: '10.0.0.7',
      clusterIPs: ['10.0.0.7'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, nodePort: 30080 }],
    },
    status: { loadBalancer: {} },
  });
  expect(copyOf(live, 'shops', () => {})).toEqual({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a', namespace: 'shops', labels: { app: 'a' }, annotations: { note: 'kept' } },
    spec: { type: 'NodePort', ports: [{ port: 80 }] },
  });
  expect(live.metadata.uid).toBe('u');
});

test('a live pod loses what admission and the scheduler put into it', () => {
  const live = object('v1', 'Pod', 'default', 'p', {
    spec: {
      nodeName: 'n',
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      serviceAccount: 'default',
      serviceAccountName: 'default',
      containers: [
        {
          name: 'c',
          volumeMounts: [
            { name: 'kube-api-access-x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
            { name: 'data', mountPath: '/data' },
          ],
        },
      ],
      volumes: [
        { name: 'kube-api-access-x', projected: {} },
        { name: 'data', emptyDir: {} },
      ],
      tolerations: [{ key: 'node.kubernetes.io/not-ready', tolerationSeconds: 300 }, { key: 'own' }],
    },
  });
  expect(copyOf(live, 'shops', () => {}).spec).toEqual({
    serviceAccountName: 'default',
    containers: [{ name: 'c', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', emptyDir: {} }],
    tolerations: [{ key: 'own' }],
  });
});

describe('names in texts', () => {
  const services = new Set(['web', 'db']);
  test.each([
    ['http://web.default:80/x', 'http://web.shops:80/x', true],
    ['user:pw@db.default/x', 'user:pw@db.shops/x', true],
    ['db-0.db.default.svc.cluster.local', 'db-0.db.shops.svc.cluster.local', true],
    ['web.default.svc', 'web.shops.svc', true],
    ['web.default = 1', 'web.shops = 1', false],
    ['other.default.svc', undefined, true],
    ['kubernetes.default.svc', undefined, true],
    ['web.default-backend:80', undefined, true],
    ['web.default.timeout=3', undefined, true],
    ['my-web.default.svc', undefined, true],
    ['web.defaults', undefined, true],
  ])('%j', (text, becomes, certain) => {
    const uses = nameUses(text, services);
    expect(uses.length > 0 ? renamed(text, uses, 'shops') : undefined).toBe(becomes);
    expect(uses.every((use) => use.certain === certain)).toBe(true);
  });

  test('nothing but the namespace of these names changes, in any text', () => {
    const word = fc.constantFrom(
      'web',
      'db',
      '.default',
      '.svc',
      ':80',
      '/',
      ' ',
      '://',
      'x',
      '.',
      '-',
      'default',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const text = words.join('');
        const uses = nameUses(text, services);
        const after = renamed(text, uses, 'default');
        expect(after).toBe(text);
        expect(renamed(text, uses, 'n').length).toBe(text.length - 6 * uses.length);
      }),
    );
  });

  test('a megabyte of one word is read in no time', () => {
    const before = performance.now();
    nameUses('a'.repeat(1_000_000), services);
    nameUses('.default'.repeat(125_000), services);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});

test('the pipeline is one line, creates, and never applies', () => {
  const command = secretCommand('kubectl --context prod', "it's", 'shops');
  expect(command).not.toContain('\n');
  expect(command).toContain('| kubectl --context prod create -f -');
  expect(command).toContain("get secret 'it'\\''s' --namespace default");
});
