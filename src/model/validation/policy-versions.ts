import { KINDS } from '../kinds.js';
import { groupOf } from '../manifest.js';

/** Policies that are analysed: what one of a version that nobody has seen means is not known, so none counts as in force. */
const POLICIES = [
  KINDS.NetworkPolicy,
  KINDS.ClusterNetworkPolicy,
  KINDS.AdminNetworkPolicy,
  KINDS.BaselineAdminNetworkPolicy,
  KINDS.CiliumNetworkPolicy,
];

/** The versions in which a kind of policy exists in its API group; undefined for any other kind. */
export function policyVersions(kind: string, group: string): readonly string[] | undefined {
  return POLICIES.find((one) => one.kind === kind && groupOf(one.apiVersions[0] ?? '') === group)
    ?.apiVersions;
}
