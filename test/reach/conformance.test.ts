import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readManifests } from '../../src/host/manifests.js';
import { parseAddress } from '../../src/reach/address.js';
import type { Protocol } from '../../src/reach/index.js';
import { type Connection, type Endpoint, FILES, reachOf } from '../../src/reach/index.js';
import { reachJson } from '../../src/report/reach.js';

const root = path.resolve(import.meta.dirname, '../../../shared/conformance');
const cases = (folder: string): string[] => {
  const directory = path.join(root, folder);
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
};
/** A folder of cases that is not here is skipped by name. */
const describeCases = (folder: string, each: (name: string, directory: string) => void) => {
  const names = cases(folder);
  if (names.length === 0) {
    describe.skip(`${folder}: skipped, ../shared/conformance/${folder} is not here`, () => {
      test('its cases', () => undefined);
    });
    return;
  }
  describe(folder, () => {
    for (const name of names) each(name, path.join(root, folder, name));
  });
};

describeCases('netpol', (name, directory) => {
  test(name, async () => {
    const { objects } = await readManifests(path.join(directory, 'manifests'));
    const reach = reachOf(objects, FILES);
    const lines = [...reach.connections()].map(({ src, dst, conn }) => `${src} => ${dst} : ${conn}`);
    const expected = readFileSync(path.join(directory, 'expected.txt'), 'utf8').split('\n').filter(Boolean);
    expect(lines.sort()).toEqual(expected.sort());
  });
});

/**
 * Rows that contradict the documentation of the API, by case, with the reason. They are tested all the same: to give
 * the other answer.
 */
const CONTRADICTING: Readonly<Record<string, string>> = {
  'knp-adminnetworkpolicy-v1alpha1/007-multiport-allow-egress-node-port':
    'the source lets a peer "nodes" match pods that run on a node; the API documentation selects the nodes themselves',
};

type Row = [string, string, string, number, boolean, string?, string?];

/**
 * Addresses of the domain names in the source's tables: its tests resolve names by a table of their own, which the
 * manifests cannot hold.
 */
const DOMAINS = new Map(
  Object.entries({ 'allow.example.com': '10.0.0.1', 'deny.example.com': '10.0.0.2' }).map(([name, text]) => {
    const address = parseAddress(text);
    return [name, address === undefined ? [] : [address]];
  }),
);

const TABLES = [
  'cyclonus',
  'recipes',
  'knp-networkpolicy',
  'knp-adminnetworkpolicy-v1alpha1',
  'knp-baselineadminnetworkpolicy-v1alpha1',
  'knp-clusternetworkpolicy',
  'cnp-conformance',
];
for (const table of TABLES)
  describeCases(`policy-tables/${table}`, (name, directory) => {
    const reason = CONTRADICTING[`${table}/${name}`];
    test(reason === undefined ? name : `${name}: differs, ${reason}`, async () => {
      const { objects } = await readManifests(path.join(directory, 'manifests.yaml'));
      const reach = reachOf(objects, { namespaceLabel: 'asIs', podAddresses: 'select', domains: DOMAINS });
      const rows = JSON.parse(readFileSync(path.join(directory, 'expected.json'), 'utf8')) as Row[];
      const end = (pod: string, address: string | undefined): Endpoint =>
        objects.some((o) => o.kind === 'Pod' && `${o.metadata.namespace}/${o.metadata.name}` === pod)
          ? { pod }
          : { address: address ?? pod };
      const wrong = rows.filter(([src, dst, protocol, port, allowed, from, to]) => {
        const ends: [Endpoint, Endpoint] = [end(src, from), end(dst, to)];
        const answer =
          protocol === '' ? reach.allows(...ends) : reach.allows(...ends, protocol as Protocol, port);
        return answer !== allowed;
      });
      expect(wrong).toEqual(reason === undefined ? [] : rows);
    });
  });

const generated = path.join(root, 'generated', 'classes-100.expected.json');
const generator = path.resolve(root, '../tools/gen-cluster.mjs');
const present = existsSync(generated) && existsSync(generator);
const title = present
  ? 'generated/classes-100'
  : 'generated: skipped, ../shared/conformance/generated is not here';
(present ? test : test.skip)(title, async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'reach-'));
  try {
    execFileSync(process.execPath, [generator, '--classes', '100', '--out', directory]);
    const { objects } = await readManifests(directory);
    const list = JSON.parse([...reachJson(reachOf(objects, FILES))].join('')) as Connection[];
    const line = ({ src, dst, conn }: Connection) => `${src} => ${dst} : ${conn}`;
    const expected = JSON.parse(readFileSync(generated, 'utf8')) as Connection[];
    expect(list.map(line).sort()).toEqual(expected.map(line).sort());
  } finally {
    rmSync(directory, { recursive: true });
  }
});
