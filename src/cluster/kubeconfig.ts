import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { type Document, parseDocument } from 'yaml';
import { printable } from '../model/escape.js';
import { at, isRecord, listAt, stringAt } from '../model/manifest.js';
import { ClusterError } from '../wizard/ports.js';

/** Where to look for a kubeconfig. Text wins over a path, a path over KUBECONFIG, that over ~/.kube/config. */
export interface KubeconfigSource {
  kubeconfigText?: string;
  kubeconfigPath?: string;
  context?: string;
}

/** One context of a kubeconfig with the cluster and user that it names; raw fields, paths made absolute. */
export interface Selected {
  context: string;
  server: string;
  cluster: Record<string, unknown>;
  user: Record<string, unknown>;
  userName: string;
}

interface Parsed {
  current: string | undefined;
  clusters: Map<string, Record<string, unknown>>;
  users: Map<string, Record<string, unknown>>;
  contexts: Map<string, Record<string, unknown>>;
}

/**
 * Reads the kubeconfig and picks one context, by kubectl's rules: of several files the first to name something wins,
 * files that do not exist are passed over, relative paths start at the file that holds them.
 * @throws ClusterError `unreachable` where it is missing, broken or has no such context
 */
export function selectContext(source: KubeconfigSource, env: NodeJS.ProcessEnv = process.env): Selected {
  return pick(merged(filesOf(source, env)), source.context);
}

function filesOf(source: KubeconfigSource, env: NodeJS.ProcessEnv): Parsed[] {
  if (source.kubeconfigText !== undefined)
    return [parse(source.kubeconfigText, 'the kubeconfig', process.cwd())];
  const named = source.kubeconfigPath;
  const list =
    named !== undefined ? [named] : (env.KUBECONFIG ?? '').split(delimiter).filter((f) => f !== '');
  const files = list.length > 0 ? list : [join(env.HOME ?? homedir(), '.kube', 'config')];
  const parsed = files.flatMap((file) => {
    const text = contentOf(file, named !== undefined);
    return text === undefined ? [] : [parse(text, file, dirname(resolve(file)))];
  });
  if (parsed.length === 0)
    throw broken(
      `No kubeconfig found: ${files.map((f) => printable(f, 200)).join(', ')} does not exist.`,
      'Name one with --kubeconfig or KUBECONFIG, or try --sandbox, which needs no cluster.',
    );
  return parsed;
}

function contentOf(file: string, mustExist: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = stringAt(error, 'code');
    if (code === 'ENOENT' && !mustExist) return undefined;
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : 'cannot be read';
    throw broken(`The kubeconfig ${printable(file, 200)} ${why}.`);
  }
}

/** @param base directory at which relative paths start */
function parse(text: string, name: string, base: string): Parsed {
  const shown = printable(name, 200);
  const document = parseDocument(text, { prettyErrors: true });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const line = fault.linePos?.[0].line;
    // The library's message quotes the line at fault, which may hold a credential: only its code is told.
    throw broken(
      `${shown}${line === undefined ? '' : `, line ${line}`}: not valid YAML (${fault.code.toLowerCase().replaceAll('_', ' ')}).`,
    );
  }
  const root = contentsIn(document, shown);
  if (!isRecord(root))
    throw broken(`${shown}: not a kubeconfig; expected a map with clusters, users and contexts.`);
  const section = (key: string, inner: string) => {
    const found = new Map<string, Record<string, unknown>>();
    for (const [index, entry] of listAt(root, key).entries()) {
      const entryName = stringAt(entry, 'name');
      if (entryName === undefined) throw broken(`${shown}: ${key}[${index}].name is missing.`);
      const value = at(entry, inner);
      if (!found.has(entryName)) found.set(entryName, isRecord(value) ? value : {});
    }
    return found;
  };
  return {
    current: stringAt(root, 'current-context') || undefined,
    clusters: mapped(section('clusters', 'cluster'), (value) =>
      absolute(value, base, ['certificate-authority']),
    ),
    users: mapped(section('users', 'user'), (value) => absoluteUser(value, base)),
    contexts: section('contexts', 'context'),
  };
}

/** What the document holds; merge keys and aliases are only followed here. */
function contentsIn(document: Document, shown: string): unknown {
  try {
    return document.toJS();
  } catch {
    throw broken(`${shown}: not valid YAML (an alias that leads nowhere or too far).`);
  }
}

function mapped<T>(map: Map<string, T>, change: (value: T) => T): Map<string, T> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

function absolute(
  value: Record<string, unknown>,
  base: string,
  keys: readonly string[],
): Record<string, unknown> {
  const out = { ...value };
  for (const key of keys) {
    const path = out[key];
    if (typeof path === 'string' && path !== '' && !isAbsolute(path)) out[key] = join(base, path);
  }
  return out;
}

function absoluteUser(value: Record<string, unknown>, base: string): Record<string, unknown> {
  const out = absolute(value, base, ['client-certificate', 'client-key', 'tokenFile']);
  const command = stringAt(out, 'exec', 'command');
  // A plugin given with a slash is a path (client-go resolves it against the file); a bare name is looked up on PATH.
  if (isRecord(out.exec) && command?.includes('/') === true && !isAbsolute(command))
    out.exec = { ...out.exec, command: join(base, command) };
  return out;
}

function merged(files: readonly Parsed[]): Parsed {
  const union = (key: 'clusters' | 'users' | 'contexts') =>
    new Map(files.toReversed().flatMap((file) => [...file[key]]));
  return {
    current: files.find((file) => file.current !== undefined)?.current,
    clusters: union('clusters'),
    users: union('users'),
    contexts: union('contexts'),
  };
}

function pick(config: Parsed, wanted: string | undefined): Selected {
  const name = wanted ?? config.current;
  if (name === undefined)
    throw broken('The kubeconfig has no current context.', `Choose one with --context: ${known(config)}`);
  const context = config.contexts.get(name);
  if (context === undefined)
    throw broken(`There is no context ${quoted(name)} in the kubeconfig.`, `It has: ${known(config)}`);
  const clusterName = stringAt(context, 'cluster') ?? '';
  const cluster = config.clusters.get(clusterName);
  const server = stringAt(cluster, 'server');
  if (cluster === undefined || server === undefined)
    throw broken(
      cluster === undefined
        ? `Context ${quoted(name)} names the cluster ${quoted(clusterName)}, which the kubeconfig does not have.`
        : `Cluster ${quoted(clusterName)} in the kubeconfig has no server.`,
    );
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw broken(
      `Kubeconfig, cluster ${quoted(clusterName)}: server ${quoted(server)} is not an http or https address.`,
    );
  const userName = stringAt(context, 'user') ?? '';
  const user = config.users.get(userName);
  if (user === undefined && userName !== '')
    throw broken(
      `Context ${quoted(name)} names the user ${quoted(userName)}, which the kubeconfig does not have.`,
    );
  return { context: name, server, cluster, user: user ?? {}, userName };
}

const MOST_SHOWN = 12;

function known(config: Parsed): string {
  const names = [...config.contexts.keys()].sort().map((name) => printable(name, 80));
  if (names.length === 0) return '(no contexts)';
  const more = names.length - MOST_SHOWN;
  return names.slice(0, MOST_SHOWN).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

const quoted = (text: string) => `"${printable(text, 120)}"`;

function broken(...lines: string[]): ClusterError {
  return new ClusterError('unreachable', lines.join('\n'));
}
