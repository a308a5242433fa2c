import { isIP } from 'node:net';
import { isUndecided, openReading, REACHED } from '../../steps/default-deny/state.js';
import type { Command, Resolved } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { HostError } from '../host/errors.js';
import { printable } from '../model/escape.js';
import { objects, type Snapshot } from '../model/snapshot.js';
import type { Step } from '../model/step.js';
import {
  type Address,
  diffReach,
  type Endpoint,
  FILES,
  FOREIGN_KINDS,
  LIVE,
  type Problem,
  type Protocol,
  parseAddress,
  type Reach,
  reachOf,
  UnknownEndpoint,
} from '../reach/index.js';
import {
  diffJson,
  diffText,
  explainJson,
  explainText,
  reachDot,
  reachJson,
  reachText,
} from '../report/reach.js';
import { MOST_DRAWN, reachSvg, tooLargeToDraw } from '../report/svg.js';
import { takeSnapshot } from '../wizard/session.js';
import { manifestsAt, openTarget, sayProblems } from './context.js';
import { clock, type Io, say } from './io.js';

type ReachCommand = Extract<Command, { name: 'reach' | 'reachExplain' | 'reachDiff' }>;

/** What connections are computed from, what lets them in from outside, and policies that can only be named. */
const READER: Pick<Step, 'reads'> = {
  reads: [
    ...([...REACHED, 'Service', 'EndpointSlice', 'Ingress', 'Route'] as const).map((kind) => ({
      kind,
      as: 'objects' as const,
      for: 'what may connect to what',
    })),
    ...FOREIGN_KINDS.map((kind) => ({ kind, as: 'names' as const, for: 'policies that are not analysed' })),
  ],
};

const LISTINGS = { text: reachText, json: reachJson, dot: reachDot } as const;

/** Who may connect to whom, in a cluster or in files; reads only. */
export async function reach(command: ReachCommand, io: Io): Promise<ExitCode> {
  switch (command.name) {
    case 'reach': {
      const { reach, whole } = await analyse(command, io);
      if (command.output === 'svg') {
        const much = tooLargeToDraw(reach);
        if (much !== undefined)
          throw new HostError(
            `That is too much for a picture: ${much}, at most ${MOST_DRAWN.connections} connections of ${MOST_DRAWN.workloads} workloads are drawn.\nGive fewer manifests (--from), or lay the graph out elsewhere: kubectl harden reach -o dot | sfdp -Tsvg`,
          );
        await write(io, await reachSvg(reach));
        return whole ? EXIT.ok : EXIT.error;
      }
      for (const piece of LISTINGS[command.output](reach)) if (!(await write(io, piece))) break;
      return whole ? EXIT.ok : EXIT.error;
    }
    case 'reachExplain': {
      const { reach, whole } = await analyse(command, io);
      const { protocol, port } = portOf(command.port);
      const [src, dst] = [endpointOf(command.source), endpointOf(command.destination)];
      const explanation = named(() => reach.explain(src, dst, protocol, port));
      const question = [
        command.source,
        '=>',
        command.destination,
        ...(command.port === undefined ? [] : [command.port]),
      ].join(' ');
      await write(
        io,
        command.output === 'json' ? explainJson(explanation) : explainText(printable(question), explanation),
      );
      return whole ? EXIT.ok : EXIT.error;
    }
    case 'reachDiff': {
      const before = await fromFiles(command.from, command.resolve, io);
      const after = await fromFiles(command.to, command.resolve, io);
      const difference = diffReach(before.reach, after.reach);
      await write(io, command.output === 'json' ? diffJson(difference) : diffText(difference));
      if (!before.whole || !after.whole) return EXIT.error;
      return difference.opened.length + difference.closed.length > 0 ? EXIT.pending : EXIT.ok;
    }
  }
}

export interface Analysed {
  reach: Reach;
  /** Everything was read and is analysed: what is not listed is not there. */
  whole: boolean;
}

/** The analysis that a command is about, of files or of a cluster; what it leaves out is said. */
export function analyse(command: Exclude<ReachCommand, { name: 'reachDiff' }>, io: Io): Promise<Analysed> {
  return command.from === undefined ? fromCluster(command, io) : fromFiles(command.from, command.resolve, io);
}

/** The addresses of domain names, as the engine takes them. */
function domainsOf(resolve: readonly Resolved[] = []): ReadonlyMap<string, readonly Address[]> {
  return new Map(
    [...Map.groupBy(resolve, ({ name }) => name)].map(([name, all]) => [
      name,
      all.map(({ address }) => {
        const parsed = parseAddress(address);
        if (parsed === undefined)
          throw new HostError(
            `--resolve ${name}=${address}: that is no IP address, as 192.0.2.7 or 2001:db8::7.`,
          );
        return parsed;
      }),
    ]),
  );
}

async function fromFiles(path: string, resolve: readonly Resolved[] | undefined, io: Io): Promise<Analysed> {
  const files = await manifestsAt(path, io);
  const reach = reachOf(files.objects, { ...FILES, domains: domainsOf(resolve) });
  sayProblems(reach.problems, io, files);
  return { reach, whole: files.problems.length === 0 && reach.problems.every(isNote) };
}

async function fromCluster(
  { options, resolve }: Exclude<ReachCommand, { name: 'reachDiff' }>,
  io: Io,
): Promise<Analysed> {
  const target = await openTarget(options, io);
  try {
    const now = await takeSnapshot({ cluster: target.cluster, clock }, { steps: [READER], exclude: [] });
    const listings = [...now.listings];
    const hidden = listings.flatMap(([kind, listing]) =>
      listing.state === 'notVisible' ? [`not visible: ${kind}: ${listing.reason}`] : [],
    );
    for (const line of hidden) say(io, printable(line));
    if (isUndecided(now) && namesRanges(now))
      say(
        io,
        'Which network plugin decides is not known: an ipBlock counts as matching pods by their addresses as well, as most plugins take it.',
      );
    const reach = reachOf(
      listings.flatMap(([, listing]) => (listing.state === 'read' ? listing.items : [])),
      { ...LIVE, ...openReading(now), domains: domainsOf(resolve) },
    );
    sayProblems(reach.problems, io);
    return { reach, whole: hidden.length === 0 && reach.problems.every(isNote) };
  } finally {
    await target.close();
  }
}

/** Whether a NetworkPolicy names address ranges. */
function namesRanges(now: Snapshot): boolean {
  return objects(now, 'NetworkPolicy').some(({ spec }) => JSON.stringify(spec ?? {}).includes('"ipBlock"'));
}

function isNote({ effect }: Problem): boolean {
  return effect === 'note';
}

function endpointOf(text: string): Endpoint {
  if (isIP(text) !== 0) return { address: text };
  const [, pod] = /^(.+)\[Pod\]$/.exec(text) ?? [];
  return pod === undefined ? { workload: text } : { pod };
}

/** `8080`, `tcp/8080` or `UDP/53`; nothing means every port. */
function portOf(text: string | undefined): { protocol?: Protocol; port?: number } {
  if (text === undefined) return {};
  const found = /^(?:(tcp|udp|sctp)[/:])?(\d{1,5})$/i.exec(text);
  const port = Number(found?.[2]);
  if (found === null || port < 1 || port > 65_535) {
    throw new HostError(`'${printable(text)}' is no port: give 8080, or with its protocol UDP/53.`);
  }
  return { protocol: (found[1] ?? 'tcp').toUpperCase() as Protocol, port };
}

function named<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof UnknownEndpoint)
      throw new HostError(
        `${printable(error.message)}\nWorkloads are named as kubectl harden reach lists them: namespace/name[Kind].`,
      );
    throw error;
  }
}

/**
 * Waits where the reader is slow, so that a large listing does not pile up in memory. Resolves with whether the reader
 * is still there.
 */
async function write(io: Io, text: string): Promise<boolean> {
  const { stdout } = io;
  if (stdout.write(text)) return true;
  return new Promise((resolve) => {
    const end = (there: boolean) => {
      stdout.off('drain', drained).off('close', closed);
      resolve(there);
    };
    const drained = () => end(true);
    const closed = () => end(false);
    stdout.on('drain', drained).on('close', closed);
  });
}
