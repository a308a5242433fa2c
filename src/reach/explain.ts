import type { Ref } from '../model/manifest.js';
import type { Endpoint, Pair } from './endpoint.js';
import type { Engine } from './engine.js';
import type { Action, Direction, Peer, Policy, Rule, Tier } from './policy.js';
import { NONE, type Protocol } from './portset.js';
import type { Reach } from './reach.js';

/** A rule that speaks of the connection asked about. */
export interface RuleHit {
  policy: Ref;
  tier: Tier;
  /** `ingress[0]`, with the rule's name where it has one. */
  rule: string;
  action: Action;
  /** The rule's ports on this destination, as in `Connection.conn`. */
  ports: string;
}

/** What decides one direction of one connection. */
export interface DirectionVerdict {
  direction: Direction;
  allowed: boolean;
  /** Everything that this direction lets through between the two, as in `Connection.conn`. */
  conn: string;
  /**
   * Rules that match, in the order in which they are asked: up to and with those that decide, or where no port was
   * asked about all that name the peer.
   */
  rules: readonly RuleHit[];
  /** NetworkPolicies that isolate the pod in this direction; empty: it is not isolated. */
  isolatedBy: readonly Ref[];
  /**
   * Where it is blocked: rules whose ipBlock holds an address of the pods at the other end, or every address that they
   * may get. They let it through with plugins whose ipBlock also matches pods (see `EngineOptions.podAddresses`).
   */
  byAddress: readonly RuleHit[];
}

/** The answer to one question, with its reasons. */
export interface Explanation {
  /** Whether the connection may be opened; where no port was asked about, whether any may. */
  allowed: boolean;
  /** Everything that may pass between the two, as in `Connection.conn`. */
  conn: string;
  /** A pod and itself: no policy can cut it. */
  self: boolean;
  /** One entry for each kind of pod pair that the endpoints stand for; most often one. */
  cases: readonly {
    allowed: boolean;
    /** A pod and its own node: no NetworkPolicy can cut it, cluster-wide policies can. */
    ownNode: boolean;
    /** Undefined where no policy applies in that direction: the end is no pod, or on its node's network. */
    egress: DirectionVerdict | undefined;
    ingress: DirectionVerdict | undefined;
  }[];
}

/** One protocol and port; `portless`: traffic that only rules without ports speak of; undefined: all there is. */
export type Traffic = { protocol: Protocol; port: number } | 'portless' | undefined;

/** See `Reach.explain`. */
export function explain(
  reach: Reach,
  src: Endpoint,
  dst: Endpoint,
  protocol?: Protocol,
  port?: number,
): Explanation {
  const traffic = protocol === undefined || port === undefined ? undefined : { protocol, port };
  const pairs = reach.pairs(src, dst);
  const { engine } = reach;
  const cases = pairs.map((pair) => {
    const { source, destination, ownNode } = pair;
    const { allowed, egress, ingress } = verdictOn(engine, pair, traffic);
    const completed = (judged: Judgement | undefined, subject: number, peer: number, other: Endpoint) => {
      if (judged === undefined) return undefined;
      const { direction } = judged;
      const conn = engine.sets.text(engine.row(direction, subject, ownNode)[peer] ?? NONE);
      const byAddress = judged.allowed
        ? []
        : rulesByAddress(reach, direction, subject, peer, destination, other, traffic);
      return { ...judged, conn, byAddress };
    };
    return {
      allowed: pair.self || allowed,
      ownNode,
      egress: completed(egress, source, destination, dst),
      ingress: completed(ingress, destination, source, src),
    };
  });
  return {
    allowed: cases.some((one) => one.allowed),
    conn: reach.between(src, dst),
    self: pairs.length > 0 && pairs.every((pair) => pair.self),
    cases,
  };
}

type Judgement = Omit<DirectionVerdict, 'conn' | 'byAddress'>;

export interface Verdict {
  allowed: boolean;
  egress: Judgement | undefined;
  ingress: Judgement | undefined;
}

/** Decides between two peers rule by rule, without sets for what is asked: the reasons come with the answer. */
export function verdictOn(engine: Engine, pair: Pair, traffic: Traffic): Verdict {
  const { source, destination } = pair;
  const judge = (direction: Direction, subject: number, peer: number) => {
    const subjectClass = engine.peers.classAt(subject);
    if (subjectClass === undefined || subjectClass.onNode) return undefined;
    return new Judge(engine, direction, subject, peer, pair, traffic).decide();
  };
  const egress = judge('egress', source, destination);
  const ingress = judge('ingress', destination, source);
  const both = egress?.allowed !== false && ingress?.allowed !== false;
  const allowed = traffic === undefined ? engine.between(source, destination, pair.ownNode) !== NONE : both;
  return { allowed, egress, ingress };
}

/** One direction of one question. */
class Judge {
  private readonly engine: Engine;
  private readonly direction: Direction;
  private readonly subject: number;
  private readonly peer: number;
  private readonly pair: Pair;
  private readonly traffic: Traffic;

  constructor(
    engine: Engine,
    direction: Direction,
    subject: number,
    peer: number,
    pair: Pair,
    traffic: Traffic,
  ) {
    this.engine = engine;
    this.direction = direction;
    this.subject = subject;
    this.peer = peer;
    this.pair = pair;
    this.traffic = traffic;
  }

  decide(): Judgement {
    const { engine, direction, pair, traffic } = this;
    const { Admin, NetworkPolicy, Baseline } = engine.inForce(direction, this.subject);
    const isolatedBy = NetworkPolicy.filter(({ addsOnly }) => !addsOnly).map((policy) => policy.ref);
    const done = (allowed: boolean, rules: readonly RuleHit[]): Judgement => ({
      direction,
      allowed,
      rules,
      isolatedBy,
    });
    if (traffic === undefined) {
      const below = NetworkPolicy.length > 0 ? NetworkPolicy : Baseline;
      const set = engine.row(direction, this.subject, pair.ownNode)[this.peer];
      return done(set !== NONE, [...this.hits(Admin), ...this.hits(below)]);
    }
    const admin = this.hits(Admin).slice(0, 1);
    if (admin[0] !== undefined && admin[0].action !== 'Pass') return done(admin[0].action === 'Allow', admin);
    if (isolatedBy.length > 0) {
      const allows = this.hits(NetworkPolicy);
      return done(pair.ownNode || allows.length > 0, [...admin, ...allows]);
    }
    const baseline = this.hits(Baseline).slice(0, 1);
    return done(baseline[0]?.action !== 'Deny', [...admin, ...baseline]);
  }

  private hits(policies: readonly Policy[]): RuleHit[] {
    const { engine, direction, pair } = this;
    return policies.flatMap((policy) =>
      (policy[direction] ?? [])
        .filter((rule) => this.speaks(rule))
        .map((rule) => hitBy(engine, policy, rule, pair.destination)),
    );
  }

  private speaks(rule: Rule): boolean {
    const { engine, traffic, pair } = this;
    return engine.peers.ruleHasPeer(rule, this.peer) && speaksOf(engine, rule, pair.destination, traffic);
  }
}

function speaksOf(engine: Engine, rule: Rule, destination: number, traffic: Traffic): boolean {
  if (traffic === 'portless') return rule.ports === 'any';
  const ports = engine.peers.rulePorts(rule, destination);
  return traffic === undefined ? ports !== NONE : engine.sets.has(ports, traffic.protocol, traffic.port);
}

function hitBy(engine: Engine, { ref, tier }: Policy, rule: Rule, destination: number): RuleHit {
  const ports = engine.sets.text(engine.peers.rulePorts(rule, destination));
  return { policy: ref, tier, rule: rule.place, action: rule.action, ports };
}

function rulesByAddress(
  reach: Reach,
  direction: Direction,
  subject: number,
  end: number,
  destination: number,
  other: Endpoint,
  traffic: Traffic,
): readonly RuleHit[] {
  const { engine } = reach;
  const { podAddresses } = engine.options;
  if (podAddresses === 'select') return [];
  const addresses = podAddresses === 'ignore' ? reach.addressesOf(other) : [];
  const place = engine.peers.classAt(end)?.place;
  const holds = (peer: Peer) =>
    peer.kind === 'block' && addresses.some((address) => engine.semantics.inBlock(address, peer.block));
  const holdsAll = (rule: Rule) =>
    place?.atom === undefined &&
    place !== undefined &&
    engine.peers.rangesHold(rule, place.family, false) === 'whole';
  return engine.inForce(direction, subject).NetworkPolicy.flatMap((policy) =>
    (policy[direction] ?? [])
      .filter((rule) => rule.peers !== 'any' && (rule.peers.some(holds) || holdsAll(rule)))
      .filter((rule) => speaksOf(engine, rule, destination, traffic))
      .map((rule) => hitBy(engine, policy, rule, destination)),
  );
}
