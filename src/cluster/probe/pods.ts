import type { Manifest } from '../../model/manifest.js';
import { refOf, refText, stringAt } from '../../model/manifest.js';
import { ClusterError } from '../../wizard/ports.js';
import type { Client } from '../client.js';
import { listPath, objectPath, row } from '../paths.js';
import { pause } from '../retry.js';
import { FIELD_MANAGER } from '../write.js';
import { type PodState, podState } from './pod-state.js';

/** Why a probe cannot come to a verdict, in words that follow "because". */
export class Inconclusive extends Error {}

/** Between two looks at a pod, in milliseconds. */
const EVERY = 250;
/** A namespace is not ready for pods at once: its service account and its quotas come a moment later. In milliseconds. */
const ADMITTED = 10_000;

/** What bounds a probe: a time for all of it (as of `performance.now`), and the user who stops it. */
export interface Bounds {
  until: number;
  signal: AbortSignal | undefined;
}

/**
 * Creates an object; one that is there already is of an earlier try whose answer was lost.
 * @returns its uid, where the answer told it
 */
export async function create(client: Client, manifest: Manifest): Promise<string | undefined> {
  const { apiVersion, kind, metadata } = manifest;
  const path = listPath(row(kind as 'Pod' | 'Namespace' | 'NetworkPolicy'), apiVersion, metadata.namespace);
  try {
    const { body } = await client.json(
      {
        method: 'POST',
        path: `${path}?fieldManager=${FIELD_MANAGER}`,
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(manifest),
      },
      { doing: `create ${refText(refOf(manifest))}` },
    );
    return stringAt(body, 'metadata', 'uid');
  } catch (error) {
    if (error instanceof ClusterError && error.reason === 'exists') return undefined;
    throw error;
  }
}

/** Creates a pod; a refusal is waited out for a short while. */
export async function createPod(client: Client, pod: Manifest, bounds: Bounds): Promise<void> {
  const patience = performance.now() + ADMITTED;
  for (;;) {
    stopped(bounds);
    try {
      await create(client, pod);
      return;
    } catch (error) {
      const passing = error instanceof ClusterError && error.reason === 'refused';
      if (!passing || performance.now() >= patience) throw error;
    }
    await pause(EVERY, bounds.signal);
  }
}

/**
 * Looks at a pod until it is in the state that is asked for.
 * @param seconds how long that may take
 * @throws Inconclusive where it gets into another one, or into none in that time
 */
export async function podUntil<A extends 'running' | 'ended'>(
  client: Client,
  pod: Manifest,
  wanted: A,
  seconds: number,
  bounds: Bounds,
): Promise<Extract<PodState, { at: A }>> {
  const ref = refOf(pod);
  const patience = performance.now() + seconds * 1000;
  for (;;) {
    stopped(bounds);
    const { body } = await client.json(
      { method: 'GET', path: objectPath(ref) },
      { doing: `read ${refText(ref)}` },
    );
    const state = podState(body);
    if (state.at === wanted) return state as Extract<PodState, { at: A }>;
    if (state.at === 'stuck') throw new Inconclusive(`pod ${ref.name} does not run: ${state.why}`);
    if (state.at === 'ended')
      throw new Inconclusive(
        `pod ${ref.name} ended by itself (exit code ${state.exitCode}${state.message === '' ? '' : `, ${state.message}`}): is the image one of agnhost?`,
      );
    if (performance.now() >= patience) {
      const why = state.at === 'waiting' ? state.why : 'it runs and does not end';
      throw new Inconclusive(`pod ${ref.name} did not get ready within ${seconds} s: ${why}`);
    }
    await pause(EVERY, bounds.signal);
  }
}

/** @throws Inconclusive where the user stopped the probe or its time is up */
export function stopped({ until, signal }: Bounds): void {
  if (signal?.aborted) throw new Inconclusive('it was stopped');
  if (performance.now() >= until) throw new Inconclusive('it took longer than it may');
}
