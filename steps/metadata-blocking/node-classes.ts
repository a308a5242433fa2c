import type { Finding } from '../../src/model/finding.js';
import { at, type Manifest, refOf, refText } from '../../src/model/manifest.js';
import { commandLine } from '../../src/model/shell.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';

/**
 * What Karpenter's classes of EC2 nodes say of the metadata of the nodes made with them. Of nodes that are there already
 * they say nothing: one may be older than what its class says now.
 */
export function nodeClasses(now: Snapshot): readonly Finding[] {
  const listing = now.listings.get('EC2NodeClass');
  if (listing?.state === 'notVisible')
    return [
      {
        id: 'node-class-not-visible',
        severity: 'notVisible',
        evidence: listing.reason,
        message: "What Karpenter's EC2NodeClasses say of instance metadata could not be seen.",
      },
    ];
  return objects(now, 'EC2NodeClass').map(judged);
}

function judged(object: Manifest): Finding {
  const of = (field: string) => at(object, 'spec', 'metadataOptions', field);
  const [endpoint, tokens, hops] = [of('httpEndpoint'), of('httpTokens'), of('httpPutResponseHopLimit')];
  const ref = refOf(object);
  const says = { httpEndpoint: endpoint, httpTokens: tokens, httpPutResponseHopLimit: hops };
  const told = Object.entries(says).flatMap(([field, value]) =>
    value === undefined ? [] : [`${field} ${JSON.stringify(value)}`],
  );
  const evidence = `${refText(ref)} spec.metadataOptions: ${told.join(', ') || 'not set'}`;
  if (endpoint === 'disabled' || (tokens === 'required' && hops === 1))
    return {
      id: 'node-class-closed',
      severity: 'info',
      object: ref,
      evidence,
      message: `Nodes that Karpenter makes with it keep pods from their metadata, but for pods on the node's network.`,
    };
  const open = tokens === 'optional' || (typeof hops === 'number' && hops > 1);
  const close = commandLine([
    ...['kubectl', 'patch', 'ec2nodeclass', ref.name, '--type', 'merge', '--patch'],
    '{"spec":{"metadataOptions":{"httpTokens":"required","httpPutResponseHopLimit":1}}}',
  ]);
  return open
    ? {
        id: 'node-class-open',
        severity: 'low',
        object: ref,
        evidence,
        message: `Nodes that Karpenter makes with it hand their metadata to pods. Closed, pods that need the node's role lose it, and Karpenter replaces its nodes: ${close}`,
      }
    : {
        id: 'node-class-not-visible',
        severity: 'notVisible',
        object: ref,
        evidence,
        message: `What it leaves out is up to the version of Karpenter: whether its nodes hand their metadata to pods cannot be told. Said outright it can: ${close}`,
      };
}
