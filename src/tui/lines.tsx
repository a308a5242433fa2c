import { Box, Text } from 'ink';
import { memo, type ReactNode } from 'react';
import type { Look, Span } from './look.js';
import type { Role } from './theme.js';
import { columns, cutEnd, wrap } from './width.js';

/** One row of the screen. Rows are made to measure before Ink sees them: nothing wraps, nothing overflows. */
export type Line = readonly Span[];

export const BLANK: Line = [];

/** A row of pieces; plain strings have no style. */
export function line(...parts: readonly (string | Span | Line)[]): Line {
  return parts.flatMap((part) =>
    typeof part === 'string' ? [{ text: part, role: 'plain' as const }] : part,
  );
}

export function span(role: Role, text: string): Span {
  return { text, role };
}

export function lineWidth(row: Line): number {
  return row.reduce((sum, { text }) => sum + columns(text), 0);
}

/** A row of at most `width` columns. */
export function toWidth(row: Line, width: number, mark: string): Line {
  if (lineWidth(row) <= width) return row;
  const out: Span[] = [];
  let room = width;
  for (const [index, part] of row.entries()) {
    const rest = lineWidth(row.slice(index));
    if (rest <= room) return [...out, ...row.slice(index)];
    const own = columns(part.text);
    // The piece that does not toWidth, or the last one that leaves room for the mark, takes the mark.
    if (own + columns(mark) > room) {
      out.push({ ...part, text: cutEnd(`${part.text}${mark}`, room, mark) });
      return out;
    }
    out.push(part);
    room -= own;
  }
  return out;
}

/** Two pieces at both ends of a row of exactly `width` columns; the left one is cut where both do not fit. */
export function ends(left: Line, right: Line, width: number, mark: string): Line {
  const room = width - lineWidth(right) - (right.length > 0 ? 1 : 0);
  if (room < 1) return toWidth(right, width, mark);
  const kept = toWidth(left, room, mark);
  return [
    ...kept,
    { text: ' '.repeat(Math.max(0, width - lineWidth(kept) - lineWidth(right))), role: 'plain' },
    ...right,
  ];
}

export interface ParagraphOptions {
  role?: Role;
  /** Before the first row; the others are indented by as much, or by `hang` columns. */
  lead?: Line;
  hang?: number;
  /** Whether line breaks in the text are kept, as in messages of our own; elsewhere they are shown escaped. */
  breaks?: true;
  /** At most this many rows; the last one is cut. */
  most?: number;
}

/** Text from outside as rows of at most `width` columns, broken between words. */
export function paragraph(look: Look, raw: string, width: number, options: ParagraphOptions = {}): Line[] {
  const { role = 'plain', lead = BLANK, most = Number.POSITIVE_INFINITY } = options;
  const indent = options.hang ?? lineWidth(lead);
  const room = Math.max(1, width - indent);
  const first = Math.max(1, width - lineWidth(lead));
  let texts = (options.breaks === true ? raw.split('\n') : [raw]).flatMap((part, index) =>
    wrap(look.text(part), room, index === 0 ? first : room),
  );
  if (texts.length > most) {
    const rest = texts.slice(most - 1).join(' ');
    texts = [...texts.slice(0, most - 1), cutEnd(rest, room, look.g.ellipsis)];
  }
  return texts.map((text, index) =>
    index === 0 ? [...lead, span(role, text)] : [span('plain', ' '.repeat(indent)), span(role, text)],
  );
}

interface LinesProps {
  rows: readonly Line[];
  width: number;
  height: number;
  look: Look;
}

/** Draws rows in a box of exactly this size: rows that are too long are cut, too many are left out. */
export const Lines = memo(function Lines({ rows, width, height, look }: LinesProps): ReactNode {
  return (
    <Box flexDirection="column" width={width} height={height} flexShrink={0} overflow="hidden">
      {rows.slice(0, height).map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place on the screen
        <Row key={index} row={row} width={width} look={look} />
      ))}
    </Box>
  );
});

interface RowProps {
  row: Line;
  width: number;
  look: Look;
}

/** One row; drawn again only when it says something else, as most rows of a screen do not from key to key. */
const Row = memo(function Row({ row, width, look }: RowProps): ReactNode {
  const [first, ...rest] = toWidth(row, width, look.g.ellipsis);
  const single = first === undefined || rest.length === 0;
  return (
    <Text wrap="truncate-end" {...(single ? look.style(first?.role ?? 'plain') : {})}>
      {single
        ? first?.text || ' '
        : [first, ...rest].map((part, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a piece is its place in the row
            <Text key={at} {...look.style(part.role)}>
              {part.text}
            </Text>
          ))}
    </Text>
  );
}, sameRow);

function sameRow(before: RowProps, after: RowProps): boolean {
  return (
    before.width === after.width &&
    before.look === after.look &&
    before.row.length === after.row.length &&
    before.row.every(({ text, role }, at) => text === after.row[at]?.text && role === after.row[at]?.role)
  );
}
