import { execa } from 'execa';
import type { HealthCheck } from '../model/provisional.js';

/** How long one try may take, how often it is tried, and the pause between, in milliseconds. */
const TRY = 30_000;
const TRIES = 3;
const PAUSE = 1_000;

/**
 * Whether a health check passes: a command that ends with 0, run without a shell and with its output thrown away, or a
 * URL that answers 2xx or 3xx. It is tried up to three times. Resolves with words for a log.
 */
export async function isHealthy(check: HealthCheck): Promise<{ healthy: boolean; words: string }> {
  for (let tries = 1; ; tries++) {
    const { healthy, words } = 'url' in check ? await asked(check.url) : await ran(check.command);
    if (healthy || tries === TRIES) return { healthy, words };
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

async function ran([file = '', ...args]: readonly string[]) {
  const result = await execa(file, args, {
    reject: false,
    stdio: 'ignore',
    timeout: TRY,
    forceKillAfterDelay: 2_000,
  });
  if (result.timedOut) return { healthy: false, words: `no end after ${TRY / 1000} s` };
  if (result.exitCode === undefined)
    return { healthy: false, words: `it could not be run (${result.code ?? result.signal})` };
  return { healthy: result.exitCode === 0, words: `exit code ${result.exitCode}` };
}

async function asked(url: string) {
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TRY) });
    await answer.body?.cancel();
    return { healthy: answer.status >= 200 && answer.status < 400, words: `HTTP status ${answer.status}` };
  } catch {
    return { healthy: false, words: 'no answer' };
  }
}
