import fc from 'fast-check';
import { plainContents, thoroughContents, UNRENDERED, yamlContents } from '../../src/model/yaml-contents.js';

const LIMITS = { aliases: 1_000, depth: 200 };

describe('two parsers, one meaning', () => {
  const SCALARS =
    `1 01 0o17 0x1F 0b11 1_000 +1 -1 .5 5. 1e3 .inf .nan ~ null true True yes no on 2001-01-01 1:30 <<|""|''|"a\\nb"|'it''s'|a b|a #b|[a, b]|{a: b}|[]|{}|"\\u00e9"|é|a,b|1.2.3|a\\n|"{{ .x }}"|x{{y}}|- a|- a b|a: b|&a x|*a|!!str 1|"a" b|]|-`
      .split('|')
      .flatMap((part, index) => (index === 0 ? part.split(' ') : part))
      .concat('|\n      x\n       y\n', '>\n      x\n\n      y\n');
  const KEYS = [
    'a',
    'b',
    '"q"',
    '1',
    'true',
    'a.b/c',
    '<<',
    '__proto__',
    'constructor',
    '? a',
    '{a: b}',
    'é',
  ];
  const line = fc
    .tuple(fc.constantFrom('', '  ', '    '), fc.constantFrom(...KEYS), fc.constantFrom(':', ': ', '\n- '))
    .map(([indent, key, sign]) => `${indent}${key}${sign}`);
  const text = fc
    .array(fc.tuple(line, fc.constantFrom(...SCALARS)), { minLength: 1, maxLength: 5 })
    .map((lines) => lines.map(([start, scalar]) => `${start}${scalar}\n`).join(''));
  const damaged = fc
    .tuple(text, fc.nat(), fc.constantFrom('', ' ', '\n', '\t', ':', '-', '#', '"', "'", '{', '['), fc.nat(2))
    .map(([whole, at, put, cut]) => {
      const place = at % whole.length;
      return whole.slice(0, place) + put + whole.slice(place + cut);
    });

  test('what the fast parser takes, the thorough one takes as the same', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(text, damaged), (text) => {
        const plain = plainContents(text, LIMITS);
        // A key that is null has no name in JSON; no object of Kubernetes has one.
        if (plain === undefined || JSON.stringify(plain).includes('"null":')) return;
        taken++;
        expect(plain).toEqual(thoroughContents(text, LIMITS));
      }),
      { numRuns: Number(process.env.YAML_RUNS ?? 3_000) },
    );
    expect(taken).toBeGreaterThan(500);
  });

  test.each([
    ['an alias', 'a: &x 1\nb: *x\n', [{ a: 1, b: 1 }]],
    ['a merge', 'a: &x {y: 1}\nb: {<<: *x, z: 2}\n', [{ a: { y: 1 }, b: { y: 1, z: 2 } }]],
    ['a version', '%YAML 1.1\n---\na: yes\n', [{ a: true }]],
    ['a tag', 'a: !!str 1\n', [{ a: '1' }]],
  ])('%s is left to the thorough one', (_, text, values) => {
    expect(plainContents(text, LIMITS)).toBeUndefined();
    expect(yamlContents(text, LIMITS)).toEqual({ values, faults: [] });
  });

  test('something behind an item in quotes or brackets is an error, not the next key', () => {
    for (const text of ['a:\n- "x"b: c\n', 'a:\n- {}  ? \n', "a:\n- 'x' b: c\n"])
      expect(yamlContents(text, LIMITS).faults).toHaveLength(1);
  });
});

describe('templates that are not rendered', () => {
  let warnings: unknown[] = [];
  const hear = (...args: unknown[]) => warnings.push(args);
  beforeEach(() => {
    warnings = [];
    process.on('warning', hear);
  });
  afterEach(() => process.off('warning', hear));

  test.each([
    ['a value', 'kind: Pod\nmetadata:\n  name: {{ .Values.x }}\n'],
    ['a part of a value', 'kind: Pod\nmetadata:\n  name: {{ .Values.x }}-web\n'],
    ['a block', 'kind: Pod\n{{- if .Values.x }}\nspec: {}\n{{- end }}\n'],
    ['all of it', '{{- if .Values.x }}\nkind: Pod\n{{- end }}\n'],
    ['an item', 'spec:\n  args:\n  - {{ .Values.x }}\n'],
    ['labels', 'metadata:\n  labels:\n    {{- include "x.labels" . | nindent 4 }}\n'],
  ])('%s: said once, nothing read, no word from the parser itself', async (_, text) => {
    expect(yamlContents(text, LIMITS)).toEqual({
      values: [],
      faults: [{ line: expect.any(Number), message: UNRENDERED }],
    });
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  test('a template in a text of the object is a text like any other', () => {
    const text = 'data:\n  rule: "{{ $labels.x }}"\n  all: |\n    {{- range . }}\n    x: {{ .y }}\n';
    expect(yamlContents(text, LIMITS)).toEqual({
      values: [{ data: { rule: '{{ $labels.x }}', all: '{{- range . }}\nx: {{ .y }}\n' } }],
      faults: [],
    });
  });

  test('a key that is a map or a list and no template is an error with its line', async () => {
    const faults = [{ line: 2, message: 'has a list or a map as a key' }];
    expect(yamlContents('a: 1\n{b: c}: d\n', LIMITS)).toEqual({ values: [], faults });
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });
});
