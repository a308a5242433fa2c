// Loaded into every process of the program by NODE_OPTIONS: writes down the argument list of each process that it starts.
const { appendFileSync } = require('node:fs');
const child = require('node:child_process');
const { syncBuiltinESMExports } = require('node:module');

const file = process.env.RECORDED_PROCESSES;
const record = (words) => appendFileSync(file, `${JSON.stringify(words)}\n`);
record(['own', ...process.execArgv, ...process.argv]);

const { spawn } = child.ChildProcess.prototype;
child.ChildProcess.prototype.spawn = function (options) {
  record([options.file, ...(options.args ?? [])]);
  return spawn.call(this, options);
};
for (const name of ['spawnSync', 'execFileSync', 'execSync']) {
  const original = child[name];
  child[name] = (file, ...rest) => {
    record([String(file), ...(Array.isArray(rest[0]) ? rest[0].map(String) : [])]);
    return original(file, ...rest);
  };
}
syncBuiltinESMExports();
