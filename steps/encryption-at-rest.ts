import { chosen } from '../src/model/question.js';
import type { Step } from '../src/model/step.js';
import { assess } from './encryption-at-rest/findings.js';
import { plan } from './encryption-at-rest/plan.js';
import { ASKS, questions } from './encryption-at-rest/questions.js';
import { tables } from './encryption-at-rest/table.js';

/** Whether Secrets are encrypted where they are stored, turned on and brought to every stored Secret. */
export const encryptionAtRest: Step = {
  id: 'encryption-at-rest',
  title: 'Encryption at rest',
  why: [
    'Secrets are stored in plain text unless the API server is told to encrypt them.',
    'Whoever gets a copy of etcd, or of its backup, then holds every password.',
  ],
  references: [
    { catalogue: 'guide', id: 'Network separation and hardening: secrets; appendices H and I' },
    { catalogue: 'CIS', id: '1.2.27' },
    { catalogue: 'CIS', id: '1.2.28' },
    { catalogue: 'Kubescape', id: 'C-0066' },
    { catalogue: 'Trivy', id: 'KCV-0029' },
  ],
  folder: '04-encryption-at-rest',
  asks: ASKS,
  reads: [
    { probe: 'encryption', for: 'how Secrets are stored' },
    { kind: 'Secret', as: 'names', for: 'how many Secrets there are' },
    { kind: 'Pod', as: 'objects', for: 'arguments of the API server' },
    { kind: 'Node', as: 'objects', for: 'distribution and control-plane nodes' },
    {
      kind: 'CustomResourceDefinition',
      as: 'objects',
      for: 'custom resources that may be encrypted as well',
    },
  ],
  writes: [{ act: 'rewrite', resource: 'secrets', for: 'every stored Secret in its new form' }],
  writesFor: (answers) =>
    chosen(answers, 'alsoEncrypt').map((resource) => ({
      act: 'rewrite',
      resource,
      for: `every stored object of ${resource} in its new form`,
    })),
  questions,
  assess,
  tables,
  plan,
};
