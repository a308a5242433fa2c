import { Box } from 'ink';
import type { ReactNode } from 'react';
import { ownChoice } from '../../model/managed-by.js';
import { refText } from '../../model/manifest.js';
import type { Change } from '../../model/plan.js';
import { RISKS } from '../../model/risk.js';
import type { SignName } from '../../model/signs.js';
import type { StepState } from '../../wizard/state.js';
import { changeAt, changeList, differenceOf } from '../changes.js';
import { findingRows } from '../findings.js';
import { heading } from '../heading.js';
import { BLANK, ends, type Line, Lines, line, lineWidth, paragraph, span } from '../lines.js';
import type { Look } from '../look.js';
import { Divider } from '../parts.js';
import { previewRows } from '../preview.js';
import { checkedOf, chosenIds, type Scene, type ScreenProps } from '../scene.js';
import { scrolled, scrollLimit } from '../scroll.js';
import type { Role } from '../theme.js';
import { windowOf } from '../view.js';
import { columns, dropColumns } from '../width.js';
import { changesInWords, changeWord, count, isWeighty } from '../words.js';

/** The list of changes on the left; on the right exactly what the one under the cursor does, why, and what it may break. */
export function Review({ scene }: ScreenProps): ReactNode {
  const { state, look, width, height } = scene;
  const step = state.steps[state.current];
  if (step === undefined) return null;
  if (step.plan.changes.length === 0) return <Nothing scene={scene} step={step} />;
  const { left, right } = columnsOf(scene);
  const chosen = chosenIds(step).size;
  const about = changesInWords(step.plan.changes);
  const top = [
    heading(scene, 'review'),
    ends(
      line(look.text(about)),
      line(
        span(
          chosen === 0 ? 'warn' : 'title',
          `${count(chosen)} of ${count(step.plan.changes.length)} chosen`,
        ),
      ),
      width,
      look.g.ellipsis,
    ),
    BLANK,
  ];
  const rest = height - top.length;
  return (
    <Box flexDirection="column">
      <Lines rows={top} width={width} height={top.length} look={look} />
      <Box>
        <Lines rows={listRows(scene, step, left, rest)} width={left} height={rest} look={look} />
        <Divider height={rest} look={look} />
        <Lines rows={detailRows(scene, step, right, rest)} width={right} height={rest} look={look} />
      </Box>
    </Box>
  );
}

/** Share of a pane's rows that what is known about a change may take from its difference. */
const BRIEF = 0.4;

/** Rows above the two panes. */
const TOP = 3;

function columnsOf({ width }: Scene): { left: number; right: number } {
  const left = Math.max(27, Math.min(46, Math.floor(width * 0.32)));
  return { left, right: width - left - 3 };
}

/** A step that has nothing to change: why, in its findings. */
function Nothing({ scene, step }: ScreenProps & { step: StepState }): ReactNode {
  const { view, look, width, height } = scene;
  const rows = scrolled(nothingRows(scene, step), view.scroll, height, look);
  return <Lines rows={rows} width={width} height={height} look={look} />;
}

function nothingRows(scene: Scene, step: StepState) {
  const { look, width } = scene;
  return [
    heading(scene, 'review'),
    BLANK,
    line(look.sign(step.findings.length === 0 ? 'ok' : 'advice'), ' Nothing to change with these answers.'),
    BLANK,
    ...findingRows(step.findings, look, width),
  ];
}

function listRows(scene: Scene, step: StepState, width: number, height: number): Line[] {
  const { view, look } = scene;
  const filter =
    view.filtering || view.filter !== ''
      ? [line(span('key', '/'), look.text(view.filter), view.filtering ? span('cursor', look.g.caret) : '')]
      : [];
  const { rows, changes, rowOf } = changeList(step, view.filter);
  if (changes.length === 0) return [...filter, line(span('dim', 'no change matches'))];
  const room = height - filter.length - 1;
  const { from, to } = windowOf(rowOf[view.cursor] ?? 0, rows.length, room);
  const list = rows.slice(from, to).map((row): Line => {
    if ('heading' in row) return line(span('title', look.name(row.heading, width)));
    const { change, index } = row;
    const here = index === view.cursor;
    const on = chosenIds(step).has(change.id);
    const { letter, role } = changeWord(change);
    const refused = checkedOf(step, change.id)?.check.by === 'refusal';
    const mark = refused ? look.sign('failed') : isWeighty(change) ? look.sign('breaks') : undefined;
    const before = line(
      here ? span(view.pane === 'list' ? 'cursor' : 'dim', look.g.pointer) : ' ',
      span(on ? 'ok' : 'dim', on ? look.g.ticked : look.g.unticked),
      ' ',
      span(role, letter),
      ' ',
      ...(mark === undefined ? [] : [mark, look.g.signWidth > 1 ? '' : ' ']),
    );
    const left = width - lineWidth(before);
    const name = look.name(change.ref.name, left);
    const kind = look.text(change.ref.kind);
    const fits = columns(name) + 2 + columns(kind) <= left;
    const title = span(here ? 'title' : on ? 'plain' : 'dim', name);
    return ends(line(before, title), line(span('dim', fits ? kind : '')), width, look.g.ellipsis);
  });
  const filler = Array.from({ length: room - list.length }, () => BLANK);
  const place = `${count(view.cursor + 1)} of ${count(changes.length)}`;
  return [...filter, ...list, ...filler, line(span('dim', ` ${place}`))];
}

function detailRows(scene: Scene, step: StepState, width: number, height: number): Line[] {
  const { view, look } = scene;
  const change = changeAt(step, view);
  if (change === undefined) return [];
  const { letter, word, role } = changeWord(change);
  const title = ends(
    line(span(role, letter), ' ', span('title', look.name(refText(change.ref), width - word.length - 4))),
    line(span(role, word)),
    width,
    look.g.ellipsis,
  );
  if (view.about)
    return [title, ...scrolled(everything(scene, step, change, width), view.scroll, height - 1, look)];
  const diff = differenceOf(step, change);
  const about = aboutInBrief(step, change, look, width, Math.floor(height * BRIEF));
  const room = diffRoom(height, about.length);
  const to = Math.min(diff.length, view.scroll + room);
  const rows = diff.slice(view.scroll, to).map(({ sign, text }): Line => {
    const style: Role = sign === '+' ? 'add' : sign === '-' ? 'remove' : 'plain';
    const kept = dropColumns(look.text(text), view.shift);
    return line(span(style, `${sign} ${kept}`));
  });
  const place =
    diff.length > room ? ` lines ${count(view.scroll + 1)}-${count(to)} of ${count(diff.length)} ` : '';
  return [
    title,
    ...rows,
    line(span('dim', `${look.g.horizontal.repeat(Math.max(0, width - place.length))}${place}`)),
    ...about,
  ];
}

function diffRoom(height: number, about: number): number {
  return Math.max(1, height - about - 2);
}

/** How far the difference, or the text in its place, can be scrolled. */
export function reviewScroll(scene: Scene): number {
  const { state, view, look, height } = scene;
  const step = state.steps[state.current];
  if (step === undefined) return 0;
  if (step.plan.changes.length === 0) return scrollLimit(nothingRows(scene, step).length, height);
  const change = changeAt(step, view);
  if (change === undefined) return 0;
  const rest = height - TOP;
  const { right } = columnsOf(scene);
  if (view.about) return scrollLimit(everything(scene, step, change, right).length, rest - 1);
  const about = aboutInBrief(step, change, look, right, Math.floor(rest * BRIEF));
  return Math.max(0, differenceOf(step, change).length - diffRoom(rest, about.length));
}

/** All about a change, then what all chosen ones do to connections, where the step can say that. */
function everything({ state, look }: Scene, step: StepState, change: Change, width: number): Line[] {
  const working = (change.working ?? []).flatMap((text) =>
    paragraph(look, text, width, { lead: line(span('dim', '  ')), most: Number.POSITIVE_INFINITY }),
  );
  return [
    ...aboutRows(step, change, look, width),
    ...(working.length === 0 ? [] : [BLANK, line(span('title', 'How each number came about')), ...working]),
    ...previewRows(state, look, width),
  ];
}

/** Why, what it may break, and what the server said. */
function aboutRows(step: StepState, change: Change, look: Look, width: number, each?: number): Line[] {
  const most = each ?? Number.POSITIVE_INFINITY;
  const row = (lead: Line, text: string) => paragraph(look, text, width, { lead, most });
  const sign = look.sign(isWeighty(change) ? 'breaks' : 'advice');
  const choice = step.step.takesBack === true ? undefined : ownChoice(change);
  return [
    ...row(line(span('dim', 'why  ')), change.why),
    ...(change.risk === 'none' ? [] : row(line(span('dim', 'risk ')), RISKS[change.risk])),
    ...(choice === undefined ? [] : row(line(look.sign('breaks'), ' '), choice)),
    ...change.breaks.flatMap((text) => row(line(sign, ' '), text)),
    ...checkRows(step, change, look, width, each === undefined ? most : 2),
  ];
}

/** The same in at most `height` rows, the check always among them. */
function aboutInBrief(step: StepState, change: Change, look: Look, width: number, height: number): Line[] {
  const rows = aboutRows(step, change, look, width, height < 10 ? 1 : 2);
  if (rows.length <= height) return rows;
  const check = checkRows(step, change, look, width, 2).slice(0, 2);
  const kept = Math.max(1, height - check.length - 1);
  const hidden = rows.length - kept - check.length;
  return [...rows.slice(0, kept), line(span('dim', `${count(hidden)} more rows: i shows all`)), ...check];
}

function checkRows(step: StepState, change: Change, look: Look, width: number, most: number): Line[] {
  const check = checkedOf(step, change.id)?.check;
  const said = (sign: SignName, text: string, role: Role = 'plain') =>
    paragraph(look, text, width, { lead: line(look.sign(sign), ' '), role, most, breaks: true });
  if (check === undefined) return said('notVisible', 'not checked yet');
  switch (check.by) {
    case 'server':
      return check.warnings.length === 0
        ? said('ok', 'server dry run: accepted, no warnings')
        : check.warnings.flatMap((text) =>
            said('breaks', `server dry run: accepted, warns: ${text}`, 'warn'),
          );
    case 'us':
      return said('advice', `not checked by the server: ${check.reason}`);
    case 'refusal':
      return said('failed', `the server would refuse it: ${check.reason}`, 'bad');
  }
}
