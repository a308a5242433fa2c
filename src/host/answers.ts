import { readFile } from 'node:fs/promises';
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { printable } from '../model/escape.js';
import { RECOMMENDED } from '../model/question.js';
import type { Step } from '../model/step.js';
import { HostError, reasonOf } from './errors.js';

/** One answer as it stands in the file. */
export interface GivenAnswer {
  value: unknown;
  /** `answers.yaml:12`. */
  where: string;
}

/** Stands for every question of a step that has no answer of its own. */
export const EVERY_QUESTION = '*';

/** By step id, then by question id. */
export type GivenAnswers = ReadonlyMap<string, ReadonlyMap<string, GivenAnswer>>;

type Known = Pick<Step, 'id' | 'asks'>;

/**
 * Reads an answers file: `{<step id>: {<question id>: value}}` in YAML; `<step id>: recommended` takes what we recommend
 * for every question of the step.
 * @throws HostError with file, line and what was expected.
 */
export async function readAnswers(file: string, steps: readonly Known[]): Promise<GivenAnswers> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new HostError(`The answers file ${printable(file)} cannot be read: ${reasonOf(error)}.`);
  }
  return parseAnswers(text, file, steps);
}

/** The same from its text. */
export function parseAnswers(text: string, file: string, steps: readonly Known[]): GivenAnswers {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const where = (offset: number | undefined) => `${printable(file)}:${lines.linePos(offset ?? 0).line || 1}`;
  const broken = document.errors[0];
  if (broken !== undefined)
    throw new HostError(`${where(broken.pos[0])}: ${printable(broken.message)}\nExpected ${SHAPE}.`);
  const given = new Map<string, Map<string, GivenAnswer>>();
  if (document.contents === null) return given;
  for (const { key, value, offset } of pairsOf(document.contents, where)) {
    const step = steps.find(({ id }) => id === key);
    if (step === undefined)
      throw new HostError(
        `${where(offset)}: there is no step '${printable(key)}'; the steps are ${listed(steps.map((s) => s.id))}.`,
      );
    const answers = new Map<string, GivenAnswer>();
    given.set(key, answers);
    if (isScalar(value) && value.value === null) continue;
    if (isScalar(value) && value.value === RECOMMENDED) {
      answers.set(EVERY_QUESTION, { value: RECOMMENDED, where: where(offset) });
      continue;
    }
    for (const answer of pairsOf(value, where)) {
      if (step.asks !== undefined && !step.asks.includes(answer.key))
        throw new HostError(
          `${where(answer.offset)}: step ${key} asks no question '${printable(answer.key)}'; it asks ${listed(step.asks)}.`,
        );
      const at = where(answer.offset);
      answers.set(answer.key, { value: toValue(answer.value, document, at), where: at });
    }
  }
  return given;
}

const SHAPE = 'a map from step ids to maps from question ids to answers';

interface Pair {
  key: string;
  value: Node | null;
  offset: number | undefined;
}

function pairsOf(node: unknown, where: (offset: number | undefined) => string): Pair[] {
  if (!isMap<Node, Node | null>(node)) {
    const offset = (node as Node | null)?.range?.[0];
    throw new HostError(`${where(offset)}: expected ${SHAPE}.`);
  }
  return node.items.map(({ key, value }) => {
    const offset = key.range?.[0];
    if (!isScalar(key)) throw new HostError(`${where(offset)}: expected an id, not a list or a map.`);
    return { key: String(key.value), value, offset };
  });
}

/** The value as plain data; aliases that would expand to an explosion of it are refused by the library. */
function toValue(node: Node | null, document: Parameters<Node['toJS']>[0], where: string): unknown {
  try {
    return node === null ? null : node.toJS(document, { maxAliasCount: 100 });
  } catch (error) {
    throw new HostError(`${where}: ${printable(error instanceof Error ? error.message : String(error))}.`);
  }
}

const LISTED = 12;

/** Ids for a message: the first dozen. */
export function listed(ids: readonly string[]): string {
  const shownIds = ids.slice(0, LISTED).map((id) => printable(id, 80));
  return ids.length > LISTED ? `${shownIds.join(', ')} and ${ids.length - LISTED} more` : shownIds.join(', ');
}
