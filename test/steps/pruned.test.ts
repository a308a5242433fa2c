import { KEEP, pruned } from '../../src/cluster/prune.js';
import { loadTemplates } from '../../src/host/templates.js';
import { KINDS, type KindName, kindOf } from '../../src/model/kinds.js';
import type { Manifest } from '../../src/model/manifest.js';
import { completeAnswers } from '../../src/model/question.js';
import { namespaces } from '../../steps/namespaces.js';
import { quotas } from '../../steps/quotas.js';
import { manifestsIn } from '../support/golden.js';
import { object, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();

function asRead(manifest: Manifest): Manifest {
  const name = (Object.keys(KINDS) as KindName[]).find((key) => KINDS[key] === kindOf(manifest));
  const kept = name && pruned(manifest, KEEP[name], manifest.apiVersion, manifest.kind);
  if (kept === undefined) throw new Error(`${manifest.kind} is not read`);
  return kept;
}

const finishedJob = object('batch/v1', 'Job', 'large', 'done', {
  spec: {
    parallelism: 50,
    template: { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } },
  },
  status: { conditions: [{ type: 'Complete', status: 'True' }] },
});

test.each([
  [namespaces, 'namespaces/shop/cluster.yaml'],
  [quotas, 'quotas/shop/cluster.yaml'],
])('$id judges the fields that are kept of a large cluster as it judges whole objects', (step, fixture) => {
  const whole = [...manifestsIn(fixture), ...(step === quotas ? [finishedJob] : [])];
  const judged = (objects: readonly Manifest[]) => {
    const now = snapshotOf({ objects, sandbox: true });
    const answers = completeAnswers(step.questions(now), {}, true);
    const changes = step.plan(now, answers, templates).map((change) => {
      if (!('before' in change)) return change;
      const { managedFields: _names, ...metadata } = change.before?.metadata ?? { name: '' };
      return { ...change, before: { ...change.before, metadata } };
    });
    // Before-images are kept whole, but for what the server owns.
    return { questions: step.questions(now), findings: step.assess(now, answers), changes };
  };
  expect(judged(whole.map(asRead))).toEqual(judged(whole));
});
