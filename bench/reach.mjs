// How long the whole way takes from the files of a cluster to its connections as printed JSON, and how that grows.
//
//   node bench/reach.mjs [--json] [--runs 3] [--classes 2000] [--quick]
//
// The clusters are made by ../shared/tools/gen-cluster.mjs where that is present, otherwise by bench/cluster.mjs;
// --own takes ours in any case. Every number is the median of the runs, each a process of its own.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    own: { type: 'boolean' },
    runs: { type: 'string', default: '3' },
    classes: { type: 'string', default: '2000' },
  },
});
const given = path.resolve(here, '../../shared/tools/gen-cluster.mjs');
const generator = !values.own && existsSync(given) ? given : path.join(here, 'cluster.mjs');
const classes = Number(values.classes);
const runs = values.quick ? 1 : Number(values.runs);
const directory = mkdtempSync(path.join(tmpdir(), 'bench-reach-'));

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Seconds and peak memory of one cluster. */
function measure(options) {
  const out = path.join(directory, Object.values(options).join('-'));
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  execFileSync(process.execPath, [generator, ...args, '--out', out]);
  const seconds = [];
  const memory = [];
  for (let run = 0; run < runs; run++) {
    const stdout = openSync(path.join(directory, 'out.json'), 'w');
    const start = process.hrtime.bigint();
    const child = spawnSync(process.execPath, [path.join(here, 'reach-list.mjs'), out], {
      stdio: ['ignore', stdout, 'pipe'],
      encoding: 'utf8',
    });
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
    if (child.status !== 0) throw new Error(child.stderr);
    memory.push(Number(/peakRssMb (\d+)/.exec(child.stderr)?.[1]));
  }
  rmSync(out, { recursive: true });
  return { ...options, seconds: median(seconds), peakRssMb: median(memory) };
}

/** Slope of the line through (log n, log seconds): 1 is linear, 2 quadratic. */
function exponent(series, key) {
  const points = series.map((one) => [Math.log(one[key]), Math.log(one.seconds)]);
  const mean = (i) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const above = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return above / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

try {
  const largest = measure({ classes });
  const byClasses = [250, 500, 1000].filter((n) => n < classes).map((n) => measure({ classes: n }));
  byClasses.push(largest);
  const counts = values.quick ? [1250, 5000, 20_000] : [1250, 2500, 5000, 10_000, 20_000];
  const byPods = counts.map((pods) => measure({ classes: 500, pods }));
  const round = (n) => Math.round(n * 100) / 100;
  const result = {
    generator: generator === given ? 'gen-cluster.mjs' : 'bench/cluster.mjs',
    classes,
    seconds: round(largest.seconds),
    peakRssMb: largest.peakRssMb,
    podsExponent: round(exponent(byPods, 'pods')),
    classesExponent: round(exponent(byClasses, 'classes')),
    byClasses: byClasses.map((one) => ({ ...one, seconds: round(one.seconds) })),
    byPods: byPods.map((one) => ({ ...one, seconds: round(one.seconds) })),
  };
  if (values.json) console.log(JSON.stringify(result));
  else {
    console.log(`${classes} classes: ${result.seconds} s, ${result.peakRssMb} MB (${result.generator})`);
    for (const one of result.byClasses) console.log(`  ${one.classes} classes: ${one.seconds} s`);
    for (const one of result.byPods) console.log(`  500 classes, ${one.pods} pods: ${one.seconds} s`);
    console.log(`time grows with pods^${result.podsExponent} and classes^${result.classesExponent}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
