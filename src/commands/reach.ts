import { isIP } from 'node:net';
import type { Command, Options } from '../cli/command.js';
import { EXIT, type ExitCode } from '../cli/exit.js';
import { HostError } from '../host/errors.js';
import { readManifests } from '../host/manifests.js';
import { printable } from '../model/escape.js';
import type { KindName } from '../model/kinds.js';
import { type Manifest, refText } from '../model/manifest.js';
import {
  diffReach,
  type Endpoint,
  FILES,
  LIVE,
  type Protocol,
  REACH_KINDS,
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
import { openTarget } from './context.js';
import { type Io, say } from './io.js';

type ReachCommand = Extract<Command, { name: 'reach' | 'reachExplain' | 'reachDiff' }>;

/** What connections are computed from, and what lets them in from outside. */
const KINDS: readonly KindName[] = [...REACH_KINDS, 'Service', 'EndpointSlice', 'Ingress', 'Route'];

const LISTINGS = { text: reachText, json: reachJson, dot: reachDot } as const;

/** Who may connect to whom, in a cluster or in files; reads only. */
export async function reach(command: ReachCommand, io: Io): Promise<ExitCode> {
  switch (command.name) {
    case 'reach': {
      const analysed = await analyse(command, io);
      if (command.output === 'svg') {
        const much = tooLargeToDraw(analysed);
        if (much !== undefined)
          throw new HostError(
            `That is too much for a picture: ${much}, at most ${MOST_DRAWN.connections} connections of ${MOST_DRAWN.workloads} workloads are drawn.\nGive fewer manifests (--from), or lay the graph out elsewhere: kubectl harden reach -o dot | sfdp -Tsvg`,
          );
        await write(io, await reachSvg(analysed));
        return EXIT.ok;
      }
      for (const piece of LISTINGS[command.output](analysed)) await write(io, piece);
      return EXIT.ok;
    }
    case 'reachExplain': {
      const analysed = await analyse(command, io);
      const { protocol, port } = portOf(command.port);
      const [src, dst] = [endpointOf(command.source), endpointOf(command.destination)];
      const explanation = named(() => analysed.explain(src, dst, protocol, port));
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
      return EXIT.ok;
    }
    case 'reachDiff': {
      const difference = diffReach(await fromFiles(command.from, io), await fromFiles(command.to, io));
      await write(io, command.output === 'json' ? diffJson(difference) : diffText(difference));
      return difference.opened.length + difference.closed.length > 0 ? EXIT.pending : EXIT.ok;
    }
  }
}

function analyse(command: { from?: string; options: Options }, io: Io): Promise<Reach> {
  return command.from === undefined ? fromCluster(command.options, io) : fromFiles(command.from, io);
}

async function fromFiles(path: string, io: Io): Promise<Reach> {
  const { objects, problems } = await readManifests(path);
  for (const { file, where, message } of problems) say(io, printable(`${file}: ${where}: ${message}`));
  return told(reachOf(objects as Manifest[], FILES), io);
}

async function fromCluster(options: Options, io: Io): Promise<Reach> {
  const target = await openTarget(options);
  try {
    const { listings } = await target.cluster.read(
      KINDS.map((kind) => ({ kind, as: 'objects', for: 'what may connect to what' })),
    );
    for (const [kind, listing] of listings) {
      if (listing.state === 'notVisible') say(io, printable(`not visible: ${kind}: ${listing.reason}`));
    }
    return told(
      reachOf(
        [...listings.values()].flatMap((l) => (l.state === 'read' ? l.items : [])),
        LIVE,
      ),
      io,
    );
  } finally {
    await target.close();
  }
}

/** What the analysis could not take is said, so that nobody reads a gap as "allowed" or "blocked". */
function told(analysed: Reach, io: Io): Reach {
  for (const { object, message } of analysed.problems) say(io, printable(`${refText(object)}: ${message}`));
  return analysed;
}

function endpointOf(text: string): Endpoint {
  return isIP(text) === 0 ? { workload: text } : { address: text };
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

/** Waits where the reader is slow, so that a large listing does not pile up in memory. */
async function write(io: Io, text: string): Promise<void> {
  if (!io.stdout.write(text)) await new Promise((resolve) => io.stdout.once('drain', resolve));
}
