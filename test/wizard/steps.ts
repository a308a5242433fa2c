import { type Manifest, refOf } from '../../src/model/manifest.js';
import type { Change } from '../../src/model/plan.js';
import { objects } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';

export const namespace = (name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});
export const configMap = (ns: string, name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: ns },
});

const change = (step: string, manifest: Manifest, before?: Manifest): Change => ({
  id: `${step}/${manifest.metadata.namespace ?? '-'}/${manifest.kind}/${manifest.metadata.name}`,
  kind: 'apply',
  ref: refOf(manifest),
  risk: 'none',
  why: 'because',
  breaks: [],
  manifest,
  ...(before === undefined ? {} : { before }),
});

/** Puts each of `names` as ConfigMaps into every namespace; done once they are there. */
export function markStep(id: string, names: readonly string[]): Step {
  const missing = (now: Parameters<Step['plan']>[0]) =>
    objects(now, 'Namespace').flatMap((ns) =>
      names
        .map((name) => configMap(ns.metadata.name, name))
        .filter(
          (m) =>
            !objects(now, 'ConfigMap').some(
              (c) => c.metadata.name === m.metadata.name && c.metadata.namespace === m.metadata.namespace,
            ),
        ),
    );
  return {
    id,
    title: id,
    why: ['', ''],
    references: [],
    folder: id,
    reads: [
      { kind: 'Namespace', as: 'objects', for: 'tests' },
      { kind: 'ConfigMap', as: 'objects', for: 'tests' },
    ],
    writes: [
      { kind: 'Namespace', by: 'apply', for: 'tests' },
      { kind: 'ConfigMap', by: 'apply', for: 'tests' },
    ],
    questions: () => [
      { id: 'on', type: 'confirm', message: 'on?', risk: 'none', recommended: true, cautious: false },
    ],
    assess: (now) =>
      missing(now).map((m) => ({
        id: 'missing',
        severity: 'medium',
        object: refOf(m),
        evidence: '',
        message: 'missing',
      })),
    plan: (now, answers) => (answers.on === true ? missing(now).map((m) => change(id, m)) : []),
  };
}

/** Labels every namespace, so that there is something to change and not only to add. */
export function labelStep(id: string): Step {
  const open = (now: Parameters<Step['plan']>[0]) =>
    objects(now, 'Namespace').filter((ns) => ns.metadata.labels?.[id] !== 'yes');
  return {
    ...markStep(id, []),
    questions: () => [],
    assess: (now) =>
      open(now).map((ns) => ({
        id: 'unlabelled',
        severity: 'low',
        object: refOf(ns),
        evidence: '',
        message: 'no label',
      })),
    plan: (now) =>
      open(now).map((ns) =>
        change(
          id,
          { ...namespace(ns.metadata.name), metadata: { name: ns.metadata.name, labels: { [id]: 'yes' } } },
          ns,
        ),
      ),
  };
}

/** `markStep` of which the ConfigMaps of some names are confirmed each by itself. */
export function aloneStep(id: string, names: readonly string[], alone: readonly string[]): Step {
  const base = markStep(id, names);
  return {
    ...base,
    plan: (now, answers, templates) =>
      base
        .plan(now, answers, templates)
        .map((one) =>
          one.kind === 'apply' && alone.includes(one.ref.name) ? { ...one, alone: true as const } : one,
        ),
  };
}
