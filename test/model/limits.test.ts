import { dialectOf } from '../../src/model/admission-dialect.js';
import { defaultsOf, itemDefaults, possibleDefaults } from '../../src/model/limit-defaults.js';
import { limitViolations } from '../../src/model/limits.js';
import { amountText } from '../../src/model/quantity.js';
import type { Resources } from '../../src/model/size.js';
import { object } from '../support/snapshot.js';

const text = ({ requests, limits }: Resources) => {
  const written = (amounts: Resources['limits']) =>
    Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, amountText(name, value)]));
  return { requests: written(requests), limits: written(limits) };
};
const range = (...limits: object[]) => object('v1', 'LimitRange', 'a', 'r', { spec: { limits } });
const pod = (requests: object, limits: object = {}) => ({
  containers: [{ name: 'c', resources: { requests, limits } }],
});

// The API server's order: default := max; defaultRequest := default; defaultRequest := min.
test.each([
  [{ max: { memory: '4Gi' } }, { requests: { memory: '4Gi' }, limits: { memory: '4Gi' } }],
  [
    { default: { memory: '1Gi' }, max: { memory: '4Gi' } },
    { requests: { memory: '1Gi' }, limits: { memory: '1Gi' } },
  ],
  [{ min: { cpu: '1' } }, { requests: { cpu: '1' }, limits: {} }],
  [
    { min: { cpu: '1' }, max: { cpu: '2' } },
    { requests: { cpu: '2' }, limits: { cpu: '2' } },
  ],
  [
    { defaultRequest: { cpu: '1' }, default: { cpu: '2' }, max: { cpu: '3' } },
    { requests: { cpu: '1' }, limits: { cpu: '2' } },
  ],
])('the defaults of %j', (fields, expected) => {
  expect(text(itemDefaults({ type: 'Container', ...fields }))).toEqual(expected);
  expect(text(itemDefaults({ type: 'Pod', ...fields }))).toEqual({ requests: {}, limits: {} });
});

test('of several LimitRanges the largest request and the smallest limit are assumed', () => {
  const one = range({ type: 'Container', defaultRequest: { cpu: '1' }, default: { cpu: '4' } });
  const other = range({ type: 'Container', defaultRequest: { cpu: '2' }, default: { cpu: '3' } });
  for (const both of [
    [one, other],
    [other, one],
  ])
    expect(text(defaultsOf(both))).toEqual({ requests: { cpu: '2' }, limits: { cpu: '3' } });
});

test.each([
  ['within', pod({ cpu: '1' }, { cpu: '2' }), { max: { cpu: '2' }, min: { cpu: '1' } }, []],
  ['a limit above the maximum', pod({}, { cpu: '3' }), { max: { cpu: '2' } }, ['max cpu']],
  ['no limit gets the maximum', pod({}), { max: { cpu: '2' } }, []],
  ['a request above the default limit', pod({ cpu: '3' }), { default: { cpu: '2' } }, ['invalid cpu']],
  ['a request below the minimum', pod({ cpu: '1' }), { min: { cpu: '2' } }, ['min cpu']],
  [
    'a limit too far from its request',
    pod({ cpu: '1' }, { cpu: '3' }),
    { maxLimitRequestRatio: { cpu: '2' } },
    ['maxLimitRequestRatio cpu'],
  ],
  ['a limit just near enough', pod({ cpu: '1' }, { cpu: '2' }), { maxLimitRequestRatio: { cpu: '2' } }, []],
  ['a ratio of nothing', pod({}), { maxLimitRequestRatio: { cpu: '2' } }, ['maxLimitRequestRatio cpu']],
])('containers: %s', (_name, spec, fields, expected) => {
  const found = limitViolations(spec, [range({ type: 'Container', ...fields })]);
  expect(found.map(({ field, resource }) => `${field} ${resource}`)).toEqual(expected);
});

test('a bound of pods is held against the sum, and demands a limit', () => {
  const two = {
    containers: [...pod({}, { memory: '1Gi' }).containers, ...pod({}, { memory: '2Gi' }).containers],
  };
  const bound = (memory: string) => [range({ type: 'Pod', max: { memory } })];
  expect(limitViolations(two, bound('3Gi'))).toEqual([]);
  expect(limitViolations(two, bound('2Gi')).map(({ where, field }) => `${where} ${field}`)).toEqual([
    'pod max',
  ]);
  expect(limitViolations(pod({}), bound('2Gi')).map(({ message }) => message)).toEqual([
    'no limit: state one, from 0 to 2Gi',
  ]);
});

test('each order of several LimitRanges gives defaults of its own', () => {
  const one = range({ type: 'Container', defaultRequest: { cpu: '1' } });
  const other = range({ type: 'Container', defaultRequest: { cpu: '2', memory: '1Gi' } });
  expect(possibleDefaults([one, other]).map(text)).toEqual([
    { requests: { cpu: '1', memory: '1Gi' }, limits: {} },
    { requests: { cpu: '2', memory: '1Gi' }, limits: {} },
  ]);
  const six = Array.from({ length: 6 }, (_, i) =>
    range({ type: 'Container', defaultRequest: { cpu: String(i + 1) } }),
  );
  expect(possibleDefaults(six)).toHaveLength(6);
  expect(possibleDefaults([])).toEqual([{ requests: {}, limits: {} }]);
});

test('before 1.28 a pod states a resource only if all its containers do', () => {
  const spec = { containers: [...pod({ cpu: '2' }).containers, ...pod({}).containers] };
  const bound = [range({ type: 'Pod', min: { cpu: '1' } })];
  const found = (minor: number) => limitViolations(spec, bound, dialectOf({ major: 1, minor, git: '' }));
  expect(found(28)).toEqual([]);
  expect(found(27).map(({ message }) => message)).toEqual(['no request: the least that is admitted is 1']);
});

test('init containers and sidecars are judged as well', () => {
  const spec = { initContainers: [{ name: 'i', resources: { limits: { cpu: '3' } } }], containers: [] };
  expect(
    limitViolations(spec, [range({ type: 'Container', max: { cpu: '2' } })]).map(({ where }) => where),
  ).toEqual(['i']);
});
