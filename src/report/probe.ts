import { printable } from '../model/escape.js';
import { type ProbeFacts, type ProbePlan, probeLines, probeSentence } from '../model/policy-probe.js';
import { commandLine } from '../model/shell.js';
import { fold } from './fold.js';
import { jsonText } from './json.js';
import { encoded, paint, type Style, sign } from './style.js';

/** What a live probe is about to do, before the question whether it is made. */
export function probePlanLines(plan: ProbePlan, context: string, style: Style): string[] {
  return [
    '',
    ...fold(
      `Try out whether NetworkPolicies are enforced, with pods in ${printable(context)}?`,
      style.width,
      '',
    ).map((line) => paint(style, 'title', line)),
    ...probeLines(plan).flatMap((text) => fold(printable(text), style.width, `  ${sign(style, 'changes')} `)),
  ];
}

/** What a live probe found, and how to remove what it could not. */
export function probeText(facts: ProbeFacts, style: Style): string {
  const mark = ({ enforced: 'ok', notEnforced: 'failed', inconclusive: 'notVisible' } as const)[
    facts.verdict
  ];
  const lines = [
    ...fold(printable(probeSentence(facts)), style.width, `${sign(style, mark)} `),
    ...facts.left.map(({ command }) => `Remove what is left: ${printable(command)}`),
  ];
  return `${lines.map((line) => encoded(style, line)).join('\n')}\n`;
}

/** The command that removes a scratch namespace. `target`: the flags that named the cluster. */
export function removalCommand(namespace: string, target: readonly string[], context: string): string {
  const more = target.includes('--context') ? [] : ['--context', context];
  return printable(commandLine(['kubectl', ...target, ...more, 'delete', 'namespace', namespace]));
}

export function probeJson({ verdict, evidence, at, interrupted, left }: ProbeFacts): string {
  return `${jsonText({ version: 1, verdict, evidence, at, interrupted, left }, 2)}\n`;
}
