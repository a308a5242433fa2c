import type { ProofMeans } from '../../src/model/rewrite.js';
import {
  durationText,
  printedText,
  progressBar,
  progressText,
  type RewriteReport,
  rewriteJson,
} from '../../src/report/rewrite.js';
import { rewriteText } from '../../src/report/rewrite-text.js';
import { PLAIN } from '../../src/report/style.js';
import { bytesText, sizeLines } from '../../src/wizard/rewrite-size.js';
import { expectGolden } from '../support/golden.js';

const BOX = 'k8s:enc:secretbox:v1:key1:';
const MEANS: ProofMeans[] = [
  { means: 'metrics', used: true, written: { [BOX]: 9966 }, words: `the API server wrote 9,966 as ${BOX}` },
  {
    means: 'readAudit',
    used: true,
    stored: { [BOX]: 9966, '': 3 },
    words: `metrics: 9,966 as ${BOX}, 3 in plain text`,
  },
  { means: 'finalPass', used: true, moved: 0, words: 'a second pass over 9,966 objects moved nothing' },
  { means: 'etcd', used: false, words: 'only from a control-plane node, with the certificates of etcd' },
];
const REPORT: RewriteReport = {
  run: '7f3a',
  context: 'prod-eu-1',
  resources: ['secrets'],
  interrupted: false,
  seconds: 12.3456,
  done: {
    result: {
      total: 10_000,
      rewritten: 9_966,
      unchanged: 0,
      gone: 31,
      refused: 1,
      failures: [
        {
          ref: { apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'pay\u001b[2J' },
          reason:
            'Could not re-write Secret shop/pay: refused by the cluster (400).\nThe API server says: webhook',
        },
      ],
    },
    proof: { objects: 9_969, stale: 9_966, writes: [BOX], means: MEANS },
    evidence: ['a scratch Secret kept its stored form through https://10.0.0.1:6443, over fresh connections'],
    agreed: undefined,
    resumed: true,
  },
};

test('the end of a re-write as text and as JSON', () => {
  expectGolden('report/rewrite.txt', rewriteText(REPORT, PLAIN));
  expectGolden('report/rewrite.json', rewriteJson(REPORT));
  expect(rewriteText(REPORT, PLAIN)).not.toContain('\u001b');
});

test('the documented command, and the migration where the server offers one', () => {
  const printed = [
    printedText(['secrets'], ['--context', 'prod eu'], undefined),
    printedText(['secrets', 'widgets.example.com'], [], 'storagemigration.k8s.io/v1beta1'),
    printedText(['configmaps'], [], 'storagemigration.k8s.io/v1alpha1'),
  ];
  expectGolden('report/rewrite-printed.txt', printed.join('\n'));
});

test('what is about to be written', () => {
  const size = {
    objects: 250_000,
    bytes: 300 * 2 ** 20,
    etcd: 1.25 * 2 ** 30,
    quota: 8 * 2 ** 30,
    migration: 'storagemigration.k8s.io/v1',
    words: ["metrics: the API server's estimate"],
  };
  const nothing = { objects: undefined, bytes: undefined, etcd: undefined, quota: undefined };
  const unknown = { ...nothing, migration: undefined, words: ['metrics: you may not read them'] };
  const lines = [...sizeLines(size, ['secrets']), '', ...sizeLines(unknown, ['configmaps'])];
  expectGolden('report/rewrite-size.txt', `${lines.join('\n')}\n`);
});

const progress = { total: 10_000, rewritten: 7_180, unchanged: 0, gone: 31, refused: 3 };
test('progress: count, rate of this part, time left, errors', () => {
  expect(progressText({ progress, before: 0, seconds: 5.8 })).toBe(
    '7,214 of 10,000 · 1,244/s · 3 s left · 31 gone meanwhile · 3 refused',
  );
  expect(progressText({ progress, before: 7_000, seconds: 2 })).toContain('107/s · 27 s left');
  expect(progressText({ progress: { ...progress, total: undefined }, before: 0, seconds: 0 })).toBe(
    '7,214 done · 0/s · 31 gone meanwhile · 3 refused',
  );
});

test('the bar fits its line, with and without UTF-8', () => {
  for (const unicode of [true, false])
    for (const width of [40, 80, 200]) {
      const bar = progressBar({ progress, before: 0, seconds: 5.8 }, { ...PLAIN, width, unicode });
      expect(bar.length).toBeLessThan(width);
      if (!unicode) expect(bar).toMatch(/^[\x20-\x7e]+$/);
    }
});

test.each([
  [0, '0 B'],
  [1_536, '1.5 KiB'],
  [2 * 2 ** 30, '2.0 GiB'],
  [459 * 2 ** 20, '459 MiB'],
])('%i bytes', (bytes, text) => expect(bytesText(bytes)).toBe(text));

test.each([
  [0.2, '1 s'],
  [200, '3 min 20 s'],
  [7_500, '2 h 5 min'],
])('%f seconds', (seconds, text) => expect(durationText(seconds)).toBe(text));
