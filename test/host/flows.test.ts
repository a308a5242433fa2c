import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { readFlowLine } from '../../src/host/flow-lines.js';
import { FLOW_LIMITS, readFlows } from '../../src/host/flows.js';
import { FIXTURES } from '../support/golden.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'flows-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const file = (text: string): string => {
  const target = path.join(directory, 'flows.csv');
  writeFileSync(target, text);
  return target;
};

test('replies, denied and other lines are counted, not taken', async () => {
  const log = await readFlows(path.join(FIXTURES, 'flows', 'hubble.jsonl'));
  expect(log.lines).toBe(12);
  expect(log.passedOver).toEqual({ denied: 1, reply: 1, other: 4 });
  expect(log.unknown).toBe(0);
  expect(log.flows).toHaveLength(6);
});

test.each([
  ['hubble.jsonl', '2026-11-01T10:00:00.000Z', '2026-11-01T10:00:00.000Z'],
  ['calico.log', '2022-08-04T13:59:02.000Z', '2022-08-04T14:04:02.000Z'],
])('%s: the time that its flows cover', async (name, first, last) => {
  const { seen } = await readFlows(path.join(FIXTURES, 'flows', name));
  expect([seen?.first, seen?.last].map((time) => new Date(time ?? Number.NaN).toISOString())).toEqual([
    first,
    last,
  ]);
});

test('CSV says no time; a time that is none is none', async () => {
  expect((await readFlows(file('a/b,c/d,TCP,80\n'))).seen).toBeUndefined();
  const odd =
    '{"time":"soon","flow":{"verdict":"FORWARDED","is_reply":false,"l4":{"TCP":{"destination_port":80}}}}';
  const log = await readFlows(file(odd));
  expect(log.flows).toHaveLength(1);
  expect(log.seen).toBeUndefined();
});

test('the span of a connection grows with every line', async () => {
  const at = (time: string) =>
    `{"time":"${time}","verdict":"FORWARDED","is_reply":false,"l4":{"TCP":{"destination_port":80}}}`;
  const log = await readFlows(
    file(
      ['2026-11-02T00:00:00Z', '2026-11-01T00:00:00Z', '2026-11-03T00:00:00.123456789Z'].map(at).join('\n'),
    ),
  );
  const span = { first: Date.UTC(2026, 10, 1), last: Date.UTC(2026, 10, 3) + 123 };
  expect(log).toMatchObject({ flows: [{ count: 3, seen: span }], seen: span });
});

test('unknown lines are counted and told: file, line, what was expected', async () => {
  const target = path.join(FIXTURES, 'flows', 'flows.csv');
  const log = await readFlows(target);
  expect(log.unknown).toBe(3);
  expect(log.problems[0]).toBe(
    `${target} line 12: expected TCP, UDP or SCTP as protocol, found shop/web,shop/db,ICMP,1.`,
  );
  expect(log.problems[1]).toContain('line 13: expected a number from 1 to 65535 as port');
  expect(log.problems[2]).toContain('line 14: expected Hubble JSON');
});

test('lines that say the same are put together', async () => {
  const log = await readFlows(file('a/b,c/d,TCP,80\n'.repeat(1_000)));
  expect(log.flows).toMatchObject([{ line: 1, count: 1_000 }]);
});

test.each([
  ['no final newline', 'a/b,c/d,TCP,80'],
  ['Windows line ends', 'src,dst,protocol,port\r\na/b,c/d,TCP,80\r\n'],
  ['byte order mark', '\ufeffsrc,dst,protocol,port\na/b,c/d,TCP,80\n'],
])('%s', async (_, text) => {
  const log = await readFlows(file(text));
  expect(log).toMatchObject({ unknown: 0, lines: 1, flows: [{ port: 80 }] });
});

test('a file that is not there, one that holds nothing and one of another kind are errors for people', async () => {
  await expect(readFlows(path.join(directory, 'none'))).rejects.toThrow(
    /none cannot be read: it does not exist/,
  );
  await expect(readFlows(directory)).rejects.toThrow(/cannot be read: it is a directory/);
  await expect(readFlows(file('\n\n'))).rejects.toThrow(/holds no connection: expected lines of Hubble JSON/);
  await expect(readFlows(file('hello\n'))).rejects.toThrow(/line 1: expected Hubble JSON .*, found hello/);
});

test('limits: file, line, different connections', async () => {
  const target = file('a/b,c/d,TCP,80\na/b,c/e,TCP,80\n');
  await expect(readFlows(target, { ...FLOW_LIMITS, file: 10 })).rejects.toThrow(/is larger than/);
  await expect(readFlows(target, { ...FLOW_LIMITS, flows: 1 })).rejects.toThrow(
    /line 2: more than 1 different/,
  );
  const long = await readFlows(file(`a/b,c/d,TCP,80\n${'x'.repeat(300_000)}\na/b,c/e,TCP,80`), {
    ...FLOW_LIMITS,
    line: 1_000,
  });
  expect(long).toMatchObject({ unknown: 1, lines: 3 });
  expect(long.flows).toHaveLength(2);
  expect(long.problems[0]).toContain('line 2: expected a line of at most 1000 characters');
});

test('any line is read or unknown, never an error; what is told can go to a terminal', async () => {
  const words = fc.constantFrom(
    '{',
    '}',
    '"flow":',
    '"l4":',
    '{"TCP":{}}',
    ',',
    'a/b',
    'TCP',
    '80',
    ':',
    '"',
    '[',
    ']',
    'null',
    '\u202e',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(words, { maxLength: 20 }).map((parts) => parts.join('')),
        fc.json().map((json) => `{"flow":${json}}`),
        fc
          .json()
          .map((json) => `{"source_name_aggr":"a","proto":"tcp","action":"allow","dest_domains":${json}}`),
      ),
      (line) => {
        expect(['flow', 'denied', 'reply', 'other', 'header', 'unknown']).toContain(readFlowLine(line).is);
      },
    ),
    { numRuns: 1_000 },
  );
  await expect(readFlows(file('\u001b[2J\u202e'))).rejects.toThrow(/found \\x1b\[2J\\u\{202e\}/);
});

test('a log of 200,000 lines is read within seconds', async () => {
  const line = (i: number) =>
    `{"flow":{"verdict":"FORWARDED","l4":{"TCP":{"destination_port":${80 + (i % 20)}}},"source":{"namespace":"a","pod_name":"b-${i % 50}"},"destination":{"namespace":"a","pod_name":"c-0"},"is_reply":false}}`;
  const target = file(`${Array.from({ length: 200_000 }, (_, i) => line(i)).join('\n')}\n`);
  // Time of the processor: how busy the machine is otherwise plays no part.
  const start = process.cpuUsage();
  const log = await readFlows(target);
  expect(log.flows).toHaveLength(100);
  expect(log.lines).toBe(200_000);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(10);
});

test('memory follows the different connections, not the lines', async () => {
  const line = 'shop/a-deployment-with-a-long-name-1,shop/another-deployment-with-a-long-name-2,TCP,';
  const target = path.join(directory, 'long.csv');
  writeFileSync(target, '');
  // A new connection now and then, so that each stands in another part of the file: 34 MB.
  for (let port = 1; port <= 500; port++) appendFileSync(target, `${line}${port}\n`.repeat(800));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  const log = await readFlows(target);
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10e6);
  expect(log).toMatchObject({ lines: 400_000, unknown: 0 });
  expect(log.flows).toHaveLength(500);
});
