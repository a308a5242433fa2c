/** An encryption configuration under which an API server of a test writes Secrets as `k8s:enc:secretbox:v1:key1:`. */
export const ENCRYPTION = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [
    {
      resources: ['secrets'],
      providers: [
        { secretbox: { keys: [{ name: 'key1', secret: Buffer.alloc(32, 'k').toString('base64') }] } },
        { identity: {} },
      ],
    },
  ],
};
