import { type KeyName, typed } from './keypress.js';
import { type Act, type Binding, KEYS, type Mode } from './keys.js';
import { isTyped, openQuestion } from './options.js';
import type { Scene } from './scene.js';
import type { Glyphs } from './signs.js';

/** In which way keys are read at the moment. */
export function modeOf({ state, view }: Pick<Scene, 'state' | 'view'>): Mode {
  const { screen } = state;
  const step = state.steps[state.current];
  if (view.help) return 'help';
  if (view.table !== undefined) return 'table';
  if (view.filtering) return 'filtering';
  switch (screen.at) {
    case 'overview':
      return view.pane === 'detail' ? 'overviewDetail' : 'overview';
    case 'questions':
      return step !== undefined && isTyped(openQuestion(step, view)) ? 'answering' : 'questions';
    case 'review':
      if (step === undefined || step.plan.changes.length === 0) return 'nothing';
      return view.pane === 'detail' ? 'reviewDetail' : 'review';
    case 'confirm':
      return !view.armed ? 'arming' : screen.typed ? 'confirmTyped' : 'confirm';
    case 'checking':
    case 'verifying':
      return 'busy';
    case 'left':
      return 'none';
    default:
      return screen.at;
  }
}

/** The bindings that apply now. */
export function bindingsOf(scene: Scene): readonly Binding[] {
  return KEYS[modeOf(scene)].filter(({ when }) => when === undefined || when(scene));
}

/** What a key does now; undefined where it does nothing. */
export function actOf(scene: Scene, key: KeyName): Act | undefined {
  const bindings = bindingsOf(scene);
  const exact = bindings.find(({ does }) => Object.hasOwn(does, key))?.does[key];
  if (exact !== undefined || typed(key) === undefined) return exact;
  return bindings.find(({ does }) => Object.hasOwn(does, 'text'))?.does.text;
}

const WRITTEN: Readonly<Record<KeyName, string>> = {
  pageup: 'PgUp',
  pagedown: 'PgDn',
  'ctrl+c': 'ctrl-c',
  'ctrl+u': 'ctrl-u',
  text: 'any letter',
  home: 'Home',
  end: 'End',
};

/** The keys of a binding as they are written: all of them, or only the first for the footer. */
export function keysInWords({ does }: Binding, g: Glyphs, brief = false): string {
  const keys = Object.keys(does);
  const words: string[] = [];
  for (const key of keys) {
    if (key === 'down' && keys.includes('up')) continue;
    if (key === 'right' && keys.includes('left')) continue;
    if (key === 'up' && keys.includes('down')) words.push(g.upDown);
    else if (key === 'left' && keys.includes('right')) words.push(g.leftRight);
    else if (key === 'up') words.push(g.up);
    else if (key === 'down') words.push(g.down);
    else words.push(key === 'enter' ? g.enter : (WRITTEN[key] ?? key));
  }
  if (!brief) return words.join(' ');
  return Object.values(does).every((act) => act === does[keys[0] as KeyName]) ||
    keys[0] === 'up' ||
    keys[0] === 'left'
    ? (words[0] ?? '')
    : words.join(' ');
}
