import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import { declaredIn } from '../../steps/default-deny/flows.js';
import { reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny as step } from '../../steps/default-deny.js';
import { flowLog } from '../support/flows.js';
import { parseManifests } from '../support/golden.js';
import { coreDns, daemonSet, networkPolicy } from '../support/objects.js';
import { namespace, snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();

function deployment(name: string, env = ''): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {matchLabels: {app: ${name}}}
  template: {metadata: {labels: {app: ${name}}}, spec: {containers: [{name: c, env: [${env}]}]}}
`;
}

function shop(seen: readonly string[] | undefined, { env = '', sandbox = true } = {}): Snapshot {
  const workloads = parseManifests([deployment('web', env), deployment('db')].join('---')) as Manifest[];
  const now = snapshotOf({
    sandbox,
    objects: [
      namespace('shop'),
      namespace('kube-system'),
      ...coreDns(),
      daemonSet('kube-system', 'calico-node'),
      ...workloads,
    ],
  });
  return seen === undefined ? now : { ...now, observed: [flowLog(seen)] };
}

const asked = (now: Snapshot, id: string) => step.questions(now).find((question) => question.id === id);
const answer = (now: Snapshot, given: Answers) =>
  completeAnswers(step.questions(now), { namespaces: ['shop'], ...given }, now.cluster.sandbox);
const closed = (now: Snapshot, given: Answers = {}) =>
  overlay(now, step.plan(now, answer(now, given), templates));

const WEB = { workload: 'shop/web[Deployment]' };
const DB = { workload: 'shop/db[Deployment]' };
const PARTNER = { address: '203.0.113.7' };

test('a connection that only a flow log shows is kept, and no other', () => {
  const without = reachIn(closed(shop(undefined)));
  expect(without.allows(WEB, DB, 'TCP', 5432)).toBe(false);
  const now = shop(['shop/web,shop/db,TCP,5432']);
  const then = closed(now);
  expect(reachIn(then).between(WEB, DB)).toBe('TCP 5432');
  expect(reachIn(then).between(DB, WEB)).toBe('No Connections');
  expect(step.preview?.(now, step.plan(now, answer(now, {}), templates)).cut).toEqual([]);
  expect(step.plan(then, answer(then, {}), templates)).toEqual([]);
});

test('refused, it is cut, and the preview says where it was seen', () => {
  const now = shop(['shop/web,shop/db,TCP,5432']);
  expect(asked(now, 'cuts')).toMatchObject({
    choices: [
      {
        value: 'shop/web[Deployment] => shop/db[Deployment] : TCP 5432',
        note: 'high: observed, File seen.csv, line 1; allow in from app=web TCP 5432 and out to app=db TCP 5432',
        group: 'into shop',
      },
    ],
  });
  expect(step.preview?.(now, step.plan(now, answer(now, { cuts: [] }), templates)).cut).toEqual([
    {
      connection: 'shop/web[Deployment] => shop/db[Deployment] : TCP 5432',
      severity: 'high',
      depends: false,
      why: 'observed',
      evidence: 'File seen.csv, line 1: 2 lines, 1970-01-01T00:00Z: shop/web -> shop/db TCP 5432',
    },
  ]);
});

describe('a later run without the flow log', () => {
  const first = closed(shop(['shop/web,shop/db,TCP,5432', 'shop/web,203.0.113.7,TCP,443']), {
    egressOutside: 'closed',
  });
  const { observed: _log, ...later } = first;

  test('takes nothing away: the policies say what was seen', () => {
    expect(step.plan(later, answer(later, {}), templates)).toEqual([]);
    expect(
      declaredIn(later)
        .filter(({ why }) => why === 'observed')
        .map(({ evidence }) => evidence),
    ).toContainEqual({
      object: expect.objectContaining({ kind: 'NetworkPolicy', name: 'allow-deployment-web' }),
      field: 'metadata.annotations[kubectl-harden/observed]',
      value: 'seen by an earlier run: shop/web[Deployment],203.0.113.7,TCP,443',
    });
  });

  test('takes them away where somebody removed that note', () => {
    const bare = snapshotOf({
      sandbox: true,
      objects: [...later.listings.values()].flatMap((listing) =>
        (listing.state === 'read' ? listing.items : []).map(({ metadata, ...rest }) => ({
          ...rest,
          metadata: { ...metadata, annotations: {} },
        })),
      ),
    });
    const then = overlay(bare, step.plan(bare, answer(bare, {}), templates));
    expect(reachIn(then).between(WEB, DB)).toBe('No Connections');
    expect(JSON.stringify(objects(then, 'NetworkPolicy'))).not.toContain('kubectl-harden/observed');
    expect(step.plan(then, answer(then, {}), templates)).toEqual([]);
  });

  test('believes a policy only that this program wrote', () => {
    const copied = snapshotOf({
      objects: [
        ...objects(shop(undefined), 'Namespace'),
        ...objects(shop(undefined), 'Deployment'),
        networkPolicy(
          'shop',
          'mine',
          { podSelector: { matchLabels: { app: 'x' } } },
          {
            annotations: { 'kubectl-harden/observed': 'shop/web[Deployment],shop/db[Deployment],TCP,1\n' },
            labels: { 'app.kubernetes.io/managed-by': 'kubectl-harden' },
          },
        ),
      ],
    });
    expect(declaredIn(copied).filter(({ why }) => why === 'observed')).toEqual([]);
  });
});

describe('egress to outside', () => {
  const question = (now: Snapshot) => asked(now, 'egressOutside');

  test.each<[string, Snapshot, object]>([
    ['no flow log', shop(undefined), { risk: 'none', recommended: 'open', cautious: 'open' }],
    [
      'a flow log that shows addresses',
      shop(['shop/web,203.0.113.7,TCP,443']),
      { risk: 'cutsTraffic', recommended: 'closed', cautious: 'open' },
    ],
    [
      'a host name is declared, which no policy can hold',
      shop(['shop/web,203.0.113.7,TCP,443'], { env: '{name: MAIL, value: "smtp.example.net:587"}' }),
      { risk: 'none', recommended: 'open', cautious: 'open' },
    ],
    [
      'more addresses than can be listed',
      shop(Array.from({ length: 101 }, (_, i) => `shop/web,203.0.113.${i},TCP,443`)),
      { risk: 'none', recommended: 'open', cautious: 'open' },
    ],
    ['a flow log that shows nothing here', shop(['gone/a,gone/b,TCP,1']), { recommended: 'open' }],
  ])('%s', (_, now, expected) => {
    expect(question(now)).toMatchObject(expected);
  });

  test('closed, what was seen is open and the rest is not', () => {
    const then = closed(shop(['shop/web,203.0.113.7,TCP,443', 'shop/web,shop/db,TCP,5432']));
    expect(reachIn(then).between(WEB, PARTNER)).toBe('TCP 443');
    expect(reachIn(then).between(WEB, { address: '203.0.113.8' })).toBe('No Connections');
    expect(reachIn(then).between(DB, PARTNER)).toBe('No Connections');
  });

  test('closed by an answer, declared addresses stay open although other connections are asked about', () => {
    const env = '{name: API, value: "http://203.0.113.7:8000"}, {name: DB, value: "10.96.0.9"}';
    const now = shop(['shop/web,shop/db,TCP,5432'], { env });
    const then = closed(now, { egressOutside: 'closed' });
    expect(reachIn(then).between(WEB, PARTNER)).toBe('TCP 8000');
  });

  test('on a real cluster nobody has to take it, and the default stays open', () => {
    const now = shop(['shop/web,203.0.113.7,TCP,443'], { sandbox: false });
    expect(answer(now, {}).egressOutside).toBe('open');
  });
});

test('findings say what was read, over which time, and what could not be used', () => {
  const log = flowLog(['shop/web,shop/db,TCP,5432', 'gone/x,shop/db,TCP,5432']);
  const now: Snapshot = {
    ...shop([]),
    observed: [
      {
        ...log,
        unknown: 12,
        problems: ['seen.csv line 9: expected A.', 'seen.csv line 10: expected B.'],
        seen: { first: 0, last: 86_400_000 },
      },
    ],
  };
  const told = step.assess(now, answer(now, {})).filter(({ id }) => id.startsWith('flows-'));
  expect(told).toEqual([
    {
      id: 'flows-read',
      severity: 'info',
      evidence:
        '4 lines, 1970-01-01T00:00Z to 1970-01-02T00:00Z; passed over: 0 replies, 0 denied, 0 of other kinds',
      message:
        'seen.csv shows 1 connection of workloads, 1 of them declared by no object: they count as declared from here on.',
    },
    {
      id: 'flows-unmatched',
      severity: 'notVisible',
      evidence: 'line 2: gone/x -> shop/db',
      message:
        '2 lines of seen.csv could not be matched to a workload that is there: nothing is kept open for them.',
    },
    {
      id: 'flows-unreadable',
      severity: 'notVisible',
      evidence: 'seen.csv line 9: expected A. seen.csv line 10: expected B. And 10 more.',
      message: '12 lines of seen.csv could not be read; the rest counts.',
    },
  ]);
});
