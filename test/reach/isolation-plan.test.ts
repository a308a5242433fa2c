import { readdirSync } from 'node:fs';
import path from 'node:path';
import { filesCluster } from '../../src/host/files-cluster.js';
import { readManifests } from '../../src/host/manifests.js';
import { loadTemplates } from '../../src/host/templates.js';
import { refText } from '../../src/model/manifest.js';
import { completeAnswers } from '../../src/model/question.js';
import { takeSnapshot } from '../../src/wizard/session.js';
import { defaultDeny } from '../../steps/default-deny.js';
import { FIXTURES } from '../support/golden.js';

const templates = await loadTemplates();
const folder = path.join(FIXTURES, 'isolation');

/** What is planned from a directory of manifests, as `plan --from` does it. */
async function planFrom(directory: string) {
  const { objects, problems } = await readManifests(directory);
  expect(problems).toEqual([]);
  const cluster = filesCluster(directory, objects);
  const clock = { now: () => new Date(0) };
  const now = await takeSnapshot({ cluster, clock }, { steps: [defaultDeny], exclude: [] });
  const answers = { ...completeAnswers(defaultDeny.questions(now), {}, true), namespaces: ['shop'] };
  return {
    findings: defaultDeny.assess(now, {}),
    changes: defaultDeny.plan(now, answers, templates).filter(({ ref }) => ref.namespace === 'shop'),
  };
}

/** Those that open one direction only. */
const DIRECTIONS: Readonly<Record<string, string>> = {
  'internet-without-metadata': 'egress',
  'namespaces-without-a-label': 'ingress',
  'pods-without-a-label': 'ingress',
};

/** In every directory the policy `broad` keeps namespace shop open, whatever else denies. */
describe.each(readdirSync(folder).filter((name) => name !== 'baseline'))('isolation/%s', (name) => {
  test('the policy that keeps the namespace open is a finding, and no change pretends to close it', async () => {
    const { findings, changes } = await planFrom(path.join(folder, name));
    const named = findings.filter(({ id }) => id === 'policy-allows-everything');
    expect(named.map(({ object }) => object && refText(object))).toEqual([
      expect.stringMatching(/Policy (shop\/)?broad$/),
    ]);
    expect(named[0]?.message).toContain(`on ${DIRECTIONS[name] ?? 'ingress and egress'}:`);
    expect(changes).toEqual([]);
  });
});

test('isolation/baseline: what the Baseline tier allows is named, and closing it is proposed: a NetworkPolicy ends it', async () => {
  const { findings, changes } = await planFrom(path.join(folder, 'baseline'));
  const named = findings.filter(({ evidence }) => evidence.includes('BaselineAdminNetworkPolicy default'));
  expect(named.map(({ id }) => id)).toEqual(['namespace-open-ingress', 'namespace-open-egress']);
  expect(findings.map(({ id }) => id)).not.toContain('policy-allows-everything');
  expect(changes.filter(({ kind }) => kind === 'apply')).not.toEqual([]);
});
