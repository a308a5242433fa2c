import { isRecord } from '../../../src/model/manifest.js';

/** The namespace that workloads are moved out of. */
export const SOURCE = 'default';

/** A DNS name in a text that reaches a Service of `default` from anywhere: `web.default`, `web.default.svc`. */
export interface NameUse {
  /** The Service's name, and the name as written up to and with `default` or `svc`. */
  service: string;
  written: string;
  /** Where `default` begins in the text. */
  at: number;
  /**
   * Whether it is certainly a host name: it says `svc`, or stands where hosts stand in a URL or before a port. Anything
   * else may be a setting that is called so (`web.default`).
   */
  certain: boolean;
}

const LABEL = /[A-Za-z0-9_-]/;
const LONGEST_LABEL = 63;
const MARK = `.${SOURCE}`;

/**
 * Names of these Services with the namespace `default` in a text, however long: each character is looked at a few times
 * at most. A name without a namespace is not among them: it means the same in the new namespace.
 */
export function nameUses(text: string, services: ReadonlySet<string>): NameUse[] {
  const out: NameUse[] = [];
  for (let at = text.indexOf(MARK); at >= 0; at = text.indexOf(MARK, at + 1)) {
    let from = at;
    while (from > 0 && at - from <= LONGEST_LABEL && LABEL.test(text[from - 1] ?? '')) from--;
    const service = text.slice(from, at);
    if (!services.has(service)) continue;
    const end = at + MARK.length;
    const svc = /^\.svc(?![A-Za-z0-9_-])/.test(text.slice(end, end + 5));
    const next = text[end] ?? '';
    // `web.default-backend` and `web.default.timeout` are other names.
    if (!svc && (LABEL.test(next) || (next === '.' && LABEL.test(text[end + 1] ?? '')))) continue;
    const before = text.slice(Math.max(0, from - 3), from);
    const certain = svc || before === '://' || before.endsWith('@') || /^:\d/.test(text.slice(end, end + 2));
    out.push({ service, written: text.slice(from, svc ? end + 4 : end), at: at + 1, certain });
  }
  return out;
}

/** The text with the namespace of these uses replaced. */
export function renamed(text: string, uses: readonly NameUse[], target: string): string {
  let out = '';
  let from = 0;
  for (const { at } of uses) {
    out += text.slice(from, at) + target;
    from = at + SOURCE.length;
  }
  return out + text.slice(from);
}

const AFFINITY = /\.pod(?:Anti)?Affinity\..*\.namespaces\[\d+\]$/;
const SEARCHES = /\.dnsConfig\.searches\[\d+\]$/;
const DOMAIN = /(?<![\w.-])default\.svc(?![\w-])/;

/** `default` in a text where it is no part of a Service's name. */
export interface PlaceUse {
  written: string;
  becomes: string;
  why: string;
  /** Whether the field can mean nothing else. */
  certain: boolean;
}

/** The namespace itself: in the lists of an affinity, as a search domain, or as the end of names that a program makes. */
export function placeUse({ field, value }: Leaf, target: string): PlaceUse | undefined {
  if (AFFINITY.test(field) && value === SOURCE)
    return { written: value, becomes: target, why: 'namespace whose pods it means', certain: true };
  if (!DOMAIN.test(value)) return undefined;
  const certain = SEARCHES.test(field);
  return {
    written: `${SOURCE}.svc`,
    becomes: `${target}.svc`,
    why: certain ? 'search domain' : 'end of host names, if it is one',
    certain,
  };
}

/** The text with its search domain, or all of it, replaced. */
export function replaced(value: string, { written, becomes }: PlaceUse): string {
  return value === written ? becomes : value.replace(DOMAIN, becomes);
}

/** A string somewhere in an object. */
export interface Leaf {
  /** Path as people write it: `spec.template.spec.containers[web].env[URL]`, `data[app.conf]`. */
  field: string;
  value: string;
}

/** Keys whose strings are names of other things, never addresses. */
const STRUCTURE = ['labels', 'matchLabels', 'selector', 'managedFields', 'uid', 'resourceVersion', 'status'];

/**
 * The object with each of its strings as a function makes it: settings, arguments, contents of ConfigMaps, annotations,
 * external names. Labels and selectors are left as they are.
 */
export function mapStrings(value: unknown, change: (leaf: Leaf) => string, field = ''): unknown {
  if (typeof value === 'string') return change({ field, value });
  if (Array.isArray(value))
    return value.map((item, index) => {
      const name = isRecord(item) && typeof item.name === 'string' ? item.name : String(index);
      return mapStrings(item, change, `${field}[${name}]`);
    });
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      STRUCTURE.includes(key) && field !== 'data' ? inner : mapStrings(inner, change, pathOf(field, key)),
    ]),
  );
}

function pathOf(field: string, key: string): string {
  if (/[./]/.test(key) || field === 'data') return `${field}[${key}]`;
  return field === '' ? key : `${field}.${key}`;
}
