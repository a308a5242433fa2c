import type { EncryptionConfig } from '../model/encryption.js';
import { groupResource, sameResource } from './configuration.js';

/** Stored, but no resources of the API: they cannot be encrypted. */
const WITHOUT_API = ['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations'];

/**
 * What is wrong with the names of resources in a configuration, by the rules of the API server: within one list no name
 * twice and none beside a wildcard that means it too; none that an earlier entry's wildcard masks.
 */
export function resourceFaults(config: EncryptionConfig): { place: string; message: string }[] {
  return config.flatMap((entry, index) =>
    entry.resources.flatMap((name, number) => {
      const place = `resources[${index}].resources[${number}]`;
      const message =
        nameFault(name) ??
        listFault(name, entry.resources.slice(0, number), entry.resources.slice(number + 1)) ??
        maskFault(
          name,
          config.slice(0, index).flatMap((earlier) => earlier.resources),
        );
      return message === undefined ? [] : [{ place, message }];
    }),
  );
}

function nameFault(name: string): string | undefined {
  const [resource, group] = groupResource(name);
  if (name !== name.toLowerCase()) return 'expected lower case';
  if (name === '*') return "expected '*.' for the core group or '*.*' for all resources";
  if (WITHOUT_API.includes(name)) return 'expected a resource that the API serves';
  if (group === 'events.k8s.io') return 'expected events: they are stored by that name';
  if (group === 'extensions') return 'expected another group: extensions is gone';
  if (group === '*' && resource !== '*') return 'expected one group, or *.* for all resources';
  return undefined;
}

function listFault(name: string, before: readonly string[], after: readonly string[]): string | undefined {
  if (before.some((other) => sameResource(name, other))) return 'listed twice';
  const others = [...before, ...after];
  return isWildcard(name) && others.some((other) => covers(name, other))
    ? 'expected no name beside a wildcard that means it too'
    : undefined;
}

function maskFault(name: string, earlier: readonly string[]): string | undefined {
  const masked = earlier.some((other) => isWildcard(other) && covers(other, name));
  return masked ? 'an earlier entry with a wildcard decides for it: expected the other order' : undefined;
}

function isWildcard(name: string): boolean {
  return groupResource(name)[0] === '*';
}

/** Whether a wildcard means another name as well. */
function covers(wildcard: string, name: string): boolean {
  const [, group] = groupResource(wildcard);
  return group === '*' || groupResource(name)[1] === group;
}
