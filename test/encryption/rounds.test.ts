import fc from 'fast-check';
import { readsUnder, sameConfig, writesUnder } from '../../src/encryption/configuration.js';
import {
  decryptRounds,
  type Goal,
  type Round,
  roundsTo,
  type Situation,
} from '../../src/encryption/rounds.js';
import type { EncryptionConfig, EncryptionProvider } from '../../src/model/encryption.js';
import { explore, listOf, type World, worldOf } from './checker.js';

const local = (kind: 'secretbox' | 'aescbc' | 'aesgcm', ...names: string[]): EncryptionProvider => ({
  kind,
  keys: names.map((name) => ({ name, value: 'kept' })),
});
const identity: EncryptionProvider = { kind: 'identity' };
const vault: EncryptionProvider = {
  kind: 'kms',
  version: 'v2',
  name: 'vault',
  endpoint: 'unix:///run/kms/vault.sock',
};
const secrets = (...providers: EncryptionProvider[]): EncryptionConfig => [
  { resources: ['secrets'], providers },
];
const goal = (provider: EncryptionProvider, more: Partial<Goal> = {}): Goal => ({
  resources: ['secrets'],
  provider,
  removeOld: true,
  keyKept: false,
  ...more,
});
const situation = (configs: readonly (EncryptionConfig | null)[], stored?: readonly string[]): Situation => ({
  servers: configs.map((config, index) => ({ name: `cp${index + 1}`, config })),
  alone: configs.length === 1,
  stored: stored === undefined ? {} : { secrets: stored },
});
const roundsOf = (now: Situation, to: Goal): readonly Round[] => {
  const result = roundsTo(now, to);
  if ('refused' in result) throw new Error(result.refused);
  return result.rounds;
};
/** Each round in one line. */
const text = (rounds: readonly Round[]) =>
  rounds.map((round) => {
    if (round.do !== 'configure') return round.do;
    return `${round.phase} ${round.switches
      .map(({ servers, after }) => `${servers}: ${show(after)}`)
      .join('; ')}`;
  });
const show = (config: EncryptionConfig | null) =>
  config === null
    ? 'none'
    : config
        .map(
          ({ resources, providers }) =>
            `${resources} ${readsUnder([{ resources: ['x'], providers }], 'x')
              .map((prefix) => (prefix === '' ? 'plain' : prefix.split(':').at(-2)))
              .join('>')}`,
        )
        .join(' | ');

const k1 = local('secretbox', 'k1');
const k2 = local('secretbox', 'k2');

/** From where to where, and the rounds between. */
const TABLE: readonly [string, (EncryptionConfig | null)[], Goal, string[]][] = [
  [
    'turned on with one server, a copy of the key kept',
    [null],
    goal(k1, { keyKept: true }),
    ['write cp1: secrets k1>plain', 'rewrite', 'prove', 'remove cp1: secrets k1'],
  ],
  [
    'turned on with one server, the key not yet kept',
    [null],
    goal(k1, { removeOld: false }),
    ['read cp1: secrets plain>k1', 'keepKey', 'write cp1: secrets k1>plain', 'rewrite', 'prove'],
  ],
  [
    'turned on with three servers',
    [null, null, null],
    goal(k1, { keyKept: true }),
    [
      'read cp1,cp2,cp3: secrets plain>k1',
      'write cp1,cp2,cp3: secrets k1>plain',
      'rewrite',
      'prove',
      'remove cp1,cp2,cp3: secrets k1',
    ],
  ],
  [
    'the key rotated',
    [secrets(k1, identity), secrets(k1, identity)],
    goal(k2),
    [
      'read cp1,cp2: secrets k1>k2>plain',
      'keepKey',
      'write cp1,cp2: secrets k2>k1>plain',
      'rewrite',
      'prove',
      'remove cp1,cp2: secrets k2',
    ],
  ],
  [
    'to a KMS plugin: no key of ours to keep',
    [secrets(k1), secrets(k1)],
    goal(vault),
    [
      'read cp1,cp2: secrets k1>vault',
      'write cp1,cp2: secrets vault>k1',
      'rewrite',
      'prove',
      'remove cp1,cp2: secrets vault',
    ],
  ],
  [
    'back to plain text',
    [secrets(k1), secrets(k1)],
    goal(identity),
    [
      'read cp1,cp2: secrets k1>plain',
      'write cp1,cp2: secrets plain>k1',
      'rewrite',
      'prove',
      'remove cp1,cp2: none',
    ],
  ],
  [
    'a first round that was interrupted goes on',
    [secrets(identity, k1), null, null],
    goal(k1, { removeOld: false }),
    ['read cp2,cp3: secrets plain>k1', 'keepKey', 'write cp1,cp2,cp3: secrets k1>plain', 'rewrite', 'prove'],
  ],
  [
    'a second round that was interrupted goes on',
    [secrets(k1, identity), secrets(identity, k1)],
    goal(k1, { keyKept: true, removeOld: false }),
    ['write cp2: secrets k1>plain', 'rewrite', 'prove'],
  ],
  [
    'a second round that was interrupted is rolled back',
    [secrets(k1, identity), secrets(identity, k1)],
    goal(identity),
    ['write cp1: secrets plain>k1', 'rewrite', 'prove', 'remove cp1,cp2: none'],
  ],
];

test.each(TABLE)('%s', (_name, configs, to, expected) => {
  expect(text(roundsOf(situation(configs), to))).toEqual(expected);
});

test('nothing is to be done where everything is done', () => {
  const now = situation([secrets(k1), secrets(k1)], ['k8s:enc:secretbox:v1:k1:']);
  expect(roundsOf(now, goal(k1, { keyKept: true }))).toEqual([]);
});

test('counts alone take nothing away: a pass over all that proves it comes before', () => {
  const now = situation([secrets(k1, k2, identity)], ['k8s:enc:secretbox:v1:k1:']);
  expect(text(roundsOf(now, goal(k1)))).toEqual(['rewrite', 'prove', 'remove cp1: secrets k1']);
  expect(roundsOf(now, goal(k1, { removeOld: false }))).toEqual([]);
  // Where the last round was begun, the pass is over; API servers that differ could make none.
  const begun = situation([secrets(k1), secrets(k1, k2)], ['k8s:enc:secretbox:v1:k1:']);
  expect(text(roundsOf(begun, goal(k1)))).toEqual(['prove', 'remove cp2: secrets k1']);
});

test('the way back is one function', () => {
  const now = situation([secrets(k1), secrets(k1)]);
  expect(decryptRounds(now, ['secrets'])).toEqual(roundsTo(now, goal(identity, { keyKept: true })));
});

test('values under a key that no server has stop everything', () => {
  const now = situation([secrets(k1)], ['k8s:enc:secretbox:v1:gone:']);
  expect(roundsTo(now, goal(k2))).toEqual({ refused: expect.stringContaining('secretbox gone') });
});

describe('other resources', () => {
  test('entries that are not meant stay as they are, after ours', () => {
    const config: EncryptionConfig = [
      { resources: ['configmaps', 'secrets'], providers: [k1, identity] },
      { resources: ['*.*'], providers: [identity] },
    ];
    expect(text(roundsOf(situation([config]), goal(k2, { keyKept: true })))).toEqual([
      'write cp1: secrets k2>k1>plain | configmaps k1>plain | *.* plain',
      'rewrite',
      'prove',
      'remove cp1: secrets k2 | configmaps k1>plain | *.* plain',
    ]);
  });

  test('what stood apart stays apart: keys of one name may have two values', () => {
    const config: EncryptionConfig = [
      { resources: ['secrets'], providers: [k1] },
      { resources: ['configmaps'], providers: [k1] },
    ];
    const to = goal(k2, { keyKept: true, resources: ['secrets', 'configmaps'] });
    expect(text(roundsOf(situation([config]), to))[0]).toBe('write cp1: secrets k2>k1 | configmaps k2>k1');
  });

  test('a second resource joins', () => {
    const to = goal(k1, { keyKept: true, resources: ['secrets', 'configmaps'], removeOld: false });
    const now = situation([secrets(k1), secrets(k1)], ['k8s:enc:secretbox:v1:k1:']);
    expect(text(roundsOf(now, to))).toEqual([
      'read cp1,cp2: secrets k1 | configmaps plain>k1',
      'write cp1,cp2: secrets k1 | configmaps k1>plain',
      'rewrite',
      'prove',
    ]);
  });

  test('back to plain text keeps what others need', () => {
    const config: EncryptionConfig = [
      { resources: ['secrets'], providers: [k1] },
      { resources: ['*.'], providers: [k2] },
    ];
    expect(text(roundsOf(situation([config]), goal(identity, { keyKept: true }))).at(-1)).toBe(
      'remove cp1: secrets plain | *. k2',
    );
  });

  test('a KMS plugin cannot stand in two entries', () => {
    const config: EncryptionConfig = [{ resources: ['*.*'], providers: [vault] }];
    expect(roundsTo(situation([config]), goal(k1))).toEqual({ refused: expect.stringContaining('vault') });
  });
});

/** Where a cluster may stand, and where it may be led: everything of these is tried with everything. */
const STARTS: readonly (EncryptionConfig | null)[] = [
  null,
  secrets(identity),
  secrets(k1),
  secrets(k1, identity),
  secrets(identity, k1),
  secrets(local('secretbox', 'k2', 'k1'), identity),
  secrets(local('aescbc', 'a1'), k1),
  secrets(local('aesgcm', 'g1'), identity),
  secrets(vault, identity),
];
const GOALS: readonly Goal[] = [identity, k1, k2, local('aescbc', 'a1'), vault].flatMap((provider) =>
  [true, false].map((keyKept) => goal(provider, { keyKept })),
);

/** A file that was placed and is not in force yet gets there by itself: plans are made after that. */
function settled(moments: readonly World[]): readonly World[] {
  return moments.filter(({ servers }) => servers.every(({ active, disk }) => sameConfig(active, disk)));
}

/** What a later plan depends on: servers are as good as each other. */
function whatMatters({ servers, values }: World): string {
  const lists = servers.map(({ active }) => listOf(active, 'secrets').join());
  return JSON.stringify([lists.toSorted(), values]);
}

/** The world as a plan would find it, values counted or not. */
function found(world: World, counted: boolean): Situation {
  return {
    servers: world.servers.map(({ name, active: config }) => ({ name, config })),
    alone: world.servers.length === 1,
    stored: counted ? { secrets: world.values } : {},
  };
}

test.each([1, 2, 3])(
  'with %i servers no value ever exists that some server cannot read, and every goal is reached',
  (count) => {
    for (const config of STARTS)
      for (const to of GOALS) {
        const now = situation(Array.from({ length: count }, () => config));
        // Everything that may be there is there.
        const { violations, ends } = explore(
          worldOf(now, readsUnder(config, 'secrets')),
          roundsOf(now, to),
          'secrets',
        );
        expect(violations).toEqual([]);
        const [target] = listOf([{ resources: ['secrets'], providers: [to.provider] }], 'secrets');
        expect(ends.length).toBeGreaterThan(0);
        for (const end of ends) {
          expect(end.values).toEqual([target]);
          for (const { active } of end.servers) expect(listOf(active, 'secrets')).toEqual([target]);
        }
      }
  },
);

test('interrupted at any moment, whatever is planned from there is as safe', () => {
  const worlds = new Map<string, World>();
  for (const config of STARTS)
    for (const first of GOALS) {
      const now = situation([config, config]);
      const start = worldOf(now, readsUnder(config, 'secrets'));
      for (const world of settled(explore(start, roundsOf(now, first), 'secrets').moments))
        worlds.set(whatMatters(world), { ...world, first: [] });
    }
  for (const world of worlds.values())
    for (const then of GOALS.filter(({ keyKept }) => !keyKept)) {
      const { violations, ends } = explore(world, roundsOf(found(world, true), then), 'secrets');
      expect(violations).toEqual([]);
      expect(ends.length).toBeGreaterThan(0);
    }
  expect(worlds.size).toBeGreaterThan(100);
});

test('any number of servers, resources and interruptions', () => {
  const start = fc.constantFrom(...STARTS);
  const to = fc.constantFrom(...GOALS);
  fc.assert(
    fc.property(
      start,
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ to, stop: fc.nat(), counted: fc.boolean() }), { minLength: 1, maxLength: 4 }),
      (config, count, legs) => {
        let world = worldOf(
          situation(Array.from({ length: count }, () => config)),
          readsUnder(config, 'secrets'),
        );
        for (const { to: next, stop, counted } of legs) {
          const { violations, moments } = explore(world, roundsOf(found(world, counted), next), 'secrets');
          expect(violations).toEqual([]);
          const stops = settled(moments);
          world = stops[stop % Math.max(1, stops.length)] ?? world;
        }
      },
    ),
    { numRuns: 60 },
  );
});

describe('the test finds what a generator could get wrong', () => {
  const pair = (config: EncryptionConfig | null) => situation([config, config]);
  const configure = (rounds: readonly Round[], change: (round: Round & { do: 'configure' }) => Round) =>
    rounds.map((round) => (round.do === 'configure' ? change(round) : round));
  const without = (rounds: readonly Round[], phase: string) =>
    rounds.filter((round) => round.do !== 'configure' || round.phase !== phase);
  const broken: readonly [string, Situation, (rounds: readonly Round[]) => readonly Round[]][] = [
    ['the first round left out', pair(null), (rounds) => without(rounds, 'read')],
    ['the first round left out of a rotation', pair(secrets(k2)), (rounds) => without(rounds, 'read')],
    [
      'no waiting between the first rounds',
      pair(null),
      ([one, ...rest]) => [{ ...one, switches: [] } as Round, ...rest],
    ],
    [
      'one server left out of the first round',
      pair(null),
      (rounds) =>
        configure(rounds, (round) =>
          round.phase === 'read'
            ? { ...round, switches: round.switches.map((one) => ({ ...one, servers: ['cp1'] })) }
            : round,
        ),
    ],
    [
      'the re-write left out',
      pair(secrets(k2)),
      (rounds) => rounds.filter(({ do: what }) => !['rewrite', 'prove'].includes(what)),
    ],
    [
      'old keys removed before the re-write',
      pair(secrets(k2)),
      (rounds) =>
        rounds
          .toSorted((a, b) => Number(a.do === 'rewrite') - Number(b.do === 'rewrite'))
          .filter(({ do: what }) => what !== 'prove'),
    ],
    [
      'the file as it was restored where a server does not come back',
      pair(null),
      (rounds) =>
        configure(rounds, (round) => ({
          ...round,
          switches: round.switches.map((one) => ({ ...one, fallback: null })),
        })),
    ],
    [
      'plain text no longer read at once',
      situation([null]),
      (rounds) =>
        configure(rounds, (round) => ({
          ...round,
          switches: round.switches.map((one) => ({ ...one, after: secrets(k1) })),
        })),
    ],
  ];
  test.each(broken)('%s', (_name, now, mistake) => {
    const start = worldOf(now, readsUnder(now.servers[0]?.config ?? null, 'secrets'));
    const rounds = roundsOf(now, goal(k1, { keyKept: true }));
    expect(explore(start, rounds, 'secrets').violations).toEqual([]);
    expect(explore(start, mistake(rounds), 'secrets').violations).not.toEqual([]);
  });
});

test('a fallback writes as before and reads what the new one may have written', () => {
  for (const config of STARTS)
    for (const to of GOALS)
      for (const round of roundsOf(situation([config]), to)) {
        if (round.do !== 'configure') continue;
        for (const { before, after, fallback } of round.switches) {
          expect(writesUnder(fallback, 'secrets')).toBe(writesUnder(before, 'secrets'));
          expect(readsUnder(fallback, 'secrets')).toContain(writesUnder(after, 'secrets'));
          for (const prefix of round.mustRead) {
            expect(readsUnder(after, 'secrets')).toContain(prefix);
            expect(readsUnder(fallback, 'secrets')).toContain(prefix);
          }
        }
      }
});
