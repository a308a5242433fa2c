import { LIMITS, readDocuments } from '../../src/model/documents.js';

const POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n';
const read = (text: string) => readDocuments(text, 'all.yaml');
const names = (text: string) => read(text).objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

describe('objects of a file', () => {
  test.each<[string, string, string[]]>([
    ['one document', POD, ['Pod a']],
    [
      'several, some empty',
      `---\n${POD}---\n# nothing\n---\n${POD.replace('name: a', 'name: b')}---\n`,
      ['Pod a', 'Pod b'],
    ],
    ['a List', `apiVersion: v1\nkind: List\nitems:\n- ${POD.trim().replaceAll('\n', '\n  ')}\n`, ['Pod a']],
    [
      'a typed list, whose items say no kind',
      '{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a"}}]}',
      ['Pod a'],
    ],
    [
      'lists in lists',
      '{"kind":"List","apiVersion":"v1","items":[{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}]}]}',
      ['Pod a'],
    ],
    ['JSON', '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}', ['Pod a']],
    [
      'JSON documents between dashes',
      '---\n{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}\n---\n{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}',
      ['Pod a', 'Pod b'],
    ],
    [
      'JSON documents one after the other',
      '{\n  "apiVersion": "v1",\n  "kind": "Pod",\n  "metadata": {"name": "a"}\n}\n{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b", "annotations": {"a": "}{\\""}}}]\n}\n',
      ['Pod a', 'Pod b'],
    ],
    [
      'JSON, one a line, the last without its end',
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}\r\n\n{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}',
      ['Pod a', 'Pod b'],
    ],
    [
      'JSON without anything between',
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}]',
      ['Pod a', 'Pod b'],
    ],
    ['YAML in braces', '{"apiVersion": v1, kind: Pod, metadata: {name: a}}', ['Pod a']],
    ['with a byte order mark', `\uFEFF${POD}`, ['Pod a']],
    ['with Windows line ends', `${POD}---\n${POD}`.replaceAll('\n', '\r\n'), ['Pod a', 'Pod a']],
    ['nothing at all', '', []],
    [
      'a kind that only ends in List',
      '{"apiVersion":"x/v1","kind":"AllowList","metadata":{"name":"a"}}',
      ['AllowList a'],
    ],
  ])('%s', (_, text, expected) => {
    expect(read(text).problems).toEqual([]);
    expect(names(text)).toEqual(expected);
  });

  test('y, no and on are text, as in Kubernetes of today', () => {
    const [pod] = read(`${POD}spec: {a: y, b: no, c: on, d: true}\n`).objects;
    expect(pod?.spec).toEqual({ a: 'y', b: 'no', c: 'on', d: true });
  });

  test('anchors and merge keys are followed', () => {
    const [pod] = read(`${POD}spec:\n  one: &one {x: 1}\n  two: {<<: *one, y: 2}\n`).objects;
    expect(pod?.spec).toEqual({ one: { x: 1 }, two: { x: 1, y: 2 } });
  });

  test('an empty namespace says nothing', () => {
    expect(read('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":""}}').objects).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
    ]);
  });
});

describe('what cannot be taken is named with file, place and object, and the rest is read', () => {
  const bomb = () => {
    const lines = [
      'apiVersion: v1',
      'kind: ConfigMap',
      'metadata: {name: bomb}',
      'a0: &a0 [x, x, x, x, x, x, x, x, x]',
    ];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    return `${lines.join('\n')}\n`;
  };
  const deep = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\ndata: ${'{a: '.repeat(300)}1${'}'.repeat(300)}\n`;

  test.each<[string, () => string, string, string]>([
    ['broken YAML', () => 'apiVersion: v1\nkind: Pod\nmetadata: {name: b\n', 'line 5, Pod b', ''],
    ['aliases that explode', bomb, 'line 2, ConfigMap bomb', 'its aliases would blow it up'],
    [
      'an alias to nothing',
      () => 'apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: *gone\n',
      'line 2, Pod b',
      'gone',
    ],
    ['an endless nest', () => deep, 'line 2, ConfigMap deep', 'is nested deeper than 200 levels'],
    ...['[', '{a: '].map((open): [string, () => string, string, string] => [
      `a nest that no parser follows, of ${open}`,
      () => `apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: ${open.repeat(100_000)}\n`,
      'line 5, Pod b',
      'is nested deeper than 200 levels',
    ]),
    [
      'a template that is not rendered',
      () => 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.x }}-web\n',
      'line 2, Pod {{ .Values.x }}-web',
      'helm template',
    ],
    ['no kind', () => 'metadata: {name: b}\n', 'line 2', 'no kind'],
    ['no name', () => 'apiVersion: v1\nkind: Pod\n', 'line 2, Pod', 'has no name'],
    [
      'a name that is a number',
      () => 'apiVersion: v1\nkind: Pod\nmetadata: {name: 1}\n',
      'line 2, Pod',
      'its name is not text',
    ],
    [
      'a name that no server takes',
      () => 'apiVersion: v1\nkind: Pod\nmetadata: {name: Web_1, namespace: shop}\n',
      'line 2, Pod shop/Web_1',
      'no API server would take it, so it counts as not there: metadata.name: Invalid value: "Web_1"',
    ],
    [
      'a template in quotes',
      () =>
        'apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {ports: [{port: "{{ .Values.port }}"}]}\n',
      'line 2, Service b',
      'helm template',
    ],
    ['only text', () => 'hello\n', 'line 2', 'not an object'],
    [
      'a namespace that is a number',
      () => 'apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: 1}\n',
      'line 2, Pod b',
      'namespace is not text',
    ],
    [
      'a key twice',
      () => 'apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {a: 1}\nspec: {b: 1}\n',
      'line 6, Pod b',
      'unique',
    ],
  ])('%s', (_, bad, where, message) => {
    const { objects, problems } = read(`---\n${bad()}---\n${POD}`);
    expect(objects.map(({ metadata }) => metadata.name)).toContain('a');
    expect(problems[0]?.file).toBe('all.yaml');
    expect(problems[0]?.where).toBe(where);
    expect(problems[0]?.message.toLowerCase()).toContain(message.toLowerCase());
  });

  test.each([
    ['Chart.yaml', 'apiVersion: v2\nname: x\n', 'helm template'],
    ['kustomization.yaml', 'resources: [../a.yaml]\n', 'kubectl kustomize'],
    ['kustomization.yaml', 'resources: [a.yaml]\nnamePrefix: x-\n', 'kubectl kustomize'],
    ['all.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n', 'kubectl kustomize'],
  ])('what manifests are made from is told with what makes them: %s', (file, text, message) => {
    const { objects, problems } = readDocuments(text, `a/${file}`);
    expect(objects).toEqual([]);
    expect(problems).toMatchObject([{ message: expect.stringContaining(message) }]);
  });

  test('a kustomization that only lists files beside it says nothing that these do not say', () => {
    const text =
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml, b/c.yaml]\n';
    expect(readDocuments(text, 'kustomization.yaml')).toMatchObject({ objects: [], problems: [] });
  });

  test('a Kustomization of Flux is an object like any other', () => {
    const text = 'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n';
    expect(readDocuments(text, 'kustomization.yaml').objects).toHaveLength(1);
  });

  test.each<[string, string, string, string]>([
    ['torn off', '{"apiVersion":"v1","kind":"Pod",\n"metadata":{"name":', 'line 4', 'flow map'],
    ['a comma too many', '{"kind":"Pod","metadata":{"name":"x",,}}', 'line 3', 'unexpected'],
    ['no object', '"only text"', 'line 3', 'not an object'],
    ['text', 'error: connection refused', 'line 3', 'not an object'],
    ['no kind', '{"metadata":{}}', 'line 3', 'no kind'],
  ])('one of several JSON documents: %s', (_, bad, where, message) => {
    const good = (name: string) => `{"apiVersion":"v1","kind":"Pod",\n"metadata":{"name":"${name}"}}\n`;
    const { objects, problems } = read(`${good('a')}${bad}\n${good('b')}`);
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.where).toContain(where);
    expect(problems[0]?.message.toLowerCase()).toContain(message);
  });

  test('what is broken over and over is not read for ever', () => {
    const start = Date.now();
    const { problems } = read(`{"a":1}\n${'{"a":[\n'.repeat(200_000)}`);
    expect(problems.at(-1)?.message).toContain('the rest of the file is not read');
    expect(Date.now() - start).toBeLessThan(10_000);
  });

  test.each([
    [
      'YAML',
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: huge\ndata:\n  a: ${'x'.repeat(50_000_000)}\n---\n${POD}`,
    ],
    [
      'JSON',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'huge' },
        data: { a: 'x'.repeat(50_000_000) },
      }),
    ],
  ])('an object of 50 MB in %s', (_, text) => {
    const start = Date.now();
    const { problems } = read(text);
    expect(problems).toMatchObject([{ message: expect.stringContaining('50 MB') }]);
    expect(`${problems[0]?.where} ${problems[0]?.message}`).toContain('ConfigMap huge');
    expect(Date.now() - start).toBeLessThan(10_000);
  });

  test('a list may be longer than any object', () => {
    const items = Array.from({ length: 3 }, (_, i) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `c${i}` },
      data: { a: 'x'.repeat(LIMITS.object / 2) },
    }));
    expect(read(JSON.stringify({ apiVersion: 'v1', kind: 'List', items })).objects).toHaveLength(3);
  });

  test.each([
    ['JSON lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['JSON maps', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['YAML lists', `a: ${'['.repeat(50_000)}`],
    ['YAML dashes', '- '.repeat(50_000)],
    [
      'Lists of Kubernetes',
      `${'{"kind":"List","apiVersion":"v1","items":['.repeat(30_000)}${']}'.repeat(30_000)}`,
    ],
  ])('a nest without end does not bring the reader down: %s', (_, text) => {
    const { objects, problems } = read(text);
    expect(objects).toEqual([]);
    expect(problems.length).toBeGreaterThan(0);
  });

  test.each([
    ['at the left margin', ''],
    ['indented', '  '],
  ])('a long list of YAML is read item by item, and says the same: items %s', (_, margin) => {
    const item = (i: number) =>
      `- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: c${i}\n  data:\n    a: |\n      - x\n\n      ${'y'.repeat(300)}\n`.replace(
        /^(?=.)/gm,
        margin,
      );
    const list = (length: number) =>
      `apiVersion: v1\nitems:\n${Array.from({ length }, (_, i) => item(i)).join('')}kind: List\nmetadata: {}\n`;
    const long = read(list(1_000));
    expect(long.problems).toEqual([]);
    expect(long.objects.slice(0, 3)).toEqual(read(list(3)).objects);
    expect(long.objects).toHaveLength(1_000);
    const broken = read(list(1_000).replace('name: c500', 'name: {'));
    expect(broken.objects).toHaveLength(999);
    expect(broken.problems[0]?.where).toBe('line 4507, ConfigMap');
  });

  test('items of a long typed list have the kind of the list', () => {
    const item = `- metadata:\n    name: a\n  spec: {x: ${'y'.repeat(300_000)}}\n`;
    const { objects } = read(`kind: PodList\napiVersion: v1\nitems:\n${item}`);
    expect(objects).toMatchObject([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }]);
  });

  test('a key of JavaScript is a key like any other', () => {
    const [object] = read(
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","__proto__":{"namespace":"x"}}}',
    ).objects;
    expect(object?.metadata.namespace).toBeUndefined();
  });
});
