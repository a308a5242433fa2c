import type { Manifest } from '../../src/model/manifest.js';
import { type Templates, template } from '../../src/model/template.js';

const TEMPLATE = 'namespaces/pod-security.yaml';

/** Levels of the Pod Security Standards, the loosest first. */
export const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof LEVELS)[number];

/** Modes of Pod Security Admission. Only the first rejects pods. */
export const ENFORCED = 'enforce';
export const MODES = [ENFORCED, 'audit', 'warn'] as const;
export type Mode = (typeof MODES)[number];

/** Label of a mode (documentation: Pod Security Admission). */
export function modeLabel(mode: Mode): string {
  return `pod-security.kubernetes.io/${mode}`;
}

/** The levels that the labels of a namespace say; a value that is no level counts as none, as it is unknown. */
export function levelsOf({ metadata }: Manifest): Partial<Record<Mode, Level>> {
  return Object.fromEntries(
    MODES.flatMap((mode) => {
      const level = LEVELS.find((one) => one === metadata.labels?.[modeLabel(mode)]);
      return level === undefined ? [] : [[mode, level]];
    }),
  );
}

/** The labels that the template has for a mode, with the level that was chosen; empty where it leaves the mode out. */
export function modeLabels(templates: Templates, mode: Mode, level: Level): Record<string, string> {
  const label = modeLabel(mode);
  const { labels = {} } = template(templates, TEMPLATE).metadata;
  if (labels[label] === undefined && mode !== ENFORCED) return {};
  const version = labels[`${label}-version`];
  return { [label]: level, ...(version === undefined ? {} : { [`${label}-version`]: version }) };
}
