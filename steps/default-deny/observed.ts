import { flowEndText, type ObservedLog, spanText } from '../../src/declared/index.js';
import type { Finding } from '../../src/model/finding.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { observedIn } from './flows.js';

/** Examples of what could not be used. */
const SHOWN = 3;

/** What each flow log says: how much was read, over which time, what of it counts, and what could not be used. */
export function observedFindings(now: Snapshot): readonly Finding[] {
  return observedIn(now).flatMap((told) => [readFinding(told), ...unmatched(told), ...unreadable(told)]);
}

function readFinding({ log, connections, undeclared }: ObservedLog): Finding {
  const { denied, reply, other } = log.passedOver;
  const over = log.seen === undefined ? 'without times' : spanText(log.seen);
  return {
    id: 'flows-read',
    severity: 'info',
    evidence: `${counted(log.lines, 'line')}, ${over}; passed over: ${number(reply)} replies, ${number(denied)} denied, ${number(other)} of other kinds`,
    message: `${log.file} shows ${counted(connections, 'connection')} of workloads, ${number(undeclared)} of them declared by no object: they count as declared from here on.`,
  };
}

function unmatched({ log, unmatched: flows }: ObservedLog): readonly Finding[] {
  if (flows.length === 0) return [];
  const lines = flows.reduce((sum, { count }) => sum + count, 0);
  const shown = flows
    .slice(0, SHOWN)
    .map(
      ({ line, source, destination }) =>
        `line ${line}: ${flowEndText(source)} -> ${flowEndText(destination)}`,
    );
  return [
    {
      id: 'flows-unmatched',
      severity: 'notVisible',
      evidence: `${shown.join('; ')}${flows.length > SHOWN ? `; and ${number(flows.length - SHOWN)} more` : ''}`,
      message: `${counted(lines, 'line')} of ${log.file} could not be matched to a workload that is there: nothing is kept open for them.`,
    },
  ];
}

function unreadable({ log }: ObservedLog): readonly Finding[] {
  if (log.unknown === 0) return [];
  const more = log.unknown - Math.min(SHOWN, log.problems.length);
  return [
    {
      id: 'flows-unreadable',
      severity: 'notVisible',
      evidence: `${log.problems.slice(0, SHOWN).join(' ')}${more > 0 ? ` And ${number(more)} more.` : ''}`,
      message: `${counted(log.unknown, 'line')} of ${log.file} could not be read; the rest counts.`,
    },
  ];
}

function counted(count: number, word: string): string {
  return `${number(count)} ${word}${count === 1 ? '' : 's'}`;
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}
