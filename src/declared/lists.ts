import { exactName, hostAndPort, type Mention, mention } from './mentions.js';
import { nameSays } from './names.js';

/** Longest list of hosts that is read, in parts: what is longer is data. */
const LONGEST_LIST = 50;

/**
 * The names of a value that is a list of names: `a,b`, `["a", "b"]`, `a,b/path`, `a,option=x`, with `spaces` also `a b`,
 * below a name for hosts `x=a,y=b`. The setting says that they are hosts, or the form of one of them does; even so each
 * counts only together with all others.
 */
export function namesInList(name: string | undefined, value: string, spaces: boolean): Mention[] {
  const says = nameSays(name);
  if (value.length > 16_000 || !(spaces ? /[\s,;]/ : /[,;]/).test(value) || says.notHost) return [];
  const bare = /^\s*[[(]([^[\]()]*)[\])]\s*$/.exec(value)?.[1] ?? value;
  const parts = bare
    .split(spaces ? /[\s,;]+/ : /[,;]/, LONGEST_LIST + 2)
    .map(unquotedName)
    .filter((part) => part !== '');
  if (parts.length < 2 || parts.length > LONGEST_LIST) return [];
  // Queues, tables and teams are called like Services as well: bare names alone need a name that says what they are.
  if (!says.host && !parts.some((part) => /\.|:\d/.test(part))) return [];
  const labelled = says.host && parts.every((part) => part.includes('='));
  const hosts = parts
    .map((part) => (labelled ? part.slice(part.indexOf('=') + 1) : part))
    .filter((part) => !part.includes('='))
    .map((part, i, all) => (i === all.length - 1 ? (part.split('/', 1)[0] ?? '') : part))
    .map((part) => (exactName(part.split(':', 1)[0] ?? '') ? hostAndPort(part) : undefined));
  const tentative = hosts.map((found) => found?.host ?? '');
  if (tentative.includes('')) return [];
  return hosts.flatMap((found) => {
    // With a port it was found already, for what it is.
    const named = found?.port === undefined ? mention(found?.host, undefined, 'name', false) : undefined;
    return named === undefined ? [] : [{ ...named, tentative }];
  });
}

function unquotedName(part: string): string {
  return part.trim().replace(/^(["'])(.*)\1$/, '$2');
}

const BRACKETS = /\[([^[\]{}]{1,4000})\]/g;
const NAME_BEFORE = /([\w.-]{1,100})["']?\s{0,4}(?:=>|[:=])\s{0,20}$/;

/** The lists in brackets of a text, on one line or on several: JSON, TOML, YAML's flow form, code. */
export function listsIn(text: string): Mention[] {
  const out: Mention[] = [];
  for (const { index, 1: inside = '' } of text.matchAll(BRACKETS)) {
    const name = NAME_BEFORE.exec(text.slice(Math.max(0, index - 130), index))?.[1];
    for (const one of namesInList(name, inside, false)) out.push(one);
    // Below a name for hosts a list may have one part, or parts that are elsewhere.
    const says = nameSays(name);
    if (!says.host || says.notHost) continue;
    for (const part of inside.split(',', LONGEST_LIST)) {
      const one = mention(exactName(unquotedName(part)), undefined, 'name', true);
      if (one !== undefined) out.push(one);
    }
  }
  return out;
}
