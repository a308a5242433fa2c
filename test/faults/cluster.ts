import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { at, isRecord, listAt, stringAt } from '../../src/model/manifest.js';
import { startSandbox } from '../../src/sandbox/index.js';
import { harden } from '../support/program.js';
import { type Connection, request } from '../support/rest.js';

/** Every step has work to do, and every question that can do harm is answered. */
const ANSWERS = `
namespaces: {moreNamespaces: 'team-a=team-a'}
default-deny: {namespaces: [shop, pay], sameNamespace: declared, egressOutside: open}
quotas: {namespaces: all, limits: true, amendExisting: true}
encryption-at-rest: {enable: false, rewrite: true, keyKept: true}
metadata-blocking: {namespaces: all}
`;

/** A cluster on which a full run has something to do in each step, as a file to begin from, and the answers for it. */
export interface Beginning {
  state: string;
  answers: string;
}

const NAMESPACES = ['shop', 'pay', 'ops'];
/** How many Secrets there are to re-write. */
export const SECRETS = 30;

/**
 * Namespaces with workloads that talk to each other, an open policy of somebody else, and Secrets in plain text
 * under an API server that encrypts by now.
 */
export async function beginning(directory: string): Promise<Beginning> {
  const begun = await unencrypted(directory);
  const only = path.join(directory, 'encrypt.yaml');
  await writeFile(only, 'encryption-at-rest: {enable: true, rewrite: false, keyKept: true}\n');
  const flags = ['--sandbox-file', begun.state, '--step', 'encryption-at-rest', '--answers', only];
  const { code, stderr } = await harden(['apply', ...flags, '--confirm', 'sandbox'], {
    XDG_STATE_HOME: path.join(directory, 'begin-state'),
  });
  if (code !== 0 && code !== 1) throw new Error(`the beginning could not be made: ${stderr}`);
  return begun;
}

/** The same under an API server that does not encrypt. */
export async function unencrypted(directory: string): Promise<Beginning> {
  const state = path.join(directory, 'begin.json');
  const answers = path.join(directory, 'answers.yaml');
  await writeFile(answers, ANSWERS);
  const sandbox = await startSandbox({ file: state, empty: true });
  try {
    await filled(sandbox);
  } finally {
    await sandbox.close();
  }
  return { state, answers };
}

/** Puts what a full run works on into a cluster. */
export async function filled(connection: Connection): Promise<void> {
  for (const namespace of NAMESPACES) await fill(connection, namespace);
}

async function fill(connection: Connection, namespace: string): Promise<void> {
  const post = async (where: string, body: unknown) => {
    const answer = await request(connection, { method: 'POST', path: where, body });
    if (answer.status >= 300) throw new Error(`${where}: ${answer.status} ${answer.text}`);
  };
  const core = `/api/v1/namespaces/${namespace}`;
  await post('/api/v1/namespaces', { metadata: { name: namespace } });
  for (const [name, other] of [
    ['front', 'back'],
    ['back', 'store'],
    ['store', undefined],
  ] as const) {
    const labels = { app: name };
    const env = other === undefined ? [] : [{ name: 'NEXT', value: `http://${other}:8080` }];
    const spec = {
      containers: [
        {
          name,
          image: `example.com/${name}:1`,
          env,
          ports: [{ containerPort: 8080 }],
          resources: { requests: { cpu: '50m', memory: '32Mi' } },
        },
      ],
    };
    await post(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
      metadata: { name },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    await post(`${core}/services`, {
      metadata: { name },
      spec: { selector: labels, ports: [{ port: 8080 }] },
    });
  }
  await post(`/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`, {
    metadata: { name: 'store' },
    spec: {
      podSelector: { matchLabels: { app: 'store' } },
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: '169.254.0.0/16' } }] }],
    },
  });
  await post(`${core}/limitranges`, {
    metadata: { name: 'container-defaults' },
    spec: { limits: [{ type: 'Container', max: { memory: '1Gi' } }] },
  });
  for (let n = 0; n < SECRETS / NAMESPACES.length; n++)
    await post(`${core}/secrets`, { metadata: { name: `s${n}` }, data: { k: 'dmFsdWU=' } });
}

/** The cluster of a beginning, running; `file` is where its state is kept. */
export async function started(from: Beginning, directory: string) {
  const file = path.join(directory, 'cluster.json');
  await copyFile(from.state, file);
  const sandbox = await startSandbox({ file });
  return { ...sandbox, file };
}

/** Fields that the server sets, which differ from run to run. */
const SERVER_OWNED = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'generation',
  'selfLink',
];

/** Objects that the server writes itself: events, and where it is reached, which differs from start to start. */
const OF_THE_SERVER = /^(Event\/|(Service|Endpoints|EndpointSlice)\/default\/kubernetes$)/;

/** An object as somebody wrote it, under its name. */
export function written(object: Record<string, unknown>): [string, Record<string, unknown>] {
  const { status: _status, metadata, ...rest } = object;
  const kept = isRecord(metadata)
    ? Object.fromEntries(Object.entries(metadata).filter(([key]) => !SERVER_OWNED.includes(key)))
    : {};
  return [[rest.kind, kept.namespace ?? [], kept.name].flat().join('/'), { ...rest, metadata: kept }];
}

/** What is in an embedded cluster: each object as somebody wrote it, and of each Secret how it is stored. */
export async function contentOf(file: string): Promise<Record<string, string>> {
  const saved: unknown = JSON.parse(await readFile(file, 'utf8'));
  const entries = listAt(saved, 'objects').map((entry): [string, string] => {
    const [name, object] = written(at(entry, 'object') as Record<string, unknown>);
    return [name, JSON.stringify({ ...object, stored: stringAt(entry, 'stored') })];
  });
  return Object.fromEntries(entries.filter(([name]) => !OF_THE_SERVER.test(name)).sort());
}
