import { appliedFields, type FieldSet, projected } from '../../src/model/managed-fields.js';
import type { Manifest } from '../../src/model/manifest.js';

const LIMITS: Manifest = {
  apiVersion: 'v1',
  kind: 'Example',
  metadata: {
    name: 'one',
    namespace: 'shop',
    uid: 'u1',
    labels: { app: 'shop', tier: 'web' },
    finalizers: ['a/b', 'c/d'],
  },
  spec: {
    hard: { pods: '10', cpu: '2' },
    ports: [
      { port: 80, protocol: 'TCP', name: 'http' },
      { port: 443, protocol: 'TCP', name: 'https' },
    ],
    rules: [{ from: [] }],
  },
  status: { used: {} },
};

const of = (fields: FieldSet) => {
  const { apiVersion: _a, kind: _k, ...rest } = projected(LIMITS, fields);
  return rest;
};
const IDENTITY = { name: 'one', namespace: 'shop' };

describe('what an object holds in the fields of a field manager', () => {
  const CASES: readonly [string, FieldSet, unknown][] = [
    ['no field', {}, { metadata: IDENTITY }],
    [
      'one label',
      { 'f:metadata': { 'f:labels': { 'f:app': {} } } },
      { metadata: { ...IDENTITY, labels: { app: 'shop' } } },
    ],
    [
      'one entry of a map',
      { 'f:spec': { 'f:hard': { 'f:cpu': {} } } },
      { metadata: IDENTITY, spec: { hard: { cpu: '2' } } },
    ],
    [
      'an atomic list',
      { 'f:spec': { 'f:rules': {} } },
      { metadata: IDENTITY, spec: { rules: [{ from: [] }] } },
    ],
    [
      'an item of a list by its keys, with the keys',
      { 'f:spec': { 'f:ports': { 'k:{"port":443,"protocol":"TCP"}': { '.': {}, 'f:name': {} } } } },
      { metadata: IDENTITY, spec: { ports: [{ port: 443, protocol: 'TCP', name: 'https' }] } },
    ],
    [
      'an item of a set',
      { 'f:metadata': { 'f:finalizers': { 'v:"c/d"': {} } } },
      { metadata: { ...IDENTITY, finalizers: ['c/d'] } },
    ],
    ['a field that is not there', { 'f:spec': { 'f:nothing': {} } }, { metadata: IDENTITY, spec: {} }],
    [
      'a place whose content belongs to others',
      { 'f:spec': { 'f:hard': { '.': {} } } },
      { metadata: IDENTITY, spec: { hard: {} } },
    ],
    [
      'status and uid are never taken',
      { 'f:status': {}, 'f:metadata': { 'f:uid': {} } },
      { metadata: IDENTITY },
    ],
    [
      'keys that are no JSON match nothing',
      { 'f:spec': { 'f:ports': { 'k:{"port"': {} } } },
      { metadata: IDENTITY, spec: { ports: [] } },
    ],
  ];
  test.each(CASES)('%s', (_what, fields, expected) => {
    expect(of(fields)).toEqual(expected);
  });

  test('only those of server-side apply by this manager, and not those of a subresource', () => {
    const managed = (entries: unknown[]): Manifest => ({
      ...LIMITS,
      metadata: { ...LIMITS.metadata, managedFields: entries },
    });
    const fieldsV1 = { 'f:spec': {} };
    const apply = { manager: 'us', operation: 'Apply', fieldsV1 };
    expect(appliedFields(managed([apply]), 'us')).toEqual(fieldsV1);
    expect(appliedFields(managed([apply]), 'them')).toEqual({});
    expect(appliedFields(managed([{ ...apply, operation: 'Update' }]), 'us')).toEqual({});
    expect(appliedFields(managed([{ ...apply, subresource: 'status' }]), 'us')).toEqual({});
    expect(appliedFields(LIMITS, 'us')).toEqual({});
  });
});
