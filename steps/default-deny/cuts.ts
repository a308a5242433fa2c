import { type Declared, peerText } from '../../src/declared/index.js';
import { at, isRecord, listAt, stringAt, stringsAt } from '../../src/model/manifest.js';
import type { Choice, Question } from '../../src/model/question.js';
import type { Effect } from './breaks.js';
import { flowText } from './flows.js';
import { NAME_LABEL } from './state.js';
import type { Side } from './workloads.js';

/** What closing a namespace does as it is proposed, and with addresses outside closed as well: that answer may still come. */
export interface Candidate {
  name: string;
  effect: Effect;
  shut: Effect;
}

/**
 * Asks which connections keep their allow; none where no connection needs one. Those of namespaces that are not chosen
 * play no part.
 */
export function cutsQuestion(candidates: readonly Candidate[]): readonly Question[] {
  const allows = new Map<string, { flow: Declared; texts: Set<string>; namespaces: Set<string> }>();
  for (const { name, effect, shut } of candidates)
    for (const { flow, sides } of [...effect.kept, ...shut.kept]) {
      const text = flowText(flow);
      const known = allows.get(text) ?? { flow, texts: new Set<string>(), namespaces: new Set<string>() };
      for (const side of sides) known.texts.add(allowText(side));
      known.namespaces.add(name);
      allows.set(text, known);
    }
  if (allows.size === 0) return [];
  const always = new Set(candidates.flatMap(({ effect }) => effect.kept).map(({ flow }) => flowText(flow)));
  const all = [...allows.keys()];
  const labels = Map.groupBy(allows.values(), ({ flow }) => shortText(flow));
  return [
    {
      id: 'cuts',
      type: 'choices',
      message: 'Which declared connections are kept?',
      help: 'Without its allow, each of them would be cut.',
      risk: 'none',
      choicesFor: 'namespaces',
      choices: [...allows].map(([value, { flow, texts, namespaces }]): Choice => {
        const { why, severity, evidence } = flow;
        const seen = `${why}, ${evidence.object.kind} ${evidence.object.name}, ${evidence.field}`;
        const outside = always.has(value) ? '' : '; matters only where outside is closed';
        const note = `${severity}: ${seen}; allow ${[...texts].join(' and ')}${outside}`;
        const short = shortText(flow);
        const label = labels.get(short)?.length === 1 ? short : value;
        return { value, label, note, group: groupOf(flow), for: [...namespaces] };
      }),
      recommended: all,
      cautious: all,
    },
  ];
}

/** Without kinds and with TCP understood: `shop/web => payments/api :8443`, so that it fits on a small screen. */
function shortText({ source, destination, protocol, port }: Declared): string {
  const [from, to] = [source, destination].map((peer) => peerText(peer).replace(/\[\w+\]$/, ''));
  const by = [...(protocol === 'TCP' ? [] : [protocol]), ...(port === undefined ? [] : [`:${port}`])];
  return [from, '=>', to, ...by].join(' ');
}

/** Where a connection belongs in a long list: with the namespace that it goes to, or else that it leaves. */
function groupOf({ source, destination }: Declared): string {
  if ('namespace' in destination) return `into ${destination.namespace}`;
  return 'namespace' in source ? `out of ${source.namespace}` : 'others';
}

/** The rule that keeps one side of a connection, in a few words: `in from app=web TCP 80`. */
function allowText({ direction, need }: Side): string {
  if (need.kind !== 'rule' && need.kind !== 'entities') return '';
  const peers =
    need.kind === 'entities'
      ? need.entities
      : need.peers === 'any'
        ? ['anywhere']
        : need.peers.map(peerWords);
  const ports = need.ports.map((port) =>
    [at(port, 'protocol'), at(port, 'port')].filter((part) => part !== undefined).join(' '),
  );
  return `${direction === 'ingress' ? 'in from' : 'out to'} ${peers.join(', ')} ${ports.join(', ')}`;
}

function peerWords(peer: unknown): string {
  const range = stringAt(peer, 'ipBlock', 'cidr');
  if (range !== undefined) return range;
  const namespace = stringsAt(peer, 'namespaceSelector', 'matchLabels')[NAME_LABEL];
  const pods = selectorWords(at(peer, 'podSelector'));
  return namespace === undefined ? pods : `${namespace}/${pods}`;
}

function selectorWords(selector: unknown): string {
  if (!isRecord(selector)) return '*';
  const labels = Object.entries(stringsAt(selector, 'matchLabels')).map(([key, value]) => `${key}=${value}`);
  const more = listAt(selector, 'matchExpressions').map((e) =>
    [stringAt(e, 'key'), stringAt(e, 'operator'), listAt(e, 'values').join('|')].filter(Boolean).join(' '),
  );
  return [...labels, ...more].join(',') || '*';
}
