import fc from 'fast-check';

/** Pieces that parsers of YAML, JSON, numbers, addresses and lines have stumbled over. */
const NASTY: readonly string[] = [
  '',
  '\0',
  '\u001b[2J',
  '\u202e',
  '\ufeff',
  '\ud800',
  '\t',
  '\r',
  '\n---\n',
  '...\n',
  '&a [*a]',
  '*a',
  '&a [x,x,x,x,x,x,x,x,x] &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]',
  '<<: *a',
  '!!binary x',
  '!!js/function x',
  '? {',
  '[[[[[[[[',
  '{{{{',
  '__proto__: {a: 1}',
  '"__proto__": {"a": 1}',
  'constructor',
  'toString',
  'null',
  '~',
  'NaN',
  '-0',
  '1e999',
  '-9223372036854775809',
  '99999999999999999999999999999999',
  '0x7f',
  '.5.5',
  '1.2.3.4/33',
  '::ffff:1.2.3.4/0',
  'fe80::1%eth0/64',
  '%',
  '\\u0000',
  '"',
  "'",
  '|',
  '>-',
  '#',
  ': ',
  '- ',
  '{}',
  '[]',
  '()()()',
];

type Edit =
  | { do: 'cut'; at: number; length: number }
  | { do: 'repeat'; at: number; length: number; times: number }
  | { do: 'insert'; at: number; text: string }
  | { do: 'move'; at: number; length: number; to: number };

const place = fc.double({ min: 0, max: 1, noNaN: true });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ do: fc.constant('cut' as const), at: place, length: fc.nat(40) }),
  fc.record({
    do: fc.constant('repeat' as const),
    at: place,
    length: fc.integer({ min: 1, max: 40 }),
    times: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) },
      { weight: 1, arbitrary: fc.constant(300) },
    ),
  }),
  fc.record({
    do: fc.constant('insert' as const),
    at: place,
    text: fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 6 })),
  }),
  fc.record({ do: fc.constant('move' as const), at: place, length: fc.nat(30), to: place }),
);

function edited(text: string, change: Edit): string {
  const at = Math.floor(change.at * text.length);
  switch (change.do) {
    case 'cut':
      return text.slice(0, at) + text.slice(at + change.length);
    case 'repeat':
      return text.slice(0, at) + text.slice(at, at + change.length).repeat(change.times) + text.slice(at);
    case 'insert':
      return text.slice(0, at) + change.text + text.slice(at);
    case 'move': {
      const rest = text.slice(0, at) + text.slice(at + change.length);
      const to = Math.floor(change.to * rest.length);
      return rest.slice(0, to) + text.slice(at, at + change.length) + rest.slice(to);
    }
  }
}

/** Inputs near to well-formed ones, and now and then any text at all. */
export function inputs(corpus: readonly string[]): fc.Arbitrary<string> {
  const near = fc
    .tuple(fc.constantFrom(...corpus), fc.array(edit, { minLength: 0, maxLength: 6 }))
    .map(([text, edits]) => edits.reduce(edited, text).slice(0, 50_000));
  return fc.oneof(
    { weight: 9, arbitrary: near },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  );
}
