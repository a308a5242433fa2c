import type { ProbeFacts } from '../../src/model/policy-probe.js';
import { PROBE_DEFAULTS } from '../../src/model/policy-probe.js';
import type { Answers } from '../../src/model/question.js';
import type { Step } from '../../src/model/step.js';
import { PLAIN } from '../../src/report/style.js';
import { summaryText } from '../../src/report/summary.js';
import { createSession } from '../../src/wizard/session.js';
import type { Session, WizardState } from '../../src/wizard/state.js';
import { applyUnattended } from '../../src/wizard/unattended.js';
import { MemoryCluster, MemoryHost, MemoryJournal } from '../support/memory.js';
import { markStep, namespace } from './steps.js';

const SCRATCH = 'kubectl-harden-probe-0123456789ab';

/** A step that asks for a live probe first, and plans nothing where policies are not enforced. */
function netStep(): Step {
  const base = markStep('net', ['a']);
  const open = (now: Parameters<Step['plan']>[0]) => now.policyProbe === undefined;
  return {
    ...base,
    questions: (now) => [
      ...(open(now)
        ? [
            {
              id: 'probe',
              type: 'confirm' as const,
              message: 'probe?',
              risk: 'none' as const,
              recommended: false,
              cautious: false,
            },
          ]
        : []),
      ...base.questions(now),
    ],
    probes: (now, answers) => open(now) && answers.probe === true,
    plan: (now, answers, templates) =>
      now.policyProbe?.verdict === 'notEnforced'
        ? []
        : base.plan(now, { ...answers, on: true } satisfies Answers, templates),
  };
}

const facts = (more: Partial<ProbeFacts>): ProbeFacts => ({
  verdict: 'enforced',
  evidence: ['it was cut'],
  at: '2026-01-01T00:00:00.000Z',
  interrupted: false,
  left: [],
  ...more,
});

function harness(found: ProbeFacts | undefined, answers: Answers = {}) {
  const old = new Date('2025-12-31T20:00:00Z').toISOString();
  const leftover = {
    ...namespace('kubectl-harden-probe-ba9876543210'),
    metadata: {
      name: 'kubectl-harden-probe-ba9876543210',
      uid: 'old',
      creationTimestamp: old,
      labels: {
        'app.kubernetes.io/managed-by': 'kubectl-harden',
        'app.kubernetes.io/component': 'policy-probe',
      },
    },
  };
  const cluster = new MemoryCluster([namespace('one'), leftover]);
  cluster.probeResult = found;
  const journal = new MemoryJournal();
  const clock = { now: () => new Date('2026-01-01T00:00:00Z') };
  const session = createSession(
    { cluster, host: new MemoryHost(), journal, clock, claim: () => cluster.claim() },
    {
      steps: [netStep(), markStep('later', ['b'])],
      templates: new Map(),
      decisions: () => new Map([['net', { answers, excluded: [] }]]),
      exclude: [],
      probe: { ...PROBE_DEFAULTS, image: 'mirror.example/agnhost:2.53' },
    },
  );
  return { cluster, journal, session };
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

async function toProbe({ session }: { session: Session }) {
  await reaches(session, 'overview');
  session.send({ type: 'open', step: 0 });
  session.send({ type: 'answer', question: 'probe', value: true });
  session.send({ type: 'next' });
}

test('the answer alone creates nothing: the probe is confirmed by the context’s name, and says what it does', async () => {
  const all = harness(facts({}));
  await toProbe(all);
  const { session, cluster, journal } = all;
  expect(session.state.screen).toMatchObject({
    at: 'confirm',
    typed: true,
    probe: {
      options: { image: 'mirror.example/agnhost:2.53' },
      leftovers: [{ name: 'kubectl-harden-probe-ba9876543210', uid: 'old' }],
    },
  });
  session.send({ type: 'confirm' });
  session.send({ type: 'confirm', typed: 'production' });
  expect(session.state.notice).toContain('prod');
  session.send({ type: 'back' });
  expect(session.state.screen.at).toBe('questions');
  expect(cluster.writes).toEqual([]);
  expect(journal.lines.some(({ type }) => type === 'probing')).toBe(false);
});

test('its verdict is on record, in the snapshot and in the next plan, and it is not made twice', async () => {
  const all = harness(facts({ verdict: 'notEnforced', evidence: ['it went on'] }));
  await toProbe(all);
  const { session, cluster, journal } = all;
  expect(session.state.steps[0]?.plan.changes).toHaveLength(2);
  session.send({ type: 'confirm', typed: 'prod' });
  await reaches(session, 'questions');
  const { state } = session;
  expect(state.notice).toBe('NetworkPolicies are not enforced: it went on.');
  expect(state.snapshot?.policyProbe?.verdict).toBe('notEnforced');
  expect(state.steps[0]?.plan.changes).toEqual([]);
  expect(state.steps[0]?.questions.map(({ id }) => id)).toEqual(['on']);
  expect(state.written).toBe(false);
  expect(journal.lines.filter(({ type }) => type.startsWith('prob'))).toMatchObject([
    { type: 'probing', namespace: SCRATCH, removes: ['kubectl-harden-probe-ba9876543210'] },
    { type: 'probed', verdict: 'notEnforced', evidence: ['it went on'], left: [] },
  ]);
  session.send({ type: 'next' });
  await reaches(session, 'review');
  session.send({ type: 'reload' });
  await reaches(session, 'overview');
  expect(session.state.snapshot?.policyProbe?.verdict).toBe('notEnforced');
  expect(cluster.writes).toEqual(['probe']);
});

test('it claims the cluster until the end; where another run has it, nothing is created and that is said', async () => {
  const all = harness(facts({}));
  all.cluster.claimedBy = 'Another run writes to this cluster.';
  await toProbe(all);
  all.session.send({ type: 'confirm', typed: 'prod' });
  await reaches(all.session, 'failed');
  expect(all.cluster.writes).toEqual([]);
  const free = harness(facts({}));
  await toProbe(free);
  free.session.send({ type: 'confirm', typed: 'prod' });
  await reaches(free.session, 'questions');
  expect(free.cluster.claims).toEqual(['claimed']);
});

test('one that found nothing may be made again after reading again', async () => {
  const all = harness(facts({ verdict: 'inconclusive', evidence: ['no node took the pod'] }));
  await toProbe(all);
  const { session } = all;
  session.send({ type: 'confirm', typed: 'prod' });
  await reaches(session, 'questions');
  expect(session.state.notice).toContain('could not be found out: no node took the pod');
  session.send({ type: 'reload' });
  await reaches(session, 'overview');
  expect(session.state.steps[0]?.questions.map(({ id }) => id)).toEqual(['probe', 'on']);
  expect(session.state.steps[0]?.answers.probe).toBe(false);
});

test('ctrl-c stops it, waits for the clean-up and leaves with 130; keys do nothing meanwhile', async () => {
  const all = harness(undefined);
  await toProbe(all);
  const { session, journal } = all;
  session.send({ type: 'confirm', typed: 'prod' });
  await reaches(session, 'probing');
  for (const type of ['quit', 'next', 'back', 'reload', 'skip'] as const) session.send({ type });
  expect(session.state.screen.at).toBe('probing');
  while (all.cluster.probes.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  session.send({ type: 'interrupt' });
  expect(session.state.screen).toMatchObject({ at: 'probing', stopping: true });
  expect(await session.ended).toBe(130);
  expect(journal.lines.map(({ type }) => type).slice(-2)).toEqual(['probed', 'ended']);
  expect(session.state.scratch).toBeUndefined();
});

const told = ({ state }: Session) =>
  summaryText(state, { style: PLAIN, again: [], target: ['--kubeconfig', 'my config'], lasting: true });

test('who does not wait for the clean-up is told the command', async () => {
  const all = harness(undefined);
  all.cluster.probePolicies = async ({ before }) => {
    await before(SCRATCH);
    return new Promise(() => {});
  };
  await toProbe(all);
  const { session } = all;
  session.send({ type: 'confirm', typed: 'prod' });
  while (session.state.scratch === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  session.send({ type: 'interrupt' });
  session.send({ type: 'interrupt' });
  expect(await session.ended).toBe(130);
  expect(told(session)).toContain(
    `Remove what the live probe left: kubectl --kubeconfig 'my config' --context prod delete namespace ${SCRATCH}\n`,
  );
});

test('what could not be removed is told at the end, also after reading again', async () => {
  const left = [{ namespace: SCRATCH, command: `kubectl delete namespace ${SCRATCH}` }];
  const all = harness(facts({ verdict: 'inconclusive', left }));
  await toProbe(all);
  const { session } = all;
  session.send({ type: 'confirm', typed: 'prod' });
  await reaches(session, 'questions');
  session.send({ type: 'reload' });
  await reaches(session, 'overview');
  session.send({ type: 'quit' });
  await session.ended;
  expect(told(session)).toContain(`--context prod delete namespace ${SCRATCH}\n`);
});

describe('unattended', () => {
  test('nothing is tried out unless an answers file says so', async () => {
    const { session, cluster } = harness(facts({}), { on: true });
    expect(await applyUnattended(session)).toBe(0);
    expect(cluster.probes).toEqual([]);
  });

  test.each<[ProbeFacts['verdict'], readonly string[]]>([
    ['enforced', ['a', 'b']],
    ['notEnforced', ['b']],
    ['inconclusive', ['a', 'b']],
  ])('a probe that says %s comes before the plan, and the other steps go on', async (verdict, written) => {
    const { session, cluster } = harness(facts({ verdict }), { probe: true });
    expect(await applyUnattended(session)).toBe(0);
    expect(cluster.probes).toHaveLength(1);
    expect(cluster.writes[0]).toBe('probe');
    const names = cluster.writes.filter((text) => text.includes(' one/')).map((text) => text.at(-1));
    expect(names).toEqual(written);
  });
});
