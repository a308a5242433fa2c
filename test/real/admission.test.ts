import fc from 'fast-check';
import { dialectOf } from '../../src/model/admission-dialect.js';
import { itemDefaults } from '../../src/model/limit-defaults.js';
import { limitViolations } from '../../src/model/limits.js';
import { at, listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { type Amounts, amountsOf, parseQuantity, roundUp, whole } from '../../src/model/quantity.js';
import { containerSize } from '../../src/model/size.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';

const reason = missingReal();
/** The server in KUBEBUILDER_ASSETS is 1.20. */
const dialect = dialectOf({ major: 1, minor: 20, git: 'v1.20.2' });
const suite = reason === undefined ? describe : describe.skip;

suite(`what we know of quantities and LimitRanges, against a real API server${reason ? ` (${reason})` : ''}`, () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = await startReal({ withoutControllers: true });
  }, 120_000);
  afterAll(() => cluster?.stop());

  const post = async (path: string, object: Manifest) => {
    const answer = await request(cluster, { method: 'POST', path, body: object });
    return { status: answer.status, body: answer.json };
  };
  const namespaceWith = async (name: string): Promise<void> => {
    await post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await post(`/api/v1/namespaces/${name}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default' },
      automountServiceAccountToken: false,
    });
  };
  const podOf = (containers: readonly object[]): Manifest => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: containers.map((resources, i) => ({ name: `c${i}`, image: 'i', resources })) },
  });

  test('quantities are read and refused as the server does', async () => {
    await namespaceWith('quantities');
    // Text without any digit is zero to the server; to us it is a mistake, and reported.
    const texts = [
      '1 100m 1.5 .5 5. 007 1k 1Ki 1.5Gi 1e3 1E3 1E 0.1 0.5Ki 1e-3 +1 1024Ki 2048 999999 1000000k 1n 0.1n 1e30 1e-30',
      '1K 1mi 1e 1.2.3 x 1e3Ki 1KiB 0x1 1,5 1e1.5 --1 1_0 ٣ 1e99999 0e99999',
    ].flatMap((line) => line.split(' '));
    texts.push('', ' 1', '1 ', '1\n');
    for (const text of texts) {
      const { status, body } = await post(
        '/api/v1/namespaces/quantities/pods?dryRun=All',
        podOf([{ requests: { memory: text } }]),
      );
      const ours = parseQuantity(text);
      expect([text, status < 300]).toEqual([text, typeof ours === 'bigint']);
      if (typeof ours !== 'bigint') continue;
      const theirs = stringAt(body, 'spec', 'containers', 0, 'resources', 'requests', 'memory') ?? '';
      // In lists of resources the server keeps thousandths and rounds up.
      expect([text, parseQuantity(theirs)]).toEqual([text, roundUp(ours, whole(1) / 1000n)]);
    }
  }, 60_000);

  const VALUES = ['1', '2', '3', '5', '6Gi'];
  const value = fc.constantFrom(...VALUES);
  const amounts = fc.record({ cpu: value, memory: value }, { requiredKeys: [] });
  /** For one resource some of these fields, in the order that the API demands: otherwise it refuses the LimitRange. */
  const ordered = fc
    .record({
      fields: fc.subarray(['min', 'defaultRequest', 'default', 'max']),
      picks: fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }),
    })
    .map(({ fields, picks }) => {
      const values = picks.toSorted((a, b) => a - b).map((pick) => VALUES[pick] ?? '1');
      return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? '1']));
    });
  const item = fc
    .record({ cpu: ordered, memory: ordered, ratio: fc.option(fc.constantFrom('1', '2', '10')) })
    .map(({ cpu, memory, ratio }) => {
      const fields = [...new Set([...Object.keys(cpu), ...Object.keys(memory)])];
      const entries = fields.map((field) => [
        field,
        { ...(cpu[field] && { cpu: cpu[field] }), ...(memory[field] && { memory: memory[field] }) },
      ]);
      return { ...Object.fromEntries(entries), ...(ratio && { maxLimitRequestRatio: { cpu: ratio } }) };
    });
  const range = fc.record({
    item,
    pod: fc.oneof(fc.constant({}), fc.record({ max: amounts }), fc.record({ min: amounts })),
  });
  const containers = fc.array(fc.record({ requests: amounts, limits: amounts }, { requiredKeys: [] }), {
    minLength: 1,
    maxLength: 2,
  });
  const cases = fc.sample(fc.record({ range, pods: fc.array(containers, { minLength: 3, maxLength: 3 }) }), {
    numRuns: 150,
    seed: 20,
  });

  test('150 LimitRanges: defaults, verdicts and filled-in pods are the same', async () => {
    const seen = { stored: 0, admitted: 0, refused: 0 };
    for (const [index, { range, pods }] of cases.entries()) {
      const name = `range-${index}`;
      await namespaceWith(name);
      const limits = [
        { type: 'Container', ...range.item },
        ...(Object.keys(range.pod).length > 0 ? [{ type: 'Pod', ...range.pod }] : []),
      ];
      const made = await post(`/api/v1/namespaces/${name}/limitranges`, {
        apiVersion: 'v1',
        kind: 'LimitRange',
        metadata: { name: 'r' },
        spec: { limits },
      });
      if (made.status >= 300) continue;
      seen.stored++;
      const stored = listAt(made.body, 'spec', 'limits')[0];
      const ours = itemDefaults(limits[0]);
      expect({
        requests: amountsOf(at(stored, 'defaultRequest')),
        limits: amountsOf(at(stored, 'default')),
      }).toEqual(ours);
      for (const pod of pods) {
        const manifest = podOf(pod);
        const invalid = pod.some(({ requests, limits }) => above(amountsOf(requests), amountsOf(limits)));
        if (invalid) continue;
        const answer = await admitted(name, manifest);
        const violations = limitViolations(manifest.spec, [made.body as Manifest], dialect);
        expect({ range, pod, refused: answer.status >= 300 }).toEqual({
          range,
          pod,
          refused: violations.length > 0,
        });
        if (answer.status >= 300) {
          seen.refused++;
          continue;
        }
        seen.admitted++;
        for (const [i, container] of listAt(answer.body, 'spec', 'containers').entries())
          expect({
            requests: amountsOf(at(container, 'resources', 'requests')),
            limits: amountsOf(at(container, 'resources', 'limits')),
          }).toEqual(containerSize(listAt(manifest.spec, 'containers')[i], ours));
      }
    }
    // Enough of each for the comparison to mean something.
    expect(seen.stored).toBeGreaterThan(30);
    expect(seen.admitted).toBeGreaterThan(30);
    expect(seen.refused).toBeGreaterThan(30);
  }, 240_000);

  /** Creates a pod, asking again while the server's own list of LimitRanges may still be older than ours. */
  async function admitted(namespace: string, pod: Manifest) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return post(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
  }

  function above(requests: Amounts, limits: Amounts): boolean {
    return Object.entries(requests).some(([name, request]) => request > (limits[name] ?? request));
  }
});
