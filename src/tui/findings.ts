import type { Finding } from '../model/finding.js';
import { refText } from '../model/manifest.js';
import { type Line, line, lineWidth, paragraph, span } from './lines.js';
import type { Look } from './look.js';
import { once } from './memo.js';
import type { Row } from './scroll.js';
import { count, counted, SEVERITIES } from './words.js';

interface Group {
  severity: Finding['severity'];
  /** What all of them have in common. */
  heading: string;
  findings: readonly Finding[];
  /** Whether the heading is the message of each. */
  alike: boolean;
}

const ORDER = Object.keys(SEVERITIES);

/** Findings of the same kind together, the most severe first. */
const groupsOf = once((findings: readonly Finding[]): readonly Group[] => {
  const groups = Map.groupBy(findings, ({ severity, id }) => `${severity} ${id}`);
  return [...groups.values()]
    .map((members): Group => {
      const first = members[0] as Finding;
      const alike = members.every((f) => f.message === first.message);
      const heading = alike
        ? first.message
        : `${counted(members.length, 'place')}: ${first.id.replaceAll('-', ' ')}`;
      return { severity: first.severity, heading, findings: members, alike };
    })
    .sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
});

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
  const rows = groupsOf(findings).flatMap((group) => groupRows(group, look, width, most));
  made.set(findings, { key, rows });
  return rows;
}

function groupRows(group: Group, look: Look, width: number, most: number | undefined): Row[] {
  const { sign, word, role } = SEVERITIES[group.severity];
  const lead = line(look.sign(sign), ' ', span(role, word), ` ${look.g.dot} `);
  const brief = most !== undefined && group.findings.length > most + 1;
  const shown = brief ? group.findings.slice(0, most) : group.findings;
  const hidden = group.findings.length - shown.length;
  const each = most === undefined ? 4 : 1;
  return [
    ...paragraph(look, group.heading, width, { lead, hang: look.g.signWidth + 1, most: 4 }),
    ...shown.flatMap((finding) => placeRows(finding, group.alike, look, width, each)),
    ...(hidden > 0 ? [line(span('dim', `    ${count(hidden)} more (tab shows all)`))] : []),
  ];
}

function placeRows(finding: Finding, alike: boolean, look: Look, width: number, most: number): Line[] {
  const place = finding.object === undefined ? '' : refText(finding.object);
  if (!alike)
    return [
      ...paragraph(look, finding.message, width, { lead: line('  '), most }),
      ...paragraph(look, finding.evidence, width, { lead: line('    '), role: 'dim', most }),
    ];
  const name = look.name(place, most === 1 ? Math.floor(width / 2) : width - 4);
  const lead = line('  ', name, name === '' ? '' : '  ');
  // A long name leaves no room beside it: the evidence goes below.
  if (most > 1 && lineWidth(lead) > width / 2)
    return [lead, ...paragraph(look, finding.evidence, width, { lead: line('    '), role: 'dim', most })];
  return paragraph(look, finding.evidence, width, { lead, hang: 4, role: 'dim', most });
}
