import type { Change } from '../../src/model/plan.js';
import { canTakeBack, nextChoice, offered } from '../../src/wizard/waiting.js';

const change = (kind: Change['kind'], risk: Change['risk'] = 'none') => ({ kind, risk }) as Change;

describe('what a confirmation offers', () => {
  test.each<[string, readonly Change[], object | undefined, ReturnType<typeof offered>]>([
    ['nothing where no guardian can be had', [change('apply', 'cutsTraffic')], undefined, undefined],
    ['the choice, default off, where it can cut traffic', [change('apply', 'cutsTraffic')], {}, 0],
    ['the choice where it can reject workloads', [change('delete', 'rejectsWorkloads')], {}, 0],
    ['none where nothing can go wrong', [change('apply')], {}, undefined],
    ['what the command line asked for, whatever the risk', [change('apply')], { seconds: 90 }, 90],
    ['never where a file on a node is written', [change('apply'), change('host')], { seconds: 90 }, 'never'],
    ['never where Secrets are re-written', [change('rewrite')], {}, 'never'],
    ['a command for a provider is not run by us', [change('cloud', 'cutsTraffic')], {}, 0],
  ])('%s', (_name, changes, offer, expected) => {
    expect(offered(changes, offer)).toBe(expected);
  });

  test('the choices go round, and what was asked for is one of them', () => {
    const round = (offer: object, seconds = 0, seen: number[] = []): number[] =>
      seen.includes(seconds) ? seen : round(offer, nextChoice(seconds, offer), [...seen, seconds]);
    expect(round({})).toEqual([0, 60, 300, 900, 3600]);
    expect(round({ seconds: 90 })).toEqual([0, 60, 90, 300, 900, 3600]);
  });

  test('only what is written through the API is taken back', () => {
    const kinds = ['apply', 'delete', 'cloud', 'host', 'rewrite'] as const;
    expect(kinds.filter((kind) => canTakeBack([change(kind)]))).toEqual(['apply', 'delete', 'cloud']);
  });
});
