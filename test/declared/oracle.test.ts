import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { declarations, declaredText, peerText } from '../../src/declared/index.js';
import { readManifests } from '../../src/host/manifests.js';
import type { Manifest } from '../../src/model/manifest.js';
import { FILES, reachOf } from '../../src/reach/index.js';

const root = path.resolve(import.meta.dirname, '../../../shared/conformance/flows');

/**
 * Lines in which ours differs from what the other analyser found, by application, with the reason. Each is tested to be
 * there: a reason without a difference fails as well.
 */
const DIFFERENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {};

/** Pairs of workloads between which something may pass. */
function permitted(objects: readonly Manifest[]): Set<string> {
  const reach = reachOf(objects, FILES);
  const names = new Set(reach.workloads.map(({ name }) => name));
  const pairs = new Set<string>();
  for (const { src, dst } of reach.connections())
    if (names.has(src) && names.has(dst)) pairs.add(`${src} => ${dst}`);
  return pairs;
}

function declaredPairs(objects: readonly Manifest[]): Set<string> {
  const pairs = new Set<string>();
  for (const { source, destination, why } of declarations(objects).connections)
    if (why !== 'dns' && source.kind === 'workload' && destination.kind === 'workload')
      if (source.name !== destination.name) pairs.add(`${peerText(source)} => ${peerText(destination)}`);
  return pairs;
}

const applications = existsSync(root)
  ? readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  : [];

if (applications.length === 0)
  describe.skip('declared connections against another analyser: skipped, ../shared/conformance/flows is not here', () => {
    test('its applications', () => undefined);
  });
else
  describe('declared connections against another analyser', () => {
    const table: string[] = [];
    afterAll(() => {
      const head = 'application        expected declared  both  recall precision';
      process.stdout.write(`\n${[head, ...table].join('\n')}\n`);
    });

    for (const name of applications)
      test(`${name}: recall 1.0 and precision at least 0.95, or each difference has a reason`, async () => {
        const directory = path.join(root, name);
        const { objects } = await readManifests(path.join(directory, 'manifests'));
        const policies = await readManifests(path.join(directory, 'expected-policies.json'));
        const expected = permitted([...objects, ...policies.objects]);
        const ours = declaredPairs(objects);
        const both = [...ours].filter((pair) => expected.has(pair)).length;
        const recall = expected.size === 0 ? 1 : both / expected.size;
        const precision = ours.size === 0 ? 1 : both / ours.size;
        const numbers = [expected.size, ours.size, both].map((n) => String(n).padStart(8)).join('');
        table.push(`${name.padEnd(19)}${numbers}  ${recall.toFixed(3)}  ${precision.toFixed(3)}`);

        const missing = [...expected].filter((pair) => !ours.has(pair)).map((pair) => `missing ${pair}`);
        const more = [...ours].filter((pair) => !expected.has(pair)).map((pair) => `more ${pair}`);
        expect([...missing, ...more].sort()).toEqual(Object.keys(DIFFERENT[name] ?? {}).sort());
        expect(expected.size).toBeGreaterThan(0);

        const reach = reachOf([...objects, ...policies.objects], FILES);
        const otherPorts = declarations(objects).connections.filter(
          ({ source, destination, protocol, port, why }) =>
            why === 'config' &&
            source.kind === 'workload' &&
            destination.kind === 'workload' &&
            expected.has(`${source.name} => ${destination.name}`) &&
            !reach.allows({ workload: source.name }, { workload: destination.name }, protocol, port),
        );
        expect(otherPorts.map(declaredText)).toEqual([]);
      });
  });
