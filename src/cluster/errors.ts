import { printable } from '../model/escape.js';
import { at, listAt, stringAt } from '../model/manifest.js';
import { ClusterError, type ClusterErrorReason } from '../wizard/ports.js';
import type { Answer, TransportError } from './transport.js';

/** What a request was about, for messages and for judging what may be repeated of an answer. */
export interface About {
  /** For people, as in "list pods": what could not be done. */
  doing: string;
  /** The server's words might quote what was sent or stored: they are never repeated. */
  secret?: boolean;
}

/** Longest piece of a server's message that is repeated. */
const LONGEST = 300;

/**
 * The error that an answer of 300 or above stands for. Of the body only a `Status` is looked at, and its message is
 * repeated only where the object itself was at fault.
 */
export function errorOf(answer: Answer, about: About): ClusterError {
  const status = parsed(answer.body);
  const message = stringAt(status, 'message') ?? '';
  const conflicts = conflictsIn(status);
  const managers = [...conflicts.keys()];
  const reason = reasonOf(answer.status, status, message, managers);
  const said = about.secret === true ? webhookOf(message) : message;
  const right = reason === 'forbidden' ? missingRight(message) : undefined;
  if (reason === 'server' && FULL.test(message))
    return new ClusterError('server', `Could not ${about.doing}: ${FULL_WORDS}`, { status: answer.status });
  return new ClusterError(reason, wordsOf(reason, about, said, answer.status, conflicts, right), {
    status: answer.status,
    managers,
  });
}

/** What etcd says once its quota is used up; it then takes nothing but deletes until its alarm is cleared. */
const FULL = /etcdserver: mvcc: database space exceeded/;
const FULL_WORDS = 'etcd has no space left.\nCompact and defragment it, and clear its alarm.';

function parsed(body: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return stringAt(value, 'kind') === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(
  code: number,
  status: unknown,
  message: string,
  managers: readonly string[],
): ClusterErrorReason {
  const admission =
    /admission webhook "|denied the request|violates PodSecurity|ValidatingAdmissionPolicy/.test(message);
  switch (code) {
    case 401:
      return 'unauthorized';
    case 403:
      return missingRight(message) === undefined ? 'refused' : 'forbidden';
    case 404:
      return 'notFound';
    case 409:
      if (managers.length > 0) return 'conflict';
      return stringAt(status, 'reason') === 'AlreadyExists' ? 'exists' : 'stale';
    case 400:
    case 422:
      return admission ? 'refused' : 'invalid';
    case 429:
    case 503:
    case 504:
      return 'busy';
    default:
      // Servers before 1.26 answer 500 where an applied object has a field that the schema lacks.
      if (/failed to create typed patch object/.test(message)) return 'invalid';
      return admission ? 'refused' : 'server';
  }
}

/**
 * The right that is missing, as an authorizer words it: `patch networkpolicies.networking.k8s.io`; undefined where
 * something else refused. A patch that would create an object is refused for `create` without any reason given.
 */
function missingRight(message: string): string | undefined {
  const path = /cannot (\w+) path "([^"]{1,100})"/.exec(message);
  if (path !== null) return printable(`${path[1]} ${path[2]}`);
  const [, verb, resource, group = ''] =
    /cannot (\w+) resource "([\w./-]{1,100})"(?: in API group "([\w.-]{0,100})")?/.exec(message) ?? [];
  if (verb !== undefined) return `${verb} ${resource}${group === '' ? '' : `.${group}`}`;
  const created = /^([\w.-]{1,100}) "[^"]*" is forbidden:\s*(?:RBAC: .*)?$/.exec(message)?.[1];
  return created === undefined ? undefined : `create ${created}`;
}

function wordsOf(
  reason: ClusterErrorReason,
  { doing }: About,
  said: string,
  code: number,
  conflicts: Conflicts,
  right = '',
): string {
  const quote = said === '' ? '' : `\nThe API server says: ${printable(said, LONGEST)}`;
  const could = `Could not ${doing}`;
  switch (reason) {
    case 'unauthorized':
      return `${could}: the API server does not accept the credentials (401).\nLog in again, or choose another context.`;
    case 'forbidden':
      return `You may not ${doing}${right === '' || right === doing ? '' : ` (${right})`}.\nAsk for that right, or use another account.`;
    case 'refused':
      return `${could}: refused by the cluster (${code}).${quote}`;
    case 'notFound':
      return `${could}: not found.${quote}`;
    case 'conflict':
      return `${could}: fields belong to ${conflictText(conflicts)}.`;
    case 'stale':
      return `${could}: it was changed or replaced in the meantime.`;
    case 'exists':
      return `${could}: it exists already.`;
    case 'invalid':
      return `${could}: the API server finds it invalid (${code}).${quote}`;
    case 'busy':
      return `${could}: the API server is too busy (${code}), also after waiting.\nTry again later.`;
    default:
      return `${could}: the API server failed (${code}).`;
  }
}

/** Fields by the manager that they belong to. */
type Conflicts = ReadonlyMap<string, readonly string[]>;

/** What the causes of a server-side apply conflict name, in the order of their first mention. */
function conflictsIn(status: unknown): Conflicts {
  const found = new Map<string, string[]>();
  for (const cause of listAt(status, 'details', 'causes')) {
    if (at(cause, 'reason') !== 'FieldManagerConflict') continue;
    const said = /^conflict with "((?:[^"\\]|\\.)*)"/.exec(stringAt(cause, 'message') ?? '')?.[1];
    const manager = said ?? 'another field manager';
    const field = (stringAt(cause, 'field') ?? '').replace(/^\./, '');
    found.set(manager, [...(found.get(manager) ?? []), ...(field === '' ? [] : [field])]);
  }
  return found;
}

/** Most fields of a manager that are named. */
const NAMED = 5;

function conflictText(conflicts: Conflicts): string {
  const one = ([manager, fields]: readonly [string, readonly string[]]) => {
    const named = fields.slice(0, NAMED).map((field) => printable(field, 80));
    const more = fields.length > NAMED ? [`${fields.length - NAMED} more`] : [];
    const text = [...named, ...more].join(', ');
    return `"${printable(manager, 80)}"${text === '' ? '' : ` (${text})`}`;
  };
  return [...conflicts].map(one).join(', ');
}

/** The name of the webhook that refused, and nothing else of a message. */
function webhookOf(message: string): string {
  const name = /admission webhook "([\w.-]+)"/.exec(message)?.[1];
  return name === undefined ? '' : `admission webhook "${name}" denied the request`;
}

/** In words, by the codes of Node's sockets, TLS and resolver. */
const CONNECTION_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'connection refused; is it running, and is the address right?'],
  [/^(ENOTFOUND|EAI_AGAIN|EAI_NODATA)$/, 'its host name cannot be resolved'],
  [/^(ETIMEDOUT|ESOCKETTIMEDOUT)$/, 'no answer in time; is a VPN or a firewall in the way?'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, 'there is no route to it'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|aborted|ERR_HTTP2_.*)$/, 'the connection broke'],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for another name'],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT.*)$/,
    'its certificate is not signed by the authority that the kubeconfig names',
  ],
  [/ALERT|CERTIFICATE_REQUIRED|BAD_CERTIFICATE/, 'it does not accept the client certificate'],
  [/^(EPROTO|ERR_SSL|HPE_)/, 'it does not speak the protocol of the address (http or https)'],
  [/PEM|ASN1|X509|ERR_OSSL/, 'a certificate or key in the kubeconfig is not valid'],
];

/** Whether trying again is of no use: certificates do not become valid by waiting. */
export function isFinal(code: string): boolean {
  return /CERT|SIGNATURE|PEM|ASN1|X509|ERR_OSSL/.test(code);
}

/** The error for a server that cannot be reached; `server` is its address as the kubeconfig has it. */
export function unreachable(server: string, error: TransportError, doing: string): ClusterError {
  const fault =
    CONNECTION_FAULTS.find(([code]) => code.test(error.code))?.[1] ??
    `connection failed (${printable(error.code, 60)})`;
  return new ClusterError(
    'unreachable',
    `Could not ${doing}: the API server at ${printable(shownAddress(server), 200)} cannot be reached:\n${fault}${fault.endsWith('?') ? '' : '.'}`,
    { lasting: isFinal(error.code) || /ALERT|EPROTO|ERR_SSL|HPE_/.test(error.code) },
  );
}

/** An address without credentials that somebody may have put into it. */
export function shownAddress(server: string): string {
  const { protocol, host, pathname } = new URL(server);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
