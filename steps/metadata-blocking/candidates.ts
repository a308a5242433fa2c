import {
  candidateNamespaces,
  type NamespaceKind,
  namespaceKind,
  systemNamespaces,
} from '../../src/model/namespaces.js';
import { once } from '../../src/model/once.js';
import { type MetadataEndpoint, metadataEndpoints, providers } from '../../src/model/providers.js';
import { type Snapshot, visible } from '../../src/model/snapshot.js';
import { uncomputedGuard } from '../default-deny/guard-live.js';
import { blocksInForce } from './blocks.js';
import { mechanismHere } from './here.js';
import { type Need, needs } from './needs.js';
import { exposureOf, type NamespaceExposure } from './state.js';

/**
 * The endpoints that policies can block here; empty where nothing can be judged, where nothing here could block them, or
 * where somebody changed what we wrote.
 */
export const blockable = once((now): readonly MetadataEndpoint[] => {
  if (!visible(now, 'Namespace') || !visible(now, 'NetworkPolicy')) return [];
  if (mechanismHere(now).by === 'nothing' || blocksInForce(now).some(({ says }) => says === undefined))
    return [];
  return metadataEndpoints(providers(now));
});

/** A namespace whose pods can be kept away. */
export interface Candidate {
  name: string;
  kind: NamespaceKind;
  state: NamespaceExposure;
  /** Its workloads that ask the metadata address, and reach it. */
  needing: readonly Need[];
}

/** The namespaces that reach the endpoints and can be kept from them by what this cluster has for it. */
export const candidates = once((now: Snapshot): readonly Candidate[] => {
  if (blockable(now).length === 0) return [];
  const closed = mechanismHere(now).by === 'clusterWide' ? ['leaks'] : [];
  return [...candidateNamespaces(now), ...systemNamespaces(now)]
    .map((namespace) => {
      const { name } = namespace.metadata;
      const state = exposureOf(now, name);
      return {
        name,
        kind: namespaceKind(now, namespace),
        state,
        needing: needs(now).filter(
          (need) =>
            need.namespace === name && need.use === 'address' && state.workloads.includes(need.workload),
        ),
      };
    })
    .filter(
      ({ name, state: { exposure, covered, unselected } }) =>
        // What a guard that is not computed leaves to pods that no policy selects is not known.
        !(unselected && uncomputedGuard(now, name) !== undefined) &&
        (exposure === 'reopened' || (!covered && (exposure === 'open' || closed.includes(exposure)))),
    );
});
