import type { KindName } from '../model/kinds.js';
import { KINDS, type Kind } from '../model/kinds.js';
import { at, listAt, stringAt } from '../model/manifest.js';
import type { ServerVersion } from '../model/snapshot.js';
import { ClusterError } from '../wizard/ports.js';
import type { Client } from './client.js';
import { groupPath } from './paths.js';
import { inParallel } from './pool.js';

/** Which of the group versions that we speak a server has for each kind. */
export interface Served {
  /** Group version to use; undefined: the kind is not served. */
  version(kind: KindName): string | undefined;
  /** Why nothing is known about a kind, where its group could not be asked. */
  unknown(kind: KindName): ClusterError | undefined;
}

/** The server's version. Providers add letters to the minor version, as in `27+`. */
export async function versionOf(client: Client): Promise<ServerVersion> {
  const { body } = await client.json({ method: 'GET', path: '/version' }, { doing: 'read the version' });
  const number = (key: string) => Number.parseInt(stringAt(body, key) ?? '', 10);
  const [major, minor] = [number('major'), number('minor')];
  if (Number.isNaN(major) || Number.isNaN(minor))
    throw new ClusterError(
      'server',
      'The server does not say which version of Kubernetes it is.\nIs the address right?',
    );
  return { major, minor, git: stringAt(body, 'gitVersion') ?? `v${major}.${minor}` };
}

/**
 * Asks the server which kinds it serves. A group version that is gone (404) or whose aggregated server does not
 * answer leaves its kinds unknown, never absent.
 */
export async function discover(client: Client): Promise<Served> {
  const wanted = [...new Set(Object.values<Kind>(KINDS).flatMap((kind) => kind.apiVersions))];
  const offered = await groupVersions(client);
  const plurals = new Map<string, ReadonlySet<string>>();
  const failures = new Map<string, ClusterError>();
  await inParallel(
    wanted.filter((version) => offered.has(version)),
    6,
    async (version) => {
      try {
        plurals.set(version, await resources(client, version));
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        failures.set(version, error);
      }
    },
  );
  const served = (kind: KindName) =>
    KINDS[kind].apiVersions.find((version: string) => plurals.get(version)?.has(KINDS[kind].plural));
  return {
    version: served,
    unknown: (kind) =>
      served(kind) !== undefined
        ? undefined
        : KINDS[kind].apiVersions
            .map((version: string) => failures.get(version))
            .find((why) => why !== undefined),
  };
}

/** Every group version that the server names, the core one included. @throws ClusterError */
export async function groupVersions(client: Client): Promise<ReadonlySet<string>> {
  const { body } = await client.json(
    { method: 'GET', path: '/apis' },
    { doing: 'read which API groups there are' },
  );
  const named = listAt(body, 'groups').flatMap((group) =>
    listAt(group, 'versions').map((version) => stringAt(version, 'groupVersion')),
  );
  return new Set(['v1', ...named.filter((version) => version !== undefined)]);
}

async function resources(client: Client, version: string): Promise<ReadonlySet<string>> {
  const { body } = await client.json(
    { method: 'GET', path: groupPath(version) },
    { doing: `read what the API group ${version} serves` },
  );
  const names = listAt(body, 'resources').filter((resource) =>
    listAt(resource, 'verbs').some((verb) => verb === 'list'),
  );
  return new Set(names.map((resource) => String(at(resource, 'name'))));
}
