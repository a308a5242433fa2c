import { readFileSync } from 'node:fs';
import type { Finding } from '../../src/model/finding.js';
import type { RunSummary } from '../../src/model/journal.js';
import { findingsLines } from '../../src/report/findings.js';
import { planJson, planReport } from '../../src/report/plan.js';
import { nextCommands, planText } from '../../src/report/plan-text.js';
import { runsJson, runsText } from '../../src/report/runs.js';
import { PLAIN, type Style } from '../../src/report/style.js';
import { summaryText } from '../../src/report/summary.js';
import type { WizardState } from '../../src/wizard/state.js';
import { expectGolden } from '../support/golden.js';
import { snapshotOf } from '../support/snapshot.js';
import { sample } from './sample.js';

/** Commands are never folded: they are there to be copied. */
const widest = (text: string) =>
  Math.max(...text.split('\n').map((line) => (/kubectl harden |^ +\$ /.test(line) ? 0 : line.length)));
const NEXT = nextCommands('prod-eu-1', ['--context', 'prod-eu-1'], 9);

describe('the plan', () => {
  test('as text, at 80 columns', () => {
    const { now, steps } = sample();
    const text = planText(now, steps, NEXT, PLAIN);
    expectGolden('report/plan.txt', text);
    expect(widest(text)).toBeLessThanOrEqual(80);
  });

  test('as text without UTF-8, with a step skipped and a change left out', () => {
    const { now, steps } = sample({
      namespaces: { answers: {}, excluded: ['namespaces/-/Namespace/team-a'] },
      quotas: { answers: {}, excluded: [], skipped: 'later' },
    });
    const text = planText(now, steps, [], { ...PLAIN, unicode: false });
    expectGolden('report/plan-ascii.txt', text);
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });

  test('says the same with and without colour', () => {
    const { now, steps } = sample();
    const colour: Style = { ...PLAIN, colour: true };
    const coloured = planText(now, steps, NEXT, colour);
    expect(coloured).toContain('\u001b[');
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(planText(now, steps, NEXT, PLAIN));
  });

  test('with nothing to do says so', () => {
    const now = snapshotOf({ context: 'prod' });
    expect(planText(now, [], nextCommands('prod', [], 0), PLAIN)).toContain('Plan: nothing to change.');
    expect(nextCommands('prod', [], 0)).toEqual(['go through it step by step  kubectl harden']);
  });

  test('as JSON, in the documented shape', () => {
    const { now, steps } = sample();
    expectGolden('report/plan.json', planJson(now, steps));
  });

  test('every field of the JSON is documented', () => {
    const { now, steps } = sample();
    const fields = new Set<string>();
    const collect = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(collect);
      else if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value)) {
          fields.add(key);
          collect(inner);
        }
    };
    collect(planReport(now, steps));
    collect(JSON.parse(runsJson([RUN])));
    const documentation = readFileSync(new URL('../../docs/json.md', import.meta.url), 'utf8');
    expect([...fields].filter((field) => !new RegExp(`\\b${field}\\b`).test(documentation))).toEqual([]);
  });

  test('control characters of a cluster never reach the text', () => {
    const { now, steps } = sample();
    expect(planText(now, steps, NEXT, PLAIN)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

const RUN: RunSummary = {
  run: '7f3a',
  cluster: { id: 'uid', context: 'prod-eu-1', version: 'v1.31.4' },
  scope: { steps: [], exclude: [] },
  files: { flows: [] },
  startedAt: '2026-01-02T03:04:05.000Z',
  command: 'wizard',
  lastAt: '2026-01-02T03:14:05.000Z',
  answers: new Map(),
  confirmed: new Map(),
  excluded: new Map(),
  chosen: new Map(),
  applied: ['a', 'b'],
  leftFiles: false,
  skipped: new Map([['quotas', 'later']]),
  provisional: [],
  state: 'interrupted',
};

describe('JSON on a terminal', () => {
  const hostile = 'a\u007f\u009b31m\u00ad\u202eb\u2028\u{e0041}\ud800c';

  test('no character that moves the cursor or hides text stands in it, and it means the same', () => {
    const { now, steps } = sample();
    const evil = { ...now, cluster: { ...now.cluster, context: hostile } };
    const runs = runsJson([{ ...RUN, run: hostile }]);
    for (const text of [planJson(evil, steps), runs]) expect(text).not.toMatch(/[^\n\P{C}]|[\u2028\u2029]/u);
    expect(JSON.parse(planJson(evil, steps)).cluster.context).toBe(hostile);
    expect(JSON.parse(planJson(evil, steps))).toEqual(JSON.parse(JSON.stringify(planReport(evil, steps))));
    expect(JSON.parse(runs).runs[0].run).toBe(hostile);
  });
});

describe('findings of one kind', () => {
  const open = (name: string, message = `Namespace ${name} accepts traffic from anywhere.`): Finding => ({
    id: 'open-ingress',
    severity: 'high',
    object: { apiVersion: 'v1', kind: 'Namespace', name },
    evidence: `selected by no policy: ${Array.from({ length: 9 }, (_, i) => `${name}/workload-${i}[Deployment]`).join(', ')}`,
    message,
  });
  const many = Array.from({ length: 30 }, (_, i) => open(`team-${i}`));
  const lines = (findings: readonly Finding[]) => findingsLines(findings, PLAIN);

  test('stand under one heading, a dozen of them, each with two lines of evidence at most', () => {
    const text = lines(many);
    expect(text[0]).toBe('  ▲ high: 30 × Namespace … accepts traffic from anywhere.');
    expect(text.slice(1, 3)).toEqual([
      '    Namespace team-0: selected by no policy: team-0/workload-0[Deployment],',
      '      team-0/workload-1[Deployment], team-0/workload-2[Deployment], …',
    ]);
    expect(text.filter((line) => line.startsWith('    Namespace'))).toHaveLength(12);
    expect(text.at(-1)).toBe('    and 18 more: -o json has all');
    expect(text).toHaveLength(1 + 12 * 2 + 1);
    expect(widest(text.join('\n'))).toBeLessThanOrEqual(80);
  });

  test('are all there where only one more would be left out', () => {
    expect(lines(many.slice(0, 13)).join('\n')).toContain('Namespace team-12:');
    expect(lines(many.slice(0, 13)).join('\n')).not.toContain('-o json');
    expect(lines(many.slice(0, 14)).at(-1)).toBe('    and 2 more: -o json has all');
  });

  test('with messages of their own are limited as well', () => {
    const text = lines(many.map((_, i) => open(`team-${i}`, `This is the ${i}th of them.`)));
    expect(text.filter((line) => line.includes('th of them'))).toHaveLength(12);
    expect(text.at(-1)).toBe('    and 18 more: -o json has all');
  });

  test('of another severity stand apart, the most severe first', () => {
    const text = lines([{ ...open('web'), severity: 'low' }, open('shop'), open('cart')]).filter((line) =>
      /^ {2}\S/.test(line),
    );
    expect(text).toEqual([
      '  ▲ high: 2 × Namespace … accepts traffic from anywhere.',
      '  ○ low: Namespace web accepts traffic from anywhere.',
    ]);
  });
});

describe('runs', () => {
  test('as a table', () => {
    const other = {
      ...RUN,
      run: '01ab',
      state: 'done' as const,
      applied: Array(120).fill('x'),
      skipped: new Map(),
    };
    expectGolden('report/runs.txt', runsText([RUN, other], PLAIN));
    expect(runsText([], PLAIN)).toBe('There are no runs yet.\n');
  });

  test('as JSON', () => {
    expectGolden('report/runs.json', runsJson([RUN]));
  });
});

describe('the end of a session', () => {
  function state(more: Partial<WizardState> = {}): WizardState {
    const { now, steps } = sample({ quotas: { answers: {}, excluded: [], skipped: 'later' } });
    return {
      run: '7f3a',
      directory: '/home/me/.local/state/kubectl-harden/runs/7f3a',
      screen: { at: 'left' },
      snapshot: now,
      steps: steps.map((step) =>
        step.step.id !== 'default-deny'
          ? step
          : {
              ...step,
              plan: { ...step.plan, changes: [] },
              done: [
                {
                  change: 'default-deny/shop/NetworkPolicy/default-deny',
                  outcome: 'applied',
                  message: 'created',
                },
                {
                  change: 'default-deny/shop/NetworkPolicy/old',
                  outcome: 'failed',
                  message: 'refused by webhook policy.example.com',
                },
                {
                  change: 'default-deny/shop/NetworkPolicy/new',
                  outcome: 'left',
                  message: 'waits for NetworkPolicy shop/old',
                },
              ],
            },
      ),
      current: 0,
      notice: undefined,
      written: true,
      ...more,
    };
  }
  const options = { style: PLAIN, again: ['--context', 'prod-eu-1'], lasting: true };

  test('says what was done, what is left, and how to resume', () => {
    const text = summaryText(state(), options);
    expectGolden('report/summary.txt', text);
    expect(widest(text)).toBeLessThanOrEqual(80);
  });

  test('what was applied before it was stopped does not wait any more', () => {
    const now = state();
    const interrupted = now.steps.map((step) =>
      step.step.id !== 'namespaces'
        ? step
        : {
            ...step,
            done: [{ change: step.plan.changes[0]!.id, outcome: 'applied' as const, message: 'created' }],
          },
    );
    expect(summaryText({ ...now, steps: interrupted }, options)).toMatch(/waits: Namespaces: 1 to change$/m);
    const all = interrupted.map((step) => ({
      ...step,
      done: step.plan.changes.map(({ id }) => ({ change: id, outcome: 'applied' as const, message: '' })),
    }));
    const unproven = summaryText({ ...now, steps: all }, options);
    expect(unproven).not.toContain('waits');
    // Nobody saw whether it worked: the run is not at its end.
    expect(unproven).toMatch(
      /unproven: Namespaces was not read again, to see whether it worked\n[\s\S]*Resume: /,
    );
    const proven = all.map((step) => ({ ...step, plan: { ...step.plan, changes: [] }, verified: [] }));
    expect(summaryText({ ...now, steps: proven }, options)).not.toMatch(/waits|unproven|Resume/);
  });

  test('what reading again found still to do waits, applied or not', () => {
    const now = state();
    const steps = now.steps.map((step) => ({
      ...step,
      verified: step.findings,
      done: step.plan.changes.map(({ id }) => ({ change: id, outcome: 'applied' as const, message: '' })),
    }));
    expect(summaryText({ ...now, steps }, options)).toMatch(/waits: Namespaces: 1 to add, 1 to change$/m);
  });

  test('a message of several lines is told in one, and what came from a cluster stays escaped', () => {
    const now = state();
    const done = {
      change: 'quotas/shop/LimitRange/defaults',
      outcome: 'failed' as const,
      message: 'You may not apply LimitRange shop/defaults.\nAsk for that right\u001b[2J.',
    };
    const text = summaryText(
      { ...now, steps: now.steps.map((s) => (s.step.id === 'quotas' ? { ...s, done: [done] } : s)) },
      options,
    );
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'failed: LimitRange shop/defaults: You may not apply LimitRange shop/defaults. Ask for that right\\x1b[2J.',
    );
  });

  test('without anything read', () => {
    const text = summaryText(state({ snapshot: undefined, steps: [] }), options);
    expect(text).toContain(
      'Run 7f3a: nothing was changed.\nResume: kubectl harden resume 7f3a --context prod-eu-1\n',
    );
  });

  test('with nothing left there is nothing to resume', () => {
    const { steps, ...rest } = state();
    const done = steps.map((s) => ({ ...s, plan: { ...s.plan, changes: [] }, done: [] }));
    expect(summaryText({ ...rest, steps: done }, options)).not.toContain('Resume');
  });

  test('an embedded cluster without a file is gone, and is not offered to be resumed', () => {
    const text = summaryText(state(), { ...options, again: ['--sandbox'], lasting: false });
    expect(text).toContain('--sandbox-file FILE keeps it');
    expect(text).not.toContain('resume');
  });
});
