import { isForeignPolicy } from '../model/foreign-policies.js';
import { at, groupOf, type Manifest } from '../model/manifest.js';

/** What an object means for connections although this engine does not know it; undefined where it means nothing. */
export function overlooked(object: Manifest): string | undefined {
  if (isForeignPolicy(object))
    return 'is a policy of a kind that is not analysed; what it allows or closes is not in the result';
  if (isPrimaryNetwork(object))
    return 'gives pods a primary network of their own, apart from all others; that is not analysed: what it closes is shown as open';
  if (makesPods(object))
    return 'makes pods from a template, but is of a kind that is not analysed; they are not in the result';
  return undefined;
}

/** OVN-Kubernetes: pods of a user-defined primary network reach no other (its documentation, user-defined networks). */
function isPrimaryNetwork({ apiVersion, kind, spec }: Manifest): boolean {
  if (groupOf(apiVersion) !== 'k8s.ovn.org') return false;
  const network =
    kind === 'UserDefinedNetwork'
      ? spec
      : kind === 'ClusterUserDefinedNetwork'
        ? at(spec, 'network')
        : undefined;
  return ['layer2', 'layer3'].some((layer) => at(network, layer, 'role') === 'Primary');
}

/** Whether an object of some other kind holds a pod template where workloads have theirs. */
function makesPods({ spec }: Manifest): boolean {
  return Array.isArray(at(spec, 'template', 'spec', 'containers'));
}
