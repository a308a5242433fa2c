import { at, isRecord } from '../../src/model/manifest.js';

/** Characters that must never reach a terminal raw; line feeds are looked at apart. */
export const RAW = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;

/** Each in front of a word by which it is found again, however its text is cut or wrapped. */
const CONTROLS = [
  '\u001b]0;', // sets the title of the window
  '\u001b[2J\u001b[31m', // clears the screen
  '\u009b5m', // the same introducer as one character of C1
  '\u0007',
  '\u0008',
  '\r',
  '\u0000',
  '\u007f',
  '\u202e', // overrides and isolates of direction
  '\u202a',
  '\u2066',
  '\u2069',
  '\u200b', // of no width
  '\u200d',
  '\ufeff',
  '\u2028',
];
export const HOSTILE = `x${CONTROLS.map((control) => `${control}EVIL`).join('')}`;
/** Longer than any line may be. */
export const ENDLESS = `LONG${'y'.repeat(20_000)}`;

/** Planted characters that stand raw before their word in what went to a terminal; our own colours aside. */
export function planted(text: string): string[] {
  const plain = text.replaceAll(/\u001b\[[\d;]*m/g, '');
  const found = plain.matchAll(
    /(\u001b\]0;|\u001b\[2J|\u009b5m|[^\P{Cc}\r\n]|[\p{Cf}\p{Cs}\u2028\u2029])EVIL/gu,
  );
  return [...found].map(([, before]) => JSON.stringify(before));
}

/** What is wrong with text for people or programs that was written to a pipe. */
export function rawIn(text: string, { longest = 6_000 } = {}): string[] {
  return text.split('\n').flatMap((line, index) => {
    const found = RAW.exec(line);
    const where = `line ${index + 1}`;
    if (found !== null)
      return [`${where}: ${JSON.stringify(line.slice(Math.max(0, found.index - 40), found.index + 20))}`];
    return line.length > longest ? [`${where}: ${line.length} characters: ${line.slice(0, 60)}`] : [];
  });
}

/** Every string of an object with what is hostile behind it, except those that the program must find again. */
function poisoned(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => poisoned(one, key));
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poisoned(one, name)]));
  return typeof value === 'string' && SPOILED.has(key) ? `${value}${HOSTILE}` : value;
}
const SPOILED = new Set([
  'image',
  'value',
  'reason',
  'message',
  'hostname',
  'path',
  'description',
  'nodeName',
]);

/** The embedded cluster's state with hostile content everywhere, and objects whose very names are hostile. */
export function hostileState(state: unknown): unknown {
  const objects = (at(state, 'objects') as { object: Record<string, unknown> }[]).map(
    ({ object, ...rest }) => {
      const metadata = object.metadata as Record<string, unknown>;
      const annotations = { ...(metadata.annotations as object), note: HOSTILE, long: ENDLESS };
      return {
        ...rest,
        object: { ...(poisoned(object) as object), metadata: { ...metadata, annotations } },
      };
    },
  );
  const named = (apiVersion: string, kind: string, namespace: string | undefined, more: object = {}) => ({
    object: {
      apiVersion,
      kind,
      metadata: {
        name: `${kind.toLowerCase()}${HOSTILE}`,
        ...(namespace === undefined ? {} : { namespace }),
        uid: `uid-${kind}-${namespace}`,
        resourceVersion: '1',
        labels: { [`key${HOSTILE}`]: HOSTILE, long: ENDLESS },
      },
      ...more,
    },
  });
  const evil = `namespace${HOSTILE}`;
  const container = {
    name: `c${HOSTILE}`,
    image: HOSTILE,
    env: [{ name: 'DB_URL', value: `http://db${HOSTILE}:5432` }],
  };
  const labels = { [`app${HOSTILE}`]: HOSTILE };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  return {
    ...(state as object),
    objects: [
      ...objects,
      named('v1', 'Namespace', undefined, { status: { phase: 'Active' } }),
      ...[evil, 'shop'].flatMap((ns) => [
        named('apps/v1', 'Deployment', ns, {
          spec: { replicas: 1, selector: { matchLabels: labels }, template },
        }),
        named('v1', 'Pod', ns, { spec: template.spec, status: { phase: 'Running', podIP: '10.0.0.9' } }),
        named('v1', 'Service', ns, { spec: { selector: labels, ports: [{ name: HOSTILE, port: 80 }] } }),
        named('v1', 'Secret', ns, { type: HOSTILE }),
        named('networking.k8s.io/v1', 'NetworkPolicy', ns, {
          spec: {
            podSelector: { matchLabels: labels },
            policyTypes: ['Ingress'],
            ingress: [{ from: [{ ipBlock: { cidr: HOSTILE } }] }],
          },
        }),
        named('v1', 'LimitRange', ns, {
          spec: { limits: [{ type: 'Container', default: { cpu: HOSTILE } }] },
        }),
        named('v1', 'ResourceQuota', ns, { spec: { hard: { [HOSTILE]: HOSTILE } } }),
      ]),
    ],
  };
}
