import { EVERYWHERE } from '../../../src/model/configmap-refs.js';
import type { KindName } from '../../../src/model/kinds.js';
import {
  at,
  isRecord,
  listAt,
  type Manifest,
  type Ref,
  refOf,
  stringAt,
} from '../../../src/model/manifest.js';
import { objectsIn } from '../../../src/model/namespaced.js';
import { once } from '../../../src/model/once.js';
import type { Write } from '../../../src/model/rights.js';
import { isOver } from '../../../src/model/scale.js';
import type { Snapshot } from '../../../src/model/snapshot.js';
import { hidden, workloadsIn } from '../../../src/model/workloads.js';
import { movedName, resourcesNamedBy, secretsNamedBy } from './annotations.js';
import { copyOf } from './copies.js';
import { mapStrings, nameUses, placeUse, renamed, replaced, SOURCE } from './names.js';
import { type Reference, referencesIn } from './references.js';

/**
 * The kinds that are copied, in the order in which copies are created: first what pods need, then what makes pods, at
 * last what sends clients to them. Of what a controller made, that controller makes its own.
 */
const ORDER: readonly KindName[] = [
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'PersistentVolumeClaim',
  'NetworkPolicy',
  'Service',
  'Endpoints',
  'EndpointSlice',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'CronJob',
  'Pod',
  'HorizontalPodAutoscaler',
  'PodDisruptionBudget',
  'Ingress',
];

/** Kinds that are only told of: a copy would run a second time, or is the business of another step. */
const TOLD: readonly (readonly [KindName, string | ((object: Manifest) => string)])[] = [
  ['Job', whyNoJob],
  ['LimitRange', 'the quotas step proposes them for the new namespace'],
  ['ResourceQuota', 'the quotas step proposes them for the new namespace'],
  ['CiliumNetworkPolicy', 'it is not copied: its rules may name the namespace'],
  ['HTTPRoute', 'it is not copied: move it with its Gateway'],
  ['GRPCRoute', 'it is not copied: move it with its Gateway'],
  ['Route', 'it is not copied: its host belongs to one namespace'],
  ['ServiceMonitor', 'it is not copied'],
  ['PodMonitor', 'it is not copied'],
];

/** What creating the copies may write. */
export const MIGRATION_WRITES: readonly Write[] = ORDER.map((kind) => ({
  kind,
  by: 'apply',
  for: 'copies of what moves out of default',
  option: 'move',
}));

/** What the migration reads beside what the step reads anyway. */
export const MIGRATION_KINDS: readonly KindName[] = [...ORDER, ...TOLD.map(([kind]) => kind)];

/** Secrets that are made by others: tokens of service accounts, Helm's own notes, credentials of nodes. */
const MADE_SECRETS = [
  'kubernetes.io/service-account-token',
  'helm.sh/release.v1',
  'bootstrap.kubernetes.io/token',
];

/** A DNS name that a copy has in place of the old one, or that could not be told from a word. */
export interface Rewrite {
  object: Ref;
  field: string;
  from: string;
  to: string;
  /** `told`: it may be no host name, so the copy has it as it was. */
  done: 'rewritten' | 'told';
}

/** One object of `default` as it is to be in the new namespace. */
export interface Copy {
  /** Id of the choice that creates it: `Deployment/web`. */
  id: string;
  from: Manifest;
  manifest: Manifest;
  /** What to know about it, a sentence each. */
  notes: readonly string[];
  rewrites: readonly Rewrite[];
}

export interface Migration {
  target: string;
  copies: readonly Copy[];
  /** Objects of these names are in the new namespace already: they are left as they are. */
  there: readonly Ref[];
  /** Names of Secrets to copy by hand. */
  secrets: readonly string[];
  /** What outside of the copies names something in `default`: nothing of it is changed. */
  references: readonly Reference[];
  /** What is not copied, and why. */
  left: readonly { ref: Ref; why: string }[];
  /** Kinds that could not be seen. */
  unseen: readonly string[];
}

/** The objects of `default` that can be copied, in the order of their creation. Empty where there is no workload. */
export const movable = once((now): readonly Manifest[] => {
  const selected = new Set(
    objectsIn(now, 'Service', SOURCE).flatMap((service) =>
      Object.keys((at(service, 'spec', 'selector') as object | undefined) ?? {}).length > 0
        ? [service.metadata.name]
        : [],
    ),
  );
  // The controller fills in the Endpoints of a Service with a selector.
  const filled = ({ kind, metadata }: Manifest) => kind === 'Endpoints' && selected.has(metadata.name);
  const all = ORDER.flatMap((kind) =>
    objectsIn(now, kind, SOURCE)
      .filter((object) => isOwn(object) && !filled(object))
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
  );
  return all.some(({ kind }) => WORKLOADS.includes(kind)) ? all : [];
});

const WORKLOADS: readonly string[] = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'CronJob',
  'Pod',
];

/** Whether a person put an object there: neither Kubernetes nor a controller. */
function isOwn(object: Manifest): boolean {
  const { kind, metadata } = object;
  const { name, labels, annotations } = metadata;
  if ((metadata.ownerReferences ?? []).some(({ controller }) => controller === true)) return false;
  if (metadata.deletionTimestamp !== undefined) return false;
  switch (kind) {
    case 'Service':
      return name !== 'kubernetes';
    case 'ServiceAccount':
      return (
        name !== 'default' &&
        !(
          annotations?.['openshift.io/internal-registry-pull-secret-ref'] !== undefined &&
          ['builder', 'deployer'].includes(name)
        )
      );
    case 'ConfigMap':
      // Without contents it is empty, or could not be read: the runbook names it.
      return !EVERYWHERE.includes(name) && hasContents(object);
    case 'RoleBinding':
      return !name.startsWith('system:');
    case 'Endpoints':
      // Those of a Service with a selector are kept by the controller, and carry its annotation or no subsets.
      return (
        name !== 'kubernetes' &&
        annotations?.['endpoints.kubernetes.io/last-change-trigger-time'] === undefined &&
        at(object, 'subsets') !== undefined &&
        annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined
      );
    case 'EndpointSlice':
      return (
        name !== 'kubernetes' &&
        !(labels?.['endpointslice.kubernetes.io/managed-by'] ?? '').endsWith('.k8s.io')
      );
    case 'Pod':
      return (
        annotations?.['kubernetes.io/config.mirror'] === undefined &&
        !['Succeeded', 'Failed'].includes(stringAt(object, 'status', 'phase') ?? '')
      );
    default:
      return true;
  }
}

function hasContents(map: Manifest): boolean {
  return at(map, 'data') !== undefined || at(map, 'binaryData') !== undefined;
}

/** Id of the choice that creates the copy of an object. */
export function copyId({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

const known = once(() => new Map<string, Migration>());

/** Everything of `default` as it would be in another namespace, and what that does not cover. */
export function migrationTo(now: Snapshot, target: string): Migration {
  const found = known(now).get(target) ?? computed(now, target);
  known(now).set(target, found);
  return found;
}

function computed(now: Snapshot, target: string): Migration {
  const all = movable(now);
  const taken = (object: Manifest) =>
    ORDER.some((kind) =>
      objectsIn(now, kind, target).some(
        (one) => one.kind === object.kind && one.metadata.name === object.metadata.name,
      ),
    );
  const services = new Set(all.flatMap(({ kind, metadata }) => (kind === 'Service' ? [metadata.name] : [])));
  const fresh = all.filter((object) => !taken(object));
  const secrets = secretNames(
    now,
    target,
    all.map((object) => copyOf(object, target, () => {})),
  );
  const empty = objectsIn(now, 'ConfigMap', SOURCE).filter(
    (map) => !EVERYWHERE.includes(map.metadata.name) && !hasContents(map),
  );
  return {
    target,
    copies: fresh.map((object) => copied(object, target, services)),
    there: all.filter(taken).map((object) => ({ ...refOf(object), namespace: target })),
    secrets,
    references: referencesIn(now, target, all, secrets),
    left: [
      ...TOLD.flatMap(([kind, why]) =>
        objectsIn(now, kind, SOURCE)
          .filter(
            (object) =>
              !(object.metadata.ownerReferences ?? []).some(({ controller }) => controller === true),
          )
          .map((object) => ({ ref: refOf(object), why: typeof why === 'string' ? why : why(object) })),
      ),
      ...unreadControllers(now),
      ...ownedByOthers(now),
      ...pullSecrets(now),
      ...empty.map((map) => ({ ref: refOf(map), why: 'it is empty, or its contents could not be read' })),
    ],
    unseen: [
      ...hidden(now, [...MIGRATION_KINDS, 'ClusterRoleBinding']),
      ...hidden(now, ['Secret']).map((why) => `${why}; only Secrets that what moves refers to are known`),
    ],
  };
}

function copied(object: Manifest, target: string, services: ReadonlySet<string>): Copy {
  const notes: string[] = [];
  const rewrites: Rewrite[] = [];
  const copy = copyOf(object, target, (note) => {
    if (!notes.includes(note)) notes.push(note);
  });
  const { metadata, ...rest } = copy;
  const ref = refOf(object);
  const change = ({ field, value }: { field: string; value: string }): string => {
    const place = placeUse({ field, value }, target);
    if (place !== undefined)
      rewrites.push({
        object: ref,
        field,
        from: place.written,
        to: place.becomes,
        done: place.certain ? 'rewritten' : 'told',
      });
    if (place?.certain === true) return replaced(value, place);
    const uses = nameUses(value, services);
    // A setting that is nothing but such a name is one; in a text it may be a word.
    const sure = uses.filter(
      ({ certain, written }) => certain || (!field.startsWith('data') && written === value),
    );
    for (const use of uses) {
      const to = renamed(use.written, [{ ...use, at: use.service.length + 1 }], target);
      rewrites.push({
        object: ref,
        field,
        from: use.written,
        to,
        done: sure.includes(use) ? 'rewritten' : 'told',
      });
    }
    if (field.startsWith('spec') && namesNamespace(field, value))
      notes.push(`${field} names the namespace ${SOURCE}: ${value}`);
    return renamed(value, sure, target);
  };
  const named = (annotations: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(annotations).map(([key, value]): [string, string] => {
        const field = `metadata.annotations[${key}]`;
        for (const one of resourcesNamedBy(key, value))
          notes.push(`${field} names ${one} of ${SOURCE}: custom resources are not copied`);
        const to = movedName(key, value, target);
        if (to !== undefined) rewrites.push({ object: ref, field, from: value, to, done: 'rewritten' });
        return [key, to ?? value];
      }),
    );
  const { apiVersion, kind, ...body } = mapStrings(rest, change) as {
    apiVersion: string;
    kind: string;
  };
  const annotations =
    metadata.annotations === undefined
      ? {}
      : {
          annotations: named(
            mapStrings(metadata.annotations, change, 'metadata.annotations') as Record<string, string>,
          ),
        };
  return {
    id: copyId(object),
    from: object,
    manifest: { apiVersion, kind, metadata: { ...metadata, ...annotations }, ...body },
    notes,
    rewrites,
  };
}

/** Whether a setting of a container gives the namespace by itself: `NAMESPACE=default`, `--namespace=default`. */
function namesNamespace(field: string, value: string): boolean {
  if (/\.(?:args|command)\[/.test(field)) return /^--?[a-z-]*namespaces?[= ]default$/i.test(value);
  return value === SOURCE && /\.env\[[^\]]*(?:NAMESPACE|_NS)[^\]]*\]/i.test(field);
}

/** A Job is work of one time: over, it is history; running, it ends where it began. */
function whyNoJob(job: Manifest): string {
  if (isOver(job)) return 'it is over: it stays as history, and whatever made it makes the next one';
  return at(job, 'spec', 'suspend') === true
    ? 'it is suspended: a copy would be a second one, so create it there by hand if it is still to run'
    : 'it runs: a copy would do its work a second time, so let it end before the old objects are removed';
}

/** Controllers that are not read make pods, or sets of them, that are no objects of people. */
function unreadControllers(now: Snapshot): Migration['left'] {
  return workloadsIn(now, SOURCE)
    .filter(({ object }) => object === undefined)
    .map(({ ref }) => ({
      ref,
      why: `${ref.kind} of ${ref.apiVersion} is not read, so it is not copied, nor are the pods that it makes: move it from its source`,
    }));
}

/** Groups of what Kubernetes itself serves and controllers of its own act for. */
const BUILT_IN = ['', 'apps', 'batch', 'discovery.k8s.io', 'extensions'];
/** What those controllers make, and make anew for a copy. */
const MADE: readonly KindName[] = [
  'ReplicaSet',
  'Pod',
  'Job',
  'Endpoints',
  'EndpointSlice',
  'PersistentVolumeClaim',
];

/** What something that is not copied controls, such as a custom resource: nothing makes it in the new namespace. */
function ownedByOthers(now: Snapshot): Migration['left'] {
  const unread = new Set(unreadControllers(now).map(({ ref }) => `${ref.kind}/${ref.name}`));
  return MIGRATION_KINDS.flatMap((kind) =>
    objectsIn(now, kind, SOURCE).flatMap((object) => {
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
      if (owner === undefined) return [];
      const made = MADE.includes(kind);
      if (made && BUILT_IN.includes(groupOf(owner.apiVersion))) return [];
      // Named with all that it makes.
      if (made && unread.has(`${owner.kind}/${owner.name}`)) return [];
      const by = `${owner.kind} ${owner.name}${owner.apiVersion === undefined ? '' : ` of ${owner.apiVersion}`}`;
      return [
        {
          ref: refOf(object),
          why: `${by} controls it and is not copied: move that from its source, so that it makes its own`,
        },
      ];
    }),
  );
}

function groupOf(apiVersion = ''): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** Every namespace has an account `default`: it is not copied, but what pods pull images with may stand in it. */
function pullSecrets(now: Snapshot): Migration['left'] {
  return objectsIn(now, 'ServiceAccount', SOURCE)
    .filter(({ metadata }) => metadata.name === 'default')
    .flatMap((account) => {
      const names = listAt(account, 'imagePullSecrets').flatMap((one) => stringAt(one, 'name') ?? []);
      const own = names.filter((name) => !name.startsWith('default-dockercfg-'));
      return own.length === 0
        ? []
        : [
            {
              ref: refOf(account),
              why: `every namespace has its own; name ${own.join(', ')} in imagePullSecrets of the new one, or images are not pulled`,
            },
          ];
    });
}

/** Secrets by name: those that are listed, where another step lists them, and those that what moves refers to. */
function secretNames(now: Snapshot, target: string, moved: readonly Manifest[]): readonly string[] {
  const there = new Set(objectsIn(now, 'Secret', target).map(({ metadata }) => metadata.name));
  const made = new Set<string>();
  const names = new Set(moved.flatMap((object) => [...secretsOf(object), ...secretsNamedBy(object)]));
  for (const { metadata, ...secret } of objectsIn(now, 'Secret', SOURCE))
    (MADE_SECRETS.includes(stringAt(secret, 'type') ?? '') ? made : names).add(metadata.name);
  return [...names].filter((name) => !made.has(name) && !there.has(name)).toSorted();
}

/** Fields that name a Secret of their object's own namespace; those of tokens are not copied. */
const SECRET_REFERENCES = ['secretKeyRef', 'secretRef', 'nodePublishSecretRef'];

/** The Secrets that an object refers to, wherever in it. */
function* secretsOf(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* secretsOf(item);
  if (!isRecord(value)) return;
  const { secret, secretName } = value;
  for (const name of [
    ...SECRET_REFERENCES.map((key) => stringAt(value, key, 'name')),
    stringAt(secret, 'secretName') ?? stringAt(secret, 'name'),
    typeof secretName === 'string' ? secretName : undefined,
    ...listAt(value, 'imagePullSecrets').map((one) => stringAt(one, 'name')),
  ])
    if (name !== undefined && name !== '') yield name;
  for (const inner of Object.values(value)) yield* secretsOf(inner);
}

/** One line for a copy: what of it is told, or nothing. */
export function about({ notes, rewrites }: Copy): readonly string[] {
  return [
    ...notes,
    ...rewrites.map(({ field, from, to, done }) =>
      done === 'rewritten'
        ? `${field}: ${from} became ${to}`
        : `${field}: ${from} was left; if it is a host, it is ${to} there`,
    ),
  ];
}
