import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

// Looked at by every command: this imports nothing that takes time to load.

/** `$XDG_STATE_HOME/kubectl-harden/runs`; a relative XDG_STATE_HOME is ignored, as its specification asks. */
export function runsDirectory(env: Readonly<Record<string, string | undefined>>, home = homedir()): string {
  const state = env.XDG_STATE_HOME;
  const base = state !== undefined && path.isAbsolute(state) ? state : path.join(home, '.local', 'state');
  return path.join(base, 'kubectl-harden', 'runs');
}

/** Folder of a run in which it is decided about what waits to be confirmed: a file a decision, the guardian's lock, its log. */
export const CONFIRM = 'confirm';
/** Whether anything was written provisionally by any of the runs in a directory. */
export async function confirmsIn(runs: string): Promise<boolean> {
  const names = await readdir(runs).catch(() => []);
  const found = await Promise.all(
    names.map((name) =>
      stat(path.join(runs, name, CONFIRM)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
