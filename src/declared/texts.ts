import { expandOwn } from './expand.js';
import { listsIn, namesInList } from './lists.js';
import {
  addressesIn,
  bareHost,
  exactName,
  hostName,
  type Mention,
  mention,
  unique,
  urlsIn,
} from './mentions.js';
import { nameSays, portNames, portNumber, wordsOf } from './names.js';
import { BEFORE_COMMANDS, CLIENTS } from './words.js';

/** Longest line whose settings are looked at, in characters; URLs and addresses are found in any. */
const LONGEST_LINE = 20_000;
/** A port counts as the host's own where it stands at most this many settings before or after it. */
const NEAR = 6;

/**
 * Hosts in a text of several lines: a configuration file or a shell script. Running text is full of words, so a name
 * alone counts only as the value of a setting that is called like a host (`host: redis`, `server redis;`,
 * `DB_HOST=db`), or as an argument of a client program (`nc -z db 5432`). Lines that are comments are passed over.
 */
export function mentionsInText(text: string): Mention[] {
  const kept = expandOwn(relevant(text));
  const { mentions, spans } = urlsIn(kept);
  for (const found of addressesIn(kept, spans, false)) mentions.push(found);
  for (const found of fromSettings(kept)) mentions.push(found);
  for (const found of fromClients(kept)) mentions.push(found);
  for (const found of listsIn(kept)) mentions.push(found);
  for (const found of withPorts(kept)) mentions.push(found);
  return unique(mentions);
}

/** A line that names an image: `carts:80` is a name with a tag there. */
const IMAGE = /^\s{0,200}(- )?["']?[\w.-]{0,100}image[\w.-]{0,100}["']?\s{0,20}[:=]/i;

/**
 * Without images and without comments of YAML, properties, shell, nginx, SQL and C: whole lines, and what follows ` #`
 * (`#` alone may belong to a value).
 */
function relevant(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      if (/^\s{0,200}(#|;|\/\/|--\s|<!--|\/\*|\*\s(?!=))/.test(line) || IMAGE.test(line)) return '';
      const hash = line.indexOf(' #');
      return hash < 0 ? line : line.slice(0, hash);
    })
    .join('\n');
}

interface Setting {
  name: string;
  value: string;
}

function fromSettings(text: string): Mention[] {
  const settings = settingsOf(text);
  const out: Mention[] = [];
  settings.forEach(({ name, value }, index) => {
    const says = nameSays(name);
    // In connection strings and files `database` names what is inside of the server; in env it may be the server.
    if (!value.includes('=')) for (const found of namesInList(name, value, says.host)) out.push(found);
    if (!says.host || says.notHost || wordsOf(name).at(-1) === 'database') return;
    for (const part of value.split(',', 1_000)) {
      const host = exactName(bareHost(part));
      if (host === undefined) continue;
      const found = mention(host, portNear(settings, index), 'name', true);
      if (found !== undefined) out.push(found);
    }
  });
  return out;
}

/** The port in the setting that goes with a host's, near to it. */
function portNear(settings: readonly Setting[], index: number): number | undefined {
  const host = settings[index];
  if (host === undefined) return undefined;
  const names = portNames(host.name);
  for (let distance = 1; distance <= NEAR; distance++)
    for (const other of [settings[index + distance], settings[index - distance]])
      if (other !== undefined && names.includes(wordsOf(other.name).join(' '))) {
        const port = portNumber(other.value);
        if (port !== undefined) return port;
      }
  return undefined;
}

/** Names with values, however the file writes them. A list in YAML belongs to the name above it. */
function settingsOf(text: string): Setting[] {
  const out: Setting[] = [];
  let heading: string | undefined;
  let items: string[] = [];
  const endList = () => {
    if (heading !== undefined && items.length > 1) out.push({ name: heading, value: items.join(',') });
    items = [];
  };
  for (const line of text.split('\n')) {
    if (line.length > LONGEST_LINE) continue;
    const trimmed = line.trim();
    const item = /^- +(\S+)$/.exec(trimmed)?.[1];
    if (item !== undefined && heading !== undefined && !/[:=]/.test(item)) {
      out.push({ name: heading, value: unquoted(item) });
      items.push(unquoted(item));
      continue;
    }
    endList();
    const whole = settingOf(trimmed);
    if (whole?.value === '') heading = whole.name;
    if (whole !== undefined && whole.value !== '') out.push(whole);
    for (const [, name = '', value = ''] of trimmed.matchAll(CALL)) out.push({ name, value });
    const directive = directiveOf(trimmed);
    if (directive !== undefined) out.push(directive);
    if (trimmed.search(/[;{},&()]|[:=].*[:=]/) < 0) continue;
    // In a block on one line the pieces have lost the semicolon that makes a directive.
    const end = /[;{]/.test(trimmed) ? ';' : '';
    for (const piece of trimmed.split(/[;{},&()]/)) {
      const inBlock = end === '' ? undefined : directiveOf(`${piece.trim()};`);
      if (inBlock !== undefined && inBlock.value !== directive?.value) out.push(inBlock);
      for (const part of piece.split('=').length > 2 ? piece.split(/\s+/) : [piece]) {
        const found = settingOf(part.trim());
        if (found !== undefined && found.value !== '' && found.value !== whole?.value) out.push(found);
      }
    }
  }
  endList();
  return out;
}

/** A call with a name and a value: `define('DB_HOST', 'db')`. */
const CALL = /\(\s{0,4}["']([\w.-]{1,100})["']\s{0,4},\s{0,4}["']([\w.-]{1,253})["']/g;

/** `name = value`, `name: value`, `"name": "value"`, `--name=value`, `a['name'] = value`, `<name>value</name>`. */
function settingOf(text: string): Setting | undefined {
  const bare = text.replace(/^(- |export |set )/, '');
  const element = /^<([\w.-]{1,100})>([^<]{1,300})<\/\1>$/.exec(bare);
  if (element !== null) return { name: element[1] ?? '', value: (element[2] ?? '').trim() };
  const at = bare.search(/[:=]/);
  if (at < 0) return undefined;
  const before = unquoted(bare.slice(0, at));
  const name = /^[A-Za-z.-][\w .-]{0,100}$/.test(before)
    ? before
    : /\[["']([A-Za-z][\w.-]{0,100})["']\]$/.exec(before.slice(-110))?.[1];
  if (name === undefined) return undefined;
  return { name, value: unquoted(bare.slice(at + 1).replace(/^[:=>]/, '')) };
}

/**
 * `name value`, as nginx, fluentd and redis write it, and what may follow: anything before a semicolon, else only what is
 * no word (`server web weight=3`), as sentences go on with words.
 */
function directiveOf(text: string): Setting | undefined {
  const name = /^[A-Za-z][\w.-]{1,60}(?=\s)/.exec(text)?.[0];
  const passes = name !== undefined && /^(proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$/.test(name);
  if (name === undefined || !(passes || nameSays(name).host || /port$/i.test(name))) return undefined;
  const ended = text.endsWith(';');
  const [, value = '', ...more] = (ended ? text.slice(0, -1) : text).trim().split(/\s+/, 12);
  if (value === '' || /^[:=]/.test(more[0] ?? '')) return undefined;
  // Further words may be further hosts: all of them, or it is a sentence.
  if (!ended && more.some((word) => !/[=:0-9]/.test(word)))
    return { name, value: [value, ...more].join(' ') };
  return { name: passes ? 'upstream' : name, value: unquoted(value) };
}

/** A name and a number one after the other: `replicaof cache 6379`, `connect("cache", 6379)`. */
const WITH_PORT =
  /(?<![\w.:/@=-])([a-z0-9][a-z0-9.-]{0,252})["']?(?:,[ \t]{0,8}|[ \t]{1,8})(\d{2,5})(?![\w.:-])/g;

/** Names that a port follows. Any two words of a sentence may read so; whether the Service has that port decides. */
function withPorts(text: string): Mention[] {
  const out: Mention[] = [];
  for (const [, name = '', number] of text.matchAll(WITH_PORT)) {
    const found = mention(exactName(name), portNumber(number), 'address', false);
    if (found !== undefined) out.push({ ...found, tentative: [] });
  }
  return out;
}

function unquoted(text: string): string {
  const bare = text.trim().replace(/[,;]$/, '').trim();
  const quote = bare[0];
  return (quote === '"' || quote === "'") && bare.endsWith(quote) && bare.length > 1
    ? bare.slice(1, -1)
    : bare;
}

/** Names among the arguments of programs that connect to a host. Options are passed over, their values are looked at. */
function fromClients(text: string): Mention[] {
  const out: Mention[] = [];
  for (const command of text.split(/[\n;|&()`]+/)) {
    if (command.length > LONGEST_LINE) continue;
    const words = command.trim().split(/\s+/);
    const client = words.findIndex((word) => CLIENTS.has(word.slice(word.lastIndexOf('/') + 1)));
    if (client < 0) continue;
    const rest = words.slice(client + 1);
    // A sentence may speak of a program as well: `carts and mysql are fine`.
    if (!words.slice(0, client).every(isBeforeCommand) && !rest.some((word) => /^-|[/:]|^\d+$/.test(word)))
      continue;
    rest.forEach((word, i) => {
      const glued = /^-[hH](?=[a-z])/.test(word) ? word.slice(2) : word.slice(word.indexOf('=') + 1);
      const value = word.startsWith('-') ? glued : word;
      const host = exactName(unquoted(value).split('/', 1)[0] ?? '');
      if (host === undefined || portNumber(host) !== undefined) return;
      const found = mention(hostName(host), portNumber(rest[i + 1]), 'name', true);
      if (found !== undefined) out.push(found);
    });
  }
  return out;
}

/** What may stand before a program on a command line: words of the shell, options, assignments, numbers, quotes. */
function isBeforeCommand(word: string): boolean {
  return !/^[A-Za-z]+$/.test(word) || BEFORE_COMMANDS.has(word);
}
