import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const LAUNCHER = fileURLToPath(new URL('../../bin/kubectl-harden.js', import.meta.url));

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'launcher-'));
  mkdirSync(path.join(home, 'bin'));
  writeFileSync(path.join(home, 'package.json'), '{"type":"module"}');
  cpSync(LAUNCHER, path.join(home, 'bin/kubectl-harden.js'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Stands in for the program: tells how it was started. */
function install(
  main = 'console.log(JSON.stringify([process.argv.slice(2), process.env.FORCE_COLOR]))',
): void {
  mkdirSync(path.join(home, 'dist/src'), { recursive: true });
  writeFileSync(path.join(home, 'dist/src/main.js'), main);
}

async function launch(
  args: readonly string[],
  options: { env?: object; node?: string[]; file?: string } = {},
) {
  const { NO_COLOR: _n, FORCE_COLOR: _f, ...env } = process.env;
  return execa(
    process.execPath,
    [...(options.node ?? []), options.file ?? path.join(home, 'bin/kubectl-harden.js'), ...args],
    { reject: false, extendEnv: false, env: { ...env, TERM: 'xterm', ...options.env } },
  );
}

test('starts the program with its arguments', async () => {
  install();
  const { stdout, exitCode } = await launch(['plan', '-o', 'json']);
  expect(JSON.parse(stdout)).toEqual([['plan', '-o', 'json'], null]);
  expect(exitCode).toBe(0);
});

test('works through a symlink on the PATH, as kubectl finds its plugins', async () => {
  install();
  mkdirSync(path.join(home, 'elsewhere'));
  const link = path.join(home, 'elsewhere/kubectl-harden');
  symlinkSync('../bin/kubectl-harden.js', link);
  const { stdout } = await launch(['runs'], { file: link });
  expect(JSON.parse(stdout)).toEqual([['runs'], null]);
});

test.each([
  [['--no-color'], {}, '0'],
  [['plan', '--no-color'], {}, '0'],
  [['plan', '--', '--no-color'], {}, null],
  [[], { NO_COLOR: '1' }, '0'],
  [[], { NO_COLOR: '' }, null],
  [[], { TERM: 'dumb' }, '0'],
  [['--no-color'], { FORCE_COLOR: '3' }, '0'],
  [[], { FORCE_COLOR: '3' }, '3'],
])('%j with %j sets FORCE_COLOR to %j before the program loads', async (args, env, expected) => {
  install();
  const { stdout } = await launch(args, { env });
  expect(JSON.parse(stdout)[1]).toBe(expected);
});

test.each(['14.21.3', '18.20.4', '20.20.2'])('Node %s is told what to do', async (version) => {
  install();
  const old = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
  const { stdout, stderr, exitCode } = await launch([], {
    node: ['--import', `data:text/javascript,${old}`],
  });
  expect(stderr.split('\n')).toEqual([
    `kubectl-harden needs Node.js 22 or newer, and this is Node.js ${version}.`,
    expect.stringContaining('Install a newer one'),
  ]);
  expect([stdout, exitCode]).toEqual(['', 2]);
});

test.each([
  ['not built', undefined, 'npm ci && npm run build'],
  ['built, but packages are missing', "import 'no-such-package-anywhere'", 'Run `npm ci` in'],
  ['a failure while it starts', "throw new Error('one\\ntwo')", 'could not go on: one'],
])('%s: two lines at most, exit 2, no stack', async (_name, main, part) => {
  if (main !== undefined) install(main);
  const { stderr, exitCode } = await launch([]);
  expect(stderr).toContain(part);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stderr.split('\n').length).toBeLessThanOrEqual(2);
  expect(exitCode).toBe(2);
});
