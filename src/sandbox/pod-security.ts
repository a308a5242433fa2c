import { at, isRecord, listAt, type Manifest, stringAt } from '../model/manifest.js';
import { TEMPLATES } from '../model/workloads.js';
import { coreResource, type Resource } from './resources.js';
import { forbidden } from './status.js';
import type { Store } from './store.js';

/** Levels of the Pod Security Standards, the loosest first. */
const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
type Level = (typeof LEVELS)[number];

const PATHS: Readonly<Record<string, readonly string[]>> = TEMPLATES;

/** Capabilities that Baseline lets a container add. */
const ADDABLE = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

/** Sysctls that Baseline allows. */
const SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
];

const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

/** Kinds of volumes that Restricted allows. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

interface Parts {
  spec: unknown;
  containers: readonly unknown[];
}

/** One check: what it is called, and where a pod fails it, in words; empty where it passes. */
interface Check {
  level: Exclude<Level, 'privileged'>;
  name: string;
  fails(parts: Parts): readonly string[];
}

const ofContainers =
  (fails: (container: unknown, spec: unknown) => boolean) =>
  ({ spec, containers }: Parts): readonly string[] =>
    containers
      .filter((container) => fails(container, spec))
      .map((container) => `container "${stringAt(container, 'name') ?? ''}"`);

const context = (value: unknown, ...path: string[]) => at(value, 'securityContext', ...path);
const added = (container: unknown) => listAt(container, 'securityContext', 'capabilities', 'add');
/** A setting of a container, or of its pod where it has none. */
const either = (container: unknown, spec: unknown, ...path: string[]) =>
  context(container, ...path) ?? context(spec, ...path);

/** The checks of the documentation (Pod Security Standards), for Linux, at their latest version. */
const CHECKS: readonly Check[] = [
  {
    level: 'baseline',
    name: 'host namespaces',
    fails: ({ spec }) =>
      ['hostNetwork', 'hostPID', 'hostIPC']
        .filter((key) => at(spec, key) === true)
        .map((key) => `${key}=true`),
  },
  { level: 'baseline', name: 'privileged', fails: ofContainers((c) => context(c, 'privileged') === true) },
  {
    level: 'baseline',
    name: 'hostProcess',
    fails: ofContainers((c, spec) => either(c, spec, 'windowsOptions', 'hostProcess') === true),
  },
  {
    level: 'baseline',
    name: 'non-default capabilities',
    fails: ofContainers((c) => added(c).some((one) => !ADDABLE.includes(String(one)))),
  },
  {
    level: 'baseline',
    name: 'hostPath volumes',
    fails: ({ spec }) =>
      listAt(spec, 'volumes')
        .filter((volume) => at(volume, 'hostPath') !== undefined)
        .map((volume) => `volume "${stringAt(volume, 'name') ?? ''}"`),
  },
  {
    level: 'baseline',
    name: 'hostPort',
    fails: ofContainers((c) => listAt(c, 'ports').some((port) => Number(at(port, 'hostPort') ?? 0) > 0)),
  },
  {
    level: 'baseline',
    name: 'seLinuxOptions',
    fails: ofContainers((c, spec) =>
      [context(c, 'seLinuxOptions'), context(spec, 'seLinuxOptions')].some(
        (options) =>
          !SELINUX_TYPES.includes(stringAt(options, 'type') ?? '') ||
          (stringAt(options, 'user') ?? '') !== '' ||
          (stringAt(options, 'role') ?? '') !== '',
      ),
    ),
  },
  {
    level: 'baseline',
    name: 'procMount',
    fails: ofContainers(
      (c) => !['Default', undefined].includes(context(c, 'procMount') as string | undefined),
    ),
  },
  {
    level: 'baseline',
    name: 'appArmorProfile',
    fails: ofContainers((c, spec) => either(c, spec, 'appArmorProfile', 'type') === 'Unconfined'),
  },
  {
    level: 'baseline',
    name: 'forbidden sysctls',
    fails: ({ spec }) =>
      listAt(spec, 'securityContext', 'sysctls')
        .map((sysctl) => stringAt(sysctl, 'name') ?? '')
        .filter((name) => !SYSCTLS.includes(name)),
  },
  {
    level: 'baseline',
    name: 'seccompProfile',
    fails: ofContainers((c, spec) => either(c, spec, 'seccompProfile', 'type') === 'Unconfined'),
  },
  {
    level: 'restricted',
    name: 'allowPrivilegeEscalation != false',
    fails: ofContainers((c) => context(c, 'allowPrivilegeEscalation') !== false),
  },
  {
    level: 'restricted',
    name: 'unrestricted capabilities',
    fails: ofContainers(
      (c) =>
        !listAt(c, 'securityContext', 'capabilities', 'drop').includes('ALL') ||
        added(c).some((one) => one !== 'NET_BIND_SERVICE'),
    ),
  },
  {
    level: 'restricted',
    name: 'restricted volume types',
    fails: ({ spec }) =>
      listAt(spec, 'volumes')
        .filter(
          (volume) =>
            isRecord(volume) && Object.keys(volume).some((key) => key !== 'name' && !VOLUMES.includes(key)),
        )
        .map((volume) => `volume "${stringAt(volume, 'name') ?? ''}"`),
  },
  {
    level: 'restricted',
    name: 'runAsNonRoot != true',
    fails: ofContainers((c, spec) => either(c, spec, 'runAsNonRoot') !== true),
  },
  {
    level: 'restricted',
    name: 'runAsUser=0',
    fails: ofContainers((c, spec) => context(c, 'runAsUser') === 0 || context(spec, 'runAsUser') === 0),
  },
  {
    level: 'restricted',
    name: 'seccompProfile',
    fails: ofContainers(
      (c, spec) =>
        !['RuntimeDefault', 'Localhost'].includes(String(either(c, spec, 'seccompProfile', 'type'))),
    ),
  },
];

/** The checks of a level that a pod fails, each with where; those of a looser level are part of a stricter one. */
export function violations(spec: unknown, level: Level): readonly { name: string; where: string }[] {
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    listAt(spec, list),
  );
  return CHECKS.filter((check) => LEVELS.indexOf(check.level) <= LEVELS.indexOf(level)).flatMap(
    ({ name, fails }) => {
      const where = fails({ spec, containers });
      return where.length === 0 ? [] : [{ name, where: where.join(', ') }];
    },
  );
}

function levelOf(labels: unknown, mode: 'enforce' | 'warn'): { level: Level; version: string } {
  const said = stringAt(labels, `pod-security.kubernetes.io/${mode}`);
  const version = stringAt(labels, `pod-security.kubernetes.io/${mode}-version`) ?? 'latest';
  // A value that is no level counts as the strictest one (Pod Security Admission).
  const level = said === undefined ? 'privileged' : (LEVELS.find((one) => one === said) ?? 'restricted');
  return { level, version };
}

function labelsOf(store: Store, namespace: string): unknown {
  return at(store.get(coreResource('Namespace'), '', namespace)?.object, 'metadata', 'labels');
}

function words(found: ReturnType<typeof violations>): string {
  return found.map(({ name, where }) => `${name} (${where})`).join(', ');
}

/** Refuses a pod that its namespace's enforced level does not allow. @throws ApiError 403 */
export function enforcePodSecurity(store: Store, resource: Resource, namespace: string, pod: Manifest): void {
  if (resource.kind !== 'Pod') return;
  const { level, version } = levelOf(labelsOf(store, namespace), 'enforce');
  const found = violations(pod.spec, level);
  if (found.length > 0)
    throw forbidden(
      resource,
      pod.metadata.name,
      `violates PodSecurity "${level}:${version}": ${words(found)}`,
    );
}

/** What Pod Security Admission says to a write: of a namespace whose enforced level rises, of a pod, of what makes pods. */
export function podSecurityWarnings(
  store: Store,
  resource: Resource,
  before: Manifest | undefined,
  written: Manifest,
): readonly string[] {
  const { name, namespace = '', labels } = written.metadata;
  if (resource.kind === 'Namespace')
    return before === undefined ? [] : namespaceWarnings(store, name, before, labels);
  const path = resource.kind === 'Pod' ? [] : PATHS[resource.kind];
  if (path === undefined) return [];
  const { level, version } = levelOf(labelsOf(store, namespace), 'warn');
  const found = violations(at(written, ...path, 'spec'), level);
  return found.length === 0 ? [] : [`would violate PodSecurity "${level}:${version}": ${words(found)}`];
}

function namespaceWarnings(store: Store, name: string, before: Manifest, labels: unknown): readonly string[] {
  const { level, version } = levelOf(labels, 'enforce');
  const old = levelOf(before.metadata.labels, 'enforce');
  // Only a stricter level is tried on the pods that are there.
  if (LEVELS.indexOf(level) <= LEVELS.indexOf(old.level)) return [];
  const bad = store.all(coreResource('Pod'), name).flatMap(({ object }) => {
    if (['Succeeded', 'Failed'].includes(stringAt(object, 'status', 'phase') ?? '')) return [];
    const found = violations(object.spec, level);
    return found.length === 0
      ? []
      : [{ pod: object.metadata.name, why: found.map((one) => one.name).join(', ') }];
  });
  if (bad.length === 0) return [];
  const groups = Map.groupBy(bad, ({ why }) => why);
  return [
    `existing pods in namespace "${name}" violate the new PodSecurity enforce level "${level}:${version}"`,
    ...[...groups].map(([why, [first, ...others]]) => {
      const more =
        others.length === 0 ? '' : ` (and ${others.length} other pod${others.length === 1 ? '' : 's'})`;
      return `${first?.pod ?? ''}${more}: ${why}`;
    }),
  ];
}
