import type { Finding } from '../../src/model/finding.js';
import { type Manifest, refOf, refText, stringAt } from '../../src/model/manifest.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { counted } from '../../src/model/words.js';
import { hidden, scalersOfUnseen, type Workload, workloadsIn } from '../../src/model/workloads.js';
import { SIZING_KINDS } from './seen.js';

/** Workloads of a namespace whose controller is not read: how they roll, and often of what, is not seen. */
export function unreadIn(now: Snapshot, namespace: string): readonly Workload[] {
  return workloadsIn(now, namespace).filter(({ object }) => object === undefined);
}

/** What a quota rests on where a controller is not read, a line for each, and what it leaves out. */
export function unreadLines(now: Snapshot, namespace: string): readonly string[] {
  return [...unreadIn(now, namespace).map(toldOf), ...scalersOfUnseen(now, namespace).map(scalerText)];
}

/** What of the workloads of a namespace could not be judged as others are, one finding a kind of controller. */
export function unreadFindings(now: Snapshot, namespace: string): readonly Finding[] {
  if (hidden(now, SIZING_KINDS).length > 0) return [];
  const kinds = Map.groupBy(unreadIn(now, namespace), ({ ref }) => `${ref.kind} (${ref.apiVersion})`);
  return [
    ...[...kinds].flatMap(([kind, all]): Finding[] => {
      const [first] = all;
      if (first === undefined) return [];
      return [
        {
          id: 'controller-not-read',
          severity: 'notVisible',
          object: first.ref,
          evidence: named(all.map(toldOf)),
          message: `${counted(all.length, 'workload')} of ${namespace} of kind ${kind}: how they roll is not seen, so that a full replacement is allowed for. Hold what they may grow to against the quota yourself.`,
        },
      ];
    }),
    ...scalersOfUnseen(now, namespace).map(
      (autoscaler): Finding => ({
        id: 'autoscaler-target-not-seen',
        severity: 'notVisible',
        object: refOf(autoscaler),
        evidence: scalerText(autoscaler),
        message: `Pods that ${refText(refOf(autoscaler))} may ask for are in no sum.`,
      }),
    ),
  ];
}

function toldOf({ ref, template, pods, replicas, surge }: Workload): string {
  const by = template === undefined ? 'its largest live pod, for its template is not seen' : 'its newest set';
  return `${ref.kind} ${ref.name} is sized by ${by}: ${counted(replicas, 'pod')} (${pods.length} live) and ${surge} for a full replacement`;
}

function scalerText(autoscaler: Manifest): string {
  const of = (field: string) => stringAt(autoscaler, 'spec', 'scaleTargetRef', field) ?? '';
  return `${refText(refOf(autoscaler))} scales ${of('kind')} ${of('name')}, of which no pod is seen: it is not counted`;
}

const NAMED = 5;

function named(texts: readonly string[]): string {
  const rest = texts.length > NAMED ? `; and ${texts.length - NAMED} more` : '';
  return `${texts.slice(0, NAMED).join('; ')}${rest}`;
}
