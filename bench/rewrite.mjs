// The re-write of Secrets against the command of the Kubernetes documentation, and against a client that does nothing
// but the requests, on the same real API server in one run. Every time is that of whole processes, start-up included.
//
//   node bench/rewrite.mjs [--json] [--runs 1] [--quick]
//
// Each figure is the median of the runs. Before each, the API server is started anew with the other key first, so that
// all Secrets are stale; after each, etcd is asked whether all are stored under that key. --max-rate is lifted, and
// --no-proof leaves out what the documented command does not do: looking afterwards. Time and memory with the proof are
// measured by themselves.
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure } from './rewrite/measure.mjs';
import { assets, delaying, startWith } from './rewrite/real.mjs';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    runs: { type: 'string', default: '1' },
  },
});
const runs = Number(values.runs);
const KIB = 1024;
const SETS = values.quick
  ? [{ count: 500, bytes: KIB }]
  : [
      { count: 2_000, bytes: KIB },
      { count: 10_000, bytes: KIB },
      { count: 500, bytes: 100 * KIB },
    ];
const DISTANT = { count: values.quick ? 200 : 2_000, bytes: KIB };
const ROUND_TRIP = 20;
const CONCURRENCIES = [16, 32, 64, 128];

const here = path.dirname(fileURLToPath(import.meta.url));
const directory = assets();
const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;
const node = quoted(process.execPath);
const kubectl = quoted(path.join(directory, 'kubectl'));
const say = (text) => console.error(text);
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const round = (n) => Math.round(n * 100) / 100;

const documented = (kubeconfig) =>
  `${kubectl} --kubeconfig ${quoted(kubeconfig)} get secrets -A -o json | ${kubectl} --kubeconfig ${quoted(kubeconfig)} replace -f - >/dev/null`;
const proving = (kubeconfig) =>
  `${node} ${quoted(path.join(here, '../bin/kubectl-harden.js'))} rewrite-secrets --kubeconfig ${quoted(kubeconfig)} --confirm real --max-rate 0 -o json`;
const ours = (kubeconfig) => `${proving(kubeconfig)} --no-proof`;
const bare = ({ server, token, caFile }, concurrency) =>
  `${node} ${quoted(path.join(here, 'rewrite/bare-client.mjs'))} ${server} ${token} ${quoted(caFile)} ${concurrency}`;

/** One command on stale Secrets, proven in etcd. */
async function timed(real, command) {
  const each = [];
  for (let run = 0; run < runs; run++) {
    await real.flip();
    each.push(await measure(command, { XDG_STATE_HOME: real.folder }));
    const stale = await real.stale();
    if (stale > 0) throw new Error(`${stale} Secrets are stale after: ${command}`);
  }
  return {
    seconds: median(each.map((one) => one.seconds)),
    megabytes: median(each.map((one) => one.megabytes)),
  };
}

async function compared(real, kubeconfig, what) {
  const mine = await timed(real, ours(kubeconfig));
  const theirs = await timed(real, documented(kubeconfig));
  const result = {
    ...what,
    seconds: round(mine.seconds),
    documentedSeconds: round(theirs.seconds),
    speedup: round(theirs.seconds / mine.seconds),
    rssMb: Math.round(mine.megabytes),
    documentedRssMb: Math.round(theirs.megabytes),
    load: round(os.loadavg()[0]),
  };
  say(JSON.stringify(result));
  return result;
}

const results = [];
let bareClient;
let distant;
for (const [index, set] of SETS.entries()) {
  const real = await startWith(directory, set);
  try {
    // The first start of our program compiles it; everybody's second does not.
    await measure(ours(real.kubeconfigFile), { XDG_STATE_HOME: real.folder });
    const one = await compared(real, real.kubeconfigFile, set);
    const proven = await timed(real, proving(real.kubeconfigFile));
    const withProof = {
      secondsWithProof: round(proven.seconds),
      rssMbWithProof: Math.round(proven.megabytes),
    };
    say(JSON.stringify(withProof));
    results.push({ ...one, ...withProof });
    if (index === Math.min(1, SETS.length - 1)) {
      const each = [];
      for (const concurrency of CONCURRENCIES)
        each.push({ concurrency, seconds: (await timed(real, bare(real, concurrency))).seconds });
      const again = await timed(real, ours(real.kubeconfigFile));
      const best = Math.min(...each.map((one) => one.seconds));
      // Between two runs of ours, so that neither side has the quieter machine.
      const mine = (results.at(-1).seconds + again.seconds) / 2;
      bareClient = {
        of: round(best / mine),
        seconds: round(mine),
        best: round(best),
        each: each.map((one) => ({ ...one, seconds: round(one.seconds) })),
      };
      say(JSON.stringify(bareClient));
    }
  } finally {
    await real.stop();
  }
}
{
  const real = await startWith(directory, DISTANT);
  const proxy = await delaying(real.server, ROUND_TRIP);
  try {
    distant = await compared(real, real.kubeconfigAt('distant', proxy.address), {
      ...DISTANT,
      roundTripMs: ROUND_TRIP,
    });
  } finally {
    proxy.close();
    await real.stop();
  }
}

const version = (
  await measure(`${kubectl} version --client --short 2>/dev/null || ${kubectl} version --client`)
).stdout;
const near = results.filter((one) => one.bytes === KIB);
const large = results.filter((one) => one.bytes > KIB);
const all = [...results, distant];
const result = {
  speedupLoopback: Math.min(...near.map((one) => one.speedup)),
  speedup20ms: distant.speedup,
  speedupLarge: large.length === 0 ? undefined : Math.min(...large.map((one) => one.speedup)),
  ofBareClient: bareClient.of,
  peakRssMb: Math.max(...all.map((one) => one.rssMb)),
  peakRssMbWithProof: Math.max(...results.map((one) => one.rssMbWithProof)),
  memoryRatio: round(Math.min(...all.map((one) => one.documentedRssMb / one.rssMb))),
  kubectlVersion: /v\d+\.\d+\.\d+/.exec(version)?.[0],
  cores: os.availableParallelism(),
  runs,
  sets: results,
  distant,
  bareClient,
};
if (values.json) console.log(JSON.stringify(result));
else {
  for (const one of all)
    console.log(
      `${one.count} of ${one.bytes / KIB} KiB${one.roundTripMs === undefined ? '' : ` at ${one.roundTripMs} ms`}: ${one.seconds} s and ${one.rssMb} MB, documented command ${one.documentedSeconds} s and ${one.documentedRssMb} MB: ${one.speedup} times as fast`,
    );
  for (const one of results)
    console.log(
      `${one.count} of ${one.bytes / KIB} KiB with the proof: ${one.secondsWithProof} s and ${one.rssMbWithProof} MB`,
    );
  console.log(`of the best of a bare client (${bareClient.best} s): ${bareClient.of}`);
}
process.exit(0);
