import { clockText, neverWords, spanText, withinWords } from '../model/provisional.js';
import { fold } from '../report/fold.js';
import type { Session } from '../wizard/state.js';
import { CHOICES } from '../wizard/waiting.js';
import type { Asker, Option } from './ask.js';
import type { Writer } from './writer.js';

/** Whether the step takes itself back unless it is kept, where that is offered. */
export async function within(session: Session, ask: Asker, out: Writer): Promise<void> {
  const { screen, run } = session.state;
  if (screen.at !== 'confirm' || screen.within === undefined || screen.settled === true) return;
  if (screen.within === 'never')
    return out.say(...fold(out.text(neverWords(screen.stays)), out.style.width, '  '));
  const choices = [...new Set([...CHOICES, screen.within])].sort((a, b) => a - b);
  const options = choices.map((seconds) => ({
    value: String(seconds),
    label: seconds === 0 ? 'No: it stays' : `Within ${spanText(seconds)}`,
  }));
  const wanted = Number(
    await ask.one('Take it back by itself unless it is kept in time?', options, String(screen.within)),
  );
  for (const _choice of choices) {
    const now = session.state.screen;
    if (now.at === 'confirm' && now.within !== wanted) session.send({ type: 'within' });
  }
  const check = screen.decides === undefined ? {} : { check: screen.decides };
  if (wanted > 0)
    out.say(...fold(out.text(withinWords(run, { seconds: wanted, ...check })), out.style.width, '  '));
}

/** What waits to be kept, as an option to keep it. */
export function keepOption({ state }: Session, out: Writer): Option[] {
  return (state.waiting?.all ?? []).slice(0, 1).map(({ until }) => ({
    value: 'keep',
    label: out.text(
      `Keep ${(state.waiting?.all ?? []).map(({ step }) => state.steps.find((one) => one.step.id === step)?.step.title ?? step).join(', ')} (else taken back at ${clockText(until)})`,
    ),
  }));
}

/** Keeps it, and waits a moment for the word that it is. */
export async function kept(session: Session): Promise<void> {
  const heard = new Promise<void>((resolve) => {
    const stop = session.subscribe(() => {
      if (session.state.waiting !== undefined && session.state.screen.at !== 'left') return;
      stop();
      resolve();
    });
    setTimeout(() => {
      stop();
      resolve();
    }, 5_000).unref();
  });
  session.send({ type: 'keep' });
  await heard;
}
