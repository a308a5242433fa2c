import { at, groupOf, listAt, type Manifest, stringAt } from './manifest.js';

/** Addresses that share ports behind a Service. */
export interface EndpointGroup {
  /** `namespace/name` of the Service. */
  service: string;
  endpoints: readonly Endpoint[];
  /** As the objects list them: `name`, `port`, `protocol`. */
  ports: readonly unknown[];
}

export interface Endpoint {
  address: string;
  /** `namespace/name` of the pod that it is said to be. */
  pod: string | undefined;
}

/** Label by which an EndpointSlice says whose it is (Kubernetes, EndpointSlices: ownership). */
const OWNER = 'kubernetes.io/service-name';

export function isEndpoints(kind: string, group: string): boolean {
  return (kind === 'EndpointSlice' && group === 'discovery.k8s.io') || (kind === 'Endpoints' && group === '');
}

/** What an EndpointSlice or Endpoints object puts behind a Service, whether ready or not; nothing for other kinds. */
export function endpointGroups(object: Manifest): readonly EndpointGroup[] {
  const namespace = object.metadata.namespace ?? 'default';
  if (!isEndpoints(object.kind, groupOf(object.apiVersion))) return [];
  if (object.kind === 'Endpoints')
    return listAt(object, 'subsets').map((subset) => ({
      service: `${namespace}/${object.metadata.name}`,
      endpoints: [...listAt(subset, 'addresses'), ...listAt(subset, 'notReadyAddresses')].flatMap((entry) =>
        endpoint(at(entry, 'ip'), entry, namespace),
      ),
      ports: listAt(subset, 'ports'),
    }));
  const service = object.metadata.labels?.[OWNER];
  if (service === undefined) return [];
  return [
    {
      service: `${namespace}/${service}`,
      endpoints: listAt(object, 'endpoints').flatMap((entry) =>
        listAt(entry, 'addresses').flatMap((address) => endpoint(address, entry, namespace)),
      ),
      ports: listAt(object, 'ports'),
    },
  ];
}

function endpoint(address: unknown, entry: unknown, namespace: string): Endpoint[] {
  if (typeof address !== 'string') return [];
  const name = stringAt(entry, 'targetRef', 'name');
  const pod =
    stringAt(entry, 'targetRef', 'kind') === 'Pod' && name !== undefined
      ? `${stringAt(entry, 'targetRef', 'namespace') ?? namespace}/${name}`
      : undefined;
  return [{ address, pod }];
}
