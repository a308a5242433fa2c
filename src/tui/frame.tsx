import { Box } from 'ink';
import type { ReactNode } from 'react';
import { leftText } from '../model/provisional.js';
import type { WizardState } from '../wizard/state.js';
import { keysInWords } from './bindings.js';
import { clusterFacts } from './facts.js';
import type { Binding } from './keys.js';
import { BLANK, ends, type Line, Lines, line, lineWidth, paragraph, span } from './lines.js';
import type { Look } from './look.js';
import { Divider, Rule } from './parts.js';
import { foldedRail, railRow } from './rail.js';

/** Width from which the rail stands as a column beside the pane. */
const WIDE = 112;
/** The same for the review, which has two panes of its own. */
const WIDER = 140;
const RAIL = 30;

export interface Layout {
  columns: number;
  rows: number;
  /** Rows above the pane: the folded rail and the notice. */
  above: readonly Line[];
  rail: boolean;
  /** The pane. */
  width: number;
  height: number;
}

/** Where everything stands in a window of this size. One column stays free at each side. */
export function layoutOf(state: WizardState, look: Look, columns: number, rows: number): Layout {
  const inside =
    state.steps.length > 0 && !['overview', 'reading', 'failed', 'left'].includes(state.screen.at);
  const rail = inside && columns >= (state.screen.at === 'review' ? WIDER : WIDE);
  const width = columns - 2 - (rail ? RAIL + 3 : 0);
  const folded = inside && !rail ? [foldedRail(state.steps, state.current, look, width), BLANK] : [];
  const notice =
    state.notice === undefined
      ? []
      : [
          ...paragraph(look, state.notice, width, {
            lead: line(look.sign('breaks'), ' '),
            role: 'warn',
            most: 3,
            breaks: true,
          }),
          BLANK,
        ];
  const above = [...folded, ...notice, ...waitingRows(state, look, width)];
  return { columns, rows, above, rail, width, height: rows - 4 - above.length };
}

/** What waits to be kept, and how long it has. */
function waitingRows({ waiting, steps, screen }: WizardState, look: Look, width: number): Line[] {
  if (waiting === undefined || screen.at === 'left') return [];
  const rows = waiting.all.map(({ step, until }) => {
    const title = steps.find((one) => one.step.id === step)?.step.title ?? step;
    const left = span('title', leftText(until, waiting.now));
    return ends(
      line(look.sign('question'), ' ', look.text(title), ' is taken back unless it is kept'),
      line(left, ' left'),
      width,
      look.g.ellipsis,
    );
  });
  return [...rows, BLANK];
}

interface FrameProps {
  state: WizardState;
  look: Look;
  layout: Layout;
  bindings: readonly Binding[];
  children: ReactNode;
}

/** Header, rail, pane and footer; exactly as large as the window. */
export function Frame({ state, look, layout, bindings, children }: FrameProps): ReactNode {
  const { columns, rows, above, rail, width } = layout;
  const full = columns - 2;
  const body = rows - 4;
  return (
    <Box flexDirection="column" width={columns} height={rows} paddingX={1}>
      <Lines rows={[headerRow(state, look, full)]} width={full} height={1} look={look} />
      <Rule width={full} look={look} />
      <Box height={body}>
        {rail ? (
          <>
            <Lines rows={railRows(state, look)} width={RAIL} height={body} look={look} />
            <Divider height={body} look={look} />
          </>
        ) : null}
        <Box flexDirection="column">
          <Lines rows={above} width={width} height={above.length} look={look} />
          {children}
        </Box>
      </Box>
      <Rule width={full} look={look} />
      <Lines rows={[footerRow(bindings, look, full)]} width={full} height={1} look={look} />
    </Box>
  );
}

function headerRow(state: WizardState, look: Look, width: number): Line {
  const { snapshot } = state;
  const run = line(span('dim', look.text(`run ${state.run}`)));
  const title = span('title', 'kubectl harden');
  if (snapshot === undefined) return ends(line(title), run, width, look.g.ellipsis);
  const { context, sandbox, version } = snapshot.cluster;
  const { about } = clusterFacts(snapshot);
  const tail = [version.git, ...about].map((text) => ` ${look.g.dot} ${look.text(text)}`).join('');
  const room = width - lineWidth(line(title, '   ', tail, ' ', ...run));
  const name = look.name(sandbox ? 'embedded cluster' : context, Math.max(12, room));
  return ends(line(title, '   ', span('info', name), tail), run, width, look.g.ellipsis);
}

function railRows(state: WizardState, look: Look): Line[] {
  return [
    line(span('dim', ' Steps')),
    ...state.steps.map((step, index) => railRow(step, index, index === state.current, false, look, RAIL)),
  ];
}

/** The keys that apply now, the first ones as far as there is room; the help has all of them. */
export function footerRow(bindings: readonly Binding[], look: Look, width: number): Line {
  const parts = bindings
    .filter(({ quiet }) => quiet !== true)
    .map((binding) => ({
      always: binding.always === true,
      row: line(span('key', keysInWords(binding, look.g, true)), ` ${binding.label}`),
    }));
  let room = width + GAP - parts.filter((p) => p.always).reduce((sum, p) => sum + lineWidth(p.row) + GAP, 0);
  const kept = parts.filter(({ always, row }) => {
    if (always) return true;
    room -= lineWidth(row) + GAP;
    return room >= 0;
  });
  return kept.flatMap(({ row }, index) => (index === 0 ? row : [span('plain', ' '.repeat(GAP)), ...row]));
}

/** Columns between two keys of the footer. */
const GAP = 2;
