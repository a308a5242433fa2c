/** Longest text that expansion makes, in characters: references to references may double at every step. */
const LONGEST = 65_536;

const NAME = /[A-Za-z_][A-Za-z0-9_.-]{0,200}/y;

/**
 * Puts known values in the place of references: `$(NAME)` as Kubernetes does it in env, command and args, and `$NAME`,
 * `${NAME}`, `${NAME:-default}`, `${NAME:default}` as shells and programs do it. A reference to what is not known
 * stays as it is (the second and third of the last two give their default). Beyond 64 Ki characters nothing more is
 * expanded. Values are not expanded again, as Kubernetes does not either.
 */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  let at = text.indexOf('$');
  if (at < 0 || text.length > LONGEST) return text;
  let out = '';
  let done = 0;
  while (at >= 0 && out.length < LONGEST) {
    const reference = referenceAt(text, at);
    if (reference === undefined) {
      out += text.slice(done, at + 1);
      done = at + 1;
    } else {
      const value = lookUp(reference.name) ?? reference.otherwise ?? text.slice(at, reference.end);
      out += text.slice(done, at) + value.slice(0, LONGEST);
      done = reference.end;
    }
    at = text.indexOf('$', done);
  }
  return out + text.slice(done);
}

/** `NAME=value` of a shell on a line of its own, and `set $name value;` of nginx anywhere. */
const ASSIGNED = [
  /^[ \t]{0,100}(?:export[ \t]{1,8})?([A-Za-z_]\w{0,100})=["']?([\w.:/-]{1,300})["']?[ \t]{0,8};?\r?$/gm,
  /\bset[ \t]{1,8}\$(\w{1,100})[ \t]{1,8}["']?([\w.:/-]{1,300})["']?[ \t]{0,8};/g,
];

/** Puts the values that a text itself gives to its variables in the place of references to them. */
export function expandOwn(text: string): string {
  if (!text.includes('$') || text.length > LONGEST) return text;
  const values = new Map<string, string>();
  for (const form of ASSIGNED)
    for (const [, name = '', value = ''] of text.matchAll(form)) values.set(name, value);
  // The assignment itself is no reference.
  return values.size === 0
    ? text
    : expand(text.replaceAll(/\bset[ \t]+\$/g, 'set '), (name) => values.get(name));
}

interface Reference {
  name: string;
  otherwise: string | undefined;
  end: number;
}

function referenceAt(text: string, dollar: number): Reference | undefined {
  const open = text[dollar + 1];
  const inside = open === '(' || open === '{';
  NAME.lastIndex = dollar + (inside ? 2 : 1);
  const name = NAME.exec(text)?.[0];
  if (name === undefined) return undefined;
  if (!inside) {
    // A bare reference ends where a shell's name ends: no dots or dashes.
    const short = /^[A-Za-z0-9_]+/.exec(name)?.[0] ?? name;
    return { name: short, otherwise: undefined, end: dollar + 1 + short.length };
  }
  const close = open === '(' ? ')' : '}';
  const after = NAME.lastIndex;
  if (text[after] === close) return { name, otherwise: undefined, end: after + 1 };
  if (open === '{' && text[after] === ':') {
    const end = text.slice(after, after + 500).indexOf('}');
    if (end < 0) return undefined;
    const otherwise = text.slice(after + 1, after + end).replace(/^[-=]/, '');
    return { name, otherwise, end: after + end + 1 };
  }
  return undefined;
}
