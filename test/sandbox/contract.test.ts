import { startSandbox } from '../../src/sandbox/index.js';
import { describeContract } from '../contract/suite.js';
import { encryptSandbox } from './tools.js';

describeContract('contract: the embedded cluster', async () => {
  const sandbox = await startSandbox();
  return {
    server: sandbox.server,
    token: sandbox.token,
    encrypt: () => encryptSandbox(sandbox),
    close: () => sandbox.close(),
  };
});
