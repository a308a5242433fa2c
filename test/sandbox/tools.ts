import { type HostChange, KEY_PLACEHOLDER } from '../../src/model/plan.js';
import type { Sandbox } from '../../src/sandbox/index.js';

const FILE = '/etc/kubernetes/enc/encryption-config.yaml';

/** Switching on secretbox, as step 4 would write it for a kubeadm control-plane node. */
export function encryptionChange(more: Partial<HostChange> = {}): HostChange {
  return {
    kind: 'host',
    id: 'encryption-at-rest/-/Node/control-plane',
    ref: { apiVersion: 'v1', kind: 'Pod', namespace: 'kube-system', name: 'kube-apiserver' },
    risk: 'restartsApiServer',
    why: 'Secrets are stored in plain text',
    breaks: [],
    instructions: [],
    files: [
      {
        path: FILE,
        as: 'encryption-config.yaml',
        mode: 0o600,
        content: {
          apiVersion: 'apiserver.config.k8s.io/v1',
          kind: 'EncryptionConfiguration',
          resources: [
            {
              resources: ['secrets'],
              providers: [
                { secretbox: { keys: [{ name: 'key1', secret: KEY_PLACEHOLDER }] } },
                { identity: {} },
              ],
            },
          ],
        },
      },
      {
        path: '/etc/kubernetes/patches/kube-apiserver+json.yaml',
        as: 'kube-apiserver+json.yaml',
        mode: 0o644,
        content: [
          { op: 'add', path: '/spec/containers/0/command/-', value: `--encryption-provider-config=${FILE}` },
          {
            op: 'add',
            path: '/spec/containers/0/volumeMounts/-',
            value: { name: 'enc', mountPath: '/etc/kubernetes/enc', readOnly: true },
          },
          {
            op: 'add',
            path: '/spec/volumes/-',
            value: { name: 'enc', hostPath: { path: '/etc/kubernetes/enc', type: 'Directory' } },
          },
        ],
      },
    ],
    ...more,
  };
}

export async function encryptSandbox(sandbox: Sandbox): Promise<void> {
  const outcome = await sandbox.host.apply(encryptionChange());
  if (outcome.state !== 'applied') throw new Error(outcome.reason);
}
