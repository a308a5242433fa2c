import { readFileSync } from 'node:fs';
import { stringAt } from '../model/manifest.js';

/** The version of this package, from its package.json beside `src` or `dist`. */
export function version(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as unknown;
      if (stringAt(found, 'name') === 'kubectl-harden') return stringAt(found, 'version') ?? '';
    } catch {
      // Not this one.
    }
  }
  return 'unknown';
}
