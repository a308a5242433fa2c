/** One field of an object that an API server would refuse, in its words. */
export interface Fault {
  reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate';
  message: string;
  field: string;
}

/** Collects what is wrong with an object, field by field. */
export class Problems {
  readonly causes: Fault[] = [];

  invalid(field: string, value: unknown, why: string): void {
    this.#add('FieldValueInvalid', field, `Invalid value: ${JSON.stringify(value)}: ${why}`);
  }
  required(field: string, why = ''): void {
    this.#add('FieldValueRequired', field, why === '' ? 'Required value' : `Required value: ${why}`);
  }
  unsupported(field: string, value: unknown, supported: readonly string[]): void {
    const list = supported.map((item) => JSON.stringify(item)).join(', ');
    this.#add(
      'FieldValueNotSupported',
      field,
      `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
    );
  }
  forbidden(field: string, why: string): void {
    this.#add('FieldValueForbidden', field, `Forbidden: ${why}`);
  }
  duplicate(field: string, value: unknown): void {
    this.#add('FieldValueDuplicate', field, `Duplicate value: ${JSON.stringify(value)}`);
  }
  #add(reason: Fault['reason'], field: string, message: string): void {
    this.causes.push({ reason, field, message });
  }
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;

const tooLong = (most: number): string => `must be no more than ${most} characters`;

/** Rules of names: each returns what is wrong, nothing where all is well. Source: apimachinery `util/validation`. */
export function dnsLabel(value: string): string[] {
  return [
    ...(value.length > 63 ? [tooLong(63)] : []),
    ...(LABEL.test(value)
      ? []
      : [
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        ]),
  ];
}

export function dns1035(value: string): string[] {
  return [
    ...(value.length > 63 ? [tooLong(63)] : []),
    ...(LABEL_1035.test(value)
      ? []
      : [
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        ]),
  ];
}

export function dnsSubdomain(value: string): string[] {
  return [
    ...(value.length > 253 ? [tooLong(253)] : []),
    ...(SUBDOMAIN.test(value)
      ? []
      : [
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        ]),
  ];
}

/** Names that are one path segment, as of RBAC objects and APIServices. */
export function pathSegment(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((char) => value.includes(char)).map((char) => `may not contain '${char}'`);
}

export function qualifiedName(value: string): string[] {
  const parts = value.split('/');
  if (parts.length > 2)
    return [
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/'",
    ];
  const name = parts.at(-1)!;
  const problems =
    parts.length === 2
      ? parts[0] === ''
        ? ['prefix part must be non-empty']
        : dnsSubdomain(parts[0]!).map((p) => `prefix part ${p}`)
      : [];
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push(`name part ${tooLong(63)}`);
  if (!QUALIFIED.test(name))
    problems.push(
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    );
  return problems;
}

export function labelValue(value: string): string[] {
  return [
    ...(value.length > 63 ? [tooLong(63)] : []),
    ...(LABEL_VALUE.test(value)
      ? []
      : [
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ]),
  ];
}

export function configKey(value: string): string[] {
  return [
    ...(value.length > 253 ? [tooLong(253)] : []),
    ...(CONFIG_KEY.test(value)
      ? []
      : ["a valid config key must consist of alphanumeric characters, '-', '_' or '.'"]),
    ...(value === '.' || value === '..' || value.startsWith('..')
      ? ['must not be or start with dots alone']
      : []),
  ];
}

/** Name of a port: a service name after RFC 6335. */
export function portName(value: string): string[] {
  const problems: string[] = [];
  if (value.length > 15) problems.push(tooLong(15));
  if (!/^[-a-z0-9]+$/.test(value))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

export const isPort = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;

export const PROTOCOLS: readonly string[] = ['TCP', 'UDP', 'SCTP'];
