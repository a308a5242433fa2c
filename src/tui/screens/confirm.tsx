import { useAnimation } from 'ink';
import { type ReactNode, useEffect } from 'react';
import { BESIDES, changeName } from '../../model/plan.js';
import { type ProbePlan, probeLines } from '../../model/policy-probe.js';
import { neverWords, spanText, withinWords } from '../../model/provisional.js';
import { RISKS } from '../../model/risk.js';
import type { SignName } from '../../model/signs.js';
import { choosesTime, confirmedAlone, confirmedNow, eachAlone } from '../../wizard/confirming.js';
import type { StepState, WizardState } from '../../wizard/state.js';
import { heading } from '../heading.js';
import { BLANK, type Line, Lines, line, paragraph, span } from '../lines.js';
import { checkedOf, chosenOf, type Scene, type ScreenProps } from '../scene.js';
import { scrolled, scrollLimit } from '../scroll.js';
import { changesInWords, count, counted, isWeighty } from '../words.js';

/**
 * How long a confirmation has to be on the screen before it takes a key, in milliseconds: what was typed before
 * anybody can have read it does not confirm.
 */
export const ARMING = 350;

interface ConfirmProps extends ScreenProps {
  onArmed(): void;
}

/** What is about to happen, what is not known about it, and the question whose default is no. */
export function Confirm({ scene, onArmed }: ConfirmProps): ReactNode {
  const { armed } = scene.view;
  const { frame } = useAnimation({ interval: ARMING, isActive: !armed });
  useEffect(() => {
    if (frame > 0) onArmed();
  }, [frame, onArmed]);
  const { state, view, look, width, height } = scene;
  const step = state.steps[state.current];
  if (step === undefined) return null;
  const prompt = promptRows(scene);
  const room = height - prompt.length;
  const body = scrolled(bodyRows(scene, step), view.scroll, room, look);
  return <Lines rows={[...body, ...prompt]} width={width} height={height} look={look} />;
}

/** How far the text above the question can be scrolled. */
export function confirmScroll(scene: Scene): number {
  const step = scene.state.steps[scene.state.current];
  if (step === undefined) return 0;
  return scrollLimit(bodyRows(scene, step).length, scene.height - promptRows(scene).length);
}

/** What a live probe creates and removes. */
function probeRows(scene: Scene, plan: ProbePlan): Line[] {
  const { state, look, width } = scene;
  const context = look.name(state.snapshot?.cluster.context ?? '', 40);
  return [
    heading(scene, 'ask'),
    BLANK,
    ...paragraph(look, `Try out whether NetworkPolicies are enforced, with pods in ${context}?`, width, {
      role: 'title',
    }),
    BLANK,
    ...probeLines(plan).flatMap((text) =>
      paragraph(look, text, width, { lead: line('  ', look.sign('changes'), ' ') }),
    ),
    BLANK,
    ...paragraph(look, 'Ctrl+C stops it and removes what was created.', width, { role: 'dim' }),
  ];
}

function bodyRows(scene: Scene, step: StepState): Line[] {
  const { screen } = scene.state;
  if (screen.at === 'confirm' && screen.probe !== undefined) return probeRows(scene, screen.probe);
  const { state, look, width } = scene;
  const alone = screen.at === 'confirm' ? screen.alone : undefined;
  const changes = confirmedNow(step, alone === undefined ? {} : { alone });
  const apart = confirmedAlone(step);
  const sandbox = state.snapshot?.cluster.sandbox === true;
  const context = look.name(state.snapshot?.cluster.context ?? '', 40);
  const where = sandbox ? 'the embedded cluster' : context;
  const say = (sign: SignName, text: string) =>
    paragraph(look, text, width, { lead: line('  ', look.sign(sign), ' ') });
  const risks = [...Map.groupBy(changes, (c) => c.risk)].filter(([risk]) => risk !== 'none');
  const breaks = [...tally(changes.filter(isWeighty).flatMap((c) => c.breaks))];
  const notes = [...tally(changes.filter((c) => !isWeighty(c)).flatMap((c) => c.breaks))];
  const checks = changes.map((c) => checkedOf(step, c.id)?.check.by);
  const unchecked = checks.filter((by) => by === 'us' || by === undefined).length;
  const refused = checks.filter((by) => by === 'refusal').length;
  const left = alone === undefined ? step.plan.changes.length - chosenOf(step).length : 0;
  const what = alone === undefined ? counted(changes.length, 'change') : look.name(changeName(alone), 60);
  const goesOn = sandbox ? '' : `; kubectl harden resume ${state.run} goes on from there`;
  return [
    heading(scene, 'apply'),
    BLANK,
    line(span('title', `Apply ${what} to ${where}?`)),
    BLANK,
    ...(alone === undefined ? [] : changes.flatMap(({ why }) => say('changes', why))),
    ...say('changes', changesInWords(changes)),
    ...(apart.length > 0 ? say('advice', eachAlone(apart, alone)) : []),
    ...(left > 0 ? say('skipped', `${counted(left, 'change')} left out`) : []),
    ...risks.flatMap(([risk, some]) => say('breaks', `${count(some.length)} ${RISKS[risk]}`)),
    ...(refused > 0 ? say('failed', `${count(refused)} the server would refuse; they are not written`) : []),
    ...(unchecked > 0 ? say('advice', `${count(unchecked)} not checked by the server beforehand`) : []),
    ...(breaks.length + notes.length > 0 ? [BLANK, line(span('title', 'To be weighed'))] : []),
    ...breaks.flatMap(([text, times]) => say('breaks', repeated(text, times))),
    ...notes.flatMap(([text, times]) => say('advice', repeated(text, times))),
    BLANK,
    ...withinRows(scene),
    ...paragraph(look, BESIDES, width, { role: 'dim' }),
    ...paragraph(look, `Ctrl+C stops after the object in hand${goesOn}.`, width, { role: 'dim' }),
  ];
}

/** Whether the step takes itself back, and what keeps it. */
function withinRows({ state: { screen, run }, look, width }: Scene): Line[] {
  if (screen.at !== 'confirm' || screen.within === undefined || screen.within === 0) return [];
  if (screen.within === 'never') return paragraph(look, neverWords(screen.stays), width, { role: 'dim' });
  const { decides } = screen;
  const words = withinWords(run, {
    seconds: screen.within,
    ...(decides === undefined ? {} : { check: decides }),
  });
  return [...paragraph(look, words, width, { lead: line('  ', look.sign('advice'), ' ') }), BLANK];
}

/** The choice, always in sight; a step for which there is none has no such row. */
function choiceRows({ screen }: WizardState, armed: boolean): Line[] {
  if (!choosesTime(screen)) return [];
  if (!armed) return [BLANK];
  const now = screen.within === 0 ? 'off' : `within ${spanText(screen.within)}`;
  return [line(span('key', 'tab'), ' taken back unless it is kept: ', span('title', now))];
}

function isProbe({ screen }: WizardState): boolean {
  return screen.at === 'confirm' && screen.probe !== undefined;
}

function repeated(text: string, times: number): string {
  return times === 1 ? text : `${text} (${counted(times, 'change')})`;
}

/** How often each text occurs, in the order of the first. */
function tally(texts: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1);
  return times;
}

function promptRows({ state, view, look, width }: Scene): Line[] {
  const choice = choiceRows(state, view.armed);
  if (!view.armed) return [BLANK, ...choice, BLANK];
  if (state.screen.at === 'confirm' && state.screen.typed) {
    const context = look.name(state.snapshot?.cluster.context ?? '', Math.floor(width / 3));
    return [
      BLANK,
      ...choice,
      line(
        span('title', `Type the context's name (${context}) to go on: `),
        look.name(view.text, Math.floor(width / 3)),
        span('cursor', look.g.caret),
      ),
    ];
  }
  return [
    BLANK,
    ...choice,
    line(
      span('title', isProbe(state) ? 'Try it out? ' : 'Apply? '),
      span('key', 'y'),
      ' yes   ',
      span('key', 'n'),
      ' no (also enter)',
    ),
  ];
}
