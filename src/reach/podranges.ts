import { listAt } from '../model/manifest.js';
import { PROVIDERS, USUAL } from '../model/providers.js';
import { type Address, type Family, parseAddress, parseCidr, type Range, without } from './address.js';
import type { Inventory } from './inventory.js';

/** No pod has an address of these: this host, loopback, link-local, multicast and reserved (RFC 6890, 5771, 1112). */
const NEVER = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'];
/** Of IPv6, what is handed out (RFC 4291) and what sites take for themselves (RFC 4193). */
const UNICAST = ['2000::/3', 'fc00::/7'];

const ranges = (texts: readonly string[]) => texts.flatMap((text) => parseCidr(text) ?? []);
/** Nor are the addresses at which clouds serve metadata: policies leave just these out of a whole family. */
const METADATA = [...PROVIDERS.flatMap(({ endpoints }) => endpoints), ...USUAL].flatMap(
  ({ address }) => pointAt(parseAddress(address)) ?? [],
);

/** The addresses that a pod can have, by family. */
export const POD_RANGES: Readonly<Record<Family, readonly Range[]>> = {
  4: ranges(['0.0.0.0/0']).flatMap((all) => without(all, [...ranges(NEVER), ...METADATA])),
  6: ranges(UNICAST).flatMap((all) => without(all, METADATA)),
};

/**
 * The families of address that a pod has of which no address is known: those that pods and nodes have and that Services
 * name; IPv4 where nothing tells, since a cluster has that unless somebody asks for another.
 */
export function podFamilies({ pods, nodes, services }: Inventory): readonly Family[] {
  const found = new Set<Family>();
  for (const { addresses } of [...pods, ...nodes]) for (const { family } of addresses) found.add(family);
  for (const { spec } of services) for (const family of familiesOf(spec)) found.add(family);
  return found.size === 0 ? [4] : [...found].sort();
}

function familiesOf(spec: unknown): readonly Family[] {
  const named = listAt(spec, 'ipFamilies');
  return [...(named.includes('IPv4') ? [4 as const] : []), ...(named.includes('IPv6') ? [6 as const] : [])];
}

function pointAt(address: Address | undefined): Range | undefined {
  return address && { family: address.family, from: address.value, to: address.value };
}
