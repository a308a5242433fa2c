import { printable } from '../model/escape.js';
import { type Ref, refText } from '../model/manifest.js';
import type { DirectionVerdict, Explanation, Reach, ReachDiff } from '../reach/index.js';
import { jsonText } from './json.js';

/** Text is handed out in pieces of about this many characters, so that a large cluster needs no one long string. */
const PIECE = 1 << 18;

/** `SRC => DST : CONNECTIONS`, one line a pair, in pieces. */
export function* reachText(reach: Reach): Generator<string> {
  yield* pieces(reach, {
    open: '',
    close: '',
    between: '',
    source: (name) => `${printable(name)} => `,
    destination: (name) => `${printable(name)} : `,
    connections: (conn) => `${conn}\n`,
  });
}

/** `[{"src","dst","conn"}]`, one entry a line, in pieces. */
export function* reachJson(reach: Reach): Generator<string> {
  yield* pieces(reach, {
    open: '[',
    close: '\n]\n',
    between: ',',
    source: (name) => `\n{"src":${jsonText(name)},"dst":`,
    destination: (name) => `${jsonText(name)},"conn":`,
    connections: (conn) => `${jsonText(conn)}}`,
  });
}

/** A graph in the language of Graphviz: workloads framed by namespace, an edge for each pair, in pieces. */
export function* reachDot(reach: Reach): Generator<string> {
  yield 'digraph reach {\n';
  for (const namespace of reach.namespaces) {
    const inside = reach.workloads.filter((workload) => workload.namespace === namespace);
    if (inside.length === 0) continue;
    const nodes = inside.map(
      ({ name }) => `    ${quoted(name)} [label=${quoted(name.slice(namespace.length + 1))}];\n`,
    );
    yield `  subgraph ${quoted(`cluster_${namespace}`)} {\n    label=${quoted(namespace)};\n${nodes.join('')}  }\n`;
  }
  yield* pieces(reach, {
    open: '',
    close: '',
    between: '',
    source: (name) => `  ${quoted(name)} -> `,
    destination: quoted,
    connections: (conn) => ` [label=${quoted(conn)}];\n`,
  });
  yield '}\n';
}

interface Form {
  open: string;
  close: string;
  between: string;
  source(name: string): string;
  destination(name: string): string;
  connections(conn: string): string;
}

/** Writes every connection in a form. Names and connections repeat, so that each is put into its form once. */
function* pieces(reach: Reach, form: Form): Generator<string> {
  const destination = remembered(form.destination);
  const connections = remembered(form.connections);
  let text = form.open;
  let before = '';
  const line = (src: string) => (dst: string, conn: string) => {
    text += before + src + destination(dst) + connections(conn);
    before = form.between;
  };
  for (const [index, { name }] of reach.workloads.entries()) {
    reach.visitFrom(index, line(form.source(name)));
    if (text.length >= PIECE) {
      yield text;
      text = '';
    }
  }
  const source = remembered(form.source);
  reach.visitFromOutside((src, dst, conn) => line(source(src))(dst, conn));
  for (const { src, dst, conn } of reach.entryConnections()) line(source(src))(dst, conn);
  yield text + form.close;
}

function remembered(make: (name: string) => string): (name: string) => string {
  const made = new Map<string, string>();
  return (name) => {
    let text = made.get(name);
    if (text === undefined) {
      text = make(name);
      made.set(name, text);
    }
    return text;
  };
}

/** A string of Graphviz: what could end it or be taken for more is escaped. */
function quoted(text: string): string {
  return `"${printable(text).replace(/[\\"]/g, '\\$&')}"`;
}

/** The reasons of one answer, for a person. `question` is how the connection is named, e.g. `a => b TCP 80`. */
export function explainText(question: string, { allowed, self, conn, cases }: Explanation): string {
  const lines = [`${printable(question)}: ${allowed ? 'allowed' : 'blocked'}`, `  between them: ${conn}`];
  if (self) lines.push('  a pod always reaches itself, whatever policies say');
  for (const [i, one] of cases.entries()) {
    if (cases.length > 1) lines.push(`  pods of kind ${i + 1}: ${one.allowed ? 'allowed' : 'blocked'}`);
    if (one.ownNode) lines.push('  a pod and its own node: no NetworkPolicy can cut it');
    lines.push(...directionLines('egress of the source', one.egress));
    lines.push(...directionLines('ingress of the destination', one.ingress));
  }
  return `${lines.join('\n')}\n`;
}

/** The same answer as data. */
export function explainJson(explanation: Explanation): string {
  return `${jsonText(explanation, 2)}\n`;
}

function directionLines(what: string, verdict: DirectionVerdict | undefined): readonly string[] {
  if (verdict === undefined)
    return [`  ${what}: no policy applies (outside of the cluster, or on its node's network)`];
  const { rules, isolatedBy } = verdict;
  const lines = [`  ${what}: ${verdict.allowed ? 'allowed' : 'blocked'} (lets through: ${verdict.conn})`];
  for (const { policy, rule, action, ports } of rules)
    lines.push(`    ${WORDS[action]} ${named(policy)}, ${printable(rule)}: ${ports}`);
  if (isolatedBy.length > 0 && rules.every(({ action }) => action === 'Pass'))
    lines.push(`    isolated by ${isolatedBy.map(named).join(', ')}, and no rule allows it`);
  for (const { policy, rule, ports } of verdict.byAddress)
    lines.push(
      `    ${named(policy)}, ${printable(rule)} names the address of the other end: ${ports}`,
      '      most plugins let it through; Cilium does not, and addresses of pods change',
    );
  if (rules.length === 0 && isolatedBy.length === 0) lines.push('    no policy speaks of it');
  return lines;
}

const WORDS = { Allow: 'allowed by', Deny: 'denied by', Pass: 'passed on by' } as const;

function named(ref: Ref): string {
  return printable(refText(ref));
}

/** What opened and what closed, one line a pair: `+` or `-`, then as in `reachText`. */
export function diffText({ opened, closed, added, removed }: ReachDiff): string {
  const line = (sign: string) => (one: { src: string; dst: string; conn: string }) =>
    `${sign} ${printable(one.src)} => ${printable(one.dst)} : ${one.conn}\n`;
  return [
    ...added.map((name) => `+ workload ${printable(name)}\n`),
    ...removed.map((name) => `- workload ${printable(name)}\n`),
    ...opened.map(line('+')),
    ...closed.map(line('-')),
    `${opened.length} opened, ${closed.length} closed\n`,
  ].join('');
}

/** The same as data. */
export function diffJson(difference: ReachDiff): string {
  return `${jsonText(difference, 2)}\n`;
}
