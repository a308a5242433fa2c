import { planOf } from '../../src/model/plan.js';
import { accepted, HOST, policyChange, shopState, withStep } from './fixtures.js';
import { KEY, onScreen } from './harness.js';

const review = shopState({ at: 'review' });

test('space takes the change under the cursor out of the plan', () =>
  onScreen(review, {}, async (mounted) => {
    mounted.session.reply = (event, state) =>
      event.type === 'toggle' ? withStep(state, (step) => ({ ...step, excluded: [event.change] })) : state;
    await mounted.press('j', ' ');
    expect(mounted.session.events).toEqual([
      { type: 'toggle', change: 'default-deny/shop/NetworkPolicy/cart' },
    ]);
    expect(mounted.frame()).toContain('4 of 5 chosen');
    expect(mounted.frame()).toMatch(/\[ \] \+ ▲ cart/);
  }));

test('what requires a change that was taken out is shown as left out too', () => {
  const [first, second] = [policyChange('shop', 'web'), policyChange('shop', 'cart')];
  const state = withStep(review, (step) => ({
    ...step,
    plan: planOf('default-deny', [first, { ...second, requires: [first.id] }]),
    excluded: [first.id],
  }));
  return onScreen(state, {}, async (mounted) => {
    expect(mounted.frame()).toContain('0 of 2 chosen');
    expect(mounted.frame()).not.toContain('⏎ confirm');
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([]);
  });
});

test('tab goes to the difference, arrows scroll it to its end and no further', () =>
  onScreen(review, {}, async (mounted) => {
    expect(mounted.frame()).toContain('lines 1-9 of 18');
    await mounted.press(KEY.tab, KEY.down);
    expect(mounted.frame()).toContain('lines 2-10 of 18');
    await mounted.press('G', KEY.down);
    expect(mounted.frame()).toContain('lines 10-18 of 18');
    await mounted.press(KEY.up);
    expect(mounted.frame()).toContain('lines 9-17 of 18');
  }));

test('another change starts at the top of its difference', () =>
  onScreen(review, {}, async (mounted) => {
    await mounted.press(KEY.pageDown);
    expect(mounted.frame()).not.toContain('lines 1-9 of 18');
    await mounted.press(KEY.down);
    expect(mounted.frame()).toContain('lines 1-9 of 18');
    expect(mounted.frame()).toContain('NetworkPolicy shop/cart');
  }));

test('long lines are reached sideways', () =>
  onScreen(review, {}, async (mounted) => {
    await mounted.press(KEY.pageDown);
    expect(mounted.frame()).toContain('kubernetes.io/metadata.name: in…');
    await mounted.press(KEY.right, KEY.right, KEY.right);
    expect(mounted.frame()).toContain('metadata.name: ingress-nginx');
    await mounted.press(KEY.left, KEY.left, KEY.left);
    expect(mounted.frame()).toContain('kubernetes.io/metadata.name: in…');
  }));

test('i shows everything that is known about a change', () => {
  const breaks = Array.from({ length: 20 }, (_, i) => `connection ${i} would be cut`);
  const state = withStep(review, (step) => ({
    ...step,
    plan: planOf('default-deny', [{ ...policyChange('shop', 'web'), breaks }]),
  }));
  return onScreen(state, {}, async (mounted) => {
    expect(mounted.frame()).toMatch(/\d+ more rows: i shows all/);
    await mounted.press('i');
    expect(mounted.frame()).toContain('connection 3 would be cut');
    await mounted.press(KEY.tab, 'G');
    expect(mounted.frame()).toContain('connection 19 would be cut');
    expect(mounted.frame()).toContain('server dry run: accepted');
  });
});

test('the filter keeps what matches, and the cursor on it', () =>
  onScreen(review, {}, async (mounted) => {
    await mounted.press('/', 'payments', KEY.enter, 'j', ' ');
    expect(mounted.frame()).not.toContain('cart');
    expect(mounted.session.events).toEqual([
      { type: 'toggle', change: 'default-deny/payments/NetworkPolicy/default-deny' },
    ]);
  }));

test('what the server said stands beside the change', () => {
  const [a, b, c] = [policyChange('shop', 'a'), policyChange('shop', 'b'), HOST];
  const state = withStep(review, (step) => ({
    ...step,
    plan: planOf('default-deny', [a, b, c]),
    checked: [
      { ...accepted([a])[0]!, check: { by: 'server', warnings: ['unknown field spec.policyType'] } },
      { ...accepted([b])[0]!, check: { by: 'refusal', reason: 'webhook says no' } },
      { ...accepted([c])[0]!, check: { by: 'us', reason: 'not an object of the API' } },
    ],
  }));
  return onScreen(state, {}, async (mounted) => {
    expect(mounted.frame().replaceAll(/[\s│]+/g, ' ')).toContain('accepted, warns: unknown field');
    await mounted.press('j');
    expect(mounted.frame().replaceAll(/[\s│]+/g, ' ')).toContain(
      'the server would refuse it: webhook says no',
    );
    await mounted.press('j');
    expect(mounted.frame()).toContain('control-plane nodes');
    expect(mounted.frame().replaceAll(/[\s│]+/g, ' ')).toContain('not checked by the server: not an object');
  });
});

test('enter goes on, esc back; with nothing to change enter leads to the overview', async () => {
  await onScreen(review, {}, async (mounted) => {
    await mounted.press(KEY.enter, KEY.esc);
    expect(mounted.session.events).toEqual([{ type: 'next' }, { type: 'back' }]);
  });
  await onScreen(shopState({ at: 'review' }, { current: 0 }), {}, async (mounted) => {
    await mounted.press(KEY.enter);
    expect(mounted.session.events).toEqual([{ type: 'back' }, { type: 'back' }]);
  });
});

test('i shows what the chosen changes do to connections, where the step can say it', () => {
  const state = withStep(review, (step) => ({
    ...step,
    step: {
      ...step.step,
      preview: (_now, changes) => ({
        places: ['shop', 'outside'],
        matrix: [
          ['narrowed', 'open'],
          ['closed', 'none'],
        ],
        declared: 9,
        cut: [
          {
            connection: 'a => b : TCP 1',
            severity: 'high',
            why: 'config',
            evidence: 'Pod x/a, env',
            depends: false,
          },
          {
            connection: 'c => d : TCP 2',
            severity: 'low',
            why: 'config',
            evidence: 'Pod x/c, env',
            depends: true,
          },
        ],
        pairsBefore: 1234,
        newNamespaces: ['A namespace that is created later: closed.'],
        pairsAfter: changes.length,
        pairsToDns: 2,
      }),
    },
  }));
  return onScreen(state, {}, async (mounted) => {
    expect(mounted.frame()).not.toContain('What breaks');
    await mounted.press('i', KEY.tab, 'G');
    expect(mounted.frame()).toContain('1 shop');
    expect(mounted.frame()).toMatch(/◐\s+●/);
    expect(mounted.frame().replace(/[│\s]+/g, ' ')).toContain(
      'cut: 1 of 9; may be cut, depending on the network plugin: 1; open workload pairs: 1,234 to 5 (2 to DNS)',
    );
    expect(mounted.frame().replace(/[│\s]+/g, ' ')).toContain(
      '▲ may cut, depending on the network plugin, c =>',
    );
    expect(mounted.frame()).toContain('A namespace that is created later: closed.');
  });
});
