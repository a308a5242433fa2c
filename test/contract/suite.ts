import { describeAdmission } from './admission.js';
import { describeApply } from './apply.js';
import { describeConflicts } from './conflicts.js';
import { describeEncryption } from './encryption.js';
import { describeLease } from './lease.js';
import { describeReading } from './reading.js';
import { describeStale } from './stale.js';
import { Client, type Subject } from './tools.js';
import { describeUndo } from './undo.js';
import { describeWriting } from './writing.js';

/**
 * What the wizard needs of a cluster, request by request. The same suite runs against the embedded cluster and
 * against a real kube-apiserver: what differs between them is not a cluster that the wizard can be trusted on.
 */
export function describeContract(name: string, start: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject | undefined;
    const cluster = (): Client => new Client(subject!);
    beforeAll(async () => {
      subject = await start();
    }, 60_000);
    afterAll(async () => {
      await subject?.close();
    }, 30_000);

    describeReading(cluster, () => subject!);
    describeWriting(cluster);
    describeApply(cluster);
    describeAdmission(cluster);
    describeConflicts(cluster, () => subject!);
    describeLease(cluster, () => subject!);
    describeStale(cluster, () => subject!);
    describeUndo(cluster, () => subject!);
    describeEncryption(cluster, () => subject!); // the last one: it changes how the API server stores
  });
}
