import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';

/** kubeadm's manifest, as the tests of a node begin with it. */
export const MANIFEST = readFileSync(
  path.join(import.meta.dirname, '../../fixtures/control-plane/manifests/kubeadm.yaml'),
  'utf8',
);

/** A key's value that is known again wherever it turns up: base64 of 32 times one letter. */
export const secretOf = (name: string): string => Buffer.alloc(32, name.at(-1)).toString('base64');

/** An EncryptionConfiguration for secrets with these providers in order: `identity`, `secretbox/key1`. */
export function configText(...providers: readonly string[]): string {
  return stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      {
        resources: ['secrets'],
        providers: providers.map((one) => {
          const [kind = '', name = ''] = one.split('/');
          return { [kind]: kind === 'identity' ? {} : { keys: [{ name, secret: secretOf(name) }] } };
        }),
      },
    ],
  });
}
