import type { Ref } from '../model/manifest.js';
import type { Engine } from './engine.js';
import type { Action, Direction, Policy, Rule, Tier } from './policy.js';
import type { Protocol } from './portset.js';
import type { Endpoint, Reach } from './reach.js';

/** A rule that speaks of the connection asked about. */
export interface RuleHit {
  policy: Ref;
  tier: Tier;
  /** `ingress[0]`, with the rule's name where it has one. */
  rule: string;
  action: Action;
}

/** What decides one direction of one connection. */
export interface DirectionVerdict {
  direction: Direction;
  allowed: boolean;
  /** Rules that match, in the order in which they are asked, up to and with those that decide. */
  rules: readonly RuleHit[];
  /** NetworkPolicies that isolate the pod in this direction; empty: it is not isolated. */
  isolatedBy: readonly Ref[];
}

/** The answer to one question, with its reasons. */
export interface Explanation {
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

/** See `Reach.explain`. Without protocol and port: traffic that only rules without ports speak of. */
export function explain(
  reach: Reach,
  src: Endpoint,
  dst: Endpoint,
  protocol?: Protocol,
  port?: number,
): Explanation {
  const pairs = reach.pairs(src, dst);
  const cases = pairs.map((pair) => {
    const verdict = pointVerdict(reach.engine, pair, protocol, port);
    return { ...verdict, allowed: pair.self || verdict.allowed, ownNode: pair.ownNode };
  });
  return {
    allowed: cases.some((one) => one.allowed),
    conn: reach.between(src, dst),
    self: pairs.length > 0 && pairs.every((pair) => pair.self),
    cases,
  };
}

/** Decides one connection between two peers rule by rule, without sets: the reasons come with the answer. */
export function pointVerdict(
  engine: Engine,
  { source, destination, ownNode }: { source: number; destination: number; ownNode: boolean },
  protocol?: Protocol,
  port?: number,
): {
  allowed: boolean;
  egress: DirectionVerdict | undefined;
  ingress: DirectionVerdict | undefined;
} {
  const decide = (direction: Direction, subject: number, peer: number) =>
    engine.classes.classes[subject] === undefined || engine.classes.classes[subject]?.onNode
      ? undefined
      : decideDirection(engine, direction, subject, peer, destination, ownNode, protocol, port);
  const egress = decide('egress', source, destination);
  const ingress = decide('ingress', destination, source);
  return { allowed: egress?.allowed !== false && ingress?.allowed !== false, egress, ingress };
}

function decideDirection(
  engine: Engine,
  direction: Direction,
  subject: number,
  peer: number,
  destination: number,
  ownNode: boolean,
  protocol?: Protocol,
  port?: number,
): DirectionVerdict {
  const inForce = engine.inForce(direction, subject);
  const speaks = (rule: Rule) =>
    engine.ruleHasPeer(rule, peer) &&
    (rule.ports === 'any' ||
      (protocol !== undefined &&
        port !== undefined &&
        engine.sets.has(engine.rulePorts(rule, destination), protocol, port)));
  const hits = (policies: readonly Policy[]): RuleHit[] =>
    policies.flatMap((policy) =>
      (policy[direction] ?? [])
        .filter(speaks)
        .map((rule) => ({ policy: policy.ref, tier: policy.tier, rule: rule.place, action: rule.action })),
    );
  const isolatedBy = inForce.NetworkPolicy.map((policy) => policy.ref);
  const done = (allowed: boolean, rules: readonly RuleHit[]): DirectionVerdict => ({
    direction,
    allowed,
    rules,
    isolatedBy,
  });
  const admin = hits(inForce.Admin).slice(0, 1);
  if (admin[0] !== undefined && admin[0].action !== 'Pass') return done(admin[0].action === 'Allow', admin);
  if (isolatedBy.length > 0) {
    const allows = hits(inForce.NetworkPolicy);
    return done(ownNode || allows.length > 0, [...admin, ...allows]);
  }
  const baseline = hits(inForce.Baseline).slice(0, 1);
  const allowed = baseline[0] === undefined || baseline[0].action !== 'Deny';
  return done(allowed, [...admin, ...baseline]);
}
