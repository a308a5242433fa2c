import fc from 'fast-check';
import { ALL, NONE, PortSets, PROTOCOLS, type Protocol } from '../../src/reach/portset.js';

type Piece = readonly [Protocol, number, number];
const EDGE = 65_535;

const piece = fc
  .tuple(
    fc.constantFrom(...PROTOCOLS),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 0, max: 6 }),
    fc.boolean(),
  )
  .map(([protocol, from, length, high]): Piece => {
    const base = high ? EDGE - 18 : 0;
    return [protocol, base + from, base + from + length];
  });
const pieces = fc.array(piece, { maxLength: 6 });

const points = (list: readonly Piece[]) =>
  new Set(
    list.flatMap(([p, from, to]) => Array.from({ length: to - from + 1 }, (_, i) => `${p} ${from + i}`)),
  );
const made = (sets: PortSets, list: readonly Piece[]) =>
  list.reduce((set, [protocol, from, to]) => sets.union(set, sets.range(protocol, from, to)), NONE);
const PROBES = PROTOCOLS.flatMap((protocol) =>
  [...Array.from({ length: 20 }, (_, i) => i + 1), ...Array.from({ length: 20 }, (_, i) => EDGE - i)].map(
    (port) => [protocol, port] as const,
  ),
);
const members = (sets: PortSets, set: number) =>
  new Set(PROBES.filter(([p, port]) => sets.has(set, p, port)).map(([p, port]) => `${p} ${port}`));

describe('sets of ports', () => {
  test('union, intersection and difference are those of their points', () => {
    fc.assert(
      fc.property(pieces, pieces, (a, b) => {
        const sets = new PortSets();
        const [x, y] = [made(sets, a), made(sets, b)];
        const [p, q] = [points(a), points(b)];
        expect(members(sets, sets.union(x, y))).toEqual(new Set([...p, ...q]));
        expect(members(sets, sets.intersect(x, y))).toEqual(new Set([...p].filter((point) => q.has(point))));
        expect(members(sets, sets.subtract(x, y))).toEqual(new Set([...p].filter((point) => !q.has(point))));
      }),
    );
  });

  test('equal sets have one id, however they were made', () => {
    fc.assert(
      fc.property(pieces, pieces, (a, b) => {
        const sets = new PortSets();
        const [x, y] = [made(sets, a), made(sets, b)];
        const [p, q] = [points(a), points(b)];
        expect(x === y).toBe(p.size === q.size && [...p].every((point) => q.has(point)));
        expect(sets.union(x, y)).toBe(sets.union(y, x));
        expect(sets.union(sets.subtract(x, y), sets.intersect(x, y))).toBe(x);
        expect(sets.union(x, sets.subtract(ALL, x))).toBe(ALL);
        expect(sets.intersect(x, sets.subtract(ALL, x))).toBe(NONE);
      }),
    );
  });

  test.each<[string, Piece[]]>([
    ['No Connections', []],
    ['All Connections', PROTOCOLS.map((p) => [p, 1, EDGE] as const)],
    [
      'TCP 80,443-445,UDP 53',
      [
        ['UDP', 53, 53],
        ['TCP', 444, 445],
        ['TCP', 443, 443],
        ['TCP', 80, 80],
      ],
    ],
    [
      'SCTP 1-65535,TCP 1-79,81-65535',
      [
        ['TCP', 81, EDGE],
        ['SCTP', 1, EDGE],
        ['TCP', 1, 79],
      ],
    ],
  ])('%s', (text, list) => {
    const sets = new PortSets();
    expect(sets.text(made(sets, list))).toBe(text);
  });

  test('port 0 and what lies above 65535 are in no set', () => {
    const sets = new PortSets();
    expect(sets.has(ALL, 'TCP', 0)).toBe(false);
    expect(sets.has(ALL, 'TCP', EDGE + 1)).toBe(false);
  });
});
