import fc from 'fast-check';
import { declarations, peerText } from '../../src/declared/index.js';
import type { Manifest } from '../../src/model/manifest.js';

/** Services of namespace s, each with a workload of its name behind it. */
const PORTS: Readonly<Record<string, number>> = {
  redis: 6379,
  mysql: 3306,
  oracle: 1521,
  pay: 8080,
  web: 80,
  cass: 9042,
  es: 9200,
  pg: 5432,
};

function service(name: string, port: number): Manifest[] {
  const labels = { app: name };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 's' },
      spec: { selector: labels, ports: [{ port }], ...(name === 'cass' ? { clusterIP: 'None' } : {}) },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 's' },
      spec: {
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'c', ports: [{ containerPort: port }] }] },
        },
      },
    },
  ];
}
const SERVICES: readonly Manifest[] = Object.entries(PORTS).flatMap(([name, port]) => service(name, port));

function client(container: object, file?: string): Manifest[] {
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 's' }, data: { f: file ?? '' } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 't', namespace: 's' },
      spec: {
        template: {
          spec: {
            containers: [{ name: 'c', ...container }],
            ...(file === undefined ? {} : { volumes: [{ name: 'v', configMap: { name: 'm' } }] }),
          },
        },
      },
    },
  ];
}

/** Workloads (and what is outside) with ports to which the tested workload's settings lead. */
function reached(objects: readonly Manifest[], services = SERVICES): string {
  const { connections, dangling } = declarations([...services, ...objects]);
  const to = connections
    .filter(({ why, source }) => why === 'config' && peerText(source) === 's/t[Deployment]')
    .map(({ destination, port }) => `${peerText(destination).replace(/^s\/(.*)\[.*$/, '$1')}:${port ?? ''}`);
  return [...new Set(to), ...dangling.map(({ host }) => `no ${host}`)].sort().join(' ');
}
const env = (name: string, value: string) => reached(client({ env: [{ name, value }] }));
const args = (...words: string[]) => reached(client({ args: words }));
const file = (text: string) => reached(client({}, text));

describe('a host after slashes or after what says how it is found', () => {
  test.each<[string, string]>([
    ['jdbc:oracle:thin:@//oracle:1521/ORCL', 'oracle:1521'],
    ['jdbc:oracle:thin:@//oracle/ORCL', 'oracle:1521'],
    ['scott/tiger@//oracle:1521/svc', 'oracle:1521'],
    ['//oracle:1521/svc', 'oracle:1521'],
    ['//redis', 'redis:6379'],
    ['dns:///pay:8080', 'pay:8080'],
    ['dns:///pay.s.svc.cluster.local:8080', 'pay:8080'],
    ['dns://10.96.0.10/pay:8080', '10.96.0.10: pay:8080'],
    ['dns:pay:8080', 'pay:8080'],
    ['dns:pay', 'pay:8080'],
    ['static:///pay:8080', 'pay:8080'],
    ['passthrough:///pay', 'pay:8080'],
    ['kubernetes:///pay.s:8080', 'pay:8080'],
    ['kubernetes://pay.s:8080', 'pay:8080'],
    ['dns:///api.example.net:443', 'api.example.net:443'],
    // The local host's, and a path.
    ['postgres:///redis', ''],
    ['jdbc:mysql:///web', ''],
    ['file:///redis:6379/x', ''],
    ['/redis', ''],
    ['/web/redis:6379', ''],
    ['12:30:45', ''],
  ])('%s', (value, expected) => {
    expect(env('X', value)).toBe(expected);
    expect(args(`--x=${value}`)).toBe(expected);
  });

  test.each<[string, string]>([
    ['spring.datasource.url=jdbc:oracle:thin:@//oracle:1521/X\na=b\n', 'oracle:1521'],
    ['target: dns:///pay:8080\na: b\n', 'pay:8080'],
  ])('in a file: %j', (text, expected) => expect(file(text)).toBe(expected));
});

describe('a file of one line', () => {
  test.each<[string, string]>([
    ['redis.host=redis', 'redis:6379'],
    ['REDIS_HOST=redis\n', 'redis:6379'],
    ['redis=redis:6379', 'redis:6379'],
    ['redis_host: redis', 'redis:6379'],
    ['{"host":"redis"}', 'redis:6379'],
    ['-Dredis.host=redis', 'redis:6379'],
    ['mode=redis', ''],
    ['name=redis', ''],
  ])('%j', (text, expected) => expect(file(text)).toBe(expected));
});

describe('a list of names', () => {
  test.each<[string, string, string]>([
    ['CASSANDRA_CONTACT_POINTS', 'cass-0.cass,cass-1.cass.s', 'cass:9042'],
    ['SEEDS', 'redis,mysql', 'mysql:3306 redis:6379'],
    ['A', 'redis:6379,mysql', 'mysql:3306 redis:6379'],
    ['A', 'redis; mysql.s', 'mysql:3306 redis:6379'],
    ['SEEDS', '["redis","mysql"]', 'mysql:3306 redis:6379'],
    ['A', 'redis,mysql', ''],
    ['POSTGRES_MULTIPLE_DATABASES', 'redis,mysql', ''],
    ['QUEUES', 'redis,mysql', ''],
    ['JWT_AUDIENCE', 'web', ''],
    ['DJANGO_ALLOWED_HOSTS', 'web,pay', ''],
    ['CORS_ALLOWED_ORIGINS', 'http://web,http://pay:8080', ''],
    ['ALLOWED_ORIGINS', 'http://web', ''],
    ['OTEL_RESOURCE_ATTRIBUTES', 'service.name=web,peer.service=pay', ''],
    ['HOSTS', 'redis mysql', 'mysql:3306 redis:6379'],
    ['A', 'http://web,http://pay:8080', 'pay:8080 web:80'],
    ['A', 'a=http://web,b=http://pay:8080', 'pay:8080 web:80'],
    ['QUORUM', 'redis,mysql/chroot', 'mysql:3306 redis:6379'],
    ['BACKENDS', 'a=web,b=pay', 'pay:8080 web:80'],
    ['SELECTOR', 'a=web,b=pay', ''],
    ['CACHE', 'redis,password=x,ssl=False', 'redis:6379'],
    ['TAGS', 'redis,web', ''],
    ['A', 'redis,mysql,search', ''],
    ['A', 'redis,mysql.other', ''],
    ['A', 'redis and mysql is all pay', ''],
    ['TOPICS', 'redis,mysql', ''],
    ['PLUGINS', 'redis,mysql', ''],
    ['API_TOKEN', 'redis,mysql', ''],
  ])('%s=%s', (name, value, expected) => expect(env(name, value)).toBe(expected));

  test.each<[string, string]>([
    ['[a]\nhosts = ["redis", "mysql"]\n', 'mysql:3306 redis:6379'],
    ['[a]\nx = ["redis", "mysql"]\n', ''],
    ['{"a": 1, "hosts": ["redis"]}', 'redis:6379'],
    ['{\n"nodes": [\n  "redis",\n  "mysql"\n]\n}', 'mysql:3306 redis:6379'],
    ['hosts: [redis]\na: b\n', 'redis:6379'],
    ['peers: [redis, mysql]\na: b\n', 'mysql:3306 redis:6379'],
    ['queues: [redis, mysql]\na: b\n', ''],
    ['x: [redis]\na: b\n', ''],
    ['contact-points: cass\na: b\n', 'cass:9042'],
    ['contact-points:\n  - redis\n  - mysql\n', 'mysql:3306 redis:6379'],
    ['x:\n  - redis.s\n  - mysql\ny: z\n', 'mysql:3306 redis:6379'],
    ['schemas:\n  - redis\n  - mysql\ny: z\n', ''],
    ['x:\n  - redis\n  - search\ny: z\n', ''],
    ['features: ["redis", "mysql"]\ny: z\n', ''],
  ])('in a file: %j', (text, expected) => expect(file(text)).toBe(expected));
});

describe('a host word and a name on one line', () => {
  test.each<[string, string]>([
    ['<match>\n host es\n port 9200\n</match>', 'es:9200'],
    ['[OUTPUT]\n    Name es\n    Host redis\n    Port 6379\n', 'redis:6379'],
    ['port 1\nreplicaof redis 6379\n', 'redis:6379'],
    ['port 1\nsentinel monitor m redis 6379 2\n', 'redis:6379'],
    ['import redis\nr = connect("redis", 6379)\n', 'redis:6379'],
    ['upstream a {\n server web weight=3;\n server pay backup;\n}\n', 'pay:8080 web:80'],
    ['upstream a { server web weight=3; }\n', 'web:80'],
    ['db = (DESCRIPTION=(ADDRESS=(HOST=oracle)(PORT=1521)))\nx=y\n', 'oracle:1521'],
    ['backend default {\n .host = "web";\n .port = "80";\n}\n', 'web:80'],
    ['[databases]\n* = host=pg port=5432\n', 'pg:5432'],
    ["<?php\ndefine('DB_HOST', 'mysql');\n", 'mysql:3306'],
    ["<?php\n$cfg['Servers'][1]['host'] = 'mysql';\n", 'mysql:3306'],
    ['location /x { set $u "web"; proxy_pass http://$u:80; }\n', 'web:80'],
    [':80 {\n reverse_proxy web pay\n}\n', 'pay:8080 web:80'],
    ['location / { fastcgi_pass web; }\n', 'web:80'],
    ['set $u web;\nproxy_pass http://$u:80;\n', 'web:80'],
    ['U=web\nM="redis"\ncurl -s http://$U:80/$M\n', 'web:80'],
    ['this web of redis and mysql is all pay\nno host\n', ''],
    ['The server web is what you see.\nCall 80 people, or web 12 times.\n', ''],
    ['name redis\nuser mysql\n', ''],
    ['/*\n * host: redis\n */\nx = y', ''],
  ])('in a file: %j', (text, expected) => expect(file(text)).toBe(expected));

  test('in a variable, in arguments, in a script', () => {
    expect(env('DSN', '(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=oracle)(PORT=1521)))')).toBe('oracle:1521');
    expect(env('URL', 'jdbc:mysql://address=(host=mysql)(port=3306)/db')).toBe('mysql:3306');
    expect(env('REDIS_HOST', '"redis"')).toBe('redis:6379');
    expect(args('mysqladmin', 'ping', '-hmysql')).toBe('mysql:3306');
    expect(env('MYSQL_HOST', 'MySQL')).toBe('mysql:3306');
    expect(args('sh', '-c', 'redis-server --slaveof redis 6379')).toBe('redis:6379');
    expect(args('sh', '-c', 'mysqladmin ping -hmysql')).toBe('mysql:3306');
    expect(args('sh', '-c', 'until PGPASSWORD=x timeout 5 psql -h pg -c x; do sleep 1; done')).toBe(
      'pg:5432',
    );
  });
});

test.each([
  ...['DB_CONNECTION', 'QUEUE_CONNECTION', 'DB_TYPE', 'DB_DIALECT', 'DB_CLIENT', 'SESSION_DRIVER', 'DB_KIND'],
  ...['SPRING_PROFILES_ACTIVE', 'PROFILE', 'COMPONENT', 'TIER', 'MODE', 'CACHE_STORE'],
])('%s says what is used, not where: no connection, but with a port or a URL beside', (name) => {
  expect(env(name, 'redis')).toBe('');
  expect(env(name, 'redis:6379')).toBe('redis:6379');
  expect(env(name, 'tcp://redis')).toBe('redis:6379');
});

/** How a host and its port are written, in a value or in a file. */
const FORMS: Readonly<Record<string, (host: string, port: number) => Manifest[]>> = {
  value: (h) => client({ env: [{ name: 'X', value: h }] }),
  'host and port': (h, p) => client({ env: [{ name: 'X', value: `${h}:${p}` }] }),
  URL: (h, p) => client({ env: [{ name: 'X', value: `x://u:p@${h}:${p}/d` }] }),
  Oracle: (h, p) => client({ args: [`--url=jdbc:oracle:thin:@//${h}:${p}/d`] }),
  gRPC: (h, p) => client({ args: ['--target', `dns:///${h}:${p}`] }),
  'gRPC without slashes': (h, p) => client({ args: [`dns:${h}:${p}`] }),
  'one line': (h) => client({}, `db.host=${h}`),
  list: (h) => client({ env: [{ name: 'X', value: `${h},${h}.s` }] }),
  'JSON list': (h) => client({}, `{"x": ["${h}", "${h}.s.svc"]}`),
  'YAML list': (h) => client({}, `x:\n- ${h}\n- ${h}.s\n`),
  directive: (h, p) => client({}, `a b\nhost ${h}\nport ${p}\n`),
  'name and port': (h, p) => client({}, `a b\nfollow ${h} ${p}\n`),
  TNS: (h, p) => client({ env: [{ name: 'X', value: `(D=(A=(HOST=${h})(PORT=${p})))` }] }),
  'quoted call': (h) => client({}, `a b\ndefine("DB_HOST", "${h}");\n`),
  nginx: (h, p) => client({}, `upstream a { server ${h}:${p} weight=3; }\n`),
  SQL: (h) => client({ args: ['sh', '-c', `mysqladmin ping -h${h}`] }),
};

test.each(Object.entries(FORMS))('whatever a Service is called and its port is: %s', (_, form) => {
  const label = fc
    .stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/)
    .filter((name) => name !== 't' && name !== 'localhost');
  fc.assert(
    fc.property(label, fc.integer({ min: 10, max: 65_535 }), (name, port) => {
      expect(reached(form(name, port), service(name, port))).toBe(`${name}:${port}`);
    }),
    { numRuns: 60 },
  );
});

/** One line of a megabyte, made of what a careless expression goes over again and again. */
test.each<[string, string]>(
  [
    'a',
    'a ',
    'a. ',
    '[',
    '["a",',
    '[a',
    '(',
    '("a","b"',
    '=',
    'a=(',
    '//',
    'dns:',
    'a:b:',
    'x:///',
    'dns://a/',
    'host ',
    'set $a b',
    '$a=',
  ].map((piece) => [piece, piece]),
)('a megabyte of %j in one line ends within moments', (piece) => {
  const text = piece.repeat(1_000_000 / piece.length);
  const start = performance.now();
  file(`x\n${text}`);
  expect((performance.now() - start) / 1_000).toBeLessThan(10);
});
