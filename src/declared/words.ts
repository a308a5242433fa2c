/** What the names of settings say about their values, and what schemes say about ports. Data only. */

/** Words in a setting's name that announce a host, an address or a list of them. */
export const HOST_WORDS: ReadonlySet<string> = new Set(
  (
    'host hosts hostname hostnames addr addrs address addresses url urls uri uris endpoint endpoints ' +
    'server servers service services svc broker brokers bootstrap upstream upstreams backend backends ' +
    'target targets peer peers seed seeds node nodes proxy gateway origin dsn connection remote master ' +
    'replica replicas primary sentinel sentinels base datasource jdbc source discovery registry collector ' +
    'pghost proxypass db database cache mq amqp redis mongo mongodb mysql postgres postgresql kafka rabbitmq ' +
    'zookeeper zk elasticsearch memcached nats etcd consul zipkin jaeger smtp ldap graphite statsd api dest destination contact contactpoints ' +
    'members quorum ensemble workers instances'
  ).split(' '),
);

/**
 * Ends of names whose values are no hosts even where they read like one: who logs in, what a database, queue or image
 * is called, what the workload calls itself. Matched against the last words of a name.
 */
export const NOT_HOSTS: readonly string[] = [
  'user',
  'username',
  'login',
  'owner',
  'db name',
  'dbname',
  'database name',
  'schema',
  'postgres db',
  'pgdatabase',
  'mysql database',
  'mariadb database',
  'postgresql database',
  'postgres database',
  'mongodb database',
  'mongo database',
  'initdb database',
  'clickhouse db',
  'influxdb db',
  'image',
  'tag',
  'tags',
  'roles',
  'groups',
  'lang',
  'language',
  'languages',
  'locale',
  'version',
  'label',
  'labels',
  'namespace',
  'topic',
  'topics',
  'queue',
  'exchange',
  'vhost',
  'bucket',
  'table',
  'index',
  'collection',
  'keyspace',
  'realm',
  'role',
  'group',
  'group id',
  'client id',
  'app name',
  'application name',
  'otel service name',
  'apm service name',
  'jaeger service name',
  'dd service',
  'container name',
  'pod name',
  'log level',
  'title',
  'description',
  // What is used, not where it is.
  'db connection',
  'database connection',
  'queue connection',
  'cache connection',
  'session connection',
  'broadcast connection',
  'db client',
  'database client',
  'cache store',
  'session store',
  'driver',
  'dialect',
  'db engine',
  'database engine',
  'storage engine',
  'type',
  'kind',
  'mode',
  'tier',
  'component',
  'components',
  'profile',
  'profiles',
  'profiles active',
  'active profiles',
  'feature',
  'features',
  'plugin',
  'plugins',
  'extension',
  'extensions',
  'databases',
  'dbs',
  'schemas',
  'queues',
  'exchanges',
  'buckets',
  'tables',
  'indices',
  'indexes',
  'collections',
  'keyspaces',
  'scope',
  'scopes',
  'issuer',
  'prefix',
  'pguser',
  'team',
  'tenant',
  'channel',
  'channels',
  'project',
  'events',
  'permissions',
  'resources',
  'resource attributes',
  'module',
  'modules',
  'debug',
  'menu',
  'cache names',
  'role list',
];

/**
 * Ends of names whose values are never called, URLs included: images, and who may call. Matched like the former; `image`
 * and `cors` count wherever they stand.
 */
export const NEVER_CALLED: readonly string[] = [
  'allowed origin',
  'allowed origins',
  'allow origin',
  'allow origins',
  'trusted origins',
  'allowed hosts',
  'server name',
  'audience',
  'audiences',
];

/** Last words of names whose values are credentials: never read as names, never shown. */
export const CREDENTIALS: readonly string[] = [
  'password',
  'passwd',
  'pass',
  'pwd',
  'passphrase',
  'token',
  'secret',
  'api key',
  'apikey',
  'access key',
  'secret key',
  'private key',
  'encryption key',
  'credential',
  'credentials',
];

/** Ports that clients of a scheme use where a URL names none (IANA, and the programs' own documentation). */
export const SCHEME_PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  ftp: 21,
  ssh: 22,
  sftp: 22,
  smtp: 25,
  smtps: 465,
  ldap: 389,
  ldaps: 636,
  amqp: 5672,
  amqps: 5671,
  mqtt: 1883,
  mqtts: 8883,
  nats: 4222,
  redis: 6379,
  rediss: 6379,
  mongodb: 27017,
  mysql: 3306,
  mariadb: 3306,
  postgres: 5432,
  postgresql: 5432,
  sqlserver: 1433,
  clickhouse: 9000,
  memcached: 11211,
};

/** Schemes of what is read from a disk or is no address at all. */
export const LOCAL_SCHEMES: ReadonlySet<string> = new Set([
  'file',
  'unix',
  'fd',
  'classpath',
  'data',
  'urn',
  'docker',
  'oci',
  'container',
  'git',
  'mem',
  'arn',
  'secret',
  'vault',
  'env',
  'resource',
  'jar',
  'sqlite',
  'sqlite3',
]);

/** Hosts whose URLs name XML namespaces, schemas and licences; nobody connects to them. */
export const SCHEMA_HOSTS: ReadonlySet<string> = new Set([
  'www.w3.org',
  'w3.org',
  'schemas.xmlsoap.org',
  'schemas.microsoft.com',
  'json-schema.org',
  'java.sun.com',
  'xmlns.jcp.org',
  'jakarta.ee',
  'xmlns.oracle.com',
  'maven.apache.org',
  'www.apache.org',
  'www.springframework.org',
  'logging.apache.org',
  'opensource.org',
  'example.com',
  'example.org',
  'www.example.com',
]);

/** Last parts of dotted words that are files or code, not top-level domains. */
export const FILE_ENDINGS: ReadonlySet<string> = new Set(
  (
    'yaml yml json xml conf cfg cnf ini toml properties log txt md html htm css js ts jsx tsx mjs cjs go py rb java ' +
    'jar war class sh sql db sqlite pem crt cer key csr p12 jks pid sock socket lock so dll exe tar gz tgz zip csv tpl ' +
    'tmpl template lua php pl rs c h cc cpp hcl tf env bak tmp dat bin svg png jpg gif ico woff map'
  ).split(' '),
);

/** Programs whose arguments name the host to which they connect. */
export const CLIENTS: ReadonlySet<string> = new Set(
  (
    'curl wget nc ncat netcat telnet psql pg_isready pg_dump mysql mysqladmin mysqldump mariadb redis-cli mongo mongosh ' +
    'mongodump amqp-publish kcat kafkacat grpcurl grpc_health_probe hey ab wrk k6 locust ldapsearch wait-for ' +
    'wait-for-it wait-for.sh wait-for-it.sh wait-for-it dockerize etcdctl influx cqlsh clickhouse-client'
  ).split(' '),
);

/** Words that stand before a program in a shell's command. */
export const BEFORE_COMMANDS: ReadonlySet<string> = new Set(
  (
    'until while if elif then else do not exec sudo time timeout env nohup command eval sh bash ash dash zsh test watch ' +
    'xargs su gosu run entrypoint cmd args exit echo printf wait sleep'
  ).split(' '),
);
