import { isRecord, listAt, stringAt } from '../model/manifest.js';
import { child, fill } from './defaults.js';

type Fields = Record<string, unknown>;

/**
 * Defaults of a pod's spec; for a pod itself also what the admission plugins that are always on put in.
 * Source: `SetDefaults_PodSpec`, `SetDefaults_Container`, `SetDefaults_Probe` of core/v1.
 */
export function defaultPodSpec(spec: Fields, isPod: boolean): void {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  if (spec.serviceAccountName !== undefined) fill(spec, { serviceAccount: spec.serviceAccountName });
  for (const list of ['initContainers', 'containers'])
    for (const container of listAt(spec, list))
      if (isRecord(container)) defaultContainer(container, spec, isPod);
  for (const volume of listAt(spec, 'volumes')) if (isRecord(volume)) defaultVolume(volume);
  if (isPod) fill(spec, { enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority', priority: 0 });
}

function defaultContainer(container: Fields, spec: Fields, isPod: boolean): void {
  const image = stringAt(container, 'image') ?? '';
  const tag = /:([^:/@]+)(?:@.*)?$/.exec(image)?.[1];
  const latest = !image.includes('@') && (tag === undefined || tag === 'latest');
  fill(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
  });
  for (const port of listAt(container, 'ports')) {
    if (!isRecord(port)) continue;
    fill(port, { protocol: 'TCP' });
    if (spec.hostNetwork === true) fill(port, { hostPort: port.containerPort });
  }
  const limits = isPod && isRecord(container.resources) ? container.resources.limits : undefined;
  // A limit is a request where none is stated: in pods, not in the templates that they are made from.
  if (isRecord(limits)) fill(child(child(container, 'resources'), 'requests'), limits);
  for (const env of listAt(container, 'env')) {
    const field = isRecord(env) && isRecord(env.valueFrom) ? env.valueFrom.fieldRef : undefined;
    if (isRecord(field)) fill(field, { apiVersion: 'v1' });
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name];
    if (!isRecord(probe)) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    if (isRecord(probe.httpGet)) fill(probe.httpGet, { path: '/', scheme: 'HTTP' });
  }
}

function defaultVolume(volume: Fields): void {
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    const found = volume[source];
    if (isRecord(found)) fill(found, { defaultMode: 420 });
  }
  const path = volume.hostPath;
  if (isRecord(path)) fill(path, { type: '' });
}
