import fc from 'fast-check';
import { loadTemplates } from '../../src/host/templates.js';
import type { Manifest } from '../../src/model/manifest.js';
import { overlay } from '../../src/model/overlay.js';
import { canonical } from '../../src/model/plan.js';
import { type Answers, completeAnswers } from '../../src/model/question.js';
import { objects, type Snapshot } from '../../src/model/snapshot.js';
import type { Step } from '../../src/model/step.js';
import type { Endpoint } from '../../src/reach/index.js';
import { namespaceState, reachIn } from '../../steps/default-deny/state.js';
import { defaultDeny } from '../../steps/default-deny.js';
import { metadataBlocking } from '../../steps/metadata-blocking.js';
import { RANDOM, randomCluster } from '../support/random-cluster.js';
import { snapshotOf } from '../support/snapshot.js';

const templates = await loadTemplates();
const RUNS = { numRuns: 60 };
const clusterOf = (manifests: readonly Manifest[]) => snapshotOf({ objects: manifests, sandbox: true });
/** A step done with its recommended answers. */
const done = (now: Snapshot, step: Step, given: Answers = {}) => {
  const answers = completeAnswers(step.questions(now), given, true);
  return overlay(now, step.plan(now, answers, templates));
};
const pending = (now: Snapshot, step: Step) =>
  step.plan(now, completeAnswers(step.questions(now), {}, true), templates).map(({ id }) => id);
const policies = (now: Snapshot) =>
  objects(now, 'NetworkPolicy')
    .map(({ metadata, spec }) => canonical({ name: metadata.name, namespace: metadata.namespace, spec }))
    .sort();

const sources = (now: Snapshot): Endpoint[] => [
  ...RANDOM.namespaces.map((name) => ({ freshPod: name })),
  ...reachIn(now)
    .workloads.filter(({ namespace }) => namespace !== 'kube-system')
    .map(({ name }) => ({ workload: name })),
];
const METADATA = ['169.254.169.254', 'fd00:ec2::254'];
const OUTSIDE = [
  '169.254.170.23',
  '169.254.20.10',
  '192.0.2.9',
  '198.51.100.1',
  '2001:db8::1',
  'fd00:ec2::23',
];

/** Everything that may pass: between pods and pods to come, to and from addresses of every kind. */
function permitted(now: Snapshot): Map<string, string> {
  const reach = reachIn(now);
  const pods = sources(now);
  const out = new Map<string, string>();
  for (const src of pods) {
    for (const dst of pods) out.set(canonical([src, dst]), reach.between(src, dst));
    for (const address of [...METADATA, ...OUTSIDE]) {
      out.set(canonical([src, address]), reach.between(src, { address }));
      out.set(canonical([address, src]), reach.between({ address }, src));
    }
  }
  return out;
}

test('default-deny: a second run changes nothing, and every namespace that nobody else keeps open is closed', () => {
  fc.assert(
    fc.property(randomCluster, (manifests) => {
      const now = clusterOf(manifests);
      const then = done(now, defaultDeny);
      expect(pending(then, defaultDeny)).toEqual([]);
      const dns = objects(now, 'Service').length > 0;
      for (const name of RANDOM.namespaces) {
        const { ingress, egress } = namespaceState(then, name);
        expect([name, ingress.closed]).toEqual([name, ingress.openBy.length === 0]);
        if (dns) expect([name, egress.closed]).toEqual([name, egress.openBy.length === 0]);
      }
    }),
    RUNS,
  );
});

test('default-deny keeps traffic inside a namespace exactly as it was, and opens nothing elsewhere but DNS', () => {
  fc.assert(
    fc.property(randomCluster, (manifests) => {
      const now = clusterOf(manifests);
      const [before, after] = [permitted(now), permitted(done(now, defaultDeny, { sameNamespace: 'all' }))];
      for (const [pair, conn] of after) {
        const [src, dst] = (JSON.parse(pair) as [Endpoint | string, Endpoint | string]).map(namespaceOf);
        if (src !== undefined && src === dst) expect([pair, conn]).toEqual([pair, before.get(pair)]);
        else expect([pair, covers(before.get(pair) ?? '', conn)]).toEqual([pair, true]);
      }
    }),
    RUNS,
  );
});

test('default-deny cuts nothing inside a namespace, and no name, after any prefix of its writes', () => {
  fc.assert(
    fc.property(randomCluster, (manifests) => {
      const now = clusterOf(manifests);
      const changes = defaultDeny.plan(
        now,
        completeAnswers(defaultDeny.questions(now), { sameNamespace: 'all' }, true),
        templates,
      );
      const dns: Endpoint = { workload: 'kube-system/coredns-1[Pod]' };
      const named = objects(now, 'Service').length > 0;
      const inside = (at: Snapshot) =>
        sources(at).flatMap((src) =>
          sources(at)
            .filter((dst) => namespaceOf(src) === namespaceOf(dst))
            .map((dst) => reachIn(at).between(src, dst)),
        );
      const resolves = (at: Snapshot, src: Endpoint) => reachIn(at).allows(src, dns, 'UDP', 53);
      for (let written = 1; written < changes.length; written++) {
        const then = overlay(now, changes.slice(0, written));
        expect([written, inside(then)]).toEqual([written, inside(now)]);
        if (named)
          for (const src of sources(now))
            if (resolves(now, src)) expect([written, src, resolves(then, src)]).toEqual([written, src, true]);
      }
    }),
    RUNS,
  );
});

test('metadata blocking permits what was permitted before but the metadata ports, exactly', () => {
  fc.assert(
    fc.property(randomCluster, (manifests) => {
      const now = clusterOf(manifests);
      const then = done(now, metadataBlocking);
      const reach = reachIn(then);
      const [before, after] = [permitted(now), permitted(then)];
      for (const [pair, conn] of before) {
        const toMetadata = METADATA.some((address) => pair.endsWith(`,"${address}"]`));
        if (!toMetadata) expect([pair, after.get(pair)]).toEqual([pair, conn]);
      }
      for (const src of sources(now))
        for (const address of METADATA)
          for (const port of [1, 53, 79, 81, 443, 65535])
            for (const protocol of ['TCP', 'UDP', 'SCTP'] as const)
              expect([src, address, protocol, port, reach.allows(src, { address }, protocol, port)]).toEqual([
                src,
                address,
                protocol,
                port,
                reachIn(now).allows(src, { address }, protocol, port),
              ]);
      expect(pending(then, metadataBlocking)).toEqual([]);
      for (const name of RANDOM.namespaces) {
        const open = objects(now, 'NetworkPolicy').every(
          ({ metadata, spec }) =>
            metadata.namespace !== name ||
            !((spec as { policyTypes: string[] }).policyTypes ?? []).includes('Egress'),
        );
        if (open) expect(reach.allows({ freshPod: name }, { address: METADATA[0]! }, 'TCP', 80)).toBe(false);
      }
    }),
    RUNS,
  );
});

test('default-deny and metadata blocking end the same, whichever ran first', () => {
  fc.assert(
    fc.property(randomCluster, (manifests) => {
      const now = clusterOf(manifests);
      const denyFirst = done(done(now, defaultDeny), metadataBlocking);
      const blockFirst = done(done(now, metadataBlocking), defaultDeny);
      expect(policies(blockFirst)).toEqual(policies(denyFirst));
      expect([...permitted(blockFirst)]).toEqual([...permitted(denyFirst)]);
      for (const then of [denyFirst, blockFirst])
        expect([...pending(then, defaultDeny), ...pending(then, metadataBlocking)]).toEqual([]);
    }),
    RUNS,
  );
});

test('metadata blocking after default-deny adds nothing where egress is closed', () => {
  fc.assert(
    fc.property(randomCluster, (manifests) => {
      const closed = done(clusterOf(manifests), defaultDeny);
      const added = pending(closed, metadataBlocking).map((id) => id.split('/')[1] ?? '');
      for (const name of added)
        expect([name, namespaceState(closed, name).egress.closed]).toEqual([name, false]);
    }),
    RUNS,
  );
});

function namespaceOf(end: Endpoint | string): string | undefined {
  if (typeof end === 'string') return undefined;
  if ('freshPod' in end) return end.freshPod;
  return 'workload' in end ? end.workload.split('/')[0] : undefined;
}

/** Whether connections in words (`TCP 80,443-445,UDP 53`) hold all of others. */
function covers(outer: string, inner: string): boolean {
  const all = 'All Connections';
  if (outer === inner || outer === all) return true;
  if (inner === all) return false;
  const held = rangesOf(outer);
  return rangesOf(inner).every((need) =>
    held.some((have) => have.protocol === need.protocol && have.from <= need.from && have.to >= need.to),
  );
}

function rangesOf(conn: string): { protocol: string; from: number; to: number }[] {
  let protocol = '';
  return conn.split(',').flatMap((part) => {
    const match = /^(?:([A-Z]+) )?(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) return [];
    protocol = match[1] ?? protocol;
    return [{ protocol, from: Number(match[2]), to: Number(match[3] ?? match[2]) }];
  });
}
