import { stringify } from 'yaml';
import { at, isRecord, listAt, stringAt } from '../../src/model/manifest.js';
import { type Answer, type Ask, type Connection, request } from '../support/rest.js';

/** A cluster under test. */
export interface Subject extends Connection {
  /** From now on its API server writes Secrets with secretbox, key `key1`, and still reads plain ones. */
  encrypt(): Promise<void>;
  close(): Promise<void>;
}

export const MERGE = 'application/merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';
export const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';

/** Requests to one cluster, in the words of the contract. */
export class Client {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  ask(ask: Ask): Promise<Answer> {
    return request(this.#connection, ask);
  }
  get(path: string, accept?: string): Promise<Answer> {
    return this.ask({ path, ...(accept === undefined ? {} : { accept }) });
  }
  post(path: string, body: unknown): Promise<Answer> {
    return this.ask({ method: 'POST', path, body });
  }
  put(path: string, body: unknown): Promise<Answer> {
    return this.ask({ method: 'PUT', path, body });
  }
  merge(path: string, body: unknown, accept?: string): Promise<Answer> {
    return this.ask({
      method: 'PATCH',
      path,
      body,
      type: MERGE,
      ...(accept === undefined ? {} : { accept }),
    });
  }
  apply(path: string, manager: string, body: unknown, query = ''): Promise<Answer> {
    return this.ask({ method: 'PATCH', path: `${path}?fieldManager=${manager}${query}`, body, type: APPLY });
  }
  delete(path: string, preconditions?: Record<string, string>): Promise<Answer> {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions };
    return this.ask({ method: 'DELETE', path, ...(preconditions === undefined ? {} : { body }) });
  }

  /** Makes a namespace and returns its name. */
  async namespace(name: string): Promise<string> {
    const answer = await this.post('/api/v1/namespaces', { metadata: { name } });
    if (answer.status !== 201) throw new Error(`namespace ${name}: ${answer.status}`);
    return name;
  }

  /** Asks again until the answer is as wanted; the last answer after 15 s. For what controllers bring about. */
  async until(ask: () => Promise<Answer>, wanted: (answer: Answer) => boolean): Promise<Answer> {
    const end = Date.now() + 15_000;
    let answer = await ask();
    while (!wanted(answer) && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await ask();
    }
    return answer;
  }
}

export const version = (answer: Answer): string => stringAt(answer.json, 'metadata', 'resourceVersion') ?? '';
export const uid = (answer: Answer): string => stringAt(answer.json, 'metadata', 'uid') ?? '';
export const reason = (answer: Answer): string => stringAt(answer.json, 'reason') ?? '';
export const field = (answer: Answer, ...path: (string | number)[]): unknown => at(answer.json, ...path);
export const names = (answer: Answer): unknown[] =>
  listAt(answer.json, 'items').map((item) => at(item, 'metadata', 'name'));

/** `reason field` of each cause of a Status. */
export const causes = (answer: Answer): string[] =>
  listAt(answer.json, 'details', 'causes').map(
    (cause) => `${stringAt(cause, 'reason')} ${stringAt(cause, 'field')}`,
  );

/** Field managers that a conflict names. */
export const managersInConflict = (answer: Answer): string[] =>
  listAt(answer.json, 'details', 'causes').map(
    (cause) => /conflict with "([^"]*)"/.exec(stringAt(cause, 'message') ?? '')?.[1] ?? '',
  );

/** First cells of a table. */
export const firstCells = (answer: Answer): unknown[] =>
  listAt(answer.json, 'rows').map((row) => (isRecord(row) ? listAt(row, 'cells')[0] : undefined));

/** Counters of storage transformations by `type prefix`. */
export function transformations(metrics: string): Map<string, number> {
  const series = /^apiserver_storage_transformation_operations_total\{(.*)\} (\S+)$/gm;
  return new Map(
    [...metrics.matchAll(series)].map(([, labels = '', value]) => [
      `${/transformation_type="([^"]*)"/.exec(labels)?.[1]} ${/transformer_prefix="([^"]*)"/.exec(labels)?.[1]}`,
      Number(value),
    ]),
  );
}

export const CONFIGMAPS = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;
export const SECRETS = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`;
export const POLICIES = (namespace: string): string =>
  `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;

export const configMap = (
  name: string,
  data?: Record<string, string>,
  more: Record<string, unknown> = {},
) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
  ...(data === undefined ? {} : { data }),
});

export const policy = (name: string, spec: Record<string, unknown>) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name },
  spec,
});

export const pod = (name: string, resources?: Record<string, unknown>) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    containers: [
      { name: 'main', image: 'example.com/app:1', ...(resources === undefined ? {} : { resources }) },
    ],
  },
});

/** A kubeconfig for the cluster under test. */
export function kubeconfig({ server, token, ca }: Subject): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [
      {
        name: 'test',
        cluster: {
          server,
          ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
        },
      },
    ],
    users: [{ name: 'test', user: token === undefined ? {} : { token } }],
  });
}
