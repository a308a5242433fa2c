#!/usr/bin/env node
// Started by kubectl as `kubectl harden` or by itself. It keeps to syntax that old Nodes parse, has no import
// statements and no top-level await, so that it can say which Node is missing instead of failing to load.
(function launch() {
  const FLOOR = 22;
  const found = process.versions.node;

  function stop(lines) {
    process.stderr.write(`${lines.join('\n')}\n`);
    process.exitCode = 2;
  }

  if (Number(found.split('.')[0]) < FLOOR) {
    stop([
      `kubectl-harden needs Node.js ${FLOOR} or newer, and this is Node.js ${found}.`,
      'Install a newer one (https://nodejs.org) and put it first on the PATH; in a clone, `npm start` brings its own.',
    ]);
    return;
  }

  // Colour libraries look at the environment while they load, so this comes before anything is imported.
  // Of them FORCE_COLOR is the one that all obey.
  const own = process.argv.slice(2);
  const end = own.indexOf('--');
  const flagged = (end < 0 ? own : own.slice(0, end)).indexOf('--no-color') >= 0;
  if (flagged || process.env.NO_COLOR || process.env.TERM === 'dumb') process.env.FORCE_COLOR = '0';

  // React looks at this while it loads; its development build is several times slower.
  if (!process.env.NODE_ENV) process.env.NODE_ENV = 'production';

  // Compiled code kept from start to start; older Nodes of this line do not have it.
  const loader = process.getBuiltinModule && process.getBuiltinModule('module');
  if (loader && loader.enableCompileCache) loader.enableCompileCache();

  import('../dist/src/main.js').catch((error) => {
    const text = error instanceof Error ? error.message : String(error);
    if (error !== null && typeof error === 'object' && error.code === 'ERR_MODULE_NOT_FOUND') {
      stop(
        /^Cannot find package/.test(text)
          ? ['A package that kubectl-harden needs is not installed.', 'Run `npm ci` in its directory.']
          : ['kubectl-harden is not built yet.', 'Run `npm ci && npm run build` in its directory.'],
      );
      return;
    }
    stop([`kubectl-harden could not go on: ${text.split('\n')[0]}`]);
  });
})();
