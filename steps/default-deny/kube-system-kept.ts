import { isRecord, listAt, type Manifest, stringAt } from '../../src/model/manifest.js';
import { networkPlugin } from '../../src/model/plugins.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { type Templates, template } from '../../src/model/template.js';
import { inRange, parseAddress, parseCidr } from '../../src/reach/address.js';
import { apiServers, nodeAddresses } from './addresses.js';
import { opensInside } from './opening.js';
import { cidrOf, exceptedEndpoints } from './outside.js';

export const TEMPLATE = 'default-deny/kube-system.yaml';

/** What stays open to every pod of kube-system. */
export interface Kept {
  /** The template, with the metadata service left out of its ranges. */
  template: Manifest;
  /** Rules for nodes and API servers outside of its ranges. */
  more: readonly unknown[];
  /** Whether it lets every pod of the cluster be reached on every port. */
  everyPod: boolean;
  /** Whether it lets every port of an address be reached. */
  holds(address: string): boolean;
}

/** @throws TemplateError where the template is missing */
export function keptBy(now: Snapshot, templates: Templates): Kept {
  const found = template(templates, TEMPLATE);
  const spec = isRecord(found.spec) ? found.spec : {};
  const endpoints = exceptedEndpoints(now).map(({ address }) => address);
  const egress = listAt(spec, 'egress').map((rule) => withoutEndpoints(rule, endpoints));
  const blocks = egress
    .filter((rule) => listAt(rule, 'ports').length === 0)
    .flatMap((rule) => listAt(rule, 'to').flatMap((peer) => blockOf(peer)));
  const holds = (text: string) => {
    const address = parseAddress(text);
    return (
      address !== undefined &&
      blocks.some(
        ({ range, except }) => inRange(address, range) && !except.some((one) => inRange(address, one)),
      )
    );
  };
  const nodes = nodeAddresses(now).filter((address) => !holds(address));
  const servers = apiServers(now).filter(({ address }) => !holds(address) && !nodes.includes(address));
  const ipBlock = (address: string) => ({ ipBlock: { cidr: cidrOf(address) } });
  return {
    template: { ...found, spec: { ...spec, egress } },
    more: networkPlugin(now).ipBlockMatchesNodes
      ? [
          ...(nodes.length === 0 ? [] : [{ to: nodes.map(ipBlock) }]),
          ...servers
            .toSorted((a, b) => (a.address < b.address ? -1 : 1))
            .map(({ address, port }) => ({ to: [ipBlock(address)], ports: [{ protocol: 'TCP', port }] })),
        ]
      : [],
    everyPod: egress.some(opensInside),
    holds,
  };
}

function blockOf(peer: unknown) {
  const range = parseCidr(stringAt(peer, 'ipBlock', 'cidr') ?? '');
  const except = listAt(isRecord(peer) ? peer.ipBlock : undefined, 'except').flatMap((cidr) =>
    typeof cidr === 'string' ? (parseCidr(cidr) ?? []) : [],
  );
  return range === undefined ? [] : [{ range, except }];
}

/** A rule whose ranges leave these addresses out. */
function withoutEndpoints(rule: unknown, endpoints: readonly string[]): unknown {
  if (!isRecord(rule) || !Array.isArray(rule.to)) return rule;
  return {
    ...rule,
    to: rule.to.map((peer: unknown) => {
      const [block] = blockOf(peer);
      if (block === undefined || !isRecord(peer) || !isRecord(peer.ipBlock)) return peer;
      const inside = endpoints.filter((text) => {
        const address = parseAddress(text);
        return address !== undefined && inRange(address, block.range);
      });
      const except = [...new Set([...listAt(peer.ipBlock, 'except'), ...inside.map(cidrOf)])];
      return except.length === 0 ? peer : { ...peer, ipBlock: { ...peer.ipBlock, except } };
    }),
  };
}
