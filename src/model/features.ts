import type { ServerVersion, Snapshot } from './snapshot.js';

/** First minor version of Kubernetes 1.x that has a feature by default. Sources: release notes and API documentation. */
export const FEATURES = {
  /** Label `kubernetes.io/metadata.name` on every namespace (GA 1.22, set by default from 1.21). */
  namespaceNameLabel: 21,
  /** `endPort` in NetworkPolicy (beta and on by default 1.22, GA 1.25). */
  endPort: 22,
  /** `fieldValidation=Strict` on writes (on by default 1.25). */
  fieldValidation: 25,
  /** Pod Security admission labels (on by default 1.23, GA 1.25). */
  podSecurity: 23,
  /** EndpointSlice in discovery.k8s.io/v1. */
  endpointSliceV1: 21,
  /** `resource` label on storage transformation metrics. */
  transformationResourceLabel: 32,
  /** KMS v2 (GA 1.29). */
  kmsV2: 29,
} as const;

export type Feature = keyof typeof FEATURES;

/** Whether a server version has a feature. */
export function versionHas(version: ServerVersion, feature: Feature): boolean {
  return version.major > 1 || (version.major === 1 && version.minor >= FEATURES[feature]);
}

/** Whether the cluster's API server has a feature. */
export function has(now: Snapshot, feature: Feature): boolean {
  return versionHas(now.cluster.version, feature);
}
