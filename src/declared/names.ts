import { CREDENTIALS, HOST_WORDS, NEVER_CALLED, NOT_HOSTS } from './words.js';

/** What the name of a setting says about its value. */
export interface NameSays {
  /** That it is a host, an address or a list of them. */
  host: boolean;
  /** That it is none: a user, a database, a queue, an image. */
  notHost: boolean;
  /** That nobody connects to it, whatever it looks like. */
  never: boolean;
  /** That it is a password or a token. */
  credential: boolean;
}

const NOTHING: NameSays = { host: false, notHost: false, never: false, credential: false };
const HOST_ENDINGS = [
  'host',
  'hosts',
  'hostname',
  'addr',
  'url',
  'uri',
  'server',
  'servers',
  'endpoint',
].concat(['endpoints', 'broker', 'brokers', 'address', 'addresses', 'svc', 'service', 'upstream', 'backend']);
/** Longest name of a setting that is looked at, in characters. */
const LONGEST = 200;

/** The words of a setting's name in lower case: `spring.redis.Host`, `SPRING_REDIS_HOST` and `--spring-redis-host` alike. */
export function wordsOf(name: string): readonly string[] {
  return name
    .slice(-LONGEST)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

const known = new Map<string, NameSays>();

/** Reads the name of a setting (environment variable, flag, key of a file). */
export function nameSays(name: string | undefined): NameSays {
  if (name === undefined) return NOTHING;
  let says = known.get(name);
  if (says === undefined) {
    says = read(wordsOf(name));
    if (known.size > 10_000) known.clear();
    known.set(name, says);
  }
  return says;
}

function read(words: readonly string[]): NameSays {
  if (endsWith(words, CREDENTIALS)) return { ...NOTHING, notHost: true, credential: true };
  if (words.includes('image') || words.includes('cors') || endsWith(words, NEVER_CALLED))
    return { ...NOTHING, notHost: true, never: true };
  if (endsWith(words, NOT_HOSTS)) return { ...NOTHING, notHost: true };
  const host = words.some(
    (word) => HOST_WORDS.has(word) || HOST_ENDINGS.some((ending) => word.endsWith(ending)),
  );
  return { ...NOTHING, host };
}

function endsWith(words: readonly string[], endings: readonly string[]): boolean {
  const text = ` ${words.join(' ')}`;
  return endings.some((ending) => text.endsWith(` ${ending}`));
}

/**
 * The names under which the port may stand that goes with a host's setting, as words: DB_HOST goes with DB_PORT and
 * DB_HOST_PORT, HOST with PORT.
 */
export function portNames(hostName: string): readonly string[] {
  const words = wordsOf(hostName);
  const out = [[...words, 'port'].join(' ')];
  for (let i = words.length - 1; i >= 0; i--) {
    const word = words[i] ?? '';
    if (HOST_WORDS.has(word)) out.push(words.with(i, 'port').join(' '));
    else {
      const ending = HOST_ENDINGS.find((e) => word.endsWith(e));
      if (ending !== undefined) out.push(words.with(i, `${word.slice(0, -ending.length)}port`).join(' '));
    }
  }
  return out;
}

/** A port number written as text; undefined for anything else. */
export function portNumber(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 5 || !/^[0-9]+$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
