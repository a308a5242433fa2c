import { printable } from '../model/escape.js';
import type { Finding, Severity } from '../model/finding.js';
import { type FindingKind, findingKinds } from '../model/finding-groups.js';
import { refText } from '../model/manifest.js';
import type { SignName } from '../model/signs.js';
import { atMost, fold } from './fold.js';
import { paint, type Style, sign, type Tone } from './style.js';

const SEVERITIES: Record<Severity, { mark: SignName; tone: Tone; word: string }> = {
  high: { mark: 'breaks', tone: 'bad', word: 'high' },
  medium: { mark: 'breaks', tone: 'warn', word: 'medium' },
  low: { mark: 'advice', tone: 'warn', word: 'low' },
  info: { mark: 'advice', tone: 'quiet', word: 'note' },
  notVisible: { mark: 'notVisible', tone: 'quiet', word: 'not visible' },
};

/** How many findings of one kind are listed; one more where it would be the only one left out. */
const LISTED = 12;
/** Lines of evidence of a finding that stands alone, and of one among others. */
const ALONE = 3;
const AMONG = 2;

/**
 * Findings by kind, the most severe first. Those that say the same of several objects stand under one heading, a dozen
 * of them with their evidence in brief; `all` says where the rest is found.
 */
export function findingsLines(findings: readonly Finding[], style: Style, all = '-o json has all'): string[] {
  return findingKinds(findings).flatMap((kind) => kindLines(kind, style, all));
}

function kindLines({ severity, groups }: FindingKind, style: Style, all: string): string[] {
  const total = groups.reduce((sum, group) => sum + group.findings.length, 0);
  let room = total <= LISTED + 1 ? total : LISTED;
  const hidden = total - room;
  const lines = groups.flatMap(({ message, findings }) => {
    const shown = findings.slice(0, room);
    room -= shown.length;
    const [first] = shown;
    if (first === undefined) return [];
    if (findings.length === 1) return aloneLines(first, style);
    const count = findings.length.toLocaleString('en-US');
    return [
      ...headLines(severity, `${count} × ${printable(message)}`, style),
      ...shown.flatMap((finding) => placeLines(finding, style)),
    ];
  });
  return hidden === 0 ? lines : [...lines, `    and ${hidden.toLocaleString('en-US')} more: ${all}`];
}

/** How severe it is and what it says. */
function headLines(severity: Severity, text: string, style: Style): string[] {
  const { mark, tone, word } = SEVERITIES[severity];
  const [first = '', ...rest] = fold(`${word}: ${text}`, style.width, `  ${sign(style, mark)} `);
  return [first.replace(sign(style, mark), paint(style, tone, sign(style, mark))), ...rest];
}

/** A finding by itself: how severe, about what, and where it is seen. */
function aloneLines({ severity, object, message, evidence }: Finding, style: Style): string[] {
  // A message that names its object needs no name before it.
  const named = object === undefined || message.includes(object.name);
  const about = named ? '' : `${printable(refText(object), 120)}: `;
  return [
    ...headLines(severity, `${about}${printable(message)}`, style),
    ...(evidence === '' ? [] : evidenceLines(printable(evidence), '    seen: ', '    ', ALONE, style)),
  ];
}

/** One of several: which object, and where it is seen. */
function placeLines({ object, evidence }: Finding, style: Style): string[] {
  const place = object === undefined || evidence.startsWith(refText(object)) ? [] : [refText(object)];
  const text = [
    ...place.map((name) => printable(name, 120)),
    ...(evidence === '' ? [] : [printable(evidence)]),
  ];
  return evidenceLines(text.join(': '), '    ', '      ', AMONG, style);
}

function evidenceLines(text: string, first: string, rest: string, most: number, style: Style): string[] {
  return atMost(fold(text, style.width, first, rest), most, style.width).map((line) =>
    paint(style, 'quiet', line),
  );
}
