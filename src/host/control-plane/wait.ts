import { printable } from '../../model/escape.js';
import type { LocalApiServer, ServerSight } from '../../wizard/ports.js';
import { STAMP } from './manifest-edit.js';
import { FLAG } from './static-pod.js';

/** Time as waiting sees it, in milliseconds. */
export interface Time {
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export interface Patience {
  /** Between two looks. */
  poll: number;
  /** How long it has to be well without a break before it counts. */
  settle: number;
  /** The longest that is waited in all. The kubelet looks at its files every 20 s and gives a server time to end. */
  limit: number;
}

export const PATIENCE: Patience = { poll: 1_000, settle: 15_000, limit: 300_000 };

/** What the API server is expected to run with. */
export interface Expected {
  /** uid of the cluster's kube-system. */
  cluster: string;
  /** SHA-256 of the configuration; null: none. */
  configuration: string | null;
  /** What its configuration names besides Secrets: it has to be able to read all of it. */
  resources?: readonly string[];
  /** Name of its mirror pod in kube-system, where the kubelet makes one. */
  pod?: string;
  /** When its manifest was put in place, in milliseconds since 1970: what began before is the old process. */
  placedAt: number;
}

export type Waited =
  | { well: true; evidence: string }
  /** It did not come back, or does not do what it has to. */
  | { well: false; reason: string; judged: true }
  /** Whether it came back could not be judged: then neither forward nor back is known to be right. */
  | { well: false; reason: string; judged: false };

/** Start times are counted in ticks since boot, and the time of boot in whole seconds. */
const CLOCK_SLACK = 2_000;

/** Why a server is not (yet) the one that is expected; undefined where it is. */
export function notYet(sight: ServerSight, expected: Expected): string | undefined {
  if (sight.at !== 'up') return sight.reason;
  if (sight.cluster !== expected.cluster) return 'another cluster answers';
  if (!sight.ready) return `it is not ready${sight.failing === undefined ? '' : ` (${sight.failing})`}`;
  if (sight.configuration !== undefined && sight.configuration !== expected.configuration)
    return 'it runs with another encryption configuration';
  if (sight.configuration !== undefined) return undefined;
  if (sight.startedAt === undefined) return 'when its process began cannot be seen';
  if (sight.startedAt * 1000 < expected.placedAt - CLOCK_SLACK) return 'it is still the process from before';
  return undefined;
}

/** Waits until the server is the expected one, ready, able to read every Secret, and stays so. */
export async function waitFor(
  server: LocalApiServer,
  expected: Expected,
  time: Time,
  { poll, settle, limit }: Patience,
): Promise<Waited> {
  const end = time.now() + limit;
  let wellSince: number | undefined;
  let process: number | undefined;
  let last: Waited = { well: false, reason: 'it does not answer', judged: true };
  for (;;) {
    const sight = await server.look();
    const reason = notYet(sight, expected) ?? (await oldManifest(server, expected));
    const other = sight.at === 'up' && process !== sight.startedAt;
    // All Secrets are read when it seems well, and again before that is believed; not at every look in between.
    const over = wellSince !== undefined && !other && time.now() - wellSince >= settle;
    const fault =
      reason ?? (wellSince === undefined || other || over ? await unreadable(server, expected) : undefined);
    if (fault === undefined && sight.at === 'up') {
      if (over || settle === 0) return { well: true, evidence: evidenceOf(sight, expected) };
      // A crash between two looks shows as another process: the time begins anew.
      if (wellSince === undefined || other) wellSince = time.now();
      process = sight.startedAt;
    } else {
      wellSince = undefined;
      const strange = sight.at === 'strange' || (sight.at === 'up' && sight.cluster !== expected.cluster);
      last = { well: false, reason: fault ?? '', judged: !strange };
    }
    if (time.now() >= end)
      return wellSince === undefined ? last : { well: false, reason: 'it does not stay ready', judged: true };
    await time.sleep(poll);
  }
}

/** A container that crashes before the kubelet has seen the new manifest comes back with the old flags. */
async function oldManifest(
  server: LocalApiServer,
  { pod, configuration }: Expected,
): Promise<string | undefined> {
  const shown = pod === undefined ? undefined : await server.pod(pod);
  if (shown === undefined) return undefined;
  const stamp = shown.metadata.annotations?.[STAMP];
  const flagged = JSON.stringify(shown.spec ?? {}).includes(FLAG);
  const taken = configuration === null ? !flagged : flagged && stamp === configuration;
  return taken ? undefined : 'the kubelet still runs it by the manifest from before';
}

async function unreadable(server: LocalApiServer, { resources = [] }: Expected): Promise<string | undefined> {
  const others = resources.filter((name) => name !== 'secrets');
  return (await server.readsSecrets(others)) === false
    ? `it cannot read every stored ${['Secret', ...others.map((name) => printable(name, 100))].join(' and all ')}`
    : undefined;
}

function evidenceOf(sight: Extract<ServerSight, { at: 'up' }>, { configuration }: Expected): string {
  const began =
    sight.startedAt === undefined ? '' : `, process began ${new Date(sight.startedAt * 1000).toISOString()}`;
  const what =
    sight.configuration === undefined
      ? configuration === null
        ? 'without an encryption configuration'
        : `with configuration ${configuration.slice(0, 12)} by its manifest`
      : `with configuration ${sight.configuration.slice(0, 12)} by its own metrics`;
  return `API server of this node ready ${what}${began}, reads every Secret`;
}
