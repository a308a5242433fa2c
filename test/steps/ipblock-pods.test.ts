import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { refOf } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import { completeAnswers } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { cutBy, flowText } from '../../steps/default-deny/flows.js';
import { previewOf } from '../../steps/default-deny/preview.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { cilium, coreDns, daemonSet, networkPolicy, pod, service } from '../support/objects.js';
import { namespace, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const CALICO = daemonSet('kube-system', 'calico-node');
const at = (one: Manifest, podIP: string): Manifest => ({ ...one, status: { podIPs: [{ ip: podIP }] } });
const WEB = pod(
  'shop',
  'web',
  { app: 'web' },
  {
    containers: [{ name: 'c', env: [{ name: 'DB_URL', value: 'http://db:5432' }] }],
  },
);
const DB = pod('shop', 'db', { app: 'db' });
const OBJECTS = [
  namespace('kube-system'),
  namespace('shop'),
  namespace('legacy'),
  ...coreDns(),
  at(WEB, '10.244.0.5'),
  at(DB, '10.244.0.6'),
  at(pod('legacy', 'ftp'), '10.244.0.9'),
  service('shop', 'db', { selector: { app: 'db' }, ports: [{ port: 5432, targetPort: 5432 }] }),
];
const PLUGINS = { calico: [CALICO], cilium: cilium(), unknown: [] } as const;
const on = (plugin: keyof typeof PLUGINS) =>
  snapshotOf({ objects: [...PLUGINS[plugin], ...OBJECTS], sandbox: true });
const planOf = (now: Snapshot) =>
  step.plan(
    now,
    completeAnswers(
      step.questions(now),
      { namespaces: ['shop'], sameNamespace: 'declared', egressOutside: 'open' },
      true,
    ),
    templates,
  );

describe('egress to every address but the metadata service', () => {
  test.each([
    ['calico', 'open', 'Calico matches pods by address, too'],
    ['cilium', 'closed', undefined],
    ['unknown', 'open', 'Some network plugins match pods by address, too'],
  ] as const)('on %s the way to pods of another namespace is %s', (plugin, passage, said) => {
    const now = on(plugin);
    const changes = planOf(now);
    const preview = previewOf(now, changes);
    const cell = (from: string, to: string) =>
      preview.matrix[preview.places.indexOf(from)]?.[preview.places.indexOf(to)];
    expect([cell('shop', 'legacy'), cell('legacy', 'shop')]).toEqual([passage, 'closed']);
    const told = changes.flatMap(({ breaks }) => breaks).filter((line) => line.includes('pods by address'));
    expect(told.length > 0).toBe(said !== undefined);
    for (const line of told) expect(line).toContain(said);
  });

  test.each([
    [
      'calico',
      "Calico matches pods by address, too, so that it is each destination's own ingress that closes it: open in kube-system, legacy.",
    ],
    ['cilium', 'On Cilium address ranges do not match pods: egress to those is closed.'],
    [
      'unknown',
      "Some plugins match pods by address, too, so that it is each destination's own ingress that closes it: open in kube-system, legacy.",
    ],
  ] as const)('on %s the finding afterwards says so', (plugin, text) => {
    const now = on(plugin);
    const found = step.assess(overlay(now, planOf(now)), {}).find(({ id }) => id === 'egress-outside-open');
    expect(found?.message).toBe(
      `Egress to addresses outside of the cluster is not closed (1 namespace). ${text}`,
    );
  });
});

test.each([
  ['calico', []],
  ['cilium', ['shop/web[Pod] => shop/db[Pod] : TCP 5432']],
  ['unknown', ['shop/web[Pod] => shop/db[Pod] : TCP 5432']],
] as const)('on %s an allow by address alone keeps a declared connection or does not', (plugin, cut) => {
  const now = on(plugin);
  const manifest = networkPolicy('shop', 'by-address', {
    podSelector: { matchLabels: { app: 'db' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ ipBlock: { cidr: '10.244.0.0/16' } }] }],
  });
  const change = {
    kind: 'apply' as const,
    id: 'one',
    ref: refOf(manifest),
    risk: 'none' as const,
    why: '',
    breaks: [],
    manifest,
  };
  expect(cutBy(now, overlay(now, [change])).map(({ flow }) => flowText(flow))).toEqual(cut);
});
