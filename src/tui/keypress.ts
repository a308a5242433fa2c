import type { Key } from 'ink';

/** A key by the name that the key table uses: `up`, `enter`, `shift+tab`, `ctrl+c`, or the character itself. */
export type KeyName = string;

const NAMED: readonly (readonly [keyof Key, KeyName])[] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'esc'],
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
];

const CONTROL: Readonly<Record<string, KeyName>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  ' ': 'space',
  '\u007f': 'backspace',
  '\b': 'backspace',
};

/**
 * The keys of one input event. What was typed quickly arrives as one text: it is taken apart, so that every key acts on
 * the screen that the one before it left.
 */
export function keysOf(input: string, key: Key): readonly KeyName[] {
  if (key.eventType === 'release') return [];
  if (key.tab) return [key.shift ? 'shift+tab' : 'tab'];
  const named = NAMED.find(([flag]) => key[flag] === true);
  if (named !== undefined) return [named[1]];
  if (key.ctrl) return [`ctrl+${input}`];
  if (key.meta) return [];
  return [...input].map((char) => CONTROL[char] ?? char);
}

/** The character that a key types; undefined for keys that type none. */
export function typed(key: KeyName): string | undefined {
  if (key === 'space') return ' ';
  return [...key].length === 1 && !/\p{C}/u.test(key) ? key : undefined;
}
