import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { selectContext } from '../../src/cluster/kubeconfig.js';
import { parseConfiguration } from '../../src/encryption/parse.js';
import { parseAnswers } from '../../src/host/answers.js';
import { readLines } from '../../src/host/entries.js';
import { readFlowLine } from '../../src/host/flow-lines.js';
import { packagedTemplates, parseTemplate } from '../../src/host/templates.js';
import { readDocuments } from '../../src/model/documents.js';
import { replay } from '../../src/model/journal.js';
import { parseQuantity } from '../../src/model/quantity.js';
import { parseAddress, parseCidr } from '../../src/reach/address.js';
import { parseSelector } from '../../src/reach/selector.js';
import { STEPS } from '../../steps/index.js';

/** What a parser made of an input: a value, or words for a person about what is wrong and where. */
export type Outcome = { value: unknown } | { words: string };

/** A parser of something that comes from outside. */
export interface Parser {
  name: string;
  corpus: readonly string[];
  /** Errors that it throws on purpose, by name. */
  throws: readonly string[];
  parse(input: string): Outcome;
  /** What its words name, so that a person finds the place; undefined: it has no place to name. */
  names?: RegExp;
}

const CORPUS = path.join(import.meta.dirname, '..', 'fixtures', 'fuzz');

/** Files of the corpus below a directory of the parser's name. */
function corpus(name: string): string[] {
  const directory = path.join(CORPUS, name);
  return readdirSync(directory)
    .sort()
    .map((file) => readFileSync(path.join(directory, file), 'utf8'));
}

/** Inputs that a parser once failed on. */
export function kept(name: string): string[] {
  const directory = path.join(CORPUS, 'kept', name.replace(' ', '-'));
  return existsSync(directory)
    ? readdirSync(directory).map((file) => readFileSync(path.join(directory, file), 'utf8'))
    : [];
}

function templates(): string[] {
  const all = readdirSync(packagedTemplates(), { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))
    .sort();
}

function json(input: string): unknown {
  try {
    return JSON.parse(input) as unknown;
  } catch {
    return input;
  }
}

export const PARSERS: readonly Parser[] = [
  {
    name: 'kubeconfig',
    corpus: corpus('kubeconfig'),
    throws: ['ClusterError'],
    parse: (input) => ({ value: selectContext({ kubeconfigText: input }) }),
    names: /kubeconfig|context/i,
  },
  {
    name: 'templates',
    corpus: templates(),
    throws: ['TemplateError'],
    parse: (input) => ({ value: parseTemplate(input, 'templates/x.yaml') }),
    names: /^templates\/x\.yaml:\d+: /,
  },
  {
    name: 'answers',
    corpus: corpus('answers'),
    throws: ['HostError'],
    parse: (input) => ({ value: parseAnswers(input, 'answers.yaml', STEPS) }),
    names: /^answers\.yaml(:\d+)?: /,
  },
  {
    name: 'flows',
    corpus: corpus('flows'),
    throws: [],
    parse: (input) => {
      const line = readFlowLine(input.split('\n')[0] ?? '');
      return line.is === 'unknown' ? { words: `expected ${line.expected}` } : { value: line };
    },
  },
  {
    name: 'manifests',
    corpus: [...corpus('manifests'), ...templates()],
    throws: [],
    parse: (input) => {
      const { objects, problems } = readDocuments(input, 'm.yaml');
      const faulty = problems.find(({ where, message }) => where === '' || message === '');
      if (faulty !== undefined) throw new Error('a problem without a place or without words');
      return { value: objects };
    },
  },
  {
    name: 'journal',
    corpus: corpus('journal'),
    throws: ['HostError'],
    parse: (input) => ({ value: replay(readLines(input, 'journal.jsonl').entries) }),
    names: /^journal\.jsonl:\d+ /,
  },
  {
    name: 'encryption configuration',
    corpus: corpus('encryption'),
    throws: [],
    parse: (input) => {
      const parsed = parseConfiguration(input);
      return 'faults' in parsed
        ? { words: parsed.faults.map(({ place, message }) => `${place}: ${message}`).join('\n') }
        : { value: parsed.config };
    },
  },
  {
    name: 'quantities',
    corpus: ['100m', '1.5Gi', '1e3', '2E3', '1Ki', '-0.5', '+12', '0', '1e-9', '123456789n', '.5', '5.'],
    throws: [],
    parse: (input) => {
      const parsed = parseQuantity(input);
      return typeof parsed === 'bigint' ? { value: parsed } : { words: parsed.invalid };
    },
  },
  {
    name: 'selectors',
    corpus: corpus('selectors'),
    throws: ['InvalidField'],
    parse: (input) => ({ value: parseSelector(json(input), 'spec.podSelector') }),
    names: /^spec\.podSelector/,
  },
  {
    name: 'CIDRs',
    corpus: [
      '10.0.0.0/8',
      '0.0.0.0/0',
      '::/0',
      '2001:db8::/32',
      '::ffff:10.0.0.1/104',
      '192.168.1.7/32',
      '169.254.169.254',
    ],
    throws: [],
    parse: (input) => {
      const range = parseCidr(input) ?? parseAddress(input);
      return range === undefined ? { words: 'it is no address and no CIDR' } : { value: range };
    },
  },
];
