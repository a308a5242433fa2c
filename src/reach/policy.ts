import type { Ref } from '../model/manifest.js';
import type { Range } from './address.js';
import type { Protocol } from './portset.js';
import type { Selector } from './selector.js';

/** Order in which tiers decide: Admin, then NetworkPolicies, then Baseline. */
export type Tier = 'Admin' | 'NetworkPolicy' | 'Baseline';
export type Action = 'Allow' | 'Deny' | 'Pass';
export type Direction = 'ingress' | 'egress';

/** Addresses of `cidr` without those of `except`. */
export interface IpBlock {
  cidr: Range;
  except: readonly Range[];
}

/** Pods by namespace and labels. `namespace` is a name (a NetworkPolicy's own) or a selector. */
export interface PodPeer {
  kind: 'pods';
  namespace: string | Selector;
  pods: Selector;
  /** Of a cluster-wide policy: pods on their node's network are not among them, however a plugin takes these. */
  neverOnNode?: boolean;
}

/** What Cilium knows without addresses: the API server, and every node with the pods on its network. */
export type Entity = 'kube-apiserver' | 'nodes';

export type Peer =
  | PodPeer
  | { kind: 'entity'; name: Entity }
  /** `pods`: it also speaks of pods, by their addresses, whatever the plugin does (`networks`). */
  | { kind: 'block'; block: IpBlock; text: string; pods: boolean }
  | { kind: 'nodes'; nodes: Selector }
  | { kind: 'domain'; name: string };

export type Port =
  | { kind: 'range'; protocol: Protocol; from: number; to: number }
  /** `protocol` undefined: whichever protocol the container names for it. */
  | { kind: 'named'; name: string; protocol: Protocol | undefined };

export interface Rule {
  /** Where it stands: `ingress[0]`, with the rule's name where it has one. */
  place: string;
  action: Action;
  peers: readonly Peer[] | 'any';
  ports: readonly Port[] | 'any';
}

/** A policy of any of the kinds, in one form. A direction that it says nothing about is undefined. */
export interface Policy {
  ref: Ref;
  tier: Tier;
  priority: number;
  subject: PodPeer;
  ingress: readonly Rule[] | undefined;
  egress: readonly Rule[] | undefined;
  /** It adds to what the NetworkPolicies of a pod allow, and isolates none (Cilium: `enableDefaultDeny` off). */
  addsOnly?: true;
}
