import { declarations, declaredText, peerText } from '../../src/declared/index.js';
import type { Manifest } from '../../src/model/manifest.js';

const service = (
  name: string,
  ports: Record<string, number>,
  more: object = {},
  namespace = 'shop',
): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: {
    selector: { app: name },
    ports: Object.entries(ports).map(([key, targetPort]) => ({
      name: `p${key}`,
      port: Number(key),
      targetPort,
    })),
    ...more,
  },
});
const deployment = (name: string, container: object, more: object = {}, namespace = 'shop'): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    template: {
      metadata: { labels: { app: name } },
      spec: { dnsPolicy: 'Default', containers: [{ name: 'main', ...container }], ...more },
    },
  },
});

const statefulSet = (name: string): Manifest => {
  const { spec, ...set } = deployment(name, {});
  return { ...set, kind: 'StatefulSet', spec: { ...(spec as object), serviceName: name } };
};

/** A shop: what the tested workload `web` may name. Target ports are the Service's plus 8000. */
const SHOP: readonly Manifest[] = [
  service('carts', { 80: 8080 }),
  service('orders', { 80: 8080, 9090: 9090 }),
  service('db', { 5432: 5432 }),
  service('cache', { 6379: 6379 }),
  service('rabbitmq', { 5672: 5672, 15672: 15672 }),
  service('kafka', { 9092: 9092 }, { clusterIP: 'None' }),
  service('ledger', { 443: 8443 }, { clusterIP: '10.96.0.77' }, 'bank'),
  service(
    'legacy',
    { 80: 80 },
    { type: 'ExternalName', selector: undefined, externalName: 'old.example.net' },
  ),
  ...['carts', 'orders', 'db', 'cache', 'rabbitmq', 'kafka'].map((name) => deployment(name, {})),
  deployment('ledger', {}, {}, 'bank'),
  service('etcd', { 2379: 12_379 }),
  deployment('named', {}, { hostname: 'etcd-x', subdomain: 'etcd' }),
  statefulSet('etcd'),
];

const found = (objects: readonly Manifest[]): string[] =>
  declarations([...SHOP, ...objects])
    .connections.filter(({ source, why }) => why === 'config' && peerText(source) === 'shop/web[Deployment]')
    .map((line) => declaredText(line).replace('shop/web[Deployment] => ', '').replaceAll('[Deployment]', ''));
const withEnv = (env: Record<string, string>): string[] =>
  found([deployment('web', { env: Object.entries(env).map(([name, value]) => ({ name, value })) })]);
const withArgs = (...args: string[]): string[] => found([deployment('web', { args })]);
const withFile = (text: string): string[] =>
  found([
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'files', namespace: 'shop' },
      data: { 'app.conf': text },
    },
    deployment('web', {}, { volumes: [{ name: 'files', configMap: { name: 'files' } }] }),
  ]);

const CARTS = 'shop/carts : TCP 8080';
const ORDERS = ['shop/orders : TCP 8080', 'shop/orders : TCP 9090'];
const DB = 'shop/db : TCP 5432';
const LEDGER = 'bank/ledger : TCP 8443';
const KAFKA = 'shop/kafka : TCP 9092';

describe('a variable names a Service', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['bare name', { CARTS: 'carts' }, [CARTS]],
    ['bare name in quotes of a sentence does not', { NOTE: 'ask the carts team' }, []],
    ['name and port', { X: 'carts:80' }, [CARTS]],
    ['name and a port that the Service lacks', { X: 'carts:81' }, []],
    ['no port: all ports', { X: 'orders' }, ORDERS],
    ['name in another namespace', { X: 'ledger.bank' }, [LEDGER]],
    ['bare name of another namespace is none', { X: 'ledger' }, []],
    ['svc.ns.svc', { X: 'ledger.bank.svc' }, [LEDGER]],
    ['full name, with port', { X: 'ledger.bank.svc.cluster.local:443' }, [LEDGER]],
    ['full name with a dot at its end', { X: 'ledger.bank.svc.cluster.local.' }, [LEDGER]],
    ['another cluster domain', { X: 'ledger.bank.svc.corp.internal' }, [LEDGER]],
    ['upper case in a URL', { X: 'HTTP://Carts/' }, [CARTS]],
    ['URL', { X: 'http://carts/api?x=1#y' }, [CARTS]],
    ['URL whose scheme picks one of two ports', { X: 'http://orders/' }, ['shop/orders : TCP 8080']],
    ['URL whose scheme no port fits: all', { X: 'https://orders/' }, ORDERS],
    ['URL with user and password', { X: 'postgres://me:s3cret@db:5432/shop' }, [DB]],
    [
      'URL with a password with slash and at',
      { X: 'amqp://me:s3/cr@et@rabbitmq:5672/' },
      ['shop/rabbitmq : TCP 5672'],
    ],
    ['amqp without port', { X: 'amqp://rabbitmq' }, ['shop/rabbitmq : TCP 5672']],
    ['jdbc', { X: 'jdbc:postgresql://db:5432/shop?ssl=true' }, [DB]],
    ['jdbc without port', { X: 'jdbc:postgresql://db/shop' }, [DB]],
    ['jdbc of Oracle', { X: 'jdbc:oracle:thin:@db:5432:orcl' }, [DB]],
    ['jdbc with parameters by semicolon', { X: 'jdbc:sqlserver://db:5432;databaseName=x' }, [DB]],
    ['Go MySQL', { X: 'me:s3cret@tcp(db:5432)/shop' }, [DB]],
    ['several hosts in a URL', { X: 'mongodb://u:p@carts:80,db:5432/x?replicaSet=rs' }, [CARTS, DB]],
    ['libpq', { DSN: 'host=db port=5432 user=me password=s3cret' }, [DB]],
    ['ADO', { CONNECTION: 'Server=tcp:db;Database=orders;User=cache' }, [DB]],
    ['list with ports', { X: 'carts:80,db:5432' }, [CARTS, DB]],
    ['list of names under a name for hosts', { BACKEND_HOSTS: 'carts, db' }, [CARTS, DB]],
    ['list of names under another name', { FEATURES: 'carts,db' }, []],
    [
      'pods of a headless Service',
      { X: 'kafka-0.kafka:9092,kafka-1.kafka.shop.svc.cluster.local:9092' },
      [KAFKA],
    ],
    [
      'a port of a headless Service that it does not list is the pods own',
      { X: 'kafka:7071' },
      ['shop/kafka : TCP 7071'],
    ],
    [
      'a pod of a StatefulSet by the name of a Service that is not headless: its own port',
      { X: 'etcd-1.etcd:2379,http://etcd-0.etcd.shop.svc:2380' },
      ['shop/etcd[StatefulSet] : TCP 2379', 'shop/etcd[StatefulSet] : TCP 2380'],
    ],
    ['a pod with a host name of its own', { X: 'etcd-x.etcd.shop:2379' }, ['shop/named : TCP 2379']],
    [
      'a pod that a Service gives no name is nowhere',
      { X: 'etcd-y.etcd:2379', Y: 'http://db-1.db:5432' },
      [],
    ],
    ['SRV name', { X: '_p443._tcp.ledger.bank.svc.cluster.local' }, [LEDGER]],
    ['cluster IP', { X: 'https://10.96.0.77' }, [LEDGER]],
    ['host before a path', { CARTS_URL: 'carts/items' }, [CARTS]],
    ['a topic that looks like it', { TOPIC: 'carts/items' }, []],
    [
      'host and port in two variables',
      { Q_HOST: 'rabbitmq', Q_PORT: '15672' },
      ['shop/rabbitmq : TCP 15672'],
    ],
    ['a port of something else does not narrow', { Q_HOST: 'db', Q_PORT: '1' }, [DB]],
    ['references between variables', { H: 'db', U: 'tcp://$(H):5432' }, [DB]],
    ['a reference that is not known', { U: 'tcp://$(NOBODY):5432' }, []],
    ['variable that the kubelet sets', { U: 'http://$(CARTS_SERVICE_HOST):$(CARTS_SERVICE_PORT)' }, [CARTS]],
    ['JSON', { CONFIG: '{"db":{"host":"db","port":5432},"title":"carts"}' }, [DB]],
    ['JVM options', { JAVA_OPTS: '-Xmx1g -Dcart.url=http://carts:80 -Dname=orders' }, [CARTS]],
    ['ExternalName', { X: 'http://legacy/x' }, ['old.example.net : TCP 80']],
    ['the Kubernetes API', { X: 'https://kubernetes.default.svc' }, ['{kubernetes-api} : TCP']],
    ['loopback', { X: 'http://localhost:5432', Y: '127.0.0.1:6379', Z: '0.0.0.0:80' }, []],
    ['a user called like a Service', { DB_USER: 'orders' }, []],
    ['a password called like a Service', { DB_PASSWORD: 'orders' }, []],
    ['a database called like a Service', { POSTGRES_DB: 'orders', MYSQL_DATABASE: 'carts' }, []],
    ['its own name for traces', { OTEL_SERVICE_NAME: 'carts' }, []],
    ['an image', { AGENT_IMAGE: 'carts:80', SIDECAR_IMAGE: 'db:5432/x' }, []],
    ['a queue', { ORDER_QUEUE: 'orders' }, []],
    ['a word in capitals', { MODE: 'Orders' }, []],
    ['a time', { AT: '12:30', RATIO: '1:2' }, []],
    ['a file', { FILE: 'file:///carts:80/x', SOCK: 'unix:///db' }, []],
  ])('%s', (_, env, expected) => {
    expect(withEnv(env)).toEqual([...expected].sort());
  });
});

describe('a destination outside of the cluster', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['URL', { X: 'https://api.stripe.com/v1' }, ['api.stripe.com : TCP 443']],
    ['host and port', { X: 'smtp.mail.net:587' }, ['smtp.mail.net : TCP 587']],
    [
      'name under a name for hosts',
      { SMTP_HOST: 'smtp.mail.net', SMTP_PORT: '587' },
      ['smtp.mail.net : TCP 587'],
    ],
    ['address', { DB_HOST: '192.0.2.7', DB_PORT: '5432' }, ['192.0.2.7 : TCP 5432']],
    ['address and port', { X: '192.0.2.7:5432' }, ['192.0.2.7 : TCP 5432']],
    ['a version', { X: '1.2.3.4', V: 'v1.30.2' }, []],
    ['a class', { X: 'com.shop.Main', Y: 'org.hibernate.dialect.MySQL' }, []],
    ['a file', { CONFIG_SERVER: 'app.yaml' }, []],
    ['an XML namespace', { X: 'http://www.w3.org/2001/XMLSchema' }, []],
    ['a token', { API_TOKEN: 'abc.def.ghi' }, []],
  ])('%s', (_, env, expected) => {
    expect(withEnv(env)).toEqual(expected);
  });
});

describe('arguments and scripts', () => {
  test.each<[string, string[], string[]]>([
    ['flag and value', ['--cart-svc', 'carts'], [CARTS]],
    ['flag with value', ['--cart=carts'], [CARTS]],
    ['flags for host and port', ['--q-host', 'rabbitmq', '--q-port', '5672'], ['shop/rabbitmq : TCP 5672']],
    ['client with host and port', ['nc', '-z', 'rabbitmq', '15672'], ['shop/rabbitmq : TCP 15672']],
    [
      'script waiting for a port',
      ['-c', 'until nc -z db 5432; do echo waiting for carts; sleep 1; done'],
      [DB],
    ],
    ['script with bash only', ['-c', 'echo > /dev/tcp/db/5432'], [DB]],
    ['script with a client', ['-c', 'curl -sf carts/health && exec app'], [CARTS]],
    ['script with a reference', ['-c', `curl http://\${CARTS_SERVICE_HOST}/`], [CARTS]],
    ['script with a comment', ['-c', '# curl http://carts/\nexec app'], []],
    ['words of a script', ['-c', 'echo carts orders db; exec app'], []],
    ['image flag', ['--image=carts:80'], []],
  ])('%s', (_, args, expected) => {
    expect(withArgs(...args)).toEqual([...expected].sort());
  });

  test('the program itself is no host, what follows it may be', () => {
    expect(found([deployment('web', { command: ['carts', 'db'] })])).toEqual([DB]);
  });
});

describe('files of ConfigMaps', () => {
  test.each<[string, string, string[]]>([
    [
      'properties',
      'spring.redis.host=cache\nspring.redis.port=6379\nspring.application.name=carts',
      ['shop/cache : TCP 6379'],
    ],
    ['YAML', 'queue:\n  host: rabbitmq\n  port: 5672\nname: carts', ['shop/rabbitmq : TCP 5672']],
    ['YAML list under a name for hosts', 'servers:\n  - carts\n  - db\nteams:\n  - orders', [CARTS, DB]],
    [
      'nginx',
      'upstream u {\n  server carts:80;\n}\nlocation / { proxy_pass http://orders:9090; }',
      [CARTS, 'shop/orders : TCP 9090'],
    ],
    ['nginx without port', 'upstream u { server carts; }', [CARTS]],
    ['Spring with a default', `url: jdbc:postgresql://\${DB_HOST:db}:\${DB_PORT:5432}/x`, [DB]],
    ['XML', '<a><host>carts</host></a>\n<host>db</host>', [DB]],
    ['JSON', '{"brokers": ["kafka:9092"], "name": "orders"}', [KAFKA]],
    ['comments', '# http://carts/\n// carts:80\nkey: value # http://db:5432', []],
    ['labels of a manifest', 'metadata:\n  name: carts\n  labels:\n    app: orders\n  namespace: db', []],
    ['prose', 'The carts service talks to orders. See db, or cache; it is fine.', []],
    ['an image', 'image: carts:80\n', []],
  ])('%s', (_, text, expected) => {
    expect(withFile(text)).toEqual([...expected].sort());
  });
});
