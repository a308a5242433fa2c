import { isIP } from 'node:net';
import { printable } from '../../model/escape.js';
import { at, listAt, stringAt } from '../../model/manifest.js';

/** How far a pod with one container has come, as its status tells. Texts are fit for a terminal. */
export type PodState =
  | { at: 'waiting'; why: string }
  | { at: 'running'; address: string; node: string }
  | { at: 'ended'; exitCode: number; message: string; node: string }
  /** It will not start, or was ended by somebody else. */
  | { at: 'stuck'; why: string };

/** Waiting for these reasons does not end by waiting. Source: pkg/kubelet/images and kuberuntime of Kubernetes. */
const HOPELESS = ['ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError'];

export function podState(pod: unknown): PodState {
  const container = listAt(pod, 'status', 'containerStatuses')[0];
  const node = printable(stringAt(pod, 'spec', 'nodeName') ?? 'unknown', 100);
  const exitCode = at(container, 'state', 'terminated', 'exitCode');
  const reason = said(pod, 'status', 'reason');
  if (typeof exitCode === 'number' && reason === undefined) {
    const message = said(container, 'state', 'terminated', 'message');
    const why = said(container, 'state', 'terminated', 'reason');
    return { at: 'ended', exitCode, message: message ?? why ?? '', node };
  }
  if (stringAt(pod, 'status', 'phase') === 'Failed')
    return { at: 'stuck', why: joined(reason ?? 'it failed', said(pod, 'status', 'message')) };
  const address = stringAt(pod, 'status', 'podIP') ?? '';
  if (at(container, 'state', 'running') !== undefined && isIP(address) !== 0)
    return { at: 'running', address, node };
  const waiting = said(container, 'state', 'waiting', 'reason');
  if (waiting !== undefined) {
    const why = joined(waiting, said(container, 'state', 'waiting', 'message'));
    return { at: HOPELESS.includes(waiting) ? 'stuck' : 'waiting', why };
  }
  const scheduled = listAt(pod, 'status', 'conditions').find(
    (condition) => stringAt(condition, 'type') === 'PodScheduled',
  );
  if (stringAt(scheduled, 'status') === 'False')
    return { at: 'waiting', why: joined('no node takes it', said(scheduled, 'message')) };
  return {
    at: 'waiting',
    why: node === 'unknown' ? 'no node has taken it' : `node ${node} has not started it`,
  };
}

function said(value: unknown, ...path: string[]): string | undefined {
  const text = stringAt(value, ...path)?.trim();
  return text === undefined || text === '' ? undefined : printable(text.split(/\s*\n\s*/).join('; '), 300);
}

function joined(what: string, more: string | undefined): string {
  return more === undefined ? what : `${what}: ${more}`;
}
