import { readFlowLine } from '../../src/host/flow-lines.js';
import type { Flows } from '../../src/model/flow.js';

/** A flow log of CSV lines, each seen twice, the first at the beginning of 1970 and each further one a minute later. */
export function flowLog(lines: readonly string[], file = 'seen.csv'): Flows {
  return {
    file,
    lines: 2 * lines.length,
    passedOver: { denied: 0, reply: 0, other: 0 },
    unknown: 0,
    problems: [],
    flows: lines.map((line, index) => {
      const read = readFlowLine(line);
      if (read.is !== 'flow') throw new Error(line);
      const time = index * 60_000;
      return { ...read.flow, line: index + 1, count: 2, seen: { first: time, last: time } };
    }),
  };
}
