/** A YAML list of objects as kubectl prints it, cut into its items. */
export interface YamlList {
  /** What stands around the items: apiVersion, kind, metadata. */
  head: string;
  /** Each item as a document of its own, with the number of lines before it. */
  items: readonly { text: string; line: number }[];
}

/**
 * Cuts a text of the form `apiVersion: v1`, `items:`, `- ...`, as `kubectl get -o yaml` writes it, its items at the left
 * margin or indented; undefined for any other. Anchors of one item are not known in another: nothing writes lists so.
 */
export function splitList(text: string): YamlList | undefined {
  const start = /^items:[ \t]*\r?\n(?=( *)- )/m.exec(text);
  if (start === null) return undefined;
  const first = start.index + start[0].length;
  const margin = start[1] ?? '';
  let line = linesIn(text, 0, first);
  const items: { text: string; line: number }[] = [];
  let from = first;
  let head = text.slice(0, start.index);
  while (from < text.length) {
    if (!text.startsWith(`${margin}- `, from)) {
      head += text.slice(from);
      break;
    }
    const to = endOfItem(text, from, margin.length);
    // The dash becomes a space, so that the item keeps its indentation; the margin goes.
    const item = `  ${text.slice(from + margin.length + 2, to)}`;
    items.push({ text: margin === '' ? item : item.replaceAll(`\n${margin}`, '\n'), line });
    line += linesIn(text, from, to);
    from = to;
  }
  return { head, items };
}

/** Where the next line begins that is indented by no more than the margin. */
function endOfItem(text: string, from: number, margin: number): number {
  let at = text.indexOf('\n', from);
  while (at >= 0) {
    let next = at + 1;
    while (next <= at + margin && text.charCodeAt(next) === 0x20) next++;
    const code = text.charCodeAt(next);
    const inside = code === 0x20 || code === 0x0a || code === 0x0d || code === 0x23; // space, line end, comment
    if (!inside) return at + 1;
    at = text.indexOf('\n', at + 1);
  }
  return text.length;
}

function linesIn(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
