import { at, type Manifest } from '../model/manifest.js';
import { badRequest } from './status.js';

type Test = (object: Manifest) => boolean;

/**
 * A `labelSelector` of a request: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Throws 400 where it does not parse.
 */
export function labelTest(text: string): Test {
  const tests = splitTop(text).map(requirement);
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return tests.every((test) => test(labels));
  };
}

function requirement(text: string): (labels: Record<string, string>) => boolean {
  const has = (labels: Record<string, string>, key: string): boolean => Object.hasOwn(labels, key);
  const set = /^([^\s!=(),]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return operator === 'in'
      ? (labels) => has(labels, key) && values.includes(labels[key]!)
      : (labels) => !has(labels, key) || !values.includes(labels[key]!);
  }
  const pair = /^([^\s!=(),]+)\s*(==|=|!=)\s*([^\s!=(),]*)$/.exec(text);
  if (pair !== null) {
    const [, key = '', operator, value = ''] = pair;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const single = /^(!?)\s*([^\s!=(),]+)$/.exec(text);
  if (single === null) throw badRequest(`unable to parse requirement: ${text}`);
  const [, not, key = ''] = single;
  return (labels) => has(labels, key) !== (not === '!');
}

/** Splits at commas that are not inside parentheses. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let index = 0; index <= text.length; index++) {
    const char = text[index];
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (index === text.length || (char === ',' && depth === 0)) {
      const part = text.slice(from, index).trim();
      if (part !== '') parts.push(part);
      from = index + 1;
    }
  }
  return parts;
}

/** Fields that a list can be narrowed by, next to name and namespace. Source: each kind's `SelectableFields`. */
const SELECTABLE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  Secret: { type: ['type'] },
  Namespace: { 'status.phase': ['status', 'phase'] },
  Pod: {
    'spec.nodeName': ['spec', 'nodeName'],
    'spec.restartPolicy': ['spec', 'restartPolicy'],
    'spec.schedulerName': ['spec', 'schedulerName'],
    'spec.serviceAccountName': ['spec', 'serviceAccountName'],
    'spec.hostNetwork': ['spec', 'hostNetwork'],
    'status.phase': ['status', 'phase'],
    'status.podIP': ['status', 'podIP'],
    'status.nominatedNodeName': ['status', 'nominatedNodeName'],
  },
  ReplicaSet: { 'status.replicas': ['status', 'replicas'] },
  Job: { 'status.successful': ['status', 'succeeded'] },
  Node: { 'spec.unschedulable': ['spec', 'unschedulable'] },
  Event: { reason: ['reason'], type: ['type'], 'involvedObject.name': ['involvedObject', 'name'] },
};

/** A `fieldSelector` of a request: `metadata.name=a,type!=Opaque`. Throws 400 for fields that the kind does not offer. */
export function fieldTest(kind: string, text: string): Test {
  const tests = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): Test => {
      const match = /^([^!=]+?)\s*(==|=|!=)\s*(.*)$/.exec(part);
      if (match === null) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
      const [, field = '', operator, value = ''] = match;
      const path =
        field === 'metadata.name' || field === 'metadata.namespace'
          ? field.split('.')
          : SELECTABLE[kind]?.[field];
      if (path === undefined) throw badRequest(`field label not supported: ${field}`);
      return (object) => (String(at(object, ...path) ?? '') === value) === (operator !== '!=');
    });
  return (object) => tests.every((test) => test(object));
}
