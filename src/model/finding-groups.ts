import type { Finding, Severity } from './finding.js';

/** Findings that say the same, each of another object. */
export interface FindingGroup {
  /** What they say, with `…` for the name of the object where there are several. */
  message: string;
  findings: readonly Finding[];
}

/** Findings of one id and one severity. */
export interface FindingKind {
  severity: Severity;
  groups: readonly FindingGroup[];
}

const ORDER: readonly Severity[] = ['high', 'medium', 'low', 'notVisible', 'info'];

/** Findings by kind, the most severe first, and in each kind by what they say; otherwise in the order given. */
export function findingKinds(findings: readonly Finding[]): readonly FindingKind[] {
  const kinds = Map.groupBy(findings, ({ severity, id }) => `${severity} ${id}`);
  return [...kinds.values()]
    .map((members): FindingKind => {
      const groups = [...Map.groupBy(members, withoutName)].map(([common, some]): FindingGroup => {
        return { message: some.length === 1 ? (some[0] as Finding).message : common, findings: some };
      });
      return { severity: (members[0] as Finding).severity, groups };
    })
    .sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

/** A message with `…` for the name of the object that it speaks of. */
function withoutName({ message, object }: Finding): string {
  if (object === undefined || !message.includes(object.name)) return message;
  const name = object.name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return message.replaceAll(new RegExp(`(?<![\\w.-])${name}(?![\\w-])`, 'g'), '…');
}
