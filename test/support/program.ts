import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const PROGRAM = fileURLToPath(new URL('../../bin/kubectl-harden.js', import.meta.url));

export interface Ran {
  code: number | undefined;
  stdout: string;
  stderr: string;
}

/** Runs the built program (`npm run build` comes before the tests) without a terminal. */
export async function harden(args: readonly string[], env: Record<string, string>): Promise<Ran> {
  const result = await execa(process.execPath, [PROGRAM, ...args], {
    // Never the caller's own kubeconfig or state.
    env: {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      KUBECONFIG: '/nonexistent',
      NO_COLOR: '1',
      ...env,
    },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: 300_000,
  });
  return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}
