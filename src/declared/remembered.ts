import { refOf } from '../model/manifest.js';
import { isManaged } from '../model/ours.js';
import { parseAddress } from '../reach/address.js';
import { protocolOf } from './cluster.js';
import { type Collector, evidence } from './collect.js';
import { type Declared, type Peer, peerText } from './types.js';

/**
 * On our own policies: the connections that they allow because a flow log showed them. Without it the next run, which
 * may be given no flow log, would find no reason for these allows and take them away.
 */
export const OBSERVED = 'kubectl-harden/observed';

/** All annotations of an object together may have 256 KiB. */
const LONGEST = 100_000;

/** What a policy says of the connections for which it has its rules; undefined where no flow log gave any of them. */
export function observedNote(flows: readonly Declared[]): string | undefined {
  const lines = flows
    .filter(({ why }) => why === 'observed')
    .map(({ source, destination, protocol, port }) =>
      [peerText(source), peerText(destination), protocol, port ?? ''].join(','),
    );
  let note = '';
  for (const line of [...new Set(lines)].sort()) if (note.length + line.length < LONGEST) note += `${line}\n`;
  return note === '' ? undefined : note;
}

/** Adds what our own policies say that an earlier flow log showed, where nothing else says it. */
export function remembered(collector: Collector): void {
  const { cluster, services } = collector;
  const workloads = new Map(cluster.workloads.map(({ peer }) => [peer.name, peer]));
  const peerOf = (text: string | undefined): Peer | undefined => {
    if (text === undefined) return undefined;
    if (text === '{outside}') return { kind: 'outside', ranges: [] };
    if (text === '{nodes}') return { kind: 'nodes' };
    if (text === '{kubernetes-api}') return { kind: 'apiServer' };
    return workloads.get(text) ?? (parseAddress(text) === undefined ? undefined : services.peerAt(text));
  };
  for (const policy of cluster.of('NetworkPolicy', 'networking.k8s.io')) {
    const note = policy.metadata.annotations?.[OBSERVED];
    if (typeof note !== 'string' || !isManaged(policy)) continue;
    for (const line of note.split('\n')) {
      const [src, dst, proto, number] = line.split(',');
      const [source, peer] = [peerOf(src), peerOf(dst)];
      const protocol = protocolOf(proto);
      if (source === undefined || peer === undefined || protocol === undefined) continue;
      const port = /^[0-9]{1,5}$/.test(number ?? '') ? Number(number) : undefined;
      const target = { peer, protocol, port };
      if (collector.has(source, target)) continue;
      const field = `metadata.annotations[${OBSERVED}]`;
      collector.add(
        source,
        target,
        'observed',
        evidence(refOf(policy), field, `seen by an earlier run: ${line}`),
      );
    }
  }
}
