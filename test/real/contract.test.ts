import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startSandbox } from '../../src/sandbox/index.js';
import { differences, digestAll, SEEDS } from '../contract/differential.js';
import { describeContract } from '../contract/suite.js';
import { ENCRYPTION } from '../support/encryption-configuration.js';
import { missingReal, startReal } from '../support/real-cluster.js';

const RECORDED = new URL('../contract/real.golden.json', import.meta.url);
const missing = missingReal();

async function startSubject() {
  const directory = await mkdtemp(join(tmpdir(), 'kubectl-harden-contract-'));
  const cluster = await startReal();
  return {
    server: cluster.server,
    token: cluster.token,
    ca: cluster.ca,
    encrypt: async () => {
      const file = join(directory, 'encryption-config.yaml');
      await writeFile(file, stringify(ENCRYPTION), { mode: 0o600 });
      await cluster.restart({ encryptionConfig: file });
    },
    close: async () => {
      await cluster.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

if (missing !== undefined) {
  describe.skip(`contract: a real kube-apiserver (skipped: ${missing})`, () => {
    test('was not run', () => {});
  });
} else {
  describeContract('contract: a real kube-apiserver', startSubject);

  describe('random request sequences', () => {
    test(`${SEEDS.length} of them: same requests, same answers from both clusters`, async () => {
      // Without controllers: they write on their own, and what they write is not what is compared.
      const real = await startReal({ withoutControllers: true });
      const sandbox = await startSandbox({ empty: true });
      try {
        expect(await differences(real, sandbox)).toEqual([]);
        if (process.env.UPDATE_GOLDEN === '1')
          await writeFile(RECORDED, `${JSON.stringify(await digestAll(real), null, 1)}\n`);
      } finally {
        await sandbox.close();
        await real.stop();
      }
    }, 300_000);
  });
}
