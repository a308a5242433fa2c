import { isIPv6 } from 'node:net';
import type { Manifest } from '../../model/manifest.js';
import { ourLabels } from '../../model/ours.js';
import { PROBE_COMPONENT } from '../../model/policy-probe.js';

const LABELS = ourLabels(PROBE_COMPONENT);
const ROLE = 'kubectl-harden/role';

/** Port that the server listens on. */
export const PORT = 8080;
/** Longest that one attempt to connect may take, in seconds. */
export const CONNECT_SECONDS = 4;

export const SERVER = 'server';
export const DENY = 'deny-ingress';

export function namespaceManifest(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: LABELS } };
}

/** The very policy that default-deny writes, for ingress: every pod of the namespace, no rule. */
export function denyManifest(namespace: string): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: DENY, namespace, labels: LABELS },
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  };
}

/** A pod that answers on `PORT`. */
export function serverManifest(namespace: string, image: string, lifetime: number): Manifest {
  return pod(namespace, SERVER, { image, lifetime, args: ['serve-hostname', `--port=${PORT}`] });
}

/** A pod that connects once: it ends with 0 where it could, else with 1 and the reason as its message. */
export function clientManifest(
  namespace: string,
  name: string,
  image: string,
  lifetime: number,
  address: string,
): Manifest {
  const host = isIPv6(address) ? `[${address}]` : address;
  const args = ['connect', `${host}:${PORT}`, `--timeout=${CONNECT_SECONDS}s`, '--protocol=tcp'];
  return pod(namespace, name, { image, lifetime, args });
}

interface Run {
  image: string;
  /** Seconds after which the kubelet ends it, whatever has become of us. */
  lifetime: number;
  args: readonly string[];
}

/** Requests equal limits, so that no ratio of a LimitRange is too large; each resource that a quota may count is named. */
const AMOUNTS = { cpu: '50m', memory: '64Mi', 'ephemeral-storage': '32Mi' };

/** A pod that the restricted Pod Security Standard admits (kubernetes.io: Pod Security Standards). */
function pod(namespace: string, name: string, { image, lifetime, args }: Run): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { ...LABELS, [ROLE]: name === SERVER ? SERVER : 'client' } },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: lifetime,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      dnsPolicy: 'Default',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65_534,
        runAsGroup: 65_534,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'agnhost',
          image,
          imagePullPolicy: 'IfNotPresent',
          args,
          resources: { requests: AMOUNTS, limits: AMOUNTS },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          // The last words of a client reach its status, so that no log has to be read.
          terminationMessagePolicy: 'FallbackToLogsOnError',
        },
      ],
    },
  };
}
