// npm run bench -- NAME [FLAGS]: runs bench/NAME.mjs; without a name it lists what there is.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const BENCHMARKS = {
  rewrite: 'the re-write of Secrets against the documented command and a bare client, on a real API server',
  reach: 'from the files of a cluster to its printed connections, against the number of classes and pods',
};

const [name, ...flags] = process.argv.slice(2);
if (name === undefined || !Object.hasOwn(BENCHMARKS, name)) {
  if (name !== undefined) console.error(`There is no benchmark '${name}'.`);
  for (const [known, what] of Object.entries(BENCHMARKS))
    console.error(`npm run bench -- ${known}   ${what}`);
  process.exitCode = 2;
} else {
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), `${name}.mjs`);
  if (!existsSync(file)) throw new Error(`bench/${name}.mjs is missing`);
  process.argv = [process.argv[0], file, ...flags];
  await import(pathToFileURL(file).href);
}
