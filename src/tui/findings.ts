import type { Finding } from '../model/finding.js';
import { refText } from '../model/manifest.js';
import { line, paragraph, span } from './lines.js';
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

/** Findings as rows: each kind with what it says, then where; `most` places of each kind. */
export function findingRows(
  findings: readonly Finding[],
  look: Look,
  width: number,
  most = Number.POSITIVE_INFINITY,
): Row[] {
  return groupsOf(findings).flatMap((group): Row[] => {
    const { sign, word, role } = SEVERITIES[group.severity];
    const lead = line(look.sign(sign), ' ', span(role, word), ` ${look.g.dot} `);
    const shown = group.findings.length > most + 1 ? group.findings.slice(0, most) : group.findings;
    const hidden = group.findings.length - shown.length;
    return [
      ...paragraph(look, group.heading, width, { lead, most: 4 }),
      ...shown.flatMap((finding) => placeRows(finding, group.alike, look, width)),
      ...(hidden > 0 ? [line(span('dim', `    ${count(hidden)} more (tab shows all)`))] : []),
    ];
  });
}

function placeRows(finding: Finding, alike: boolean, look: Look, width: number): Row[] {
  const place = finding.object === undefined ? '' : refText(finding.object);
  if (!alike)
    return [
      () => line('  ', look.cut(finding.message, width - 2)),
      () => line('    ', span('dim', look.cut(finding.evidence, width - 4))),
    ];
  return [
    () => {
      const name = look.name(place, Math.floor(width / 2));
      return line('  ', name, name === '' ? '' : '  ', span('dim', look.text(finding.evidence)));
    },
  ];
}
