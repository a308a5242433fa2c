import { SIGNS, type SignName } from '../model/signs.js';

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
  partly: string;
}

export const UNICODE: Glyphs = {
  signs: signsOf(0),
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
  partly: '[~]',
};

/** For terminals without UTF-8. */
export const ASCII: Glyphs = {
  signs: signsOf(1),
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
  partly: '[~]',
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

function signsOf(form: 0 | 1): Record<SignName, string> {
  const names = Object.keys(SIGNS) as SignName[];
  return Object.fromEntries(names.map((name) => [name, SIGNS[name][form]])) as Record<SignName, string>;
}
