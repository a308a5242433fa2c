import type { Declared } from '../../src/declared/index.js';
import { at, isRecord, listAt, stringAt, stringsAt } from '../../src/model/manifest.js';
import type { Choice, Question } from '../../src/model/question.js';
import type { Effect } from './breaks.js';
import { flowText } from './flows.js';
import { NAME_LABEL } from './state.js';
import type { Side } from './workloads.js';

/**
 * Asks which connections keep their allow; none where no connection needs one. `effects` are those of closing each
 * namespace as it is proposed, `shut` the same with addresses outside closed as well: that answer may still come.
 */
export function cutsQuestion(effects: readonly Effect[], shut: readonly Effect[]): readonly Question[] {
  const allows = new Map<string, { flow: Declared; texts: Set<string> }>();
  for (const { kept } of [...effects, ...shut])
    for (const { flow, sides } of kept) {
      const text = flowText(flow);
      const known = allows.get(text) ?? { flow, texts: new Set<string>() };
      for (const side of sides) known.texts.add(allowText(side));
      allows.set(text, known);
    }
  if (allows.size === 0) return [];
  const always = new Set(effects.flatMap(({ kept }) => kept).map(({ flow }) => flowText(flow)));
  const all = [...allows.keys()];
  return [
    {
      id: 'cuts',
      type: 'choices',
      message: 'Which declared connections are kept?',
      help: 'Without its allow, each of them would be cut.',
      risk: 'none',
      choices: [...allows].map(([value, { flow, texts }]): Choice => {
        const { why, severity, evidence } = flow;
        const seen = `${why}, ${evidence.object.kind} ${evidence.object.name}, ${evidence.field}`;
        const outside = always.has(value) ? '' : '; matters only where outside is closed';
        const note = `${severity}: ${seen}; allow ${[...texts].join(' and ')}${outside}`;
        return { value, label: value, note, group: groupOf(flow) };
      }),
      recommended: all,
      cautious: all,
    },
  ];
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
