import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { markedSecret, sweepMarkers } from '../support/markers.js';
import { missingReal, type RealCluster, startReal } from '../support/real-cluster.js';
import { request } from '../support/rest.js';

const reason = missingReal();

(reason === undefined ? describe : describe.skip)(
  `Secrets stay where they are, on a real API server${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let directory: string;
    let cluster: RealCluster;
    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'kubectl-harden-markers-'));
      cluster = await startReal({ flags: { 'disable-admission-plugins': 'ServiceAccount' } });
    }, 120_000);
    afterAll(async () => {
      await cluster?.stop();
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    test('no value, key or token in any output, file or argument list, whatever the command', async () => {
      const markers: string[] = [];
      for (const namespace of ['shop', 'payments']) {
        const post = (at: string, body: unknown) =>
          request(cluster, { method: 'POST', path: at, body }).then(({ status }) => expect(status).toBe(201));
        await post('/api/v1/namespaces', { metadata: { name: namespace } });
        const labels = { app: 'web' };
        const template = {
          metadata: { labels },
          spec: { containers: [{ name: 'web', image: 'example.test/web:1' }] },
        };
        await post(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
          metadata: { name: 'web' },
          spec: { selector: { matchLabels: labels }, template },
        });
        for (let i = 0; i < 5; i++) {
          const secret = markedSecret(`${namespace}-${i}`);
          markers.push(...secret.markers);
          await post(`/api/v1/namespaces/${namespace}/secrets`, secret.body);
        }
      }
      const { server, token, ca } = cluster;
      const { found, ...figures } = await sweepMarkers(
        directory,
        { server, token, ca: Buffer.from(ca).toString('base64'), context: 'real' },
        markers,
      );
      expect(found).toEqual([]);
      expect(figures.codes).toMatchObject({
        'plan --answers': 1,
        'apply --answers --confirm real': 1,
        runs: 0,
      });
      expect(figures.standing).toContain('takenBack');
    }, 400_000);
  },
);
