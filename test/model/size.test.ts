import { amountText } from '../../src/model/quantity.js';
import { containerSize, podSize } from '../../src/model/size.js';

const text = (amounts: Readonly<Record<string, bigint>>) =>
  Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, amountText(name, value)]));
const container = (requests: object, limits: object = {}, rest: object = {}) => ({
  resources: { requests, limits },
  ...rest,
});
const defaults = {
  requests: { cpu: 100_000_000n, memory: 128n * 1024n ** 2n * 1_000_000_000n },
  limits: { memory: 1024n ** 3n * 1_000_000_000n },
};

test.each([
  ['its own request goes first', container({ cpu: '2' }, { cpu: '3' }), { cpu: '2', memory: '128Mi' }],
  ['then its own limit', container({}, { cpu: '3' }), { cpu: '3', memory: '128Mi' }],
  ['then the default request, never the default limit', container({}), { cpu: '100m', memory: '128Mi' }],
  ['zero is a request', container({ cpu: '0' }), { cpu: '0', memory: '128Mi' }],
  ['no resources at all', {}, { cpu: '100m', memory: '128Mi' }],
])('request of a container: %s', (_name, given, expected) => {
  expect(text(containerSize(given, defaults).requests)).toEqual(expected);
});

test.each([
  [
    'containers add up',
    { containers: [container({ cpu: '1' }), container({ cpu: '500m' })] },
    { cpu: '1500m' },
  ],
  [
    'an init container counts where it is larger than all containers',
    {
      initContainers: [container({ cpu: '3', memory: '1Mi' })],
      containers: [container({ cpu: '1', memory: '2Mi' })],
    },
    { cpu: '3', memory: '2Mi' },
  ],
  [
    'init containers run one after the other',
    {
      initContainers: [container({ cpu: '1' }), container({ cpu: '2' })],
      containers: [container({ cpu: '1' })],
    },
    { cpu: '2' },
  ],
  [
    'a sidecar runs beside the containers',
    {
      initContainers: [container({ cpu: '1' }, {}, { restartPolicy: 'Always' })],
      containers: [container({ cpu: '1' })],
    },
    { cpu: '2' },
  ],
  [
    'and beside the init containers after it',
    {
      initContainers: [container({ cpu: '1' }, {}, { restartPolicy: 'Always' }), container({ cpu: '5' })],
      containers: [container({ cpu: '1' })],
    },
    { cpu: '6' },
  ],
  [
    'but not beside those before it',
    {
      initContainers: [container({ cpu: '5' }), container({ cpu: '1' }, {}, { restartPolicy: 'Always' })],
      containers: [container({ cpu: '1' })],
    },
    { cpu: '5' },
  ],
  [
    'overhead comes on top',
    { overhead: { cpu: '250m' }, containers: [container({ cpu: '1' })] },
    { cpu: '1250m' },
  ],
  [
    'resources of the pod itself take precedence',
    { resources: { requests: { cpu: '4' } }, containers: [container({ cpu: '1', memory: '1Mi' })] },
    { cpu: '4', memory: '1Mi' },
  ],
  [
    'where it declares limits only, it asks for what its containers ask for',
    { resources: { limits: { cpu: '4' } }, containers: [container({ cpu: '1' })] },
    { cpu: '1' },
  ],
  [
    'and for its limit where they ask for nothing',
    { resources: { limits: { memory: '4Mi' } }, containers: [container({ cpu: '1' })] },
    { cpu: '1', memory: '4Mi' },
  ],
  [
    'a pod declares no storage',
    { resources: { requests: { 'ephemeral-storage': '4Mi' } }, containers: [container({ cpu: '1' })] },
    { cpu: '1' },
  ],
  ['a spec that is none', 'nonsense', {}],
])('requests of a pod: %s', (_name, spec, expected) => {
  expect(text(podSize(spec).requests)).toEqual(expected);
});

test('a limit of zero bounds nothing, so overhead does not add to it', () => {
  const spec = { overhead: { cpu: '1' }, containers: [container({}, { cpu: '0' })] };
  expect(text(podSize(spec).limits)).toEqual({ cpu: '0' });
});

test('overhead adds to a limit only where there is one', () => {
  const spec = { overhead: { cpu: '1', memory: '1Mi' }, containers: [container({}, { memory: '1Mi' })] };
  expect(text(podSize(spec).limits)).toEqual({ memory: '2Mi' });
});
