import { connect } from '../../src/cluster/connect.js';
import { loadTemplates } from '../../src/host/templates.js';
import { differences } from '../../src/model/in-use.js';
import { isRecord, type Manifest } from '../../src/model/manifest.js';
import type { ApplyChange } from '../../src/model/plan.js';
import { completeAnswers } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';
import { workloadsIn } from '../../src/model/workloads.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.js';
import { type Cluster, ClusterError } from '../../src/wizard/ports.js';
import { namespaces } from '../../steps/namespaces.js';
import { quotas } from '../../steps/quotas.js';

const templates = await loadTemplates();
let sandbox: Sandbox;
let cluster: Cluster;
beforeEach(async () => {
  sandbox = await startSandbox();
  cluster = await connect({ kubeconfigText: sandbox.kubeconfig, sandbox: true });
});
afterEach(async () => {
  await cluster.close();
  await sandbox.close();
});

async function read(): Promise<Snapshot> {
  const { listings } = await cluster.read([...namespaces.reads, ...quotas.reads]);
  return { cluster: await cluster.info(), takenAt: '', listings, scope: { exclude: [] } };
}

function planOf(step: Step, now: Snapshot): readonly ApplyChange[] {
  const answers = completeAnswers(step.questions(now), {}, true);
  return step.plan(now, answers, templates).filter((change) => change.kind === 'apply');
}

async function apply(changes: readonly ApplyChange[]): Promise<void> {
  for (const { manifest, force } of changes) await cluster.apply(manifest, { force: force === true });
}

/** Pods as each workload would create the next one, in every namespace. */
function nextPods(now: Snapshot): readonly Manifest[] {
  return objects(now, 'Namespace').flatMap(({ metadata: { name: namespace } }) =>
    workloadsIn(now, namespace).flatMap(({ ref, template }): Manifest[] =>
      isRecord(template)
        ? [
            {
              apiVersion: 'v1',
              kind: 'Pod',
              metadata: { name: `trial-${ref.kind}-${ref.name}`.toLowerCase(), namespace },
              spec: { ...template, nodeName: undefined },
            },
          ]
        : [],
    ),
  );
}

test('on the embedded cluster each step has work, does it, and then has none', async () => {
  for (const step of [namespaces, quotas]) {
    const changes = planOf(step, await read());
    expect(changes.length).toBeGreaterThan(0);
    await apply(changes);
    expect(planOf(step, await read())).toEqual([]);
  }
});

/** The pods that the cluster would refuse. */
async function refused(pods: readonly Manifest[]): Promise<readonly Manifest[]> {
  const out: Manifest[] = [];
  for (const pod of pods)
    await cluster.apply(pod, { dryRun: true }).catch((error: unknown) => {
      if (!(error instanceof ClusterError) || error.reason !== 'refused') throw error;
      out.push(pod);
    });
  return out;
}

test('what quotas say is in use is what the simulator adds up, before and after', async () => {
  const before = await read();
  await apply(planOf(quotas, before));
  const after = await read();
  expect(objects(after, 'ResourceQuota').length).toBeGreaterThan(objects(before, 'ResourceQuota').length);
  for (const now of [before, after])
    expect(objects(now, 'ResourceQuota').map((quota) => differences(now, quota))).toEqual(
      objects(now, 'ResourceQuota').map(() => []),
    );
});

test('the next pod of every workload is admitted unless it was refused before, and that is a finding', async () => {
  const before = await read();
  const pods = nextPods(before);
  expect(pods.length).toBeGreaterThan(10);
  const already = await refused(pods);
  expect(already.length).toBeLessThan(pods.length / 2);
  const told = quotas.assess(before, {}).filter(({ id }) => /quota-(full|over|smaller)|refused/.test(id));
  for (const { metadata } of already)
    expect(told.map(({ object }) => object?.namespace)).toContain(metadata.namespace);
  await apply(planOf(quotas, before));
  expect(await refused(pods)).toEqual(already);
});

test("workloads of users in default are found, the cluster's own in kube-system are not", async () => {
  const findings = namespaces.assess(await read(), {});
  const places = findings.filter(({ id }) => id.startsWith('workload-in')).map((f) => f.object?.namespace);
  expect(places).toContain('default');
  expect(places).not.toContain('kube-system');
});
