// From files to printed JSON, as `reach --from PATH -o json` does it: the process that bench/reach.mjs measures.
import { writeSync } from 'node:fs';
import { readManifests } from '../dist/src/host/manifests.js';
import { FILES, reachOf } from '../dist/src/reach/index.js';
import { reachJson } from '../dist/src/report/reach.js';

const from = process.argv[2];
if (from === undefined) throw new Error('usage: reach-list.mjs PATH');
const { objects, problems } = await readManifests(from);
const reach = reachOf(objects, FILES);
for (const { file, where, message } of problems) console.error(`${file}, ${where}: ${message}`);
for (const piece of reachJson(reach)) {
  const bytes = Buffer.from(piece);
  for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
}
console.error(`peakRssMb ${Math.round(process.resourceUsage().maxRSS / 1024)}`);
