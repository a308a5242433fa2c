import type { Change } from '../../src/model/plan.js';
import type { Need, Uses, Verb } from '../../src/model/rights.js';
import { ClusterError } from '../../src/wizard/ports.js';
import { createSession } from '../../src/wizard/session.js';
import type { Session } from '../../src/wizard/state.js';
import { whyNeverBack } from '../../src/wizard/take-back.js';
import { applyUnattended } from '../../src/wizard/unattended.js';
import { canTakeBack, nextChoice, offered } from '../../src/wizard/waiting.js';
import { MemoryCluster, MemoryHost, MemoryJournal } from '../support/memory.js';
import { configMap, markStep, namespace } from './steps.js';

const change = (kind: Change['kind'], risk: Change['risk'] = 'none') => ({ kind, risk }) as Change;

describe('what a confirmation offers', () => {
  test.each<[string, readonly Change[], object | undefined, ReturnType<typeof offered>]>([
    ['nothing where no guardian can be had', [change('apply', 'cutsTraffic')], undefined, undefined],
    ['the choice, default off, where it can cut traffic', [change('apply', 'cutsTraffic')], {}, 0],
    ['the choice where it can reject workloads', [change('delete', 'rejectsWorkloads')], {}, 0],
    ['none where nothing can go wrong', [change('apply')], {}, undefined],
    ['what the command line asked for, whatever the risk', [change('apply')], { seconds: 90 }, 90],
    ['never where a file on a node is written', [change('apply'), change('host')], { seconds: 90 }, 'never'],
    ['never where Secrets are re-written', [change('rewrite')], {}, 'never'],
    ['a command for a provider is not run by us', [change('cloud', 'cutsTraffic')], {}, 0],
  ])('%s', (_name, changes, offer, expected) => {
    expect(offered(changes, offer)).toBe(expected);
  });

  test('the choices go round, and what was asked for is one of them', () => {
    const round = (offer: object, seconds = 0, seen: number[] = []): number[] =>
      seen.includes(seconds) ? seen : round(offer, nextChoice(seconds, offer), [...seen, seconds]);
    expect(round({})).toEqual([0, 60, 300, 900, 3600]);
    expect(round({ seconds: 90 })).toEqual([0, 60, 90, 300, 900, 3600]);
  });

  test('only what is written through the API is taken back', () => {
    const kinds = ['apply', 'delete', 'cloud', 'host', 'rewrite'] as const;
    expect(kinds.filter((kind) => canTakeBack([change(kind)]))).toEqual(['apply', 'delete', 'cloud']);
  });
});

/** An account that may write, and of what takes that back only these verbs; `only`: in this namespace alone. */
function account(may: readonly Verb[], only?: string): MemoryCluster {
  const cluster = new MemoryCluster([namespace('one'), namespace('two')]);
  cluster.lacks = async (all: readonly Uses[]) =>
    all.map(({ writes }) =>
      writes.flatMap((write): Need[] => {
        if ('act' in write || write.for !== 'taking it back') return [];
        const verbs: Verb[] = write.by === 'delete' ? ['get', 'delete'] : ['get', 'patch'];
        const { namespace: there } = write;
        const allowed = only === undefined || there === only ? may : [];
        return verbs
          .filter((verb) => !allowed.includes(verb))
          .map((verb) => ({
            right: {
              verb,
              group: '',
              resource: 'configmaps',
              ...(there === undefined ? {} : { namespace: there }),
            },
            for: write.for,
            without: 'refused',
          }));
      }),
    );
  return cluster;
}

const ALL: readonly Verb[] = ['get', 'patch', 'delete'];

describe('rights to take back are asked for before anything is written', () => {
  const created = (ns: string): Change => {
    const manifest = configMap(ns, 'a');
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: ns, name: 'a' };
    return { id: ns, kind: 'apply', ref, risk: 'none', why: '', breaks: [], manifest };
  };
  const changed = (ns: string): Change => ({ ...created(ns), before: configMap(ns, 'a') }) as Change;
  const removed = (ns: string): Change =>
    ({ ...created(ns), kind: 'delete', before: configMap(ns, 'a') }) as Change;

  test.each<[string, MemoryCluster, readonly Change[], Record<string, string>]>([
    ['all of them', account(ALL), [created('one'), changed('two'), removed('one')], {}],
    [
      'no delete: what is created would stay',
      account(['get', 'patch']),
      [created('one'), changed('two')],
      { one: 'this account may not delete configmaps in one' },
    ],
    [
      'no patch: what is changed would stay as it is',
      account(['get', 'delete']),
      [created('one'), changed('two')],
      { two: 'this account may not patch configmaps in two' },
    ],
    ['a role in one namespace is enough for that one', account(ALL, 'one'), [created('one')], {}],
    [
      'and for no other',
      account(ALL, 'one'),
      [created('one'), created('two')],
      { two: 'this account may not get, delete configmaps in two' },
    ],
    ['what is not done on an API server is not asked', account([]), [change('host'), change('cloud')], {}],
  ])('%s', async (_name, cluster, changes, expected) => {
    expect(Object.fromEntries(await whyNeverBack(cluster, changes))).toEqual(expected);
  });

  test('a server that answers no reviews: not known, and not taken for a yes', async () => {
    const cluster = account(ALL);
    cluster.lacks = () => Promise.reject(new ClusterError('server', 'It answers nothing.\nSee its log.'));
    expect([...(await whyNeverBack(cluster, [created('one')])).values()]).toEqual([
      'whether this account may do so is not known: It answers nothing.',
    ]);
    cluster.lacks = () => Promise.reject(new ClusterError('unreachable', 'gone'));
    await expect(whyNeverBack(cluster, [created('one')])).rejects.toThrow('gone');
  });

  const REFUSED =
    /^Not applied: it is to take itself back after 5 minutes, and of 2 of these 2 changes it could not: this account may not delete configmaps in one\. kubectl harden rbac --also undo/;

  function sessionOn(cluster: MemoryCluster, seconds?: number) {
    const watched: string[] = [];
    const guardian = {
      watch: async (step: string) => void watched.push(step),
      look: async () => ({ waiting: [], kept: [], expired: [], now: 0 }),
      keep: async () => {},
    };
    const step = markStep('mark', ['a']);
    const session = createSession(
      {
        cluster,
        host: new MemoryHost(),
        journal: new MemoryJournal(),
        clock: { now: () => new Date('2026-01-01T00:00:00Z') },
        claim: () => cluster.claim(),
        guardian,
      },
      {
        steps: [
          {
            ...step,
            plan: (...all) => step.plan(...all).map((one) => ({ ...one, risk: 'cutsTraffic' as const })),
          },
        ],
        templates: new Map(),
        decisions: () => new Map(),
        exclude: [],
        offer: seconds === undefined ? {} : { seconds },
      },
    );
    return { session, watched };
  }

  /** As far as a person comes with Enter. */
  async function confirming(session: Session) {
    const reached = (at: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (session.state.screen.at !== at) return;
          stop();
          resolve();
        };
        const stop = session.subscribe(look);
        look();
      });
    await reached('overview');
    session.send({ type: 'open', step: 0 });
    session.send({ type: 'next' });
    await reached('review');
    session.send({ type: 'next' });
  }

  test('unattended: nothing is written, no process watches, and the exit code is that of an error', async () => {
    const cluster = account(['get', 'patch']);
    const { session, watched } = sessionOn(cluster, 300);
    const notices = new Set<string | undefined>();
    session.subscribe(() => notices.add(session.state.notice));
    expect(await applyUnattended(session, undefined, true)).toBe(2);
    expect([cluster.writes, cluster.claims, watched]).toEqual([[], [], []]);
    expect([...notices].filter((notice) => REFUSED.test(notice ?? ''))).toHaveLength(1);
  });

  test('unattended with the rights: it is written, and watched before', async () => {
    const cluster = account(ALL);
    const { session, watched } = sessionOn(cluster, 300);
    expect(await applyUnattended(session, undefined, true)).toBe(0);
    expect(cluster.writes).toHaveLength(2);
    expect(watched).toEqual(['mark']);
  });

  test('asked for on the command line, a person comes no further than the review', async () => {
    const { session } = sessionOn(account(['get', 'patch']), 300);
    await confirming(session);
    expect(session.state.screen.at).toBe('review');
    expect(session.state.notice).toMatch(REFUSED);
  });

  test('not asked for, the confirmation has the reason in place of the choice', async () => {
    const { session } = sessionOn(account(['get', 'patch']));
    await confirming(session);
    expect(session.state.screen).toMatchObject({
      at: 'confirm',
      within: 'never',
      stays: 'this account may not delete configmaps in one',
    });
    session.send({ type: 'within' });
    expect(session.state.screen).toMatchObject({ within: 'never' });
  });

  test('with the rights there is the choice', async () => {
    const { session } = sessionOn(account(ALL));
    await confirming(session);
    expect(session.state.screen).toMatchObject({ at: 'confirm', within: 0 });
  });
});
