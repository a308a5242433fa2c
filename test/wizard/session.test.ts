import fc from 'fast-check';
import { replay, type Stamped } from '../../src/model/journal.js';
import { type Manifest, refText } from '../../src/model/manifest.js';
import { objects } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';
import { type Decisions, pendingCount } from '../../src/wizard/assemble.js';
import { type Claim, ClusterError } from '../../src/wizard/ports.js';
import { createSession } from '../../src/wizard/session.js';
import type { Session, UserEvent, WizardState } from '../../src/wizard/state.js';
import { applyUnattended, unansweredQuestions } from '../../src/wizard/unattended.js';
import type { Guardian } from '../../src/wizard/waiting.js';
import { MemoryCluster, MemoryHost, MemoryJournal } from '../support/memory.js';
import { aloneStep, configMap, labelStep, markStep, namespace } from './steps.js';

function harness(
  steps: readonly Step[] = [markStep('mark', ['a', 'b']), labelStep('label')],
  items: readonly Manifest[] = [namespace('one'), namespace('two')],
  decided: Readonly<Record<string, Decisions>> = {},
  guarded?: { guardian: Guardian; offer: { seconds: number } },
) {
  const cluster = new MemoryCluster(items);
  const host = new MemoryHost();
  const journal = new MemoryJournal();
  const clock = { now: () => new Date('2026-01-01T00:00:00Z') };
  const session = createSession(
    {
      cluster,
      host,
      journal,
      clock,
      claim: () => cluster.claim(),
      ...(guarded && { guardian: guarded.guardian }),
    },
    {
      steps,
      templates: new Map(),
      decisions: () => new Map(Object.entries(decided)),
      exclude: [],
      ...(guarded && { offer: guarded.offer }),
    },
  );
  return { cluster, host, journal, session };
}

/** Resolves once the wizard stands on one of these screens. */
function reaches(session: Session, ...screens: WizardState['screen']['at'][]): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!screens.includes(session.state.screen.at)) return;
      stop();
      resolve();
    };
    const stop = session.subscribe(look);
    look();
  });
}

async function toConfirm(session: Session, step = 0) {
  await reaches(session, 'overview');
  session.send({ type: 'open', step });
  session.send({ type: 'next' });
  await reaches(session, 'review');
  session.send({ type: 'next' });
}

test('steps are told of a re-write that was confirmed in this run and did not end, also once it is taken up', async () => {
  const { cluster, journal, session } = harness([]);
  await reaches(session, 'overview');
  const facts = { secrets: 1, stored: undefined, writes: undefined, flags: [], evidence: [] };
  const read = cluster.read.bind(cluster);
  cluster.read = async (queries) => ({ ...(await read(queries)), encryption: facts });
  const told = async () => {
    session.send({ type: 'reload' });
    await reaches(session, 'reading');
    await reaches(session, 'overview');
    return session.state.snapshot?.encryption?.unfinished;
  };
  expect(await told()).toBeUndefined();
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', name: '*' };
  const changes = [{ id: 'e/-/ConfigMap/*', kind: 'rewrite', ref, hash: 'h' }];
  await journal.append({ type: 'confirmed', step: 'e', hash: 'h', changes, excluded: [] });
  expect(await told()).toEqual(['configmaps']);
  await journal.append({ type: 'applied', step: 'e', change: 'e/-/ConfigMap/*' });
  expect(await told()).toBeUndefined();
});

test('an answer that holds once is asked anew after what it was given for, others stay', async () => {
  const base = markStep('mark', ['a']);
  const asks = (id: string, more: object) =>
    ({
      id,
      type: 'confirm',
      message: '',
      risk: 'rejectsWorkloads',
      recommended: true,
      cautious: false,
      ...more,
    }) as const;
  const step: Step = {
    ...base,
    questions: (now) => [...base.questions(now), asks('kept', { once: true }), asks('lasting', {})],
  };
  const { session } = harness([step]);
  await reaches(session, 'overview');
  session.send({ type: 'open', step: 0 });
  for (const question of ['kept', 'lasting']) session.send({ type: 'answer', question, value: true });
  session.send({ type: 'next' });
  await reaches(session, 'review');
  session.send({ type: 'next' });
  expect(session.state.steps[0]?.answers).toMatchObject({ kept: true, lasting: true });
  session.send({ type: 'confirm', typed: 'prod' });
  await reaches(session, 'result');
  expect(session.state.steps[0]?.answers).toMatchObject({ kept: false, lasting: true });
  expect(session.state.steps[0]?.answered).not.toContain('kept');
});

describe('nothing is written that was not confirmed', () => {
  test('reading, asking, reviewing and leaving write nothing', async () => {
    const { cluster, session } = harness();
    await toConfirm(session);
    expect(session.state.screen.at).toBe('confirm');
    session.send({ type: 'quit' });
    expect(await session.ended).toBe(0);
    expect(cluster.writes).toEqual([]);
    expect(cluster.dryRuns).toHaveLength(4);
  });

  test('the first write to a real cluster asks for the name of its context, later ones do not', async () => {
    const { cluster, session } = harness();
    await toConfirm(session);
    expect(session.state.screen).toEqual({ at: 'confirm', typed: true });
    session.send({ type: 'confirm' });
    session.send({ type: 'confirm', typed: 'production' });
    expect(session.state.notice).toContain('prod');
    expect(cluster.writes).toEqual([]);
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'result');
    expect(cluster.writes).toHaveLength(4);
    session.send({ type: 'next' });
    await toConfirm(session, 1);
    expect(session.state.screen).toEqual({ at: 'confirm', typed: false });
  });

  test('a change that was taken out is not written', async () => {
    const { cluster, session, journal } = harness();
    await reaches(session, 'overview');
    session.send({ type: 'open', step: 0 });
    session.send({ type: 'next' });
    await reaches(session, 'review');
    session.send({ type: 'toggle', change: 'mark/one/ConfigMap/b' });
    session.send({ type: 'next' });
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'result');
    expect(cluster.writes).toEqual(['ConfigMap one/a', 'ConfigMap two/a', 'ConfigMap two/b']);
    expect(journal.lines.find((l) => l.type === 'confirmed')).toMatchObject({
      excluded: ['mark/one/ConfigMap/b'],
    });
  });

  test('whatever keys are pressed in whatever order, only confirmed changes are written', async () => {
    const often = (weight: number, ...events: UserEvent[]) => ({
      weight,
      arbitrary: fc.constantFrom(...events),
    });
    const event: fc.Arbitrary<UserEvent> = fc.oneof(
      often(4, { type: 'open', step: 0 }, { type: 'open', step: 1 }, { type: 'open', step: 2 }),
      often(6, { type: 'next' }),
      often(4, { type: 'confirm', typed: 'prod' }),
      often(1, { type: 'confirm' }, { type: 'back' }, { type: 'reload' }),
      often(1, { type: 'skip' }, { type: 'skipped', reason: 'later' }),
      often(1, { type: 'toggle', change: 'mark/one/ConfigMap/b' }),
      often(
        1,
        { type: 'answer', question: 'on', value: false },
        { type: 'answer', question: 'on', value: true },
      ),
    );
    let wrote = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 60 }), async (events) => {
        const { cluster, session, journal } = harness();
        await reaches(session, 'overview');
        for (const e of events) {
          session.send(e);
          await reaches(
            session,
            'overview',
            'questions',
            'review',
            'confirm',
            'result',
            'skip',
            'left',
            'failed',
          );
        }
        const confirmed = journal.lines.flatMap((l) =>
          l.type === 'confirmed' ? l.changes.map((c) => refText(c.ref)) : [],
        );
        expect(cluster.writes).toEqual(confirmed);
        wrote += cluster.writes.length;
      }),
      { numRuns: 300 },
    );
    expect(wrote).toBeGreaterThan(300);
  });
});

describe('objects that somebody manages from elsewhere', () => {
  const helm = (name: string) => ({
    ...namespace(name),
    metadata: { name, annotations: { 'meta.helm.sh/release-name': 'web' } },
  });
  const items = () => [helm('one'), namespace('two')];

  test('are left alone unattended, and that is no error; --take-over changes them', async () => {
    const { cluster, session } = harness([labelStep('label')], items());
    expect(await applyUnattended(session)).toBe(0);
    expect(cluster.writes).toEqual(['Namespace two']);
    expect(session.state.steps[0]?.held).toEqual(['label/-/Namespace/one']);

    const taking = harness([labelStep('label')], items(), {
      label: { answers: {}, excluded: [], chosen: 'all' },
    });
    expect(await applyUnattended(taking.session)).toBe(0);
    expect(taking.cluster.writes).toEqual(['Namespace one', 'Namespace two']);
  });

  test('are changed once somebody chooses them; that is journaled, and stands when the run is taken up', async () => {
    const { session, journal, cluster } = harness([labelStep('label')], items());
    await reaches(session, 'overview');
    session.send({ type: 'open', step: 0 });
    session.send({ type: 'next' });
    await reaches(session, 'review');
    const change = 'label/-/Namespace/one';
    session.send({ type: 'toggle', change });
    expect(session.state.steps[0]?.held).toEqual([]);
    session.send({ type: 'toggle', change });
    expect(session.state.steps[0]?.excluded).toEqual([change]);
    session.send({ type: 'toggle', change });
    expect(session.state.steps[0]?.excluded).toEqual([]);
    session.send({ type: 'reload' });
    await reaches(session, 'overview');
    // Read again, it is still what was chosen.
    expect(session.state.steps[0]?.held).toEqual([]);
    const started = { type: 'started', run: '0001', at: '', command: 'wizard' } as unknown as Stamped;
    expect(replay([started, ...journal.lines])?.chosen.get('label')).toEqual([change]);
    expect(await applyUnattended(session)).toBe(0);
    expect(cluster.writes).toEqual(['Namespace one', 'Namespace two']);
  });

  test('what requires such a change is left out with it', async () => {
    const step: Step = {
      ...labelStep('label'),
      plan: (now, answers, templates) => {
        const [first, second] = labelStep('label').plan(now, answers, templates);
        if (first === undefined || second === undefined) return [];
        return [first, { ...second, requires: [first.id] }];
      },
    };
    const { cluster, session } = harness([step], items());
    await applyUnattended(session);
    expect(cluster.writes).toEqual([]);
  });

  test('fields of others are taken over by a choice of its own only', async () => {
    const step: Step = {
      ...labelStep('label'),
      plan: (now, answers, templates) =>
        labelStep('label')
          .plan(now, answers, templates)
          .map((one) => ({ ...one, force: true, takesOver: ['jo'] })),
    };
    const { cluster, session } = harness([step], [namespace('two')]);
    expect(await applyUnattended(session)).toBe(0);
    expect(cluster.writes).toEqual([]);
  });
});

describe('before anything is confirmed', () => {
  test('a right that is missing for a chosen change holds back all of them, until it is taken out', async () => {
    const { cluster, session } = harness([markStep('mark', ['a'])]);
    const apply = cluster.apply.bind(cluster);
    cluster.apply = async (manifest, options) => {
      if (manifest.metadata.namespace === 'two')
        throw new ClusterError('forbidden', 'You may not check ConfigMap two/a.');
      return apply(manifest, options);
    };
    await reaches(session, 'overview');
    session.send({ type: 'open', step: 0 });
    session.send({ type: 'next' });
    await reaches(session, 'review');
    session.send({ type: 'next' });
    expect(session.state.screen.at).toBe('review');
    expect(session.state.notice).toBe(
      'This account lacks the rights for 1 of these 2 changes (You may not check ConfigMap two/a.) Take them out to make the others, or use another account.',
    );
    session.send({ type: 'toggle', change: 'mark/two/ConfigMap/a' });
    session.send({ type: 'next' });
    expect(session.state.screen.at).toBe('confirm');
    expect(cluster.writes).toEqual([]);
  });

  test('unattended, nothing of such a step is written, and that is an error; other steps are', async () => {
    const { cluster, session } = harness([markStep('mark', ['a']), labelStep('named')]);
    const apply = cluster.apply.bind(cluster);
    cluster.apply = async (manifest, options) => {
      if (manifest.kind === 'ConfigMap' && manifest.metadata.namespace === 'two')
        throw new ClusterError('forbidden', 'You may not check ConfigMap two/a.');
      return apply(manifest, options);
    };
    expect(await applyUnattended(session)).toBe(2);
    expect(cluster.writes).toEqual(['Namespace one', 'Namespace two']);
  });

  test('a step writes no object of a kind that it does not declare', async () => {
    const { cluster, session } = harness([{ ...markStep('mark', ['a']), writes: [] }]);
    expect(await applyUnattended(session)).toBe(1);
    expect(cluster.writes).toEqual([]);
    expect(session.state.steps[0]?.done[0]).toMatchObject({
      outcome: 'failed',
      message: 'mark does not write such objects',
    });
  });

  test('what the server had not checked is put to it again, and a refusal goes back to the review', async () => {
    const { cluster, session } = harness([markStep('mark', ['a'])]);
    const apply = cluster.apply.bind(cluster);
    let answer: 'notFound' | 'refused' = 'notFound';
    cluster.apply = async (manifest, options) => {
      if (options?.dryRun === true && manifest.metadata.namespace === 'two')
        throw new ClusterError(answer, 'no');
      return apply(manifest, options);
    };
    await reaches(session, 'overview');
    session.send({ type: 'open', step: 0 });
    session.send({ type: 'next' });
    await reaches(session, 'review');
    expect(session.state.steps[0]?.checked.map((c) => c.check.by)).toEqual(['server', 'us']);
    answer = 'refused';
    session.send({ type: 'next' });
    await reaches(session, 'review');
    expect(session.state.notice).toContain('refuses 1');
    session.send({ type: 'next' });
    expect(session.state.screen.at).toBe('confirm');
    expect(cluster.dryRuns).toEqual(['ConfigMap one/a']);
  });

  test('a step says on which waiting changes it stands', async () => {
    const { session } = harness();
    await reaches(session, 'overview');
    session.send({ type: 'open', step: 1 });
    expect(session.state.notice).toContain('mark (4)');
  });
});

describe('what was taken out', () => {
  test('is in the journal at once, so that a run that is left and resumed does not write it', async () => {
    const { session, journal } = harness();
    await reaches(session, 'overview');
    session.send({ type: 'open', step: 0 });
    session.send({ type: 'next' });
    await reaches(session, 'review');
    session.send({ type: 'toggle', change: 'mark/one/ConfigMap/b' });
    session.send({ type: 'quit' });
    await session.ended;
    const started: Stamped = {
      type: 'started',
      at: '',
      run: '0001',
      cluster: { id: 'c', context: 'prod', version: 'v1.31.0' },
      command: 'wizard',
    };
    const summary = replay([started, ...journal.lines]);
    expect(summary?.excluded.get('mark')).toEqual(['mark/one/ConfigMap/b']);
    expect([...(summary?.confirmed.keys() ?? [])]).toEqual([]);
  });

  test('unattended, only the steps that were confirmed are gone through', async () => {
    const { cluster, session } = harness();
    expect(await applyUnattended(session, new Set(['label']))).toBe(0);
    expect(cluster.writes).toEqual(['Namespace one', 'Namespace two']);
  });
});

describe('a plan that has become stale', () => {
  test('writes nothing, says what moved and is made again', async () => {
    const { cluster, session } = harness([labelStep('label')]);
    await toConfirm(session);
    cluster.touch({ apiVersion: 'v1', kind: 'Namespace', name: 'two' });
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'overview');
    expect(cluster.writes).toEqual([]);
    expect(session.state.notice).toContain('Namespace two');
  });

  test('an object that somebody created meanwhile is not overwritten', async () => {
    const { cluster, session } = harness([markStep('mark', ['a'])]);
    await toConfirm(session);
    cluster.items.push({ ...configMap('one', 'a'), data: { theirs: 'yes' } });
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'overview');
    expect(cluster.writes).toEqual([]);
    expect(session.state.steps[0]?.plan.changes.map((c) => c.id)).toEqual(['mark/two/ConfigMap/a']);
  });

  test('one that moves in the very moment of the write is refused by its resourceVersion', async () => {
    const { cluster, session } = harness([labelStep('label')]);
    await toConfirm(session);
    cluster.beforeWrite = (ref) => {
      if (ref.name === 'one') throw new ClusterError('stale', 'Namespace one has changed meanwhile');
    };
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'result');
    expect(session.state.steps[0]?.done.map((d) => d.outcome)).toEqual(['failed', 'applied']);
  });
});

describe('failures and interrupts', () => {
  test('a failure holds back the rest of its namespace, not the others', async () => {
    const { cluster, session, journal } = harness([markStep('mark', ['a', 'b'])]);
    cluster.beforeWrite = (ref) => {
      if (ref.namespace === 'one') throw new ClusterError('refused', 'policy says no');
    };
    expect(await applyUnattended(session)).toBe(1);
    expect(cluster.writes).toEqual(['ConfigMap two/a', 'ConfigMap two/b']);
    expect(
      journal.lines
        .filter((l) => l.type === 'failed' || l.type === 'left')
        .map((l) => 'change' in l && l.change),
    ).toEqual(['mark/one/ConfigMap/a', 'mark/one/ConfigMap/b']);
  });

  test('ctrl-c while applying finishes the object in hand, journals and ends with 130', async () => {
    const { cluster, session, journal } = harness([markStep('mark', ['a', 'b'])]);
    await toConfirm(session);
    cluster.beforeWrite = () => session.send({ type: 'interrupt' });
    session.send({ type: 'confirm', typed: 'prod' });
    // The same key again would force; the first write sends exactly one.
    cluster.beforeWrite = () => {
      session.send({ type: 'interrupt' });
      cluster.beforeWrite = () => {};
    };
    expect(await session.ended).toBe(130);
    expect(cluster.writes).toEqual(['ConfigMap one/a']);
    expect(journal.lines.map((l) => l.type)).toEqual([
      'answered',
      'confirmed',
      'applying',
      'applied',
      'ended',
    ]);
  });

  test('a server that is lost in the middle ends the step at once; the rest is not tried', async () => {
    const { cluster, session, journal } = harness([markStep('mark', ['a', 'b'])]);
    let tried = 0;
    cluster.beforeWrite = (ref) => {
      if (ref.namespace === 'one') return;
      tried++;
      throw new ClusterError('unreachable', 'prod does not answer any more');
    };
    expect(await applyUnattended(session)).toBe(2);
    expect(cluster.writes).toEqual(['ConfigMap one/a', 'ConfigMap one/b']);
    expect(tried).toBe(1);
    expect(journal.lines.filter((l) => l.type === 'failed')).toMatchObject([
      { change: 'mark/two/ConfigMap/a' },
    ]);
  });

  test('a right that is gone after the confirmation ends it at once: nothing else is tried, and it says which', async () => {
    const { cluster, session, journal } = harness();
    let tried = 0;
    cluster.beforeWrite = (ref) => {
      if (ref.namespace === 'one' && ref.name === 'a') return;
      tried++;
      throw new ClusterError('forbidden', 'You may not apply ConfigMap one/b (patch configmaps).');
    };
    const failures: string[] = [];
    session.subscribe(() => {
      if (session.state.screen.at === 'failed') failures.push(session.state.screen.message);
    });
    expect(await applyUnattended(session)).toBe(2);
    expect(cluster.writes).toEqual(['ConfigMap one/a']);
    expect(tried).toBe(1);
    expect(failures).toEqual(['You may not apply ConfigMap one/b (patch configmaps).']);
    expect(journal.lines.filter((l) => l.type === 'failed')).toMatchObject([
      { change: 'mark/one/ConfigMap/b', reason: expect.stringContaining('patch configmaps') },
    ]);
    expect(journal.lines.at(-1)).toMatchObject({ type: 'ended', reason: 'failed' });
  });

  test('an object that somebody creates while others are being written is left as it is', async () => {
    const { cluster, session } = harness([markStep('mark', ['a'])]);
    await toConfirm(session);
    cluster.beforeWrite = (ref) => {
      if (ref.namespace === 'one') cluster.items.push({ ...configMap('two', 'a'), data: { theirs: 'yes' } });
    };
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'result');
    expect(cluster.writes).toEqual(['ConfigMap one/a']);
    expect(session.state.steps[0]?.done.map((d) => d.outcome)).toEqual(['applied', 'stale']);
  });

  test('what acts on every namespace that it does not name is not written where one was created meanwhile', async () => {
    const everywhere = (): Step => {
      const mark = markStep('mark', ['a']);
      return {
        ...mark,
        plan: (now, answers, templates) =>
          mark.plan(now, answers, templates).map((change) => ({
            ...change,
            ...(change.ref.namespace === 'two' && {
              namespaces: objects(now, 'Namespace').map(({ metadata }) => metadata.name),
            }),
          })),
      };
    };
    const { cluster, session } = harness([everywhere()]);
    await toConfirm(session);
    cluster.beforeWrite = (ref) => {
      if (ref.namespace === 'one') cluster.items.push(namespace('three'));
    };
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'result');
    expect(cluster.writes).toEqual(['ConfigMap one/a']);
    expect(session.state.steps[0]?.done).toMatchObject([
      { outcome: 'applied' },
      { outcome: 'stale', message: expect.stringContaining('Namespace three was created meanwhile') },
    ]);
    const again = harness([everywhere()]);
    await toConfirm(again.session);
    again.session.send({ type: 'confirm', typed: 'prod' });
    await reaches(again.session, 'result');
    expect(again.cluster.writes).toEqual(['ConfigMap one/a', 'ConfigMap two/a']);
  });

  test('a change in a namespace that an earlier step has yet to create waits for it', async () => {
    const { cluster, session } = harness([markStep('mark', ['a'])]);
    await toConfirm(session);
    cluster.beforeWrite = (ref) => {
      if (ref.namespace === 'two') throw new ClusterError('notFound', 'namespaces "two" not found');
    };
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'result');
    expect(session.state.steps[0]?.done.map((d) => d.outcome)).toEqual(['applied', 'left']);
  });

  test('a cluster that cannot be reached ends with 2 and a sentence', async () => {
    const { cluster, session } = harness();
    cluster.info = async () => {
      throw new ClusterError('unreachable', 'prod does not answer');
    };
    expect(await applyUnattended(session)).toBe(2);
  });
});

describe('unattended', () => {
  test('applies all steps in order, verifies each, and leaves nothing', async () => {
    const { cluster, session, journal } = harness();
    expect(await applyUnattended(session)).toBe(0);
    expect(cluster.writes).toEqual([
      'ConfigMap one/a',
      'ConfigMap one/b',
      'ConfigMap two/a',
      'ConfigMap two/b',
      'Namespace one',
      'Namespace two',
    ]);
    expect(pendingCount(session.state.steps)).toBe(0);
    expect(
      journal.lines
        .filter((l) => l.type === 'verified')
        .map((l) => l.type === 'verified' && [l.step, l.pending]),
    ).toEqual([
      ['mark', 0],
      ['label', 0],
    ]);
  });

  test('on a real cluster a question that can do harm and has no answer stops everything', async () => {
    const risky: Step = {
      ...markStep('mark', ['a']),
      questions: () => [
        { id: 'on', type: 'confirm', message: 'on?', risk: 'cutsTraffic', recommended: true, cautious: true },
      ],
    };
    const { cluster, session } = harness([labelStep('label'), risky]);
    expect(await applyUnattended(session)).toBe(2);
    expect(cluster.writes).toEqual([]);
    expect(unansweredQuestions(session.state)).toEqual(['mark.on']);
  });

  test('each write stands in the journal before and after it', async () => {
    const { session, journal } = harness([labelStep('label')]);
    await applyUnattended(session);
    const lines = journal.lines.filter((l) => l.type === 'applying' || l.type === 'applied');
    expect(lines.map((l) => `${l.type} ${'change' in l ? l.change : ''}`)).toEqual([
      'applying label/-/Namespace/one',
      'applied label/-/Namespace/one',
      'applying label/-/Namespace/two',
      'applied label/-/Namespace/two',
    ]);
    expect(lines[0]).toMatchObject({ before: 'Namespace one at 100' });
  });
});

test('skipping a step leaves its changes out of what later steps see, and opening it again takes it back', async () => {
  const { session } = harness([markStep('mark', ['a']), markStep('again', ['a'])]);
  await reaches(session, 'overview');
  expect(session.state.steps.map((s) => s.plan.changes.length)).toEqual([2, 0]);
  session.send({ type: 'skip' });
  session.send({ type: 'skipped', reason: '' });
  expect(session.state.steps.map((s) => [s.status, s.plan.changes.length])).toEqual([
    ['skipped', 2],
    ['changes', 2],
  ]);
  session.send({ type: 'open', step: 0 });
  expect(session.state.steps.map((s) => s.status)).toEqual(['changes', 'advice']);
});

describe('one run at a time', () => {
  test('the cluster is claimed before the first write and released at the end, not before and not twice', async () => {
    const { cluster, session } = harness();
    await toConfirm(session);
    expect(cluster.claims).toEqual([]);
    expect(await applyUnattended(session)).toBe(0);
    expect(cluster.claims).toEqual(['claimed', 'released']);
  });

  test('that a dead one was taken over is said once, however many steps write', async () => {
    const { cluster, session } = harness();
    const claim = cluster.claim.bind(cluster);
    cluster.claim = async () =>
      ({ ...(await claim()), note: 'The Lease of a dead run was taken over.' }) as Claim;
    let said = 0;
    let notice: string | undefined;
    session.subscribe(() => {
      if (session.state.notice !== notice && session.state.notice?.includes('dead run') === true) said++;
      notice = session.state.notice;
    });
    expect(await applyUnattended(session)).toBe(0);
    expect(session.state.steps.filter(({ done }) => done.length > 0)).toHaveLength(2);
    expect(said).toBe(1);
  });

  test('a cluster that another run holds is not written to, and it says whose it is', async () => {
    const { cluster, session } = harness();
    cluster.claimedBy = 'Another run writes to this cluster: run 7f3a on host.';
    expect(await applyUnattended(session)).toBe(2);
    expect(cluster.writes).toEqual([]);
  });

  test('where another run takes over, this one stops after the object in hand', async () => {
    const { cluster, session } = harness();
    cluster.beforeWrite = () => cluster.lost.abort();
    expect(await applyUnattended(session)).toBe(2);
    expect(cluster.writes).toHaveLength(1);
  });
});

describe('what is confirmed by itself', () => {
  const asked = (session: Session) =>
    session.state.screen.at === 'confirm'
      ? (session.state.screen.alone ?? 'together')
      : session.state.screen.at;

  test('one by one after the rest; nothing is written before the last yes, the name is typed once', async () => {
    const { cluster, journal, session } = harness(
      [aloneStep('mark', ['a', 'b', 'c'], ['b', 'c'])],
      [namespace('one')],
    );
    await toConfirm(session);
    const seen: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      seen.push(asked(session));
      expect(cluster.writes).toEqual([]);
      expect(journal.lines.some(({ type }) => type === 'confirmed')).toBe(false);
      session.send({ type: 'confirm', ...(turn === 0 ? { typed: 'prod' } : {}) });
    }
    await reaches(session, 'result');
    expect(seen).toEqual(['together', 'mark/one/ConfigMap/b', 'mark/one/ConfigMap/c']);
    expect(cluster.writes).toHaveLength(3);
  });

  test('the time within which it is to be kept is chosen once, and holds for all of them', async () => {
    const watched: number[] = [];
    const guardian = {
      watch: async (_step: string, seconds: number) => void watched.push(seconds),
      look: async () => ({ waiting: [], kept: [], expired: [], now: 0 }),
      keep: async () => {},
    };
    const { session } = harness(
      [aloneStep('mark', ['a', 'b'], ['a', 'b'])],
      [namespace('one')],
      {},
      { guardian, offer: { seconds: 300 } },
    );
    await toConfirm(session);
    const screen = () => session.state.screen as { within?: number; settled?: true };
    session.send({ type: 'within' });
    expect(screen()).toMatchObject({ within: 900 });
    session.send({ type: 'confirm', typed: 'prod' });
    expect(screen()).toMatchObject({ within: 900, settled: true });
    session.send({ type: 'within' });
    expect(screen()).toMatchObject({ within: 900 });
    session.send({ type: 'confirm' });
    await reaches(session, 'result');
    expect(watched).toEqual([900]);
  });

  test('a no writes nothing at all; what was taken out is not asked about', async () => {
    const { cluster, session } = harness([aloneStep('mark', ['a', 'b'], ['a', 'b'])], [namespace('one')]);
    await toConfirm(session);
    expect(asked(session)).toBe('mark/one/ConfigMap/a');
    session.send({ type: 'confirm', typed: 'wrong' });
    expect(asked(session)).toBe('mark/one/ConfigMap/a');
    session.send({ type: 'confirm', typed: 'prod' });
    expect(asked(session)).toBe('mark/one/ConfigMap/b');
    session.send({ type: 'back' });
    expect([session.state.screen.at, session.state.notice]).toEqual([
      'review',
      expect.stringContaining('Nothing was written'),
    ]);
    session.send({ type: 'toggle', change: 'mark/one/ConfigMap/b' });
    session.send({ type: 'next' });
    session.send({ type: 'confirm', typed: 'prod' });
    await reaches(session, 'result');
    expect(cluster.writes).toHaveLength(1);
  });
});
