import { has } from '../../src/model/features.js';
import { at, listAt, type Manifest, refOf } from '../../src/model/manifest.js';
import { objectsIn } from '../../src/model/namespaced.js';
import { otherManagers } from '../../src/model/ours.js';
import { type ApplyChange, canonical, type DeleteChange } from '../../src/model/plan.js';
import { networkPlugin, type PluginFacts } from '../../src/model/plugins.js';
import type { MetadataEndpoint } from '../../src/model/providers.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import type { Templates } from '../../src/model/template.js';
import type { Requirement } from '../default-deny/complement.js';
import type { Candidate } from './candidates.js';
import { metadataPolicies } from './policy.js';

/**
 * The changes in one namespace by policies of its own: where nothing closes its egress, one that leaves the metadata ports
 * out, or one for each list of conditions where workloads keep them; where others close it, ours goes.
 * @param endpoints none: only what does harm is removed
 */
export function namespaceChanges(
  now: Snapshot,
  { name, state }: Candidate,
  endpoints: readonly MetadataEndpoint[],
  others: readonly (readonly Requirement[])[],
  templates: Templates,
): readonly (ApplyChange | DeleteChange)[] {
  const { ours } = state;
  if (state.exposure === 'reopened')
    return ours.map((policy) => ({
      kind: 'delete',
      id: `metadata-blocking/${name}/NetworkPolicy/${policy.metadata.name}`,
      ref: refOf(policy),
      risk: 'cutsTraffic',
      why: 'It allows everything but the metadata address, and so opens again what other policies of the namespace close.',
      breaks: ['What only this policy allowed stops.'],
      before: policy,
    }));
  if (endpoints.length === 0) return [];
  const existing = objectsIn(now, 'NetworkPolicy', name);
  const ranges = has(now, 'endPort');
  const plugin = networkPlugin(now);
  const wanted = metadataPolicies(name, endpoints, ranges, existing, others, plugin.ranges.ipv6, templates);
  const changes = wanted.flatMap((manifest): readonly ApplyChange[] => {
    const before = ours.find(({ metadata }) => metadata.name === manifest.metadata.name);
    if (before !== undefined && canonical(before.spec) === canonical(manifest.spec)) return [];
    const managers = before === undefined ? [] : otherManagers(before);
    return [
      {
        kind: 'apply',
        id: `metadata-blocking/${name}/NetworkPolicy/${manifest.metadata.name}`,
        ref: refOf(manifest),
        risk: 'cutsTraffic',
        why: `Leaves out ${state.reached.join(', ')}; egress of ${name} stays open for everything else.`,
        breaks: [
          ...(managers.length === 0
            ? []
            : [`Takes its fields over from ${managers.join(', ')}, where it was changed since.`]),
          "Pods that take the node's own credentials from there lose them; identities of their own (IRSA, Pod Identity, workload identity) go on.",
          ...(ranges
            ? []
            : ['The server is older than 1.22: of the metadata addresses only DNS and NTP stay reachable.']),
          ...limitsOf(plugin, manifest),
          'Whether ping and other protocols than TCP, UDP and SCTP still pass depends on the network plugin.',
        ],
        manifest,
        ...(before === undefined ? {} : { before }),
        ...(managers.length === 0 ? {} : { force: true, takesOver: managers }),
      },
    ];
  });
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const removals = ours
    .filter(({ metadata }) => !names.has(metadata.name))
    .map(
      (policy): DeleteChange => ({
        kind: 'delete',
        id: `metadata-blocking/${name}/NetworkPolicy/${policy.metadata.name}`,
        ref: refOf(policy),
        risk: 'none',
        why: 'Another policy of ours says what it says.',
        breaks: [],
        before: policy,
        ...(changes.length > 0 && { requires: changes.map(({ id }) => id) }),
      }),
    );
  return [...changes, ...removals];
}

/** What the plugin takes less of than the API. */
function limitsOf({ title, ranges }: PluginFacts, { spec }: Manifest): readonly string[] {
  const blocks = listAt(spec, 'egress')
    .flatMap((rule) => listAt(rule, 'to'))
    .filter((peer) => at(peer, 'ipBlock') !== undefined).length;
  return [
    ...(ranges.ipv6 ? [] : [`${title} knows no IPv6: where pods have such addresses, IPv6 stays open.`]),
    ...(ranges.most === undefined || blocks <= ranges.most
      ? []
      : [`It has ${blocks} address ranges; for ${title} ${ranges.most} or fewer are advised.`]),
  ];
}
