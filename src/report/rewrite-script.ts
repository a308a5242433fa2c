import type { RewriteChange } from '../model/plan.js';
import type { ClusterInfo } from '../model/snapshot.js';
import { scriptFrame } from './script-frame.js';

/**
 * `rewrite-secrets.sh`: the re-write as the Kubernetes documentation has it. It tests nothing but whose cluster it is:
 * what has to be looked at before is said, and promised by nobody.
 */
export function rewriteScript(
  cluster: Pick<ClusterInfo, 'context' | 'id' | 'sandbox' | 'files'>,
  { resource, under }: Pick<RewriteChange, 'resource' | 'under'>,
): string {
  const what = resource === 'secrets' ? 'Secret' : `object of ${resource}`;
  const all = resource === 'secrets' ? 'Secrets' : resource;
  const frame = scriptFrame(cluster, {
    name: `rewrite-${resource}.sh`,
    about: [
      under === ''
        ? `Writes every ${what} again, by the command of the Kubernetes documentation, so that it is stored in plain text.`
        : `Writes every ${what} again, by the command of the Kubernetes documentation, so that it is stored under the key.`,
      '',
      ...(under === '' ? CHECK_PLAIN : CHECK_ENCRYPTED),
      '  kubectl harden apply --step encryption-at-rest',
      'instead: it tries every API server first, reads no value, and goes on where it was interrupted.',
      '',
      `This script carries every value through this machine. kubectl reports the ${all} that a webhook refuses, and a`,
      'conflict where somebody wrote at the same moment; it may be run again.',
    ],
    verb: `re-write ${all} of`,
    nothing: 'Nothing was re-written.',
  });
  return `${frame}kube get ${resource} --all-namespaces -o json | kube replace -f -\n`;
}

const CHECK_ENCRYPTED = [
  'CHECK EACH API SERVER FIRST; this script does not. One that still has the old configuration, or has identity',
  'first, stores in plain text whatever passes it, encrypted Secrets too, and nothing fails. On each, write a Secret',
  'and look at it in etcd: what is stored must begin with k8s:enc: and the same key everywhere. Or use',
];

const CHECK_PLAIN = [
  'CHECK EACH API SERVER FIRST; this script does not. One that still has a key first encrypts again whatever passes',
  'it, and nothing fails. On each, write a Secret and look at it in etcd: what is stored must not begin with k8s:enc:.',
  'Or use',
];
