/** A YAML list of objects as kubectl prints it, cut into its items. */
export interface YamlList {
  /** What stands around the items: apiVersion, kind, metadata. */
  head: string;
  /** Each item as a document of its own, with the number of lines before it. */
  items: readonly { text: string; line: number }[];
}

/**
 * Cuts a text of the form `apiVersion: v1`, `items:`, `- ...` with items at the left margin, as `kubectl get -o yaml`
 * writes it; undefined for any other. Anchors of one item are not known in another: nothing writes lists so.
 */
export function splitList(text: string): YamlList | undefined {
  const start = /^items:[ \t]*\r?\n(?=- )/m.exec(text);
  if (start === null) return undefined;
  const first = start.index + start[0].length;
  let line = linesIn(text, 0, first);
  const items: { text: string; line: number }[] = [];
  let from = first;
  let head = text.slice(0, start.index);
  while (from < text.length) {
    if (!text.startsWith('- ', from)) {
      head += text.slice(from);
      break;
    }
    const to = endOfItem(text, from);
    // The dash becomes a space, so that the item keeps its indentation.
    items.push({ text: `  ${text.slice(from + 2, to)}`, line });
    line += linesIn(text, from, to);
    from = to;
  }
  return { head, items };
}

/** Where the next line begins that is not indented. */
function endOfItem(text: string, from: number): number {
  let at = text.indexOf('\n', from);
  while (at >= 0) {
    const next = text.charCodeAt(at + 1);
    const indented = next === 0x20 || next === 0x0a || next === 0x0d || next === 0x23; // space, line end, comment
    if (!indented) return at + 1;
    at = text.indexOf('\n', at + 1);
  }
  return text.length;
}

function linesIn(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
