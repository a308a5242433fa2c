import ipaddr from 'ipaddr.js';

export type Family = 4 | 6;

/** One IP address as a number of its family. */
export interface Address {
  family: Family;
  value: bigint;
}

/** Addresses `from` to `to`, both inside. */
export interface Range {
  family: Family;
  from: bigint;
  to: bigint;
}

/** Last address of a family. */
export const LAST: Readonly<Record<Family, bigint>> = { 4: 2n ** 32n - 1n, 6: 2n ** 128n - 1n };

/** The address that a text names, or undefined. IPv4 in four decimal parts; IPv4-mapped IPv6 counts as IPv4. */
export function parseAddress(text: string): Address | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (v4 !== null) {
    const parts = v4.slice(1).map(Number);
    if (parts.some((part) => part > 255)) return undefined;
    return { family: 4, value: BigInt(parts.reduce((sum, part) => sum * 256 + part, 0)) };
  }
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  const { parts } = ipaddr.IPv6.parse(text);
  const value = parts.reduce((sum, part) => (sum << 16n) + BigInt(part), 0n);
  return value >> 32n === 0xffffn ? { family: 4, value: value & LAST[4] } : { family: 6, value };
}

/** The addresses of a CIDR such as `10.0.0.0/8`, or undefined where it is none. Host bits are ignored, as the API does. */
export function parseCidr(text: string): Range | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^\d{1,3}$/.test(bits)) return undefined;
  const width = address.family === 4 ? 32 : 128;
  const mapped = address.family === 4 && text.includes(':');
  const prefix = Number(bits) - (mapped ? 96 : 0);
  if (prefix < 0 || prefix > width) return undefined;
  const size = 1n << BigInt(width - prefix);
  const from = (address.value / size) * size;
  return { family: address.family, from, to: from + size - 1n };
}

/** The text of an address: dotted decimal, or IPv6 as RFC 5952 writes it. */
export function addressText({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const bytes = Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * (15 - i))) & 255n));
  return new ipaddr.IPv6(bytes).toRFC5952String();
}

/** `a.b.c.d-e.f.g.h`. */
export function rangeText({ family, from, to }: Range): string {
  return `${addressText({ family, value: from })}-${addressText({ family, value: to })}`;
}

/** Equal for equal addresses. */
export function addressKey({ family, value }: Address): string {
  return `${family}:${value}`;
}

/** Whether an address lies in a range. */
export function inRange({ family, value }: Address, range: Range): boolean {
  return family === range.family && value >= range.from && value <= range.to;
}

/** Whether `inner` lies wholly in `outer`. */
export function within(inner: Range, outer: Range): boolean {
  return inner.family === outer.family && inner.from >= outer.from && inner.to <= outer.to;
}

/**
 * Cuts the whole address space at the bounds of the given ranges: every address of one atom is in the same ranges.
 * IPv4 first, each family in order, without gaps.
 */
export function atoms(ranges: Iterable<Range>): readonly Range[] {
  const cuts: Record<Family, Set<bigint>> = { 4: new Set([0n]), 6: new Set([0n]) };
  for (const { family, from, to } of ranges) {
    cuts[family].add(from);
    if (to < LAST[family]) cuts[family].add(to + 1n);
  }
  return ([4, 6] as const).flatMap((family) => {
    const starts = [...cuts[family]].sort((a, b) => (a < b ? -1 : 1));
    return starts.map((from, i) => {
      const next = starts[i + 1];
      return { family, from, to: next === undefined ? LAST[family] : next - 1n };
    });
  });
}

/** The addresses of a range without those of others: disjoint ranges in order that do not touch. */
export function without(range: Range, others: readonly Range[]): readonly Range[] {
  const { family } = range;
  const holes = others
    .filter((other) => other.family === family && other.to >= range.from && other.from <= range.to)
    .toSorted((a, b) => (a.from < b.from ? -1 : 1));
  const out: Range[] = [];
  let next = range.from;
  for (const hole of holes) {
    if (hole.from > next) out.push({ family, from: next, to: hole.from - 1n });
    if (hole.to >= next) next = hole.to + 1n;
  }
  if (next <= range.to) out.push({ family, from: next, to: range.to });
  return out;
}
