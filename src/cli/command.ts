import type { HealthCheck } from '../model/provisional.js';

/** Flags that say which cluster is meant. Without any of them: the current context of the kubeconfig. */
export interface Target {
  context?: string;
  kubeconfig?: string;
  /** The embedded cluster. */
  sandbox: boolean;
  /** File that keeps the embedded cluster's state from run to run. */
  sandboxFile?: string;
}

/** Flags that say what of the plan is meant. */
export interface Selection {
  /** Ids of steps; empty: all. */
  steps: readonly string[];
  /** Globs of namespaces to leave alone. */
  exclude: readonly string[];
  /** Directory that overrides single templates by path. */
  templates?: string;
  /** Answers file (YAML). */
  answers?: string;
  /** Changes that take a choice of their own are made as well. */
  takeOver?: true;
  /** Flow logs: connections that were seen count as declared. */
  flows: readonly string[];
  /** A copy of the encryption configuration that API servers have in force. */
  encryptionConfig?: string;
}

export interface Options extends Target, Selection {
  /** Line prompts instead of the full screen: `--plain`, or a terminal that cannot move its cursor. */
  /** Image and start time in seconds of a live probe of the network plugin. */
  probeImage?: string;
  probeTimeout?: number;
  /** Seconds within which what is applied has to be kept, or it is taken back. */
  confirmWithin?: number;
  /** What may keep it in place of a person. */
  healthCheck?: HealthCheck;
  plain: boolean;
  noColor: boolean;
}

/** An address of a domain name that policies mention. */
export interface Resolved {
  name: string;
  address: string;
}

export type ReachOutput = 'text' | 'json' | 'dot' | 'svg';

/** Parts of the steps that not everybody needs rights for. */
export const RBAC_PARTS = ['undo', 'guard', 'cluster-wide', 'probe', 'move', 'editors'] as const;
export type RbacPart = (typeof RBAC_PARTS)[number];

/** What a command line asks for, as a value. `main` carries it out; nothing here reads a file or a cluster. */
export type Command =
  | { name: 'wizard'; options: Options }
  /** `demo`: nobody can answer, so the wizard's plan is printed, and how to open the wizard. */
  | { name: 'plan'; options: Options; output: 'text' | 'json'; from?: string; demo: boolean }
  | { name: 'apply'; options: Options; confirm: string }
  | { name: 'generate'; options: Options; outputDir: string; force: boolean; from?: string }
  /** With `confirm`: unattended. Without `run`: the newest run that is not done. */
  | { name: 'resume'; options: Options; run?: string; confirm?: string }
  /** With `confirm`: unattended. Without `run`: the newest run that wrote something and is not undone. */
  | { name: 'undo'; options: Options; run?: string; confirm?: string }
  /** Without `run`: the newest run of which something waits to be kept. Without `steps` in the options: all of it. */
  | { name: 'keep'; options: Options; run?: string }
  /** Watches over a run; started by this program itself. */
  | { name: 'guard'; options: Options; run: string }
  | { name: 'runs'; options: Options; output: 'text' | 'json' }
  /** With `confirm`: unattended. */
  | { name: 'probe'; options: Options; output: 'text' | 'json'; confirm?: string }
  | {
      name: 'rewriteSecrets';
      options: Options;
      /** `secrets`, `configmaps`, `widgets.example.com`. */
      resources: readonly string[];
      /** The context, where nobody is asked. */
      confirm?: string;
      /** Go on although some API servers cannot be tried from here. */
      evenIfUntried: boolean;
      prove: boolean;
      maxRate?: number;
      concurrency?: number;
      output: 'text' | 'json';
      /** Print the documented command instead. */
      print: boolean;
    }
  | { name: 'reach'; options: Options; output: ReachOutput; from?: string; resolve?: readonly Resolved[] }
  | {
      name: 'reachExplain';
      options: Options;
      output: 'text' | 'json';
      source: string;
      destination: string;
      port?: string;
      from?: string;
      resolve?: readonly Resolved[];
    }
  | {
      name: 'reachDiff';
      options: Options;
      output: 'text' | 'json';
      from: string;
      to: string;
      resolve?: readonly Resolved[];
    }
  | {
      name: 'rbac';
      options: Options;
      output: 'yaml' | 'json';
      /** What `plan` needs, and nothing to write. */
      readOnly: boolean;
      /** Parts that have to be asked for. */
      also: readonly RbacPart[];
      /** Re-written besides Secrets. */
      resources: readonly string[];
      groups: readonly string[];
      users: readonly string[];
    }
  | { name: 'help'; text: string }
  | { name: 'version' }
  /** Text of one to three lines for stderr; the exit code is 2. */
  | { name: 'usageError'; message: string };

export type CommandName = Exclude<Command['name'], 'help' | 'version' | 'usageError'>;
