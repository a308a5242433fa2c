import type { CommandName } from './command.js';

/** One flag of the command line. */
export interface Flag {
  /** As commander takes it: `-o, --output <FORMAT>`. */
  flags: string;
  /** Name under which commander keeps it. */
  key: string;
  help: string;
  /** May be given more than once. */
  many?: true;
  /** The commands that it goes with. */
  with: readonly CommandName[];
}

const READING: readonly CommandName[] = [
  'wizard',
  'plan',
  'apply',
  'generate',
  'resume',
  'undo',
  'rewriteSecrets',
  'reach',
  'reachExplain',
  'reachDiff',
];
const PROBING: readonly CommandName[] = ['wizard', 'apply', 'resume', 'probe'];
const PLANNING: readonly CommandName[] = ['wizard', 'plan', 'apply', 'generate'];
const ALL: readonly CommandName[] = [...READING, 'runs', 'probe', 'keep', 'rbac'];

/** Every flag there is. Each may stand before or after the command; one that does not go with it is an error. */
export const FLAGS: readonly Flag[] = [
  {
    flags: '--context <NAME>',
    key: 'context',
    help: 'context of the kubeconfig (default: the current one)',
    with: [...READING, 'probe'],
  },
  {
    flags: '--kubeconfig <FILE>',
    key: 'kubeconfig',
    help: 'kubeconfig file (default: KUBECONFIG or ~/.kube/config)',
    with: [...READING, 'probe'],
  },
  {
    flags: '--sandbox',
    key: 'sandbox',
    help: 'use the embedded cluster; nothing outside this process is touched',
    with: READING,
  },
  {
    flags: '--sandbox-file <FILE>',
    key: 'sandboxFile',
    help: 'keep the embedded cluster in FILE from run to run (implies --sandbox)',
    with: READING,
  },
  {
    flags: '--step <ID>',
    key: 'step',
    help: 'only this step; repeatable',
    many: true,
    with: [...PLANNING, 'keep', 'rbac'],
  },
  {
    flags: '--exclude-namespace <GLOB>',
    key: 'excludeNamespace',
    help: 'leave these namespaces alone; repeatable',
    many: true,
    with: [...PLANNING, 'resume'],
  },
  {
    flags: '--templates <DIR>',
    key: 'templates',
    help: 'directory whose files replace templates of the same path',
    with: [...PLANNING, 'resume'],
  },
  {
    flags: '--answers <FILE>',
    key: 'answers',
    help: 'answers to the questions of the steps (YAML)',
    with: [...PLANNING, 'resume', 'undo', 'rbac'],
  },
  {
    flags: '--take-over',
    key: 'takeOver',
    help: 'also change objects that Argo CD, Flux, Helm or an operator manages, and take fields over from others',
    with: ['wizard', 'plan', 'apply', 'resume'],
  },
  {
    flags: '--flows <FILE>',
    key: 'flows',
    help: 'flow log (Hubble or Calico JSON lines, CSV src,dst,protocol,port) whose connections are kept; repeatable',
    many: true,
    with: [...PLANNING, 'resume'],
  },
  {
    flags: '--encryption-config <FILE>',
    key: 'encryptionConfig',
    help: 'a copy of the encryption configuration that API servers have, where their own cannot be seen; keys in it are neither shown nor journaled',
    with: [...PLANNING, 'resume', 'undo'],
  },
  {
    flags: '-o, --output <FORMAT>',
    key: 'output',
    help: 'text or json; for reach also dot or svg; for rbac yaml or json',
    with: ['plan', 'runs', 'probe', 'rbac', 'rewriteSecrets', 'reach', 'reachExplain', 'reachDiff'],
  },
  {
    flags: '--confirm <CONTEXT>',
    key: 'confirm',
    help: 'name of the context to write to (sandbox for the embedded cluster)',
    with: ['apply', 'resume', 'undo', 'probe', 'rewriteSecrets'],
  },
  {
    flags: '--confirm-within <TIME>',
    key: 'confirmWithin',
    help: 'take back what is applied unless it is kept in time (kubectl harden keep), e.g. 5m',
    with: ['wizard', 'apply', 'resume'],
  },
  {
    flags: '--health-check <COMMAND|URL>',
    key: 'healthCheck',
    help: 'keeps it in place of a person when the time is up: a command that ends with 0, or a URL',
    with: ['wizard', 'apply', 'resume'],
  },
  {
    flags: '--output-dir <DIR>',
    key: 'outputDir',
    help: 'where the patch files are written',
    with: ['generate'],
  },
  {
    flags: '--force',
    key: 'force',
    help: 'write into a directory that is not empty; an encryption configuration stays',
    with: ['generate'],
  },
  {
    flags: '--from <PATH>',
    key: 'from',
    help: 'read manifests from a file or directory instead of a cluster',
    with: ['plan', 'generate', 'reach', 'reachExplain', 'reachDiff'],
  },
  {
    flags: '--probe-image <IMAGE>',
    key: 'probeImage',
    help: 'image of agnhost for the live probe, e.g. a mirror',
    with: PROBING,
  },
  {
    flags: '--probe-timeout <SECONDS>',
    key: 'probeTimeout',
    help: 'how long a pod of the live probe may take to start (default: 90)',
    with: PROBING,
  },
  {
    flags: '--resolve <NAME=ADDRESS>',
    key: 'resolve',
    help: 'an address of a domain name that policies mention; repeatable',
    many: true,
    with: ['reach', 'reachExplain', 'reachDiff'],
  },
  { flags: '--to <PATH>', key: 'to', help: 'the manifests to compare with --from', with: ['reachDiff'] },
  {
    flags: '--resource <NAME>',
    key: 'resource',
    help: 'what to re-write (default: secrets): configmaps, widgets.example.com; repeatable',
    many: true,
    with: ['rewriteSecrets', 'rbac'],
  },
  {
    flags: '--read-only',
    key: 'readOnly',
    help: 'the rights that plan needs, none to write',
    with: ['rbac'],
  },
  {
    flags: '--also <PART>',
    key: 'also',
    help: 'rights of parts that have to be asked for: undo, guard, cluster-wide, probe; repeatable',
    many: true,
    with: ['rbac'],
  },
  {
    flags: '--group <NAME>',
    key: 'group',
    help: 'a group that gets the rights; repeatable',
    many: true,
    with: ['rbac'],
  },
  {
    flags: '--user <NAME>',
    key: 'user',
    help: 'a user who gets the rights; repeatable',
    many: true,
    with: ['rbac'],
  },
  {
    flags: '--max-rate <N>',
    key: 'maxRate',
    help: 'most objects a second, 0 for no limit (default: 200; embedded cluster: no limit)',
    with: ['rewriteSecrets'],
  },
  {
    flags: '--concurrency <N>',
    key: 'concurrency',
    help: 'most requests at a time (default: 64); how many there are adapts to the server',
    with: ['rewriteSecrets'],
  },
  {
    flags: '--unreached-servers <ANSWER>',
    key: 'unreachedServers',
    help: 'refuse or goOn where an API server cannot be tried from here (default: refuse, or ask)',
    with: ['rewriteSecrets'],
  },
  {
    flags: '--no-proof',
    key: 'proof',
    help: 'do not look afterwards how everything is stored',
    with: ['rewriteSecrets'],
  },
  {
    flags: '--print',
    key: 'print',
    help: 'print the documented command instead; nothing is written',
    with: ['rewriteSecrets'],
  },
  {
    flags: '--plain',
    key: 'plain',
    help: 'line prompts instead of the full screen',
    with: ALL,
  },
  { flags: '--no-color', key: 'color', help: 'no colours (also: NO_COLOR, TERM=dumb)', with: ALL },
];

/** The long form of a flag, for messages. */
export function longForm(flag: Flag): string {
  return /--[a-z-]+/.exec(flag.flags)?.[0] ?? flag.flags;
}
