import { isRecord, type Manifest } from './manifest.js';

/** Label keys that name a team; also any key of a domain of one's own that ends so, e.g. `example.com/team`. */
const OWNER_KEY = /^(?:.+\/)?(?:team|owner)$/;

/** Annotations by which distributions keep the owner of a namespace. */
const OWNER_ANNOTATIONS = ['openshift.io/requester', 'field.cattle.io/projectId'];

/** The owner that labels name, with the key that says so; `team` goes before `owner`, short keys before long ones. */
export function ownerOf(labels: unknown): { key: string; owner: string } | undefined {
  if (!isRecord(labels)) return undefined;
  const keys = Object.keys(labels).filter((key) => OWNER_KEY.test(key) && isName(labels[key]));
  const key = keys.toSorted((a, b) => rank(a) - rank(b) || a.length - b.length || (a < b ? -1 : 1))[0];
  return key === undefined ? undefined : { key, owner: String(labels[key]) };
}

/** Whether a label key is one that names an owner. */
export function isOwnerKey(key: string): boolean {
  return OWNER_KEY.test(key);
}

/** Label keys that name what something is for, in a domain of one's own too; then the one that charts set. */
const PURPOSE_KEY = /^(?:.+\/)?purpose$/;
const PART_OF = 'app.kubernetes.io/part-of';

/** Whether a label key is one that names a purpose. */
export function isPurposeKey(key: string): boolean {
  return PURPOSE_KEY.test(key);
}

/** What labels say that something is for: a label `purpose`, or the application that it is a part of. */
export function purposeOf(labels: unknown): string | undefined {
  if (!isRecord(labels)) return undefined;
  const key = [...Object.keys(labels).filter(isPurposeKey).toSorted(), PART_OF].find((one) =>
    isName(labels[one]),
  );
  return key === undefined ? undefined : String(labels[key]);
}

/** Whether a namespace says whose it is, in a label or an annotation. */
export function hasOwner(namespace: Manifest): boolean {
  const { labels, annotations } = namespace.metadata;
  return (
    ownerOf(labels) !== undefined ||
    ownerOf(annotations) !== undefined ||
    OWNER_ANNOTATIONS.some((key) => isName(annotations?.[key]))
  );
}

/**
 * A namespace name for an owner: lower case, what a name may not hold as dashes; undefined where nothing is left.
 * Names that start with `kube-` are reserved (documentation: Namespaces) and get a `team-` in front.
 */
export function namespaceNameFor(owner: string): string | undefined {
  const name = owner
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 58)
    .replace(/-+$/, '');
  if (name === '') return undefined;
  return name.startsWith('kube-') || name === 'default' ? `team-${name}` : name;
}

function rank(key: string): number {
  return key.endsWith('team') ? 0 : 1;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
