import { createReadStream } from 'node:fs';
import { printable } from '../model/escape.js';
import { type Flow, type FlowEnd, type Flows, type Span, spanning } from '../model/flow.js';
import { HostError, reasonOf } from './errors.js';
import { EXPECTED, readFlowLine } from './flow-lines.js';

export interface FlowLimits {
  /** Largest file, in bytes. */
  file: number;
  /** Longest line, in characters; a longer one counts as unknown. */
  line: number;
  /** Most different connections that are kept. */
  flows: number;
  /** Most unknown lines that are told in words. */
  problems: number;
}

export const FLOW_LIMITS: FlowLimits = { file: 4e9, line: 1_000_000, flows: 500_000, problems: 10 };

/**
 * Reads a flow log line by line, whatever its size up to the limit, and puts lines that say the same together. Formats:
 * Hubble's exporter, Calico's flow logs, CSV; they may be mixed.
 * @throws HostError in words for a person: the file cannot be read, is too large, or holds no connection.
 */
export async function readFlows(path: string, limits: FlowLimits = FLOW_LIMITS): Promise<Flows> {
  const reader = new FlowReader(path, limits);
  try {
    const stream = createReadStream(path, { encoding: 'utf8' });
    for await (const chunk of stream) reader.take(String(chunk));
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError(`The flow log ${printable(path)} cannot be read: ${reasonOf(error)}.`);
  }
  return reader.end();
}

class FlowReader {
  private readonly path: string;
  private readonly limits: FlowLimits;
  private readonly flows = new Map<string, Flow>();
  private readonly problems: string[] = [];
  private readonly passedOver = { denied: 0, reply: 0, other: 0 };
  private rest = '';
  /** The line being read is longer than the limit: its beginning was let go. */
  private tooLong = false;
  private size = 0;
  private line = 0;
  private lines = 0;
  private unknown = 0;
  private seen: Span | undefined;

  constructor(path: string, limits: FlowLimits) {
    this.path = printable(path);
    this.limits = limits;
  }

  take(chunk: string): void {
    this.size += chunk.length;
    if (this.size > this.limits.file)
      throw new HostError(
        `${this.path} is larger than ${(this.limits.file / 1e9).toFixed(1)} GB, the most that is read.\nGive a part of it, or CSV: src,dst,protocol,port.`,
      );
    let from = 0;
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', from)) {
      this.add(chunk.slice(from, at));
      this.finishLine();
      from = at + 1;
    }
    this.add(chunk.slice(from));
  }

  end(): Flows {
    if (this.rest !== '' || this.tooLong) this.finishLine();
    const { denied, reply, other } = this.passedOver;
    if (this.flows.size === 0 && denied + reply + other === 0)
      throw new HostError(
        this.problems[0] ?? `${this.path} holds no connection: expected lines of ${EXPECTED}.`,
      );
    return {
      file: this.path,
      flows: [...this.flows.values()],
      lines: this.lines,
      passedOver: this.passedOver,
      unknown: this.unknown,
      problems: this.problems,
      ...(this.seen === undefined ? {} : { seen: this.seen }),
    };
  }

  private add(part: string): void {
    if (this.tooLong) return;
    this.rest += part;
    if (this.rest.length <= this.limits.line) return;
    this.rest = '';
    this.tooLong = true;
  }

  private finishLine(): void {
    const text = this.rest;
    const { tooLong } = this;
    this.rest = '';
    this.tooLong = false;
    this.line++;
    if (tooLong) {
      this.lines++;
      this.problem('', `a line of at most ${this.limits.line} characters`);
      return;
    }
    const bare = (this.line === 1 ? text.replace(/^\ufeff/, '') : text).trim();
    if (bare === '' || bare.startsWith('#')) return;
    this.lines++;
    const read = readFlowLine(bare);
    if (read.is === 'unknown') this.problem(bare, read.expected);
    else if (read.is === 'flow') this.keep(read.flow);
    else if (read.is === 'header') this.lines--;
    else this.passedOver[read.is]++;
  }

  private keep({ seen, ...flow }: Omit<Flow, 'line' | 'count'>): void {
    this.seen = spanning(this.seen, seen);
    const ends = JSON.stringify([flow.source, flow.destination]);
    const key = `${ends}${flow.protocol} ${flow.port ?? ''}`;
    const known = this.flows.get(key);
    if (known !== undefined) {
      known.count++;
      const both = spanning(known.seen, seen);
      if (both !== undefined) known.seen = both;
      return;
    }
    if (this.flows.size >= this.limits.flows)
      throw new HostError(
        `${this.path} line ${this.line}: more than ${this.limits.flows} different connections, the most that are kept.\nPut them together first, for example by workload, and give CSV: src,dst,protocol,port.`,
      );
    // Parts of a text hold on to all of it; what is made anew holds on to no part of the file.
    const [source, destination] = JSON.parse(ends) as [FlowEnd, FlowEnd];
    const kept = { ...flow, source, destination, line: this.line, count: 1 };
    this.flows.set(key, seen === undefined ? kept : { ...kept, seen });
  }

  private problem(text: string, expected: string): void {
    this.unknown++;
    if (this.problems.length >= this.limits.problems) return;
    const found = text === '' ? '' : `, found ${printable(text, 60)}`;
    this.problems.push(`${this.path} line ${this.line}: expected ${expected}${found}.`);
  }
}
