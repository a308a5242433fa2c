import type { Finding } from '../model/finding.js';
import { type FindingKind, findingKinds } from '../model/finding-groups.js';
import { refText } from '../model/manifest.js';
import { type Line, line, lineWidth, paragraph, span } from './lines.js';
import type { Look } from './look.js';
import { once } from './memo.js';
import type { Row } from './scroll.js';
import { count, SEVERITIES } from './words.js';

const kindsOf = once(findingKinds);

const made = new WeakMap<readonly Finding[], { key: string; rows: readonly Row[] }>();

/**
 * Findings as rows: each kind with what it says, then where. With `most`, at most so many places of each kind, one row
 * each; without, all of them in full.
 */
export function findingRows(
  findings: readonly Finding[],
  look: Look,
  width: number,
  most?: number,
): readonly Row[] {
  const key = `${width} ${most} ${look.g.signWidth}`;
  const known = made.get(findings);
  if (known?.key === key) return known.rows;
  const rows = kindsOf(findings).flatMap((kind) => kindRows(kind, look, width, most));
  made.set(findings, { key, rows });
  return rows;
}

function kindRows(
  { severity, groups }: FindingKind,
  look: Look,
  width: number,
  most: number | undefined,
): Row[] {
  const { sign, word, role } = SEVERITIES[severity];
  const lead = line(span(role, look.sign(sign).text), ' ', span(role, word), ` ${look.g.dot} `);
  const shown = few(groups, most);
  const hidden = groups.slice(shown.length).reduce((sum, group) => sum + group.findings.length, 0);
  return [
    ...shown.flatMap(({ message, findings }) => {
      const places = few(findings, most);
      return [
        ...paragraph(
          look,
          findings.length === 1 ? message : `${count(findings.length)} × ${message}`,
          width,
          {
            lead,
            hang: look.g.signWidth + 1,
            most: most === undefined ? 6 : 3,
          },
        ),
        ...places.flatMap((finding) => placeRows(finding, look, width, most === undefined)),
        ...moreRow(findings.length - places.length),
      ];
    }),
    ...moreRow(hidden),
  ];
}

/** The first of them; all where only one more would be left out. */
function few<T>(all: readonly T[], most: number | undefined): readonly T[] {
  return most === undefined || all.length <= most + 1 ? all : all.slice(0, most);
}

function moreRow(hidden: number): Row[] {
  return hidden > 0 ? [line(span('dim', `    ${count(hidden)} more (tab shows all)`))] : [];
}

/** Where a finding was made and what shows it: one row in brief. */
function placeRows(finding: Finding, look: Look, width: number, full: boolean): Line[] {
  const { object, evidence } = finding;
  // Evidence often names the object itself: then it stands once, if it is not where the row is cut.
  const visible = full ? evidence : evidence.slice(0, width - 4);
  const place = object === undefined || visible.includes(object.name) ? '' : refText(object);
  const name = look.name(place, full ? width - 4 : Math.floor(width / 2));
  const lead = line('  ', name, name === '' ? '' : '  ');
  // A long name leaves no room beside it: the evidence goes below.
  if (full && lineWidth(lead) > width / 2) return [lead, ...evidenceRows(finding, look, width)];
  return paragraph(look, evidence, width, { lead, hang: 4, role: 'dim', most: full ? 6 : 1 });
}

function evidenceRows({ evidence }: Finding, look: Look, width: number): Line[] {
  return paragraph(look, evidence, width, { lead: line('    '), role: 'dim', most: 6 });
}
