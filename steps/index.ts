import type { Step } from '../src/model/step.js';
import { defaultDeny } from './default-deny.js';
import { encryptionAtRest } from './encryption-at-rest.js';
import { metadataBlocking } from './metadata-blocking.js';
import { namespaces } from './namespaces.js';
import { quotas } from './quotas.js';

/** The order of the wizard. Adding a step is adding a file and a line here. */
export const STEPS: readonly Step[] = [namespaces, defaultDeny, quotas, encryptionAtRest, metadataBlocking];
