import { nameSays, portNumber } from './names.js';
import { LOCAL_SCHEMES, SCHEME_PORTS } from './words.js';

/** Something in a text that reads like a host, with or without a port. Whether it names anything is not said here. */
export interface Mention {
  /** Host name in lower case without a dot at its end, or an IP address (IPv6 without brackets). */
  host: string;
  port: number | undefined;
  /** Port that the URL's scheme stands for, where none is written. */
  schemePort: number | undefined;
  /** `url`: with a scheme. `address`: host and port. `name`: a name alone. */
  form: 'url' | 'address' | 'name';
  /** Whether something beside the text itself says that it is a host: the setting's name, a flag, a client program. */
  hinted: boolean;
  /** What is shown of it: scheme, host and port only, so that no credentials, path or query can be in it. */
  text: string;
  /**
   * It is read by its form alone: it counts where it is a Service of the cluster (with that port, where one is written)
   * and all of these names are as well. Where it is none, nothing is missing.
   */
  tentative?: readonly string[];
}

/** One or more labels of a DNS name (RFC 1123). Deterministic: every character has one place in it. */
const DNS_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,20}$/;
/** SRV names such as `_http._tcp.carts.shop.svc` begin with labels that are no part of a host's name. */
const SRV = /^(_[a-z0-9-]{1,63}\.){1,3}/;
const LONGEST_NAME = 253;

/** A host name as written somewhere, in lower case without a dot at the end; undefined where it is none. */
export function hostName(text: string): string | undefined {
  if (text.length > LONGEST_NAME + 1 || text === '') return undefined;
  let name = text.toLowerCase().replace(SRV, '');
  if (name.endsWith('.')) name = name.slice(0, -1);
  return DNS_NAME.test(name) ? name : undefined;
}

/** What ends the authority of a URL, or a URL: white space, quotes, and for the authority the parts that follow. */
const AUTHORITY_ENDS = /[/?#\s"'`<>\\]/g;
const URL_ENDS = /[\s"'`<>]/g;
/** How far into a URL user, password and host are looked for, in characters. */
const LONGEST_LOGIN = 600;
const SCHEME = /[a-z][a-z0-9+.-]{0,30}$/i;

interface Span {
  from: number;
  to: number;
}

/** The hosts of every URL in a text, and the places that the URLs take up. */
export function urlsIn(text: string): { mentions: Mention[]; spans: Span[] } {
  const mentions: Mention[] = [];
  const spans: Span[] = [];
  // Of the URL being read; one inside of another (in its query) ends where that ends.
  let end = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    const scheme = (SCHEME.exec(text.slice(Math.max(0, at - 32), at))?.[0] ?? '').toLowerCase();
    if (scheme === '') continue;
    if (at >= end) {
      end = nextOf(URL_ENDS, text, at + 3);
      spans.push({ from: at - scheme.length, to: end });
    }
    const last = scheme.split(/[+:.]/).at(-1) ?? scheme;
    if (LOCAL_SCHEMES.has(last) || LOCAL_SCHEMES.has(scheme)) continue;
    const inPath = hostInPath(scheme, last, text.slice(at + 3, Math.min(end, at + 3 + LONGEST_LOGIN)));
    if (inPath !== undefined) mentions.push(inPath);
    const authority = text.slice(at + 3, Math.min(end, nextOf(AUTHORITY_ENDS, text, at + 3)));
    let hosts = hostsOf(authority);
    // A password with a slash in it cuts the authority short; what follows the last @ is then the host.
    if (hosts.length === 0) {
      const rest = text.slice(at + 3, Math.min(end, at + 3 + LONGEST_LOGIN));
      const host = rest.slice(rest.lastIndexOf('@') + 1);
      if (host.length < rest.length) hosts = hostsOf(host.slice(0, nextOf(AUTHORITY_ENDS, host, 0)));
    }
    const schemePort = SCHEME_PORTS[scheme] ?? SCHEME_PORTS[last] ?? SCHEME_PORTS[scheme.split('+')[0] ?? ''];
    for (const { host, port } of hosts)
      mentions.push({
        host,
        port,
        schemePort: port === undefined ? schemePort : undefined,
        form: 'url',
        hinted: true,
        text: `${scheme}://${withPort(host, port)}`,
      });
  }
  return { mentions, spans };
}

/**
 * The host of a URL whose authority is empty or that of a resolver: `dns:///pay:8080`, `dns://10.0.0.2/pay:8080`,
 * `kubernetes:///pay.shop` (gRPC name resolution). Of a scheme with a port of its own (`postgres:///orders`) an empty
 * authority is the local host, and what follows is a path unless it has a port.
 */
function hostInPath(scheme: string, last: string, rest: string): Mention | undefined {
  const path = last === 'dns' ? rest.indexOf('/') : rest.startsWith('/') ? 0 : -1;
  if (path < 0) return undefined;
  const segment = rest.slice(path).replace(/^\/+/, '');
  const found = hostAndPort(segment.slice(0, nextOf(AUTHORITY_ENDS, segment, 0)));
  if (found === undefined) return undefined;
  const { host, port } = found;
  if (port === undefined && (SCHEME_PORTS[scheme] ?? SCHEME_PORTS[last]) !== undefined) return undefined;
  const form = port === undefined ? 'name' : 'address';
  return {
    host,
    port,
    schemePort: undefined,
    form,
    hinted: true,
    text: `${scheme}:///${withPort(host, port)}`,
  };
}

/** Hosts of an authority: user and password dropped, several hosts by commas; none where one of them is no host. */
function hostsOf(authority: string): { host: string; port: number | undefined }[] {
  const bare = authority.slice(authority.lastIndexOf('@') + 1).split(/[;&()|{}]/, 1)[0] ?? '';
  const out: { host: string; port: number | undefined }[] = [];
  for (const [i, part] of bare.split(',', 200).entries()) {
    // The scheme of the next URL of a list.
    if (i > 0 && part.endsWith(':')) continue;
    const found = hostAndPort(part);
    if (found === undefined) return [];
    out.push(found);
  }
  return out;
}

/** `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; undefined for anything else. */
export function hostAndPort(text: string): { host: string; port: number | undefined } | undefined {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    const host = text.slice(1, end);
    if (end < 3 || end > 46 || !/^[0-9a-f:.]+$/i.test(host)) return undefined;
    if (end === text.length - 1) return { host, port: undefined };
    const port = text[end + 1] === ':' ? portNumber(text.slice(end + 2)) : undefined;
    return port === undefined ? undefined : { host, port };
  }
  const colon = text.indexOf(':');
  const host = hostName(colon < 0 ? text : text.slice(0, colon));
  if (host === undefined) return undefined;
  if (colon < 0) return { host, port: undefined };
  const port = portNumber(text.slice(colon + 1));
  return port === undefined ? undefined : { host, port };
}

const TOKEN_ENDS = /[\s"'`,;()[\]{}<>|&=$!\\*]/g;
/** What is written before a host and its port to say how it is found: letters first, so that it is no part of an address. */
const PREFIX = /^[a-z][a-z0-9+-]{1,30}$/i;
const AFTER_PORT = /[/?:#]/;

/**
 * `host:port` and names with the label `svc`, anywhere in a text outside of the given places. These forms are taken in
 * running text as well: no sentence writes them by chance.
 */
export function addressesIn(text: string, without: readonly Span[], hinted: boolean): Mention[] {
  const out: Mention[] = [];
  let span = 0;
  let at = 0;
  while (at < text.length) {
    const skip = without[span];
    if (skip !== undefined && at >= skip.from) {
      at = Math.max(at, skip.to);
      span++;
      continue;
    }
    const end = Math.min(nextOf(TOKEN_ENDS, text, at), skip?.from ?? text.length);
    if (end > at && end - at <= 2 * LONGEST_NAME) {
      const found = addressOf(text.slice(at, end), hinted);
      if (found !== undefined) out.push(found);
    }
    at = end === skip?.from ? end : end + 1;
  }
  return out;
}

function addressOf(token: string, hinted: boolean): Mention | undefined {
  if (token.startsWith('/dev/tcp/') || token.startsWith('/dev/udp/')) {
    const [, , , host, port] = token.split('/', 5);
    return mention(hostName(host ?? ''), portNumber(port), 'address', true);
  }
  const whole = token.slice(token.lastIndexOf('@') + 1);
  // `//host` as Oracle's clients write it, after an @ or alone.
  let bare = whole.replace(/^\/{2,3}/, '');
  // `dns:host:port`, `tcp:host:port`: what stands before is how to get there.
  for (let prefixes = 0; prefixes < 4; prefixes++) {
    const colon = bare.indexOf(':');
    if (colon <= 0) break;
    const rest = bare.slice(colon + 1, colon + 7);
    const cut = rest.search(AFTER_PORT);
    const port = portNumber(cut < 0 ? rest : rest.slice(0, cut));
    if (port !== undefined) return mention(hostName(bare.slice(0, colon)), port, 'address', hinted);
    if (!PREFIX.test(bare.slice(0, colon))) break;
    bare = bare.slice(colon + 1).replace(/^\/{2,3}/, '');
  }
  bare = whole.replace(/^\/{2,3}/, '');
  if (token.startsWith('jdbc:') && token !== whole) {
    const host = exactName(bare.split(/[/:?#]/, 1)[0] ?? '');
    if (host !== undefined) return mention(host, undefined, 'name', true);
  }
  const host = hostName(bare.split(/[/:?#]/, 1)[0] ?? '');
  if (host === undefined || !/\.svc(\.|$)/.test(host)) return undefined;
  return mention(host, undefined, 'name', true);
}

/** A mention, or undefined where there is no host or a port is needed and missing. */
export function mention(
  host: string | undefined,
  port: number | undefined,
  form: 'address' | 'name',
  hinted: boolean,
): Mention | undefined {
  if (host === undefined || (form === 'address' && port === undefined)) return undefined;
  return { host, port, schemePort: undefined, form, hinted, text: withPort(host, port) };
}

export function withPort(host: string, port: number | undefined): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
}

/** Index of the next match of a global regular expression of one character; the text's length where there is none. */
function nextOf(expression: RegExp, text: string, from: number): number {
  expression.lastIndex = from;
  return expression.exec(text)?.index ?? text.length;
}

/**
 * Hosts in a value of one line under a name: URLs, addresses, and the value itself where it is a bare name or, when its
 * name says that it holds hosts, a list of them or a host before a path.
 */
export function mentionsInValue(name: string | undefined, value: string): Mention[] {
  const says = nameSays(name);
  const { mentions, spans } = urlsIn(value);
  if (says.credential) return mentions;
  if (says.never) return [];
  for (const found of addressesIn(value, spans, true)) mentions.push(found);
  if (says.notHost || spans.length > 0 || (mentions.length > 0 && !says.host)) return unique(mentions);
  const whole = value.trim().replace(/^(["'])(.*)\1$/, '$2');
  const names = says.host
    ? whole.split(/[,;]/, 1_000).map((part) => bareHost(part))
    : [bareHost(whole, true)];
  const known = new Set(mentions.map(({ host }) => host));
  for (const name of names) {
    const host = says.host ? hostName(name) : exactName(name);
    const bare = mention(host, undefined, 'name', says.host);
    // Names in capitals are constants more often than hosts, though DNS takes them.
    if (bare !== undefined && !known.has(bare.host))
      mentions.push(exactName(name) === undefined ? { ...bare, tentative: [] } : bare);
  }
  return unique(mentions);
}

/**
 * The host in a part of a value: `tcp:db` as SQL Server's clients write it, `dns:pay` as gRPC's do, slashes before it and
 * a path after it leave the name; `whole`: a path after it makes it none.
 */
export function bareHost(part: string, whole = false): string {
  const text = part.trim().replace(/^(?:(?:tcp|dns):(?:\/{2,3})?|\/{2,3})/, '');
  const named = text.length < part.trim().length;
  return whole && !named ? text : (text.split('/', 1)[0] ?? '');
}

/** Each mention once: what is shown and what hints at it say all that counts. */
export function unique(mentions: readonly Mention[]): Mention[] {
  const seen = new Map<string, Mention>();
  for (const found of mentions) {
    const key = `${found.form} ${found.text} ${found.hinted} ${found.tentative?.join() ?? '-'}`;
    if (!seen.has(key)) seen.set(key, found);
  }
  return [...seen.values()];
}

/** A host name that is written as Kubernetes writes names: in lower case. Words in prose and constants often are not. */
export function exactName(text: string): string | undefined {
  return text === text.toLowerCase() ? hostName(text) : undefined;
}
