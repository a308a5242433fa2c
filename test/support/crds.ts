import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { at, isRecord, listAt, type Manifest } from '../../src/model/manifest.js';

/** The published schemas, where they are present. */
const CRDS = fileURLToPath(new URL('../../../shared/crds/', import.meta.url));

export function hasSchema(file: string): boolean {
  return existsSync(path.join(CRDS, file));
}

/** A schema of a CRD as JSON Schema: a field that it does not name is an error, as with strict field validation. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (!isRecord(schema)) return schema;
  const closed =
    isRecord(schema.properties) &&
    schema.additionalProperties === undefined &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true;
  return {
    ...Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)])),
    ...(closed && { additionalProperties: false }),
  };
}

/** What the published schema of its kind finds wrong with an object's `spec`. */
export function faultsOf(manifest: Manifest, file: string): readonly string[] {
  const crd: unknown = parse(readFileSync(path.join(CRDS, file), 'utf8'));
  const version = manifest.apiVersion.split('/')[1];
  const found = listAt(crd, 'spec', 'versions').find((one) => at(one, 'name') === version);
  const schema = strict(at(found, 'schema', 'openAPIV3Schema', 'properties', 'spec'));
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema as object);
  return validate(manifest.spec)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `spec${instancePath}: ${message}`);
}
