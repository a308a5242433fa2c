/**
 * Numbers as people list them: `1,3-5 8`, `all`, `none`. Sorted, each once; undefined where the text is nothing of that
 * or leaves the range from 1 to `last`.
 */
export function parseNumbers(text: string, last: number): readonly number[] | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'all') return Array.from({ length: last }, (_, index) => index + 1);
  if (word === 'none') return [];
  const found = new Set<number>();
  for (const part of word.split(/[\s,]+/).filter((piece) => piece !== '')) {
    const range = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    const from = Number(range?.[1]);
    const to = Number(range?.[2] ?? range?.[1]);
    if (range === null || from < 1 || to < from || to > last) return undefined;
    for (let number = from; number <= to; number++) found.add(number);
  }
  return found.size === 0 ? undefined : [...found].sort((a, b) => a - b);
}
