import { type Ref, refText } from '../model/manifest.js';

/** How many objects are named. */
const NAMED = 3;

/** Why a namespace stays, in words that name what it holds; undefined where it holds nothing of anybody's. */
export function heldIn(namespace: string, contents: readonly Ref[]): string | undefined {
  if (contents.length === 0) return undefined;
  const names = contents.slice(0, NAMED).map(refText);
  const more = contents.length > NAMED ? ` and ${contents.length - NAMED} more` : '';
  return `namespace ${namespace} is kept: it holds ${names.join(', ')}${more}`;
}
