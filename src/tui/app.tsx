import { useInput, usePaste, useWindowSize } from 'ink';
import {
  type ReactNode,
  useCallback,
  useInsertionEffect,
  useReducer,
  useRef,
  useSyncExternalStore,
} from 'react';
import type { Session } from '../wizard/state.js';
import { asksMore, press, reopened } from './acts.js';
import { bindingsOf } from './bindings.js';
import { Frame, layoutOf } from './frame.js';
import { type KeyName, keysOf } from './keypress.js';
import { Lines, paragraph } from './lines.js';
import type { Look } from './look.js';
import type { Scene } from './scene.js';
import { Applying } from './screens/applying.js';
import { Checking, Probing, Verifying } from './screens/busy.js';
import { Confirm } from './screens/confirm.js';
import { Failed } from './screens/failed.js';
import { Help } from './screens/help.js';
import { Left } from './screens/left.js';
import { Overview } from './screens/overview.js';
import { Questions } from './screens/questions.js';
import { Reading } from './screens/reading.js';
import { Result } from './screens/result.js';
import { Review } from './screens/review.js';
import { Skip } from './screens/skip.js';
import { Table } from './screens/table.js';
import { isTooSmall, SMALLEST } from './smallest.js';
import { screenName, type View, viewFor } from './view.js';

/** Which screen was built last, and which one is on the terminal. */
export interface Drawn {
  built: string;
  shown: string;
}

interface AppProps {
  session: Session;
  look: Look;
  drawn: Drawn;
  /** The command that asks the same in any size of window. */
  plainCommand: string;
}

/** Draws the session's state and tells the session what the keys mean. */
export function App({ session, look, drawn, plainCommand }: AppProps): ReactNode {
  const state = useSyncExternalStore(session.subscribe, () => session.state);
  const size = useWindowSize();
  const kept = useRef<View>(undefined);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const small = isTooSmall(size);

  const sceneNow = (): Scene => {
    const { width, height } = layoutOf(session.state, look, size.columns, size.rows);
    return { state: session.state, view: viewFor(session.state, kept.current), look, width, height };
  };
  const show = (view: View) => {
    if (view === kept.current) return;
    kept.current = view;
    redraw();
  };
  // A key acts on the screen that was on the terminal when it came. What was typed for another one is dropped.
  const onKey = (key: KeyName) => {
    const stale = drawn.shown !== screenName(session.state);
    if ((stale || small) && key !== 'ctrl+c') return;
    const { view, events } = key === 'ctrl+c' ? interrupted(sceneNow().view) : press(sceneNow(), key);
    show(view);
    const before = session.state;
    for (const event of events) {
      if (event.type === 'next' && asksMore(before, session.state)) {
        show({ ...view, group: view.group + 1 });
        break;
      }
      session.send(event);
    }
    show(reopened(before, session.state, kept.current ?? view));
  };
  useInput((input, key) => {
    for (const name of keysOf(input, key)) onKey(name);
  });
  usePaste((text) => {
    // Pasted text is typed text, never a command: only a field takes it, and a line break does not send it.
    for (const char of text) if (fieldAt(sceneNow()) && char >= ' ') onKey(char === ' ' ? 'space' : char);
  });
  const onArmed = useCallback(() => {
    const view = viewFor(session.state, kept.current);
    kept.current = { ...view, armed: true };
    redraw();
  }, [session]);
  // Before the frame is written: `shown` follows `built` when it has been.
  useInsertionEffect(() => {
    drawn.built = screenName(state);
  });

  if (small) return <TooSmall columns={size.columns} rows={size.rows} command={plainCommand} look={look} />;
  const view = viewFor(state, kept.current);
  const layout = layoutOf(state, look, size.columns, size.rows);
  const scene: Scene = { state, view, look, width: layout.width, height: layout.height };
  const bindings = bindingsOf(scene);
  return (
    <Frame state={state} look={look} layout={layout} bindings={bindings}>
      {view.help ? (
        <Help scene={scene} bindings={bindingsOf({ ...scene, view: { ...view, help: false } })} />
      ) : view.table !== undefined ? (
        <Table scene={scene} />
      ) : (
        <ScreenOf scene={scene} onArmed={onArmed} />
      )}
    </Frame>
  );
}

function interrupted(view: View) {
  return { view, events: [{ type: 'interrupt' } as const] };
}

function fieldAt(scene: Scene): boolean {
  return bindingsOf(scene).some(({ does }) => Object.hasOwn(does, 'text'));
}

function ScreenOf({ scene, onArmed }: { scene: Scene; onArmed(): void }): ReactNode {
  switch (scene.state.screen.at) {
    case 'reading':
      return <Reading scene={scene} />;
    case 'overview':
      return <Overview scene={scene} />;
    case 'questions':
      return <Questions scene={scene} />;
    case 'checking':
      return <Checking scene={scene} />;
    case 'review':
      return <Review scene={scene} />;
    case 'confirm':
      return <Confirm scene={scene} onArmed={onArmed} />;
    case 'applying':
      return <Applying scene={scene} />;
    case 'probing':
      return <Probing scene={scene} />;
    case 'verifying':
      return <Verifying scene={scene} />;
    case 'result':
      return <Result scene={scene} />;
    case 'skip':
      return <Skip scene={scene} />;
    case 'failed':
      return <Failed scene={scene} />;
    case 'left':
      return <Left scene={scene} />;
  }
}

interface TooSmallProps {
  columns: number;
  rows: number;
  command: string;
  look: Look;
}

/** What to do where the window is too small: two short lines; what does not fit even so goes on below. */
function TooSmall({ columns, rows, command, look }: TooSmallProps): ReactNode {
  const width = Math.max(1, columns);
  const texts = [
    `Too small: ${columns}x${rows}. Enlarge it to ${SMALLEST.columns}x${SMALLEST.rows}.`,
    `Any size: ${command}`,
  ];
  const lines = texts.flatMap((text) => paragraph(look, text, width));
  return <Lines rows={lines} width={width} height={Math.max(1, rows)} look={look} />;
}
