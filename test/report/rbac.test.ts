import { parseAllDocuments } from 'yaml';
import type { RbacPart } from '../../src/cli/command.js';
import { needsOf } from '../../src/cluster/rights.js';
import { rbacUses } from '../../src/commands/rbac.js';
import { type GivenAnswers, parseAnswers } from '../../src/host/answers.js';
import { rightsText } from '../../src/model/rights.js';
import { rbacJson, rbacObjects, rbacYaml } from '../../src/report/rbac.js';
import { STEPS } from '../../steps/index.js';
import { expectGolden } from '../support/golden.js';

const options = { steps: [], exclude: [], flows: [], sandbox: false, plain: false, noColor: false };

function asked(
  steps: readonly string[],
  more: {
    readOnly?: boolean;
    also?: readonly RbacPart[];
    resources?: readonly string[];
    given?: GivenAnswers;
  } = {},
  groups: readonly string[] = [],
) {
  const uses = rbacUses({
    options: { ...options, steps },
    readOnly: false,
    also: [],
    resources: [],
    ...more,
  });
  return { needs: needsOf(uses), name: 'kubectl-harden', steps, groups, users: [] };
}

test.each(['quotas', 'encryption-at-rest'])('the roles of %s, word for word', (id) => {
  expectGolden(`report/rbac/${id}.yaml`, rbacYaml(asked([id], {}, ['platform'])));
});

test('to plan takes no right to write, not even to the Lease', () => {
  const verbs = needsOf(rbacUses({ options, readOnly: true, also: [], resources: [] })).map(
    ({ right }) => right.verb,
  );
  expect(new Set(verbs)).toEqual(new Set(['get', 'list']));
});

const text = (...words: Parameters<typeof asked>) =>
  rightsText(asked(...words).needs.map(({ right }) => right));

test('what has to be asked for is granted to those who ask', () => {
  const without = text(['default-deny']);
  expect(without).not.toContain('create pods');
  expect(without).not.toMatch(/(create|patch)[^;]*clusternetworkpolicies/);
  expect(text(['default-deny'], { also: ['probe'] })).toMatch(/create[^;]*pods/);
  expect(text(['default-deny'], { also: ['guard'] })).toMatch(
    /create[^;]*clusternetworkpolicies\.policy\.networking\.k8s\.io/,
  );
  expect(text(['quotas'])).not.toContain('delete limitranges');
  expect(text(['quotas'], { also: ['undo'] })).toMatch(/delete[^;]*limitranges/);
  expect(text(['encryption-at-rest'], { resources: ['widgets.example.com'] })).toMatch(
    /list, patch[^;]*widgets\.example\.com/,
  );
});

test('what answers ask to be encrypted as well is granted, with the scratch object that is tried before', () => {
  const file = 'encryption-at-rest: {alsoEncrypt: [configmaps, widgets.example.com]}';
  const given = parseAnswers(file, 'answers.yaml', STEPS);
  const rights = text(['encryption-at-rest'], { given });
  expect(rights).toMatch(/list, patch[^;]*configmaps[^;]*widgets\.example\.com/);
  expect(rights).toMatch(/create, patch, delete[^;]*configmaps in kube-system/);
  expect(text(['encryption-at-rest'])).not.toContain('configmaps');
  expect(text(['quotas'], { given })).not.toContain('configmaps');
  expect(text(['encryption-at-rest'], { given, readOnly: true })).not.toMatch(/patch|create/);
});

test('a right is in one rule only, and nothing is granted by a wildcard but the look for an empty namespace', () => {
  for (const also of [[], ['undo', 'guard', 'cluster-wide', 'probe']] as const) {
    const objects = rbacObjects(asked([], { also }));
    for (const { kind, rules = [] } of objects) {
      const rights = rules.flatMap((rule) =>
        rule.verbs.flatMap((verb) =>
          (rule.resources ?? rule.nonResourceURLs ?? []).map(
            (what) => `${verb} ${rule.apiGroups?.join() ?? ''}/${what} ${rule.resourceNames?.join() ?? ''}`,
          ),
        ),
      );
      expect(rights).toEqual([...new Set(rights)]);
      const wild = rights.filter((right) => right.includes('*'));
      expect(wild).toEqual(kind === 'ClusterRole' && also.length > 0 ? ['list */* '] : []);
    }
  }
});

test('YAML and JSON say the same', () => {
  const it = asked([], {}, ['platform']);
  const documents = parseAllDocuments(rbacYaml(it)).map((one) => one.toJS() as unknown);
  expect(documents.filter((one) => one !== null)).toEqual(JSON.parse(rbacJson(it)).items);
  // Nobody is bound where nobody is named: what would bind is a comment.
  const unbound = parseAllDocuments(rbacYaml(asked([]))).map((one) => one.toJS() as { kind?: string } | null);
  expect(unbound.map((one) => one?.kind).filter((kind) => kind !== undefined)).toEqual([
    'ClusterRole',
    'Role',
    'Role',
  ]);
});
