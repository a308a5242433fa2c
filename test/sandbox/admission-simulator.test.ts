import { Agent } from 'node:http';
import type { Manifest } from '../../src/model/manifest.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js';
import { admissionCases } from '../support/admission-cases.js';
import { agrees, type Ground, plain, trial } from '../support/admission-trial.js';
import { request } from '../support/rest.js';

const NAMESPACES = Number(process.env.ADMISSION_CASES ?? 40);
const SEED = Number(process.env.ADMISSION_SEED ?? 20);

// The embedded cluster decides by code of its own; the same cases are tried on a real one in test/real.
test(`the admission simulator and the embedded cluster agree on ${NAMESPACES} namespaces`, async () => {
  const sandbox: Sandbox = await startSandbox({ empty: true });
  const agent = new Agent({ keepAlive: true });
  try {
    const ask = (method: string, path: string, body?: object) =>
      request({ ...sandbox, agent }, { method, path, ...(body === undefined ? {} : { body }) });
    const send = async (path: string, body: object) => {
      const answer = await ask('POST', path, body);
      if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    };
    const cases = admissionCases(NAMESPACES, SEED, {
      version: '1.31',
      sidecars: true,
      podLevel: false,
      classes: false,
    });
    const path = (index: number) => `/api/v1/namespaces/sim-${index}`;
    const inNamespace = (index: number, { metadata, ...rest }: Manifest): object => ({
      ...rest,
      metadata: { name: metadata.name, namespace: `sim-${index}` },
    });
    for (const [index, { ranges, quotas }] of cases.entries()) {
      await send('/api/v1/namespaces', { metadata: { name: `sim-${index}` } });
      for (const range of ranges) await send(`${path(index)}/limitranges`, inNamespace(index, range));
      for (const quota of quotas) await send(`${path(index)}/resourcequotas`, inNamespace(index, quota));
    }
    // Its controllers take a moment to compute the status of quotas.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const wrong: unknown[] = [];
    const seen = new Map<string, number>();
    for (const [index, of] of cases.entries()) {
      const ground: Ground = {
        post: (plural, one) => ask('POST', `${path(index)}/${plural}`, inNamespace(index, one)),
        get: async (plural, name) => (await ask('GET', `${path(index)}/${plural}/${name}`)).json,
      };
      const { steps, roll } = await trial(of, ground);
      for (const { what, server, expected } of steps) {
        const kind = server.admitted ? 'admitted' : server.by;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        if (!agrees(server, expected))
          wrong.push({ index, what, server: plain(server), expected: expected.map(plain) });
      }
      if (roll.foreseen ? !roll.admitted : roll.admitted && of.ranges.length < 2) wrong.push({ index, roll });
    }
    expect(wrong.slice(0, 3)).toEqual([]);
    for (const kind of ['admitted', 'limits', 'invalid', 'unspecified', 'exceeded'])
      expect({ kind, some: (seen.get(kind) ?? 0) > 0 }).toEqual({ kind, some: true });
  } finally {
    agent.destroy();
    await sandbox.close();
  }
}, 30_000);
