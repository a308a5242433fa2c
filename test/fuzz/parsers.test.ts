import fc from 'fast-check';
import { inputs } from './mutate.js';
import { kept, PARSERS, type Parser } from './parsers.js';

/** Inputs for each parser; `npm run test:fuzz` asks for many more. */
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 2_000);
/** Processor time that one input may take, in microseconds: beyond it the parser counts as hanging. */
const HANG = 1_000_000;
/** Values that a parser may make of an input, for each of its characters: aliases and the like grow beyond it. */
const GROWTH = 60;
/** Words for a person. */
const LONGEST_WORDS = 4_000;

describe.each(PARSERS)('$name', (parser) => {
  test('every text of the corpus is a value', () => {
    for (const text of parser.corpus) expect(judged(parser, text)).toBeUndefined();
    const values = parser.corpus.map((text) => outcome(parser, text));
    expect(values.every((made) => 'value' in made)).toBe(true);
  });

  test(`${INPUTS} inputs each give a value, or words that say where and what was expected`, () => {
    fc.assert(
      fc.property(inputs(parser.corpus), (input) => {
        const fault = judged(parser, input);
        expect(fault).toBeUndefined();
      }),
      { numRuns: INPUTS, examples: kept(parser.name).map((input) => [input]) },
    );
  }, 600_000);
});

function outcome(parser: Parser, input: string) {
  try {
    return parser.parse(input);
  } catch (error) {
    if (!(error instanceof Error) || !parser.throws.includes(error.name)) throw error;
    if (parser.names !== undefined && !parser.names.test(error.message))
      throw new Error(`the words name no place: ${error.message}`);
    return { words: error.message };
  }
}

/** What is wrong with how the parser took this input; undefined where nothing is. */
function judged(parser: Parser, input: string): string | undefined {
  const before = process.cpuUsage();
  let made: ReturnType<typeof outcome>;
  try {
    made = outcome(parser, input);
  } catch (error) {
    return `it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const { user, system } = process.cpuUsage(before);
  if (user + system > HANG) return `it took ${Math.round((user + system) / 1000)} ms`;
  if ('value' in made) {
    const most = GROWTH * (input.length + 200);
    return holds(made.value, most) > most ? `its value is larger than ${most} fields` : undefined;
  }
  if (made.words.trim() === '') return 'it said nothing';
  if (made.words.length > LONGEST_WORDS) return `its words are ${made.words.length} characters long`;
  if (/\bat .+:\d+:\d+\)?$/m.test(made.words) || /TypeError|ReferenceError|RangeError/.test(made.words))
    return `its words are those of a program: ${made.words}`;
  return undefined;
}

/** How many values a value holds, each as often as it can be reached; counting ends beyond `most`. */
function holds(value: unknown, most: number): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && count <= most) {
    const next = open.pop();
    count++;
    if (next instanceof Map) open.push(...next.values());
    else if (typeof next === 'object' && next !== null) open.push(...Object.values(next));
  }
  return count;
}
