import { stringify } from 'yaml';
import { refText } from '../model/manifest.js';
import { judge } from '../model/rewrite.js';
import type { RewriteProgress } from '../wizard/ports.js';
import type { RewriteDone } from '../wizard/rewrite.js';
import { documentedCommand, number } from '../wizard/rewrite-size.js';
import { jsonText } from './json.js';
import { encoded, type Style } from './style.js';

/** The documented command for each resource, and a migration by the server where it offers one. */
export function printedText(
  resources: readonly string[],
  target: readonly string[],
  migration: string | undefined,
): string {
  const lines = [
    '# The command of the Kubernetes documentation. It carries every value through this machine, and tries out nothing:',
    '# first make sure that every API server has the same encryption configuration.',
    ...resources.map((resource) => documentedCommand(resource, target)),
  ];
  // The first version of that API asks for a version of the resource, which is known of core resources only.
  const core = resources.filter((resource) => !resource.includes('.'));
  const offered = migration?.endsWith('/v1alpha1') ? core : resources;
  if (migration === undefined || offered.length === 0) return `${lines.join('\n')}\n`;
  const manifests = offered.map((resource) => stringify(migrationOf(resource, migration)));
  return `${lines.join('\n')}\n
# For what is too large for one client the API server re-writes by itself. Apply this, then watch its conditions
# Running, Succeeded, Failed; it ends with the first error that cannot be retried, and tells no progress.
${manifests.join('---\n')}`;
}

function migrationOf(resource: string, apiVersion: string) {
  const dot = resource.indexOf('.');
  const [plural, group] = dot < 0 ? [resource, ''] : [resource.slice(0, dot), resource.slice(dot + 1)];
  const version = apiVersion.endsWith('/v1alpha1') ? { version: 'v1' } : {};
  return {
    apiVersion,
    kind: 'StorageVersionMigration',
    metadata: { name: `kubectl-harden-${resource.replaceAll('.', '-')}` },
    spec: { resource: { group, resource: plural, ...version } },
  };
}

/** Progress since a moment: rates are those of this run, not of what an earlier one did. */
export interface Pacing {
  progress: RewriteProgress;
  /** Objects that were done when it began. */
  before: number;
  seconds: number;
}

const seenOf = ({ rewritten, unchanged, gone, refused }: RewriteProgress) =>
  rewritten + unchanged + gone + refused;

/** `7,214 of 10,000 · 1,240/s · 2 s left · 3 refused`. */
export function progressText({ progress, before, seconds }: Pacing): string {
  const seen = seenOf(progress);
  const { total, refused, gone } = progress;
  const rate = seconds > 0 ? (seen - before) / seconds : 0;
  const left = total === undefined || rate === 0 ? undefined : Math.max(0, total - seen) / rate;
  return [
    total === undefined ? `${number(seen)} done` : `${number(seen)} of ${number(total)}`,
    `${number(Math.round(rate))}/s`,
    ...(left === undefined ? [] : [`${durationText(left)} left`]),
    ...(gone === 0 ? [] : [`${number(gone)} gone meanwhile`]),
    ...(refused === 0 ? [] : [`${number(refused)} refused`]),
  ].join(' · ');
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const BAR = 30;

/** The same with a bar, on one line of a terminal. */
export function progressBar(pacing: Pacing, style: Style): string {
  const { total } = pacing.progress;
  const share = total === undefined || total === 0 ? 0 : Math.min(1, seenOf(pacing.progress) / total);
  const full = Math.round(share * BAR);
  const [on, off] = style.unicode ? ['█', '░'] : ['#', '.'];
  const text = `${on.repeat(full)}${off.repeat(BAR - full)}  ${encoded(style, progressText(pacing))}`;
  return text.slice(0, Math.max(0, style.width - 1));
}

export interface RewriteReport {
  run: string;
  context: string;
  resources: readonly string[];
  done: RewriteDone;
  interrupted: boolean;
  seconds: number;
}

/** Version of the JSON; see docs/json.md. */
export const REWRITE_VERSION = 1;

/** The same as JSON text. */
export function rewriteJson({ run, context, resources, done, interrupted, seconds }: RewriteReport): string {
  const { total, rewritten, unchanged, gone, refused, failures } = done.result;
  const { proof } = done;
  const value = {
    version: REWRITE_VERSION,
    run,
    context,
    resources,
    interrupted,
    resumed: done.resumed,
    seconds: Math.round(seconds * 1000) / 1000,
    ...(total === undefined ? {} : { total }),
    rewritten,
    unchanged,
    gone,
    refused,
    failures: failures.map(({ ref, reason }) => ({ object: refText(ref), reason })),
    gate: done.evidence,
    ...(proof === undefined
      ? {}
      : {
          proof: {
            verdict: judge(proof),
            ...(proof.objects === undefined ? {} : { objects: proof.objects }),
            stale: proof.stale,
            writes: proof.writes,
            means: proof.means,
          },
        }),
  };
  return `${jsonText(value, 2)}\n`;
}
