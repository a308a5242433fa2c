import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Rule {
  /** Folders of ours that it may import; one file only where it is named. */
  ours: readonly string[] | 'all';
  /** Packages and Node modules that it may import. */
  others: readonly string[] | 'all';
}

/** Imports run one way. What is pure may not reach the network, files, clocks or the terminal either. */
const RULES: Readonly<Record<string, Rule>> = {
  model: { ours: [], others: ['diff', 'ipaddr.js', 'js-yaml', 'yaml', 'zod', 'node:crypto'] },
  reach: { ours: ['model'], others: ['ipaddr.js'] },
  declared: { ours: ['model', 'reach'], others: ['ipaddr.js', 'yaml'] },
  encryption: { ours: ['model'], others: ['yaml'] },
  steps: { ours: ['model', 'reach', 'declared', 'encryption'], others: ['ipaddr.js', 'node:crypto'] },
  wizard: { ours: ['model'], others: ['yaml'] },
  cluster: { ours: ['model', 'wizard/ports'], others: ['@kubernetes/client-node', 'yaml', 'node:*'] },
  host: { ours: ['model', 'encryption', 'wizard/ports'], others: ['execa', 'yaml', 'zod', 'node:*'] },
  sandbox: { ours: ['model', 'encryption', 'wizard/ports'], others: ['ipaddr.js', 'yaml', 'zod', 'node:*'] },
  report: {
    ours: ['model', 'reach', 'encryption', 'wizard'],
    others: ['@viz-js/viz', 'string-width', 'yaml'],
  },
  tui: { ours: ['model', 'wizard'], others: ['ink', 'react', 'string-width'] },
  prompts: {
    ours: ['model', 'wizard', 'report'],
    others: ['inquirer', 'string-width', 'node:readline', 'node:timers/promises'],
  },
  cli: { ours: ['model'], others: ['commander', 'node:fs'] },
  commands: { ours: 'all', others: 'all' },
  main: { ours: 'all', others: 'all' },
};

/** Folders that only `commands` and `main` may import, so that adapters are built in one place. */
const PRIVATE_TO_TOP = ['commands', 'main', 'cli'];

/** `src/model/plan.ts` is of `model`, `steps/quotas/seen.ts` of `steps`, `src/main.ts` of `main`. */
function layerOf(file: string): string {
  const [top, second = ''] = file.split('/');
  return top === 'src' ? second.replace(/\.tsx?$/, '') : (top ?? '');
}

/** What a source file imports or re-exports, types too, and what it imports at run time. */
function importsOf(text: string): readonly string[] {
  const statement = /^\s*(?:import|export)\s(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(statement), ...text.matchAll(dynamic)].map((match) => match[1] ?? '');
}

/** The breaches of one file, in words; empty where there are none. */
function breachesOf(file: string, text: string): readonly string[] {
  const layer = layerOf(file);
  const rule = RULES[layer];
  if (rule === undefined)
    return [`${file}: ${layer} has no rule; say in test/architecture.test.ts what it may import`];
  return importsOf(text).flatMap((target) => {
    if (!target.startsWith('.')) {
      const allowed =
        rule.others === 'all' ||
        rule.others.some((other) => other === target || (other === 'node:*' && target.startsWith('node:')));
      return allowed ? [] : [`${file} imports ${target}`];
    }
    const found = path.posix.join(path.posix.dirname(file), target).replace(/\.js$/, '');
    const other = layerOf(`${found}.ts`);
    if (other === layer || rule.ours === 'all') return [];
    const within = found.replace(/^src\//, '');
    const allowed =
      !PRIVATE_TO_TOP.includes(other) && rule.ours.some((one) => one === other || one === within);
    return allowed ? [] : [`${file} imports ${found}`];
  });
}

const files = ['src', 'steps'].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
    .filter((name) => /\.tsx?$/.test(name)),
);

test('imports run one way', () => {
  expect(files.length).toBeGreaterThan(100);
  const breaches = files.flatMap((file) => breachesOf(file, readFileSync(path.join(ROOT, file), 'utf8')));
  expect(breaches).toEqual([]);
});

test('what is read as an import is there', () => {
  const relative = files.flatMap((file) =>
    importsOf(readFileSync(path.join(ROOT, file), 'utf8'))
      .filter((target) => target.startsWith('.'))
      .map((target) => path.join(ROOT, path.dirname(file), target)),
  );
  expect(relative.length).toBeGreaterThan(300);
  const missing = relative.filter(
    (target) => !['.ts', '.tsx'].some((end) => existsSync(target.replace(/\.js$/, end))),
  );
  expect(missing).toEqual([]);
});

test('every rule is of a folder that exists, and the document about the house names it', () => {
  const document = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
  for (const layer of Object.keys(RULES)) {
    const place = layer === 'steps' ? 'steps' : layer === 'main' ? 'src/main.ts' : `src/${layer}`;
    expect(existsSync(path.join(ROOT, place)) ? '' : `${place} does not exist`).toBe('');
    expect(document.includes(`\`${place}\``) ? '' : `docs/architecture.md does not name ${place}`).toBe('');
  }
});

test('no folder may import, at any distance, what imports it', () => {
  const reaches = (from: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const open = [from];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { ours } = RULES[next] ?? { ours: [] };
      for (const one of ours === 'all' ? [] : ours) {
        const [layer = ''] = one.split('/');
        if (!found.has(layer)) open.push(layer);
        found.add(layer);
      }
    }
    return found;
  };
  for (const layer of Object.keys(RULES)) expect([...reaches(layer)]).not.toContain(layer);
});

test.each([
  ['src/model/x.ts', "import { a } from '../reach/index.js';", 'imports src/reach/index'],
  ['src/model/x.ts', "import { readFile } from 'node:fs/promises';", 'imports node:fs/promises'],
  ['src/model/x.ts', "import type { Step } from '../wizard/state.js';", 'imports src/wizard/state'],
  ['src/host/x.ts', "import { assemble } from '../wizard/assemble.js';", 'imports src/wizard/assemble'],
  ['src/host/x.ts', "export * from '../wizard/session.js';", 'imports src/wizard/session'],
  ['src/tui/parts/x.tsx', "import {\n  execa,\n} from 'execa';", 'imports execa'],
  ['src/tui/x.tsx', "import '../cluster/connect.js';", 'imports src/cluster/connect'],
  ['src/wizard/x.ts', "const a = await import('../../steps/index.js');", 'imports steps/index'],
  ['steps/x.ts', "import { a } from '../src/wizard/state.js';", 'imports src/wizard/state'],
  ['steps/x/y.ts', "import { setTimeout } from 'node:timers/promises';", 'imports node:timers/promises'],
  ['src/report/x.ts', "import { a } from '../cli/exit.js';", 'imports src/cli/exit'],
  ['src/new/x.ts', '', 'new has no rule'],
])('a breach is found: %s with %s', (file, text, message) => {
  expect(breachesOf(file, text).join()).toContain(message);
});

test.each([
  ['src/host/x.ts', "import type { Host } from '../wizard/ports.js';"],
  ['src/model/x.ts', "// import { a } from '../reach/index.js';\nimport { b } from './y.js';"],
  ['src/model/x.ts', 'const text = "from \'../reach/index.js\'";'],
  ['steps/x/y.ts', "import { a } from '../../src/model/plan.js';"],
  ['src/main.ts', "import { STEPS } from '../steps/index.js';"],
])('what is allowed is no breach: %s with %s', (file, text) => {
  expect(breachesOf(file, text)).toEqual([]);
});
