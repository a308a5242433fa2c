import { proposeLimitRange } from '../../src/model/limit-proposal.js';
import { limitViolations } from '../../src/model/limits.js';
import { object } from '../support/snapshot.js';

const TEMPLATE = object('v1', 'LimitRange', undefined, 'container-defaults', {
  spec: {
    limits: [
      {
        type: 'Container',
        defaultRequest: { cpu: '100m', memory: '128Mi' },
        default: { cpu: '1', memory: '512Mi' },
      },
    ],
  },
});
const containers = [{ name: 'a' }, { name: 'b' }];

test.each([
  [
    'requests of the pod that two defaults exceed',
    { requests: { cpu: '100m', memory: '1Gi' } },
    false,
    ['memory'],
  ],
  ['the same with limits', { limits: { cpu: '4', memory: '600Mi' } }, true, ['cpu', 'memory']],
  ['a pod that says nothing', undefined, true, ['cpu', 'memory']],
])('a new LimitRange refuses nothing that runs: %s', (_, resources, limits, kept) => {
  const spec = { containers, ...(resources === undefined ? {} : { resources }) };
  const proposal = proposeLimitRange([], TEMPLATE, 'a', [spec], { limits, amend: false });
  const manifest = proposal?.manifest;
  expect(manifest === undefined ? [] : limitViolations(spec, [manifest])).toEqual([]);
  const [item] = (manifest?.spec as { limits: { defaultRequest: object }[] } | undefined)?.limits ?? [];
  expect(Object.keys(item?.defaultRequest ?? {})).toEqual(kept);
});

test('what is not valid by itself, with or without a LimitRange, takes no default away from the others', () => {
  const broken = {
    containers: [{ name: 'a', resources: { limits: { memory: '2Gi' } } }],
    resources: { limits: { memory: '1Gi' } },
  };
  const proposal = proposeLimitRange([], TEMPLATE, 'a', [broken], { limits: false, amend: false });
  expect(proposal).toMatchObject({
    manifest: { spec: { limits: [{ defaultRequest: { cpu: '100m', memory: '128Mi' } }] } },
    notes: [],
  });
});

test('where every default would refuse something there is no LimitRange, and that is said', () => {
  const spec = { containers, resources: { requests: { cpu: '1m', memory: '1Mi' } } };
  expect(proposeLimitRange([], TEMPLATE, 'a', [spec], { limits: false, amend: false })).toEqual({
    manifest: undefined,
    notes: ['cpu', 'memory'].map(
      (name) => `nothing is said of ${name}: with it something that runs today would be refused`,
    ),
  });
});
