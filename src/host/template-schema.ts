import { z } from 'zod';
import { parseQuantity, quantityOf, whole } from '../model/quantity.js';

const quantity = z.union([z.string(), z.number()]).superRefine((value, context) => {
  const parsed = parseQuantity(value);
  if (typeof parsed !== 'bigint') context.addIssue('expected a quantity such as 100m or 1.5Gi');
  else if (parsed < 0n) context.addIssue('expected a quantity of zero or more');
});
const quantities = z.record(z.string(), quantity);
/** What a quota counts is whole, as for the API server; amounts of CPU, memory and storage may be fractions. */
const AMOUNTS = /^((requests|limits)\.|(cpu|memory|ephemeral-storage)$)/;
const hard = quantities.superRefine((amounts, context) => {
  for (const [key, value] of Object.entries(amounts)) {
    const parsed = quantityOf(value) ?? 0n;
    if (!AMOUNTS.test(key) && parsed % whole(1) !== 0n)
      context.addIssue({ code: 'custom', path: [key], message: 'expected a whole number' });
  }
});
const strings = z.record(z.string(), z.string());

/** Names as the API demands them of objects: RFC 1123 subdomains. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

const metadata = z.looseObject({
  name: z.string().regex(NAME, 'expected a name of lower-case letters, digits, dashes and dots'),
  namespace: z.string().optional(),
  labels: strings.optional(),
  annotations: strings.optional(),
});

const selector = z.strictObject({
  matchLabels: strings.optional(),
  matchExpressions: z.array(z.looseObject({ key: z.string(), operator: z.string() })).optional(),
});
const peers = z.array(
  z.strictObject({
    podSelector: selector.optional(),
    namespaceSelector: selector.optional(),
    ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).optional() }).optional(),
  }),
);
const ports = z.array(
  z.strictObject({
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
    port: z.union([z.string(), z.int()]).optional(),
    endPort: z.int().optional(),
  }),
);

/** What is expected of a template beyond kind and name; a field that the API does not know is an error. */
const BY_KIND: Readonly<Record<string, z.ZodType>> = {
  Namespace: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.string(),
    metadata,
    spec: z.object({}).optional(),
  }),
  LimitRange: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.string(),
    metadata,
    spec: z.strictObject({
      limits: z
        .array(
          z.strictObject({
            type: z.enum(['Container', 'Pod', 'PersistentVolumeClaim']),
            default: quantities.optional(),
            defaultRequest: quantities.optional(),
            max: quantities.optional(),
            min: quantities.optional(),
            maxLimitRequestRatio: quantities.optional(),
          }),
        )
        .min(1),
    }),
  }),
  ResourceQuota: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.string(),
    metadata,
    spec: z.strictObject({ hard }),
  }),
  NetworkPolicy: z.strictObject({
    apiVersion: z.literal('networking.k8s.io/v1'),
    kind: z.string(),
    metadata,
    spec: z.strictObject({
      podSelector: selector,
      policyTypes: z.array(z.enum(['Ingress', 'Egress'])).min(1),
      ingress: z.array(z.strictObject({ from: peers.optional(), ports: ports.optional() })).optional(),
      egress: z.array(z.strictObject({ to: peers.optional(), ports: ports.optional() })).optional(),
    }),
  }),
  // A file for the API server, not an object of the API: it has no name.
  EncryptionConfiguration: z.looseObject({
    apiVersion: z.literal('apiserver.config.k8s.io/v1'),
    kind: z.string(),
    resources: z.array(
      z.looseObject({ resources: z.array(z.string()), providers: z.array(z.looseObject({})) }),
    ),
  }),
};

const ANY = z.looseObject({ apiVersion: z.string().min(1), kind: z.string().min(1), metadata });

/** One thing that is wrong with a template: where in it, and what was expected. */
export interface TemplateFault {
  path: readonly (string | number)[];
  message: string;
}

/** What is wrong with a parsed template; empty where nothing is. */
export function templateFaults(value: unknown): readonly TemplateFault[] {
  const kind = z.looseObject({ kind: z.string() }).safeParse(value);
  const schema = kind.success && Object.hasOwn(BY_KIND, kind.data.kind) ? BY_KIND[kind.data.kind]! : ANY;
  const result = schema.safeParse(value);
  if (result.success) return [];
  return result.error.issues.map((issue) => ({
    path:
      issue.code === 'unrecognized_keys' ? keysOf([...issue.path, issue.keys[0] ?? '']) : keysOf(issue.path),
    message:
      issue.code === 'unrecognized_keys'
        ? 'the API knows no such field'
        : issue.message.replace(/^Invalid (?:input|option): /, ''),
  }));
}

function keysOf(path: readonly PropertyKey[]): readonly (string | number)[] {
  return path.map((key) => (typeof key === 'symbol' ? String(key) : key));
}
