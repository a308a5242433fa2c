import { once } from '../../src/model/once.js';
import { PROVIDERS, providers } from '../../src/model/providers.js';
import type { Answers, Question } from '../../src/model/question.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { counted } from '../../src/model/words.js';

export const PROVIDER = 'provider';
const NONE = 'none';

/** Clouds whose nodes a policy can keep pods from. */
const CLOUDS = PROVIDERS.filter(({ endpoints }) => endpoints.length > 0);

/**
 * Where nodes run that do not tell: machines of a cloud without its controller look like those of a cellar. `means`: what
 * the answer is for, one sentence.
 */
export function providerQuestion(now: Snapshot, means: string): readonly Question[] {
  const { length } = providers(now).unmarked;
  if (length === 0) return [];
  return [
    {
      id: PROVIDER,
      type: 'choice',
      message:
        length === 1
          ? 'Of which cloud is the node that does not tell?'
          : 'Of which cloud are the nodes that do not tell?',
      help: `${counted(length, 'node')} without providerID and without a label of a provider. ${means}`,
      risk: 'none',
      choices: [
        { value: NONE, label: 'None, or not known', note: 'nothing is proposed for them' },
        ...CLOUDS.map(({ id, title, endpoints }) => ({
          value: id,
          label: title,
          note: endpoints.map(({ address }) => address).join(', '),
        })),
      ],
      recommended: NONE,
      cautious: NONE,
    },
  ];
}

const known = once(() => new Map<string, Snapshot>());

/** The snapshot with what was said of nodes that do not tell; the same value each time. */
export function told(now: Snapshot, answers: Answers): Snapshot {
  const said = CLOUDS.find(({ id }) => id === answers[PROVIDER])?.id;
  if (said === undefined || said === now.unmarkedOn) return now;
  const seen = known(now).get(said) ?? { ...now, unmarkedOn: said };
  known(now).set(said, seen);
  return seen;
}
