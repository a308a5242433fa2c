import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from '../../src/cli/parse.js';
import { analyse, reach } from '../../src/commands/reach.js';
import type { Connection, Endpoint, Protocol } from '../../src/reach/index.js';
import { writtenIo } from '../support/written-io.js';

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
const describeCases = (folder: string, each: (name: string, directory: string, index: number) => void) => {
  const names = cases(folder);
  if (names.length === 0) {
    describe.skip(`${folder}: skipped, ../shared/conformance/${folder} is not here`, () => {
      test('its cases', () => undefined);
    });
    return;
  }
  describe(folder, () => {
    names.forEach((name, index) => {
      each(name, path.join(root, folder, name), index);
    });
  });
};

/** A command line as the program reads it. */
function commandOf(...line: readonly string[]) {
  const command = parse(line, {}, { stdin: false, stdout: false }, []);
  if (command.name !== 'reach' && command.name !== 'reachExplain')
    throw new Error(`not what was meant: ${JSON.stringify(command)}`);
  return command;
}

/** What a command prints. */
async function printed(...line: readonly string[]): Promise<string> {
  const { io, written } = writtenIo();
  await reach(commandOf(...line), io);
  return written.stdout;
}

describeCases('netpol', (name, directory) => {
  test(name, async () => {
    const lines = await printed('reach', '--from', path.join(directory, 'manifests'));
    const expected = readFileSync(path.join(directory, 'expected.txt'), 'utf8');
    const sorted = (text: string) => text.split('\n').filter(Boolean).sort();
    expect(sorted(lines)).toEqual(sorted(expected));
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
const RESOLVED = ['allow.example.com=10.0.0.1', 'deny.example.com=10.0.0.2'].flatMap((one) => [
  '--resolve',
  one,
]);

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
  describeCases(`policy-tables/${table}`, (name, directory, index) => {
    const reason = CONTRADICTING[`${table}/${name}`];
    test(reason === undefined ? name : `${name}: differs, ${reason}`, async () => {
      const given = ['--from', path.join(directory, 'manifests.yaml'), ...RESOLVED];
      // The analysis of the program itself, with whatever it takes for manifests in files.
      const { reach } = await analyse(commandOf('reach', ...given), writtenIo().io);
      const rows = JSON.parse(readFileSync(path.join(directory, 'expected.json'), 'utf8')) as Row[];
      const pods = new Set(reach.inventory.pods.map(({ name }) => name));
      const end = (pod: string, address: string | undefined): Endpoint =>
        pods.has(pod) ? { pod } : { address: address ?? pod };
      const wrong = rows.filter(([src, dst, protocol, port, allowed, from, to]) => {
        const ends: [Endpoint, Endpoint] = [end(src, from), end(dst, to)];
        const answer =
          protocol === '' ? reach.allows(...ends) : reach.allows(...ends, protocol as Protocol, port);
        return answer !== allowed;
      });
      expect(wrong).toEqual(reason === undefined ? [] : rows);
      // And the command as people give it, on one row that is open and one that is not; of the large table now and then.
      if (table === 'cyclonus' && index % 10 > 0) return;
      for (const open of [true, false]) {
        const [src, dst, protocol, port, , from, to] =
          rows.find((row) => row[2] !== '' && row[4] === open) ?? [];
        if (src === undefined || dst === undefined) continue;
        const [source, target] = [end(src, from), end(dst, to)].map((one) =>
          'pod' in one ? `${one.pod}[Pod]` : 'address' in one ? one.address : '',
        );
        const answer = JSON.parse(
          await printed(
            'reach',
            'explain',
            `${source}`,
            `${target}`,
            `${protocol}/${port}`,
            '-o',
            'json',
            ...given,
          ),
        ) as { allowed: boolean };
        expect(answer.allowed).toBe(open === (reason === undefined));
      }
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
    const list = JSON.parse(await printed('reach', '--from', directory, '-o', 'json')) as Connection[];
    const line = ({ src, dst, conn }: Connection) => `${src} => ${dst} : ${conn}`;
    const expected = JSON.parse(readFileSync(generated, 'utf8')) as Connection[];
    expect(list.map(line).sort()).toEqual(expected.map(line).sort());
  } finally {
    rmSync(directory, { recursive: true });
  }
});
