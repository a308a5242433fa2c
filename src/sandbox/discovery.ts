import { RESOURCES, type Resource } from './resources.js';

/** The version that the embedded cluster claims; its behaviour follows it (fieldValidation, served group versions). */
export const VERSION = { major: '1', minor: '31', gitVersion: 'v1.31.4' } as const;

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update'];

const REVIEWS = {
  name: 'selfsubjectaccessreviews',
  singularName: 'selfsubjectaccessreview',
  namespaced: false,
  kind: 'SelfSubjectAccessReview',
  verbs: ['create'],
};

/** The documents of discovery by path; undefined for other paths. */
export function discovery(path: string, address: string): object | undefined {
  if (path === '/version')
    return {
      ...VERSION,
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
      goVersion: '',
      compiler: '',
      platform: 'embedded',
    };
  if (path === '/api')
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
    };
  if (path === '/apis')
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups().map(groupDocument) };
  const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
  if (group !== undefined) {
    const found = groups().find((one) => one === group);
    return found === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(found) };
  }
  const version = path === '/api/v1' ? ['', '', 'v1'] : /^\/apis\/([^/]+)\/([^/]+)$/.exec(path);
  return version === null ? undefined : resourceList(version[1] ?? '', version[2] ?? '');
}

function groups(): string[] {
  return [...new Set([...RESOURCES.map(({ group }) => group), 'authorization.k8s.io'])].filter(
    (group) => group !== '',
  );
}

function groupDocument(group: string): object {
  const version = RESOURCES.find((resource) => resource.group === group)?.version ?? 'v1';
  const entry = { groupVersion: `${group}/${version}`, version };
  return { name: group, versions: [entry], preferredVersion: entry };
}

function resourceList(group: string, version: string): object | undefined {
  const served = RESOURCES.filter((resource) => resource.group === group && resource.version === version);
  const resources =
    group === 'authorization.k8s.io' && version === 'v1' ? [REVIEWS] : served.map(resourceDocument);
  if (resources.length === 0) return undefined;
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function resourceDocument({ plural, singular, namespaced, kind, shortNames }: Resource): object {
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: VERBS,
    ...(shortNames.length === 0 ? {} : { shortNames }),
  };
}
