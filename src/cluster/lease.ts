import { printable } from '../model/escape.js';
import { isRecord, stringAt } from '../model/manifest.js';
import type { Need } from '../model/rights.js';
import { type Claim, ClusterError, type Holder } from '../wizard/ports.js';
import { lackingSoftly } from './access.js';
import type { Client } from './client.js';
import { errorOf } from './errors.js';
import type { Answer } from './transport.js';
import { FIELD_MANAGER } from './write.js';

/** Where runs that write to this cluster are seen: one at a time. */
export const LEASE = { namespace: 'kube-system', name: 'kubectl-harden' } as const;

const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace: LEASE.namespace } as const;
const alone = { for: 'the Lease that keeps other runs out', without: 'lessSafe' } as const;

/** What the claim needs; where any of it is missing there is none, for it could not be kept or not be given back. */
export const LEASE_NEEDS: readonly Need[] = [
  { right: { verb: 'create', ...lease }, ...alone },
  ...(['get', 'patch', 'delete'] as const).map((verb) => ({
    right: { verb, ...lease, name: LEASE.name },
    ...alone,
  })),
];

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${LEASE.namespace}/leases`;
const PATH = `${LEASES}/${LEASE.name}`;
/** Seconds after which one that was not renewed counts as left behind. */
const DURATION = 60;
const RENEW_EVERY = 15_000;
/** Another one may claim it in the same moment: who loses looks again. */
const TRIES = 5;

interface Seen {
  holder: Holder | undefined;
  /** As it stands there, for words. */
  identity: string;
  resourceVersion: string;
  uid: string;
  /** Since when it is held, and how long ago it was renewed, in seconds of the server's clock. */
  since: string;
  age: number;
  /** The server's clock when it answered, in milliseconds. */
  clock: number;
  duration: number;
}

/**
 * Claims the cluster for one run by the Lease `kube-system/kubectl-harden`, renewed until it is released. One whose
 * holder is dead (`gone`), or that was not renewed in time by the server's clock, is taken over. Where the account may
 * not write Leases there is none, and the note says so.
 * @throws ClusterError where the server fails otherwise
 */
export async function claim(
  client: Client,
  own: Holder,
  gone: (other: Holder) => Promise<boolean>,
): Promise<Claim> {
  const lacks = await lackingSoftly(client, LEASE_NEEDS);
  if (lacks.length > 0) return { held: true, note: unnoticed(lacks), lost: NEVER, release: async () => {} };
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const created = await send(client, 'POST', LEASES, manifest(own, new Date()));
    if (created.status === 201) return held(client, own, seen(created));
    if (created.status === 403)
      return { held: true, note: unnoticed(LEASE_NEEDS.slice(0, 1)), lost: NEVER, release: async () => {} };
    if (created.status !== 409) throw errorOf(created, { doing: DOING });
    const found = await look(client);
    if (found === undefined) continue;
    // The answer to our own claim was lost.
    if (found.identity === identityOf(own)) return held(client, own, found);
    const left = found.age > found.duration;
    if (!left && !(found.holder !== undefined && (await gone(found.holder))))
      return { held: false, reason: inUse(found) };
    const taken = await send(client, 'PATCH', PATH, manifest(own, new Date(found.clock), found));
    if (taken.status === 409 || taken.status === 404) continue;
    if (taken.status !== 200) throw errorOf(taken, { doing: DOING });
    const note = `The Lease of a run that ended without a word (${printable(found.identity, 200)}) was taken over.`;
    return { ...(await held(client, own, seen(taken))), note };
  }
  return { held: false, reason: 'Other runs claim this cluster at the same time. Try again.' };
}

const DOING = `claim the Lease ${LEASE.namespace}/${LEASE.name}`;
const NEVER = new AbortController().signal;

function unnoticed(lacks: readonly Need[]): string {
  const verbs = lacks.map(({ right }) => right.verb).join(', ');
  return `This account may not ${verbs} the Lease ${LEASE.namespace}/${LEASE.name}: another run at the same time is not noticed.`;
}

function inUse({ identity, since, age }: Seen): string {
  return `Another run writes to this cluster: ${printable(identity, 200)}, since ${printable(since)}, last seen ${Math.max(0, Math.round(age))} s ago.\nNothing was written. Wait for it to end; once it has not been seen for ${DURATION} s it is taken over.`;
}

/** The Lease, renewed from now on by the server's clock. */
async function held(client: Client, own: Holder, found: Seen): Promise<Claim & { held: true }> {
  let { uid, resourceVersion } = found;
  const offset = found.clock - Date.now();
  const lost = new AbortController();
  const renew = async () => {
    const at = new Date(Date.now() + offset);
    const renewed = await send(client, 'PATCH', PATH, manifest(own, at, { uid, resourceVersion }));
    if (renewed.status === 200) ({ resourceVersion } = seen(renewed));
    // Somebody wrote it: only another holder ends the claim.
    else if (renewed.status === 409 || renewed.status === 404) {
      const now = await look(client);
      if (now !== undefined && now.identity === identityOf(own)) ({ uid, resourceVersion } = now);
      else lost.abort();
    }
  };
  // The first write has the clock of this machine.
  if (Math.abs(offset) > 5_000) await renew();
  let last: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    last = renew().catch(() => undefined);
  }, RENEW_EVERY);
  timer.unref();
  return {
    held: true,
    lost: lost.signal,
    release: async () => {
      clearInterval(timer);
      await last;
      if (!lost.signal.aborted) await remove(client, async ({ identity }) => identity === identityOf(own));
    },
  };
}

/**
 * Removes the Lease that a dead process of this run left behind, so that a run that has nothing more to write leaves none
 * either. What cannot be removed runs out by itself.
 */
export function unclaim(
  client: Client,
  run: string,
  gone: (other: Holder) => Promise<boolean>,
): Promise<void> {
  return remove(client, async ({ holder }) => holder?.run === run && (await gone(holder)));
}

/** Removes the Lease while it is whose it should be. What cannot be removed runs out by itself. */
async function remove(client: Client, whose: (found: Seen) => Promise<boolean>): Promise<void> {
  try {
    const now = await look(client);
    if (now === undefined || !(await whose(now))) return;
    const preconditions = { uid: now.uid, resourceVersion: now.resourceVersion };
    await send(client, 'DELETE', PATH, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions });
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
  }
}

function manifest(own: Holder, at: Date, live?: Pick<Seen, 'uid' | 'resourceVersion'>): unknown {
  const micro = at.toISOString().replace('Z', '000Z');
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...LEASE,
      labels: { 'app.kubernetes.io/managed-by': FIELD_MANAGER },
      ...(live === undefined ? {} : { uid: live.uid, resourceVersion: live.resourceVersion }),
    },
    spec: {
      holderIdentity: identityOf(own),
      leaseDurationSeconds: DURATION,
      acquireTime: micro,
      renewTime: micro,
    },
  };
}

function send(
  client: Client,
  method: 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body: unknown,
): Promise<Answer> {
  const at = method === 'DELETE' ? path : `${path}?fieldManager=${FIELD_MANAGER}`;
  const call = {
    method,
    path: at,
    headers: { 'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
    body: JSON.stringify(body),
  };
  return client.send(call, { doing: DOING });
}

async function look(client: Client): Promise<Seen | undefined> {
  const answer = await client.send({ method: 'GET', path: PATH }, { doing: DOING });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw errorOf(answer, { doing: DOING });
  return seen(answer);
}

/** The server's clock in its answer; where it says nothing, ours. */
function dateOf({ headers }: Answer): number {
  const date = Date.parse(headers.date?.[0] ?? '');
  return Number.isNaN(date) ? Date.now() : date;
}

function seen(answer: Answer): Seen {
  let body: unknown;
  try {
    body = JSON.parse(answer.body.toString('utf8'));
  } catch {
    body = undefined;
  }
  const text = (...path: string[]) => stringAt(body, ...path) ?? '';
  const identity = text('spec', 'holderIdentity');
  const renewed = Date.parse(text('spec', 'renewTime'));
  const duration = isRecord(body) && isRecord(body.spec) ? body.spec.leaseDurationSeconds : undefined;
  return {
    holder: holderOf(identity),
    identity,
    resourceVersion: text('metadata', 'resourceVersion'),
    uid: text('metadata', 'uid'),
    clock: dateOf(answer),
    since: text('spec', 'acquireTime').slice(0, 19),
    // One that nobody renews is nobody's.
    age: Number.isNaN(renewed) ? Number.POSITIVE_INFINITY : (dateOf(answer) - renewed) / 1000,
    duration: typeof duration === 'number' ? duration : DURATION,
  };
}

/** `run 7f3a, process 4711.881234 on host`. */
function identityOf({ run, pid, start, host }: Holder): string {
  return `run ${run}, process ${pid}.${encodeURIComponent(start)} on ${host}`;
}

function holderOf(identity: string): Holder | undefined {
  const match = /^run ([0-9a-f]+), process (\d+)\.(\S*) on (.+)$/.exec(identity);
  if (match === null) return undefined;
  const [, run = '', pid = '', start = '', host = ''] = match;
  return { run, pid: Number(pid), start: decodeURIComponent(start), host };
}
