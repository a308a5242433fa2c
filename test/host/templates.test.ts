import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadTemplates, packagedTemplates, parseTemplate } from '../../src/host/templates.js';
import { TemplateError } from '../../src/model/template.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'templates-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
  writeFileSync(path.join(directory, name), text);
}

const message = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
  throw new Error('no error');
};

test('every packaged template is one valid object', async () => {
  const templates = await loadTemplates();
  const files = (await readdir(packagedTemplates(), { recursive: true })).filter((f) => f.endsWith('.yaml'));
  expect([...templates.keys()].toSorted()).toEqual(files.toSorted());
  expect(templates.get('quotas/limitrange.yaml')?.kind).toBe('LimitRange');
});

test('every packaged template of an appendix names it in a comment', async () => {
  const named = {
    'namespaces/namespace.yaml': 'Appendix D',
    'quotas/limitrange.yaml': 'Appendix F',
    'quotas/resourcequota.yaml': 'Appendix G',
  };
  for (const [file, appendix] of Object.entries(named)) {
    const text = await readFile(path.join(packagedTemplates(), file), 'utf8');
    expect(text.split('\n')[0]).toContain(`# ${appendix}`);
  }
});

test('a file of the same path overrides one template and leaves the others', async () => {
  write(
    'quotas/resourcequota.yaml',
    'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: ours}\nspec: {hard: {pods: 7}}\n',
  );
  const [own, packaged] = [await loadTemplates(directory), await loadTemplates()];
  expect(own.get('quotas/resourcequota.yaml')?.metadata.name).toBe('ours');
  expect(own.get('quotas/limitrange.yaml')).toEqual(packaged.get('quotas/limitrange.yaml'));
  expect([...own.keys()]).toEqual([...packaged.keys()]);
});

describe('an error names file, line and what was expected', () => {
  test('a directory that does not exist', async () => {
    expect(await message(loadTemplates(path.join(directory, 'none')))).toBe(
      `${directory}/none: no such directory`,
    );
  });

  test('a directory without templates', async () => {
    expect(await message(loadTemplates(directory))).toMatch(/holds no template\ntemplates are: .*quotas\//);
  });

  test('a file that overrides nothing', async () => {
    write('quotas/limits.yaml', 'kind: LimitRange\n');
    expect(await message(loadTemplates(directory))).toMatch(
      /quotas\/limits\.yaml: overrides nothing\ntemplates are: /,
    );
  });

  test('an object of another kind', async () => {
    write('quotas/limitrange.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n');
    expect(await message(loadTemplates(directory))).toBe(
      `${directory}/quotas/limitrange.yaml:1: expected v1 LimitRange, found v1 ConfigMap`,
    );
  });

  test.each([
    ['nothing', '', 't.yaml:1: expected one Kubernetes object, found nothing'],
    ['broken YAML', 'apiVersion: v1\nkind: [\n', /^t\.yaml:\d: not valid YAML: /],
    [
      'a key twice',
      'apiVersion: v1\nkind: A\nkind: B\n',
      't.yaml:3: not valid YAML: Map keys must be unique',
    ],
    [
      'two objects',
      'apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\nkind: B\n',
      /^t\.yaml:[45]: expected one/,
    ],
    ['a list', '- a\n', 't.yaml:1: expected object, received array'],
    ['no name', 'apiVersion: v1\nkind: A\nmetadata: {}\n', /^t\.yaml:3: metadata\.name: expected string/],
    [
      'a name that is none',
      'apiVersion: v1\nkind: A\nmetadata:\n  name: Not_A_Name\n',
      't.yaml:4: metadata.name: expected a name of lower-case letters, digits, dashes and dots',
    ],
    [
      'a quantity that is none',
      'apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: a\nspec:\n  hard:\n    pods: many\n',
      't.yaml:7: spec.hard.pods: expected a quantity such as 100m or 1.5Gi',
    ],
    ...[
      ['a negative amount', 'requests.memory: -1Gi', 'expected a quantity of zero or more'],
      ['a fraction of a pod', 'pods: "2.5"', 'expected a whole number'],
      ['a fraction of an object', 'count/jobs.batch: 500m', 'expected a whole number'],
      ['an unknown suffix', 'requests.memory: 1Gib', 'expected a quantity such as 100m or 1.5Gi'],
    ].map(([name = '', line = '', expected]): [string, string, string] => [
      `${name} in a quota`,
      `apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: a}\nspec:\n  hard:\n    cpu: 1500m\n    ${line}\n`,
      `t.yaml:7: spec.hard.${line.split(':')[0]}: ${expected}`,
    ]),
    [
      'a negative default',
      'apiVersion: v1\nkind: LimitRange\nmetadata: {name: a}\nspec:\n  limits:\n    - type: Container\n' +
        '      defaultRequest: {cpu: -1}\n',
      't.yaml:7: spec.limits[0].defaultRequest.cpu: expected a quantity of zero or more',
    ],
    [
      'a field of the policy that the API does not know',
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec:\n  podSelector: {}\n' +
        '  policyTypes: [Ingress]\n  policyType: [Egress]\n',
      't.yaml:7: spec.policyType: the API knows no such field',
    ],
  ])('%s', (_name, text, expected) => {
    let found = '';
    try {
      parseTemplate(text, 't.yaml');
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      found = error.message;
    }
    if (typeof expected === 'string') expect(found).toBe(expected);
    else expect(found).toMatch(expected);
    expect(found.split('\n').length).toBeLessThanOrEqual(3);
  });

  test('aliases that expand without end', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) =>
        `l${i}: &l${i} [${
          i === 0
            ? 'x'
            : Array(9)
                .fill(`*l${i - 1}`)
                .join(', ')
        }]`,
    );
    expect(() => parseTemplate(levels.join('\n'), 't.yaml')).toThrow('t.yaml:1: expands to more');
  });
});
