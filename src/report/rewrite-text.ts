import { oneLine, printable } from '../model/escape.js';
import { refText } from '../model/manifest.js';
import { judge, type RewriteProof } from '../model/rewrite.js';
import { meansText, verdictText } from '../wizard/rewrite.js';
import { number, objectsWord } from '../wizard/rewrite-size.js';
import { fold } from './fold.js';
import { durationText, type RewriteReport } from './rewrite.js';
import { encoded, paint, type Style, sign } from './style.js';

/** The end of a re-write: counts, proof, and what was refused, by name. */
export function rewriteText(report: RewriteReport, style: Style): string {
  const { run, context, resources, done, interrupted, seconds } = report;
  const { rewritten, unchanged, gone, refused } = done.result;
  const head = `Run ${run} on ${printable(context)}: ${number(rewritten)} ${objectsWord(resources)} re-written, ${number(unchanged)} already, ${number(gone)} gone meanwhile, ${number(refused)} refused, in ${durationText(seconds)}${interrupted ? '; interrupted' : ''}.`;
  const lines = [
    paint(style, 'title', head),
    ...(done.resumed ? ['The counts are those of the whole run, earlier parts included.'] : []),
    ...done.evidence.map((line) => `  ${printable(line, 300)}`),
    ...(done.proof === undefined ? [] : proofLines(done.proof, style)),
    ...done.result.failures.flatMap(({ ref, reason }) =>
      fold(
        `${printable(refText(ref), 300)}: ${oneLine(reason)}`,
        style.width,
        `${sign(style, 'failed')} `,
        '    ',
      ),
    ),
  ];
  return `${lines.map((line) => encoded(style, line)).join('\n')}\n`;
}

/** A proof, a line a means; what was not available is told as such. */
export function proofLines(proof: RewriteProof, style: Style): string[] {
  const { stale, writes, means } = proof;
  const good = judge(proof) === 'proven';
  const form = writes.map((one) => printable(one, 120)).join(' or ');
  return [
    paint(
      style,
      good ? 'good' : 'warn',
      `${verdictText(proof)}: ${number(stale)} were stale; stored now as ${form === '' ? 'not known' : form}`,
    ),
    ...means.flatMap((one) =>
      fold(
        printable(meansText(one), 1_000),
        style.width,
        ` ${sign(style, one.used ? (contradicts(proof, one) ? 'failed' : 'ok') : 'notVisible')} `,
        '     ',
      ),
    ),
  ];
}

function contradicts(proof: RewriteProof, means: RewriteProof['means'][number]): boolean {
  return judge({ ...proof, means: [means] }) === 'contradicted';
}
