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

/** Every character beyond letters and digits that the wizard draws with. */
export interface Glyphs {
  signs: Record<SignName, string>;
  /** Columns that a sign takes. */
  signWidth: number;
  pointer: string;
  horizontal: string;
  vertical: string;
  ellipsis: string;
  dot: string;
  onward: string;
  arrow: string;
  enter: string;
  upDown: string;
  leftRight: string;
  up: string;
  down: string;
  caret: string;
  full: string;
  empty: string;
  picked: string;
  unpicked: string;
  ticked: string;
  unticked: string;
}

export const UNICODE: Glyphs = {
  signs: {
    ok: '✔',
    changes: '●',
    question: '?',
    advice: '○',
    notVisible: '◌',
    breaks: '▲',
    failed: '✖',
    skipped: '↷',
  },
  signWidth: 1,
  pointer: '❯',
  horizontal: '─',
  vertical: '│',
  ellipsis: '…',
  dot: '·',
  onward: '›',
  arrow: '→',
  enter: '⏎',
  upDown: '↑↓',
  leftRight: '←→',
  up: '↑',
  down: '↓',
  caret: '▏',
  full: '█',
  empty: '░',
  picked: '(•)',
  unpicked: '( )',
  ticked: '[x]',
  unticked: '[ ]',
};

/** For terminals without UTF-8. */
export const ASCII: Glyphs = {
  signs: {
    ok: '[ok]',
    changes: '[n]',
    question: '[?]',
    advice: '[i]',
    notVisible: '[-]',
    breaks: '[!]',
    failed: '[x]',
    skipped: '[>]',
  },
  signWidth: 4,
  pointer: '>',
  horizontal: '-',
  vertical: '|',
  ellipsis: '..',
  dot: '-',
  onward: '>',
  arrow: '->',
  enter: 'enter',
  upDown: 'arrows',
  leftRight: 'left/right',
  up: '^',
  down: 'v',
  caret: '_',
  full: '#',
  empty: '.',
  picked: '(*)',
  unpicked: '( )',
  ticked: '[x]',
  unticked: '[ ]',
};

/** What each sign means, for the help. */
export const MEANINGS: readonly (readonly [SignName, string])[] = [
  ['ok', 'done, or nothing to do'],
  ['changes', 'changes wait'],
  ['question', 'a question is open'],
  ['advice', 'advice, nothing is changed'],
  ['notVisible', 'could not be seen'],
  ['breaks', 'could break something'],
  ['failed', 'failed'],
  ['skipped', 'skipped'],
];

const REPLACEMENTS: Readonly<Record<string, string>> = {
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

/** A text for a terminal without UTF-8: a stand-in for what has one, `?` for any other character. */
export function asciiOnly(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (char) => REPLACEMENTS[char] ?? '?');
}
