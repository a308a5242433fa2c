import { PROBE_DEFAULTS, type ProbePlan } from '../../src/model/policy-probe.js';
import type { WizardState } from '../../src/wizard/state.js';
import { expectGolden } from '../support/golden.js';
import { shopState, shopSteps, withStep } from './fixtures.js';
import { expectWholeFrame, onScreen, ready } from './harness.js';

const PROBE: ProbePlan = {
  options: PROBE_DEFAULTS,
  leftovers: [{ name: 'kubectl-harden-probe-0123456789ab', uid: 'u' }],
};

/** Each screen as a person sees it; the golden files are the pictures. */
const pictures: Record<string, WizardState> = {
  reading: shopState(
    {
      at: 'reading',
      kinds: [
        { kind: 'Namespace', objects: 38, done: true },
        { kind: 'Pod', objects: 12_345, done: false },
      ],
    },
    { snapshot: undefined, steps: [] },
  ),
  overview: shopState({ at: 'overview' }),
  questions: shopState({ at: 'questions' }),
  checking: shopState({ at: 'checking' }),
  review: shopState({ at: 'review' }),
  'review-nothing': shopState({ at: 'review' }, { current: 0 }),
  'confirm-typed': shopState({ at: 'confirm', typed: true }),
  'confirm-yes-no': shopState({ at: 'confirm', typed: false }, { written: true }),
  'confirm-probe': shopState({ at: 'confirm', typed: true, probe: PROBE }),
  probing: shopState({ at: 'probing', stage: 'connecting without a policy', stopping: false }),
  'probing-stopping': shopState({ at: 'probing', stage: '', stopping: true }),
  applying: withStep(
    shopState({
      at: 'applying',
      done: 2,
      total: 5,
      now: 'default-deny/payments/NetworkPolicy/api',
      stopping: false,
    }),
    (step) => ({
      ...step,
      done: [
        { change: 'default-deny/shop/NetworkPolicy/web', outcome: 'applied', message: 'created' },
        { change: 'default-deny/shop/NetworkPolicy/cart', outcome: 'applied', message: 'created' },
      ],
    }),
  ),
  rewriting: shopState(
    {
      at: 'applying',
      done: 1,
      total: 2,
      now: 'encryption-at-rest/-/Secret/all',
      rewrite: { total: 10_000, rewritten: 7_180, unchanged: 0, gone: 31, refused: 3 },
      stopping: true,
    },
    { current: 3 },
  ),
  verifying: shopState({ at: 'verifying' }),
  result: withStep(shopState({ at: 'result' }, { written: true }), (step) => ({
    ...step,
    plan: { ...step.plan, changes: step.plan.changes.slice(-1) },
    verified: step.findings.slice(0, 1),
    done: [
      { change: 'default-deny/shop/NetworkPolicy/web', outcome: 'applied', message: 'created' },
      { change: 'default-deny/shop/NetworkPolicy/cart', outcome: 'applied', message: 'created' },
      {
        change: 'default-deny/payments/NetworkPolicy/default-deny',
        outcome: 'failed',
        message:
          'webhook policy.example.com refused it: owner label is missing. Add the label and run resume.',
      },
      { change: 'default-deny/-/Cloud/firewall', outcome: 'left', message: 'run it with the provider' },
    ],
  })),
  'result-done': withStep(shopState({ at: 'result' }, { written: true }), (step) => ({
    ...step,
    plan: { ...step.plan, changes: [] },
    findings: [],
    answered: step.questions.map((q) => q.id),
    verified: [],
    done: [{ change: 'default-deny/shop/NetworkPolicy/web', outcome: 'applied', message: 'created' }],
  })),
  skip: shopState({ at: 'skip' }),
  failed: shopState({ at: 'failed', message: 'The cluster does not answer.\nIs the VPN up?' }, { steps: [] }),
  notice: shopState(
    { at: 'overview' },
    { notice: 'Changed meanwhile: NetworkPolicy shop/web. Nothing was written; this is the new plan.' },
  ),
  left: shopState({ at: 'left' }),
};

/** A frame without the dots that only show that the program lives. */
function still(frame: string): string {
  return frame.replace(
    /(Reading the cluster|Asking the server|Stopping: |Live probe: )(.*?)\.{1,3}$/gm,
    '$1$2',
  );
}

describe.each([
  { name: '80x24', columns: 80, rows: 24, unicode: true },
  { name: '150x40', columns: 150, rows: 40, unicode: true },
  { name: '80x24-ascii', columns: 80, rows: 24, unicode: false },
])('on $name', ({ name, ...size }) => {
  test.each(Object.entries(pictures))('%s', async (picture, state) => {
    await onScreen(state, size, async (mounted) => {
      await ready(mounted, state.screen);
      expectGolden(`tui/${name}/${picture}.txt`, still(mounted.frame()));
      expectWholeFrame(mounted);
      if (!size.unicode) expect(mounted.frame()).toMatch(/^[\x20-\x7e\n]*$/);
    });
  });
});

test('the folded rail names every step with its sign and how it stands', async () => {
  await onScreen(shopState({ at: 'questions' }), {}, async (mounted) => {
    expect(shopSteps()).toHaveLength(5);
    expect(mounted.rows()[2]).toBe(' 1 ✔ ok  │ 2 Default-deny ▲ 5  │ 3 ↷ skip  │ 4 ◌ -  │ 5 ○ note');
  });
});
