/** A part of a text, and the line of the text on which it begins, from 1. */
export interface TextPart {
  text: string;
  line: number;
}

/**
 * Whether a text looks like JSON rather than YAML in braces (`{a: 1}`) or a template (`{{ .Values.a }}`): an object, in
 * a list or not, whose first key is quoted.
 */
export function looksLikeJson(text: string): boolean {
  return /^\s*(?:\[\s*)*\{\s*["}]/.test(text);
}

/**
 * Cuts a text into the JSON values that stand in it one after the other, as `kubectl get -o json` writes them when it
 * runs twice into one file, or `jq -c`, one a line. A value that does not end with its brackets, or is no JSON, is cut off
 * before the next line that begins with a bracket at the margin, so that the values after it are still found.
 */
export function* jsonValues(text: string): Generator<TextPart & { value: unknown }> {
  let line = 1;
  let from = 0;
  // Once a value did not end, no later one is looked for behind the next margin: each would be read to the text's end.
  let ends = true;
  for (;;) {
    const start = nextText(text, from);
    if (start === text.length) return;
    line += lineBreaks(text, from, start);
    let end = endOfValue(text, start, ends ? text.length : nextAtMargin(text, start + 1));
    ends &&= end !== undefined;
    const value = end === undefined ? undefined : parsedJson(text.slice(start, end));
    if (end === undefined || value === undefined) end = nextAtMargin(text, start + 1);
    const part = text.slice(start, end);
    yield { text: part, line, value };
    line += lineBreaks(part, 0, part.length);
    from = end;
  }
}

/** The value of a JSON text; undefined, which no JSON text means, where it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function nextText(text: string, from: number): number {
  const blank = /\s*/y;
  blank.lastIndex = from;
  blank.test(text);
  return blank.lastIndex;
}

/**
 * Where the value that begins here ends: with its closing bracket, or with its line where it is none in brackets.
 * Undefined where that is not before `limit`.
 */
function endOfValue(text: string, start: number, limit: number): number | undefined {
  const signs = /["{}[\]\n]/g;
  signs.lastIndex = start;
  let depth = 0;
  for (let found = signs.exec(text); found !== null && found.index < limit; found = signs.exec(text)) {
    const [sign] = found;
    if (sign === '"') signs.lastIndex = endOfString(text, found.index);
    else if (sign === '{' || sign === '[') depth++;
    else if (sign !== '\n') depth--;
    if (depth <= 0 && sign !== '"') return sign === '\n' ? found.index : found.index + 1;
  }
  return depth > 0 ? undefined : limit;
}

/** Behind the quote that ends the string that begins here: one with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text[before - 1] === '\\') before--;
    if ((at - before) % 2 === 0) return at + 1;
  }
  return text.length;
}

function nextAtMargin(text: string, from: number): number {
  const margin = /^[[{]/gm;
  margin.lastIndex = from;
  return margin.exec(text)?.index ?? text.length;
}

function lineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
