import { managedBy, ownChoice } from '../../src/model/managed-by.js';
import type { Manifest, ObjectMeta } from '../../src/model/manifest.js';
import type { Change } from '../../src/model/plan.js';

const object = (metadata: Partial<ObjectMeta>, kind = 'LimitRange'): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'bounds', ...metadata },
});
const managers = (...names: string[]) => ({ managedFields: names.map((manager) => ({ manager })) });

test.each<[string, Partial<ObjectMeta>, string]>([
  [
    'Argo CD by annotation',
    { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/LimitRange:shop/bounds' } },
    'Argo CD (application shop)',
  ],
  ['Argo CD by label', { labels: { 'argocd.argoproj.io/instance': 'shop' } }, 'Argo CD (application shop)'],
  ['Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, 'Flux (Kustomization apps)'],
  [
    'a HelmRelease of Flux, although Helm wrote it',
    {
      labels: { 'helm.toolkit.fluxcd.io/name': 'web', 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { 'meta.helm.sh/release-name': 'web' },
    },
    'Flux (HelmRelease web)',
  ],
  ['Helm by annotation', { annotations: { 'meta.helm.sh/release-name': 'web' } }, 'Helm (release web)'],
  ['Helm by label', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, 'Helm'],
  [
    'an operator',
    { ownerReferences: [{ apiVersion: 'x/v1', kind: 'Tenant', name: 'blue', uid: 'u', controller: true }] },
    'Tenant blue',
  ],
  ['Argo CD by its field manager', managers('argocd-controller'), 'Argo CD'],
  ['Flux by its field manager', managers('kubectl', 'kustomize-controller'), 'Flux'],
])('%s', (_, metadata, who) => {
  expect(managedBy(object(metadata))?.who).toBe(who);
});

test.each<[string, Partial<ObjectMeta>]>([
  ['nobody', {}],
  ['a label that many charts and people set', { labels: { 'app.kubernetes.io/instance': 'shop' } }],
  ['us', { labels: { 'app.kubernetes.io/managed-by': 'kubectl-harden' }, ...managers('kubectl-harden') }],
  ['people', managers('kubectl', 'kubectl-client-side-apply', 'Mozilla')],
  [
    'an owner that is no controller',
    { ownerReferences: [{ apiVersion: 'x/v1', kind: 'Tenant', name: 'blue', uid: 'u' }] },
  ],
  [
    'a controller that writes the status alone',
    { managedFields: [{ manager: 'argocd-controller', subresource: 'status' }] },
  ],
])('%s is no manager from elsewhere', (_, metadata) => {
  expect(managedBy(object(metadata))).toBeUndefined();
});

test('a namespace that a tool only made for a release is not managed by it; one that it tracks is', () => {
  for (const manager of ['helm', 'helm-controller', 'argocd-controller']) {
    expect(managedBy(object(managers(manager), 'Namespace'))).toBeUndefined();
    expect(managedBy(object(managers(manager), 'LimitRange'))).toBeDefined();
  }
  const tracked = { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/Namespace:shop' } };
  expect(managedBy(object({ ...tracked, ...managers('argocd-controller') }, 'Namespace'))).toMatchObject({
    who: 'Argo CD (application shop)',
  });
});

test('marks that are no text, or none at all, are no proof and no fault', () => {
  const odd = { labels: { 'app.kubernetes.io/managed-by': 7 }, annotations: null, managedFields: 'x' };
  expect(managedBy(object(odd as unknown as Partial<ObjectMeta>))).toBeUndefined();
});

test('what is created takes no choice of its own; what takes fields over does, with their names', () => {
  const common = { id: 'x', ref: { apiVersion: 'v1', kind: 'LimitRange', name: 'b' }, why: '', breaks: [] };
  const change = (more: Partial<Change>): Change =>
    ({ ...common, kind: 'apply', risk: 'none', manifest: object({}), ...more }) as Change;
  expect(ownChoice(change({}))).toBeUndefined();
  expect(ownChoice(change({ before: object(managers('kubectl')) }))).toBeUndefined();
  expect(ownChoice(change({ force: true, takesOver: ['jo', 'ci'] }))).toBe(
    'Fields that it writes belong to jo, ci by now: chosen, it takes them over.',
  );
  const helm = object({ annotations: { 'meta.helm.sh/release-name': 'web' } });
  for (const kind of ['apply', 'delete'] as const)
    expect(ownChoice(change({ kind, before: helm } as Partial<Change>))).toContain(
      'Managed by Helm (release web) (annotation meta.helm.sh/release-name)',
    );
});
