/** What a sign stands for. A sign never stands alone: a word, a letter or a number is always beside it. */
export type SignName =
  | 'ok'
  | 'changes'
  | 'question'
  | 'advice'
  | 'notVisible'
  | 'breaks'
  | 'failed'
  | 'skipped';

/** Each sign on a terminal with UTF-8, and on one without. */
export const SIGNS: Readonly<Record<SignName, readonly [unicode: string, ascii: string]>> = {
  ok: ['✔', '[ok]'],
  changes: ['●', '[n]'],
  question: ['?', '[?]'],
  advice: ['○', '[i]'],
  notVisible: ['◌', '[-]'],
  breaks: ['▲', '[!]'],
  failed: ['✖', '[x]'],
  skipped: ['↷', '[>]'],
};

const STAND_INS: Readonly<Record<string, string>> = {
  '→': '->',
  '←': '<-',
  '…': '...',
  '·': '-',
  '•': '*',
  '–': '-',
  '—': '-',
  '×': 'x',
  '≥': '>=',
  '≤': '<=',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
  '›': '>',
  '✔': '[ok]',
  '▲': '[!]',
};

/** A text for a terminal without UTF-8: a stand-in for what has one, `?` for any other character beyond ASCII. */
export function asciiOnly(text: string): string {
  return text.replace(/[^\x00-\x7e]/gu, (char) => STAND_INS[char] ?? '?');
}
