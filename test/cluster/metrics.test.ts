import fc from 'fast-check';
import { byWholePrefix, moved, transformations, valuesIn } from '../../src/cluster/metrics.js';

const series = (labels: string, value: number) =>
  `apiserver_storage_transformation_operations_total{${labels}} ${value}`;

test('old servers: no resource label, plain text is called identity', () => {
  const seen = transformations(
    [
      '# TYPE apiserver_storage_transformation_operations_total counter',
      series('status="OK",transformation_type="from_storage",transformer_prefix="identity"', 69),
      series('status="OK",transformation_type="from_storage",transformer_prefix="k8s:enc:secretbox:v1:"', 10),
      series('status="OK",transformation_type="from_storage",transformer_prefix="key1:"', 10),
      series('status="OK",transformation_type="to_storage",transformer_prefix="k8s:enc:secretbox:v1:"', 5),
      series('status="Unknown",transformation_type="to_storage",transformer_prefix="unknown"', 7),
      'process_start_time_seconds 1.79541534274e+09',
    ].join('\n'),
  );
  expect(seen).toMatchObject({ startedAt: '1.79541534274e+09', configured: true, byResource: false });
  expect(Object.fromEntries(seen.from)).toEqual({ '': 69, 'k8s:enc:secretbox:v1:': 10, 'key1:': 10 });
  expect(Object.fromEntries(seen.to)).toEqual({ 'k8s:enc:secretbox:v1:': 5 });
  expect(valuesIn(seen.from)).toBe(79);
});

test('new servers: only Secrets count, plain text has an empty prefix', () => {
  const seen = transformations(
    [
      series('resource="secrets",status="OK",transformation_type="from_storage",transformer_prefix=""', 3),
      series(
        'resource="configmaps",status="OK",transformation_type="from_storage",transformer_prefix=""',
        100,
      ),
      series(
        'resource="secrets",status="OK",transformation_type="to_storage",transformer_prefix="k8s:enc:kms:v2:odd\\"}{name:"',
        2,
      ),
    ].join('\n'),
  );
  expect(seen.byResource).toBe(true);
  expect(Object.fromEntries(seen.from)).toEqual({ '': 3 });
  expect(Object.fromEntries(seen.to)).toEqual({ 'k8s:enc:kms:v2:odd"}{name:': 2 });
});

test('a server without configuration has no series', () => {
  expect(transformations('apiserver_request_total{} 1\n')).toMatchObject({
    configured: false,
    startedAt: undefined,
  });
});

test('only what moved between two readings is told', () => {
  const before = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  expect(
    Object.fromEntries(
      moved(
        before,
        new Map([
          ['a', 1],
          ['b', 5],
          ['c', 1],
        ]),
      ),
    ),
  ).toEqual({ b: 3, c: 1 });
});

describe('whole prefixes', () => {
  const whole = (counts: Record<string, number>) => byWholePrefix(new Map(Object.entries(counts)));
  const box = 'k8s:enc:secretbox:v1:';
  const cbc = 'k8s:enc:aescbc:v1:';
  const kms = 'k8s:enc:kms:v2:vault:';
  test.each<[string, Record<string, number>, Record<string, number>]>([
    ['one key', { [box]: 10, 'key1:': 10 }, { [`${box}key1:`]: 10 }],
    [
      'two keys of one provider',
      { [box]: 10, 'key1:': 4, 'key2:': 6 },
      { [`${box}key1:`]: 4, [`${box}key2:`]: 6 },
    ],
    [
      'two providers',
      { [box]: 3, [cbc]: 7, 'a:': 7, 'b:': 3, '': 10 },
      { [`${cbc}a:`]: 7, [`${box}b:`]: 3, '': 10 },
    ],
    ['KMS has no key of its own', { [kms]: 4, '': 1 }, { [kms]: 4, '': 1 }],
    ['KMS beside a key', { [kms]: 4, [box]: 2, 'k:': 2 }, { [kms]: 4, [`${box}k:`]: 2 }],
    ['which key is whose cannot be told', { [box]: 5, [cbc]: 5, 'a:': 5, 'b:': 5 }, { [box]: 5, [cbc]: 5 }],
    ['numbers that do not fit', { [box]: 5, 'a:': 4 }, { [box]: 5 }],
    ['nothing', {}, {}],
  ])('%s', (_name, counts, expected) => expect(whole(counts)).toEqual(expected));

  test('never lose or invent a value', () => {
    const provider = fc.constantFrom(box, cbc, kms, '');
    const stored = fc.array(fc.tuple(provider, fc.constantFrom('key1:', 'key2:', 'x:')), { maxLength: 30 });
    fc.assert(
      fc.property(stored, (values) => {
        const counts = new Map<string, number>();
        const add = (label: string) => counts.set(label, (counts.get(label) ?? 0) + 1);
        for (const [prefix, key] of values) {
          add(prefix);
          if (prefix === box || prefix === cbc) add(key);
        }
        const out = byWholePrefix(counts);
        for (const prefix of [box, cbc, kms, '']) {
          const told = Object.entries(out).filter(([p]) => (prefix === '' ? p === '' : p.startsWith(prefix)));
          const sum = told.reduce((all, [, n]) => all + n, 0);
          expect(sum).toBe(values.filter(([p]) => p === prefix).length);
        }
      }),
    );
  });
});
