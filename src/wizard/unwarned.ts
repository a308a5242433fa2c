import { type Manifest, refOf, refText } from '../model/manifest.js';
import { type Cluster, ClusterError } from './ports.js';

/** What the API server says of pods that would be rejected (Pod Security Admission, dry run of a namespace's label). */
const VIOLATES = /violate/;

/**
 * Why a change is not made that must not be warned of: the warnings of its dry run, or that the dry run of an object
 * that has to be warned of stays silent, so that silence says nothing. Undefined where nothing speaks against it.
 */
export async function whyWarned(
  cluster: Cluster,
  canary: Manifest,
  warnings: readonly string[],
): Promise<string | undefined> {
  if (warnings.length > 0) return `it would not be silent: ${warnings.join('; ')}`;
  try {
    const tried = await cluster.apply(canary, { dryRun: true, force: true });
    if (tried.warnings.some((text) => VIOLATES.test(text))) return undefined;
    return `the server does not warn of ${refText(refOf(canary))} either, whose pods violate it: it cannot be told what would be rejected`;
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason === 'unreachable' || error.reason === 'unauthorized')
      throw error;
    return `whether the server warns at all could not be tried: ${error.message}`;
  }
}
