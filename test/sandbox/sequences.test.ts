import { readFileSync } from 'node:fs';
import { startSandbox } from '../../src/sandbox/index.js';
import { type Digest, digestAll, SEEDS } from '../contract/differential.js';

/** What a real kube-apiserver answered; `npm run test:real` compares anew, and records with UPDATE_GOLDEN=1. */
const RECORDED = new URL('../contract/real.golden.json', import.meta.url);

test(`answers ${SEEDS.length} random request sequences as a real kube-apiserver did`, async () => {
  const recorded = JSON.parse(readFileSync(RECORDED, 'utf8')) as Digest;
  expect(Object.keys(recorded)).toEqual(SEEDS.map(String));
  const sandbox = await startSandbox({ empty: true });
  try {
    const ours = await digestAll(sandbox);
    const differing = SEEDS.filter((seed) => ours[seed] !== recorded[seed]);
    expect(differing).toEqual([]);
  } finally {
    await sandbox.close();
  }
}, 120_000);
