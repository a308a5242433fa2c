import type { Entry, Stamped } from '../../src/model/journal.js';
import type { KindName } from '../../src/model/kinds.js';
import { type Manifest, type Ref, refOf, refText, sameRef } from '../../src/model/manifest.js';
import type { ProbeFacts } from '../../src/model/policy-probe.js';
import type { ProofMeans } from '../../src/model/rewrite.js';
import type { Need, Uses } from '../../src/model/rights.js';
import type { Listing } from '../../src/model/snapshot.js';
import {
  type Claim,
  type Cluster,
  ClusterError,
  type GateOptions,
  type GateResult,
  type Host,
  type HostOutcome,
  type Journal,
  type ProbeRequest,
  type RewriteOptions,
  type RewriteResult,
  type RewriteSize,
} from '../../src/wizard/ports.js';

/** A cluster in memory: enough of one to watch what the session writes. */
export class MemoryCluster implements Cluster {
  readonly writes: string[] = [];
  readonly dryRuns: string[] = [];
  items: Manifest[];
  sandbox = false;
  gateResult: GateResult = { open: true, servers: ['a'], untried: [], writes: [], evidence: [] };
  /** Kinds that the server does not serve. */
  readonly absent = new Set<KindName>();
  /** Called before each persisted write; may throw or change things. */
  beforeWrite: (ref: Ref) => void | Promise<void> = () => {};
  #version = 100;

  constructor(items: readonly Manifest[]) {
    this.items = items.map((item) => this.#stamped(item));
  }

  #stamped(item: Manifest): Manifest {
    const resourceVersion = String(this.#version++);
    return { ...item, metadata: { uid: `uid-${refText(refOf(item))}`, ...item.metadata, resourceVersion } };
  }

  /** Changes an object behind the session's back. */
  touch(ref: Ref): void {
    this.items = this.items.map((item) => (sameRef(refOf(item), ref) ? this.#stamped(item) : item));
  }

  async info() {
    return {
      context: this.sandbox ? 'sandbox' : 'prod',
      id: 'cluster-1',
      sandbox: this.sandbox,
      version: { major: 1, minor: 31, git: 'v1.31.0' },
    };
  }
  async read(queries: Parameters<Cluster['read']>[0]) {
    const listings = new Map<KindName, Listing>();
    for (const query of queries) {
      if ('probe' in query) continue;
      if (this.absent.has(query.kind)) {
        listings.set(query.kind, { state: 'absent', reason: `the server does not serve ${query.kind}` });
        continue;
      }
      listings.set(query.kind, {
        state: 'read',
        apiVersion: 'v1',
        items: this.items.filter((i) => i.kind === query.kind),
      });
    }
    return { listings };
  }
  async get(ref: Ref) {
    return this.items.find((item) => sameRef(refOf(item), ref));
  }
  async apply(manifest: Manifest, options: { dryRun?: boolean } = {}) {
    const ref = refOf(manifest);
    const live = await this.get(ref);
    if (!options.dryRun) await this.beforeWrite(ref);
    const { resourceVersion } = manifest.metadata;
    if (resourceVersion !== undefined && resourceVersion !== live?.metadata.resourceVersion) {
      throw new ClusterError('stale', `${refText(ref)} has changed meanwhile`);
    }
    (options.dryRun ? this.dryRuns : this.writes).push(refText(ref));
    if (options.dryRun) return { object: manifest, created: live === undefined, warnings: [] };
    const object = this.#stamped({
      ...live,
      ...manifest,
      metadata: { ...live?.metadata, ...manifest.metadata },
    });
    this.items = [...this.items.filter((i) => i !== live), object];
    return { object, created: live === undefined, warnings: [] };
  }
  async delete(ref: Ref, options: { dryRun?: boolean } = {}) {
    const live = await this.get(ref);
    if (options.dryRun) return live !== undefined;
    await this.beforeWrite(ref);
    this.writes.push(`delete ${refText(ref)}`);
    this.items = this.items.filter((i) => i !== live);
    return live !== undefined;
  }
  async contents(namespace: string) {
    return this.items.filter((item) => item.metadata.namespace === namespace).map(refOf);
  }
  /** Rights that this account does not have. */
  lacking: readonly Need[] = [];
  async lacks(uses: readonly Uses[]) {
    return uses.map(() => this.lacking);
  }
  /** Why another run holds it; undefined: nobody does. */
  claimedBy: string | undefined;
  readonly claims: string[] = [];
  lost = new AbortController();
  async unclaim(): Promise<void> {}

  async claim(): Promise<Claim> {
    if (this.claimedBy !== undefined) return { held: false, reason: this.claimedBy };
    this.claims.push('claimed');
    const release = async () => void this.claims.push('released');
    return { held: true, lost: this.lost.signal, release };
  }
  /** How the gate was asked. */
  readonly gates: GateOptions[] = [];
  async gate(options: GateOptions = {}) {
    this.gates.push(options);
    return this.gateResult;
  }
  /** What a probe finds; undefined: it runs until it is stopped. */
  probeResult: ProbeFacts | undefined;
  readonly probes: ProbeRequest[] = [];
  async probePolicies(request: ProbeRequest): Promise<ProbeFacts> {
    await request.before('kubectl-harden-probe-0123456789ab');
    this.probes.push(request);
    this.writes.push('probe');
    request.onStage?.('connecting without a policy');
    if (this.probeResult !== undefined) return this.probeResult;
    await new Promise((resolve) => request.signal?.addEventListener('abort', resolve));
    const at = '2026-01-01T00:00:00.000Z';
    return { verdict: 'inconclusive', evidence: ['it was stopped'], at, interrupted: true, left: [] };
  }
  async rewrite(_options: RewriteOptions): Promise<RewriteResult> {
    this.writes.push('rewrite secrets');
    const metrics = { means: 'metrics' as const, used: false as const, words: 'not here' };
    return {
      total: 1,
      rewritten: 1,
      unchanged: 0,
      gone: 0,
      refused: 0,
      failures: [],
      interrupted: false,
      metrics,
    };
  }
  async rewriteSize(): Promise<RewriteSize> {
    return {
      objects: 1,
      bytes: undefined,
      etcd: undefined,
      quota: undefined,
      migration: undefined,
      words: [],
    };
  }
  async proveRewrite(): Promise<readonly ProofMeans[]> {
    return [{ means: 'finalPass', used: true, moved: 0, words: 'a second pass moved nothing' }];
  }
  async close() {}
}

export class MemoryHost implements Host {
  outcome: HostOutcome = { state: 'applied', evidence: 'the API server came back' };
  readonly applied: string[] = [];
  async apply(change: { id: string }) {
    this.applied.push(change.id);
    return this.outcome;
  }
}

export class MemoryJournal implements Journal {
  readonly run = '0001';
  readonly directory = '(memory)';
  readonly lines: Stamped[] = [];
  async append(entry: Entry) {
    this.lines.push({ ...entry, at: '2026-01-01T00:00:00.000Z' });
  }
  async entries() {
    return this.lines;
  }
  readonly images = new Map<string, Manifest>();
  async keep(object: Manifest) {
    const name = `${refText(refOf(object))} at ${object.metadata.resourceVersion}`;
    this.images.set(name, object);
    return name;
  }
  async image(name: string) {
    const found = this.images.get(name);
    if (found === undefined) throw new Error(`${name} was not kept`);
    return found;
  }
}
