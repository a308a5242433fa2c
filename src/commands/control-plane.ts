import { setTimeout as pause } from 'node:timers/promises';
import { type KubeconfigSource, selectContext } from '../cluster/kubeconfig.js';
import { localApiServer } from '../cluster/local-server.js';
import { findPlace, type ServerHere, THIS_MACHINE } from '../host/control-plane/find.js';
import { readChange } from '../host/control-plane/ledger.js';
import { lookHere, nodeHost, recoverHere, storedHere } from '../host/control-plane/node-host.js';
import type { Time } from '../host/control-plane/wait.js';
import type { FilesHost } from '../host/files.js';
import { askedHere, serverProgram } from '../host/secrets-encrypt.js';
import { printable } from '../model/escape.js';
import type { Host, Look } from '../wizard/ports.js';
import type { Io } from './io.js';

/** This machine as a control-plane node; whether it is one of the cluster in hand is proven each time it matters. */
export interface ControlPlaneHere {
  hostFor(cluster: string, files: FilesHost): Host;
  look(cluster: string): ReturnType<Look>;
  /** How etcd keeps the objects of a resource, or in words why that cannot be seen. */
  stored(cluster: string, resource: string): ReturnType<typeof storedHere>;
  close(): void;
}

const TIME: Time = {
  now: () => Date.now(),
  sleep: (milliseconds) => pause(milliseconds).then(() => undefined),
};

/**
 * The control-plane node that this program runs on; undefined on any other machine, and for users who may not read the
 * kubelet's files. With `note`, a change of it that was interrupted is brought to its end first: it was confirmed, and the
 * API server may be down because of it; what came of that is noted.
 * @throws HostError where that cannot be done
 */
export async function controlPlaneHere(
  source: KubeconfigSource & { version?: string },
  note?: (line: string) => void,
  { machine, patience }: NonNullable<Io['node']> = { machine: THIS_MACHINE },
): Promise<ControlPlaneHere | undefined> {
  const here = await findPlace(machine);
  if (here === undefined) return undefined;
  const server = localApiServer(source, here.address);
  const wait = patience === undefined ? {} : { patience };
  try {
    if (note !== undefined) await goOn(here, { server, time: TIME, ...wait }, note);
  } catch (error) {
    server.close();
    throw error;
  }
  const node = (cluster: string) => ({ machine, server, cluster, time: TIME, ...wait });
  return {
    hostFor: (cluster, files) => nodeHost(files, node(cluster)),
    look: (cluster) => lookHere(node(cluster)),
    stored: (cluster, resource) => storedHere(node(cluster), resource),
    close: () => server.close(),
  };
}

async function goOn(
  here: ServerHere,
  tools: Parameters<typeof recoverHere>[1],
  note: (line: string) => void,
): Promise<void> {
  if ((await readChange(here.place)) !== undefined)
    note('A change of this control-plane node was interrupted: it is brought to its end first.');
  const outcome = await recoverHere(here, tools);
  if (outcome?.state === 'applied') note(printable(`It is done: ${outcome.evidence}.`));
  if (outcome?.state === 'fellBack')
    note(printable(`It was taken back (${outcome.reason}): ${outcome.evidence}.`));
}

/**
 * What k3s or RKE2 tell of the API server of this machine, each time it is asked; nothing on any other distribution, and
 * on machines that are no server of the cluster.
 * @param about `cluster`: uid of its kube-system; `version`: of its API server
 */
export function programHere(
  source: KubeconfigSource & { version?: string },
  { cluster, version, env }: { cluster: string; version: string; env: NodeJS.ProcessEnv },
): Look {
  const program = serverProgram(version, selectContext(source).server);
  return async (facts) => {
    if (program === undefined) return [];
    const server = localApiServer(source, program.address);
    try {
      const told = await askedHere({ program, server, cluster, env });
      // The only one is called in one way, however it was seen.
      const [one, ...more] = facts.apiServers ?? [];
      const name = facts.servers?.listed === 1 && more.length === 0 ? one?.server : undefined;
      return name === undefined ? told : told.map((seen) => ({ ...seen, server: name }));
    } finally {
      server.close();
    }
  };
}
