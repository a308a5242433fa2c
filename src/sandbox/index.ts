import { randomBytes, randomUUID } from 'node:crypto';
import { stringify } from 'yaml';
import type { Host, Look } from '../wizard/ports.js';
import { Access, type Denied, USER } from './access.js';
import { Api } from './api.js';
import { Controllers } from './controllers.js';
import { Encryption } from './encryption.js';
import { SimulatedNode } from './host.js';
import { load, type SavedState, save } from './persist.js';
import { answer } from './routes.js';
import { freshState } from './seed/index.js';
import { showOwnAddress } from './self.js';
import { listen } from './server.js';
import { Store } from './store.js';

export { StateError } from './persist.js';

export interface SandboxOptions {
  /** State is kept here, as JSON, from run to run; made where it does not exist. */
  file?: string;
  /** What the user may not do; for tests of missing rights. */
  denied?: readonly Denied[];
  /** Start without the seeded shop: only what every cluster has. */
  empty?: boolean;
}

export interface Sandbox {
  /** YAML of a kubeconfig: one context, `sandbox`, with a bearer token. */
  kubeconfig: string;
  server: string;
  token: string;
  /** The control-plane node. */
  host: Host;
  look: Look;
  /** In every value of every seeded Secret, so that tests can prove that none was fetched. */
  planted: string;
  close(): Promise<void>;
}

/**
 * Starts the embedded cluster: an HTTP server on loopback that speaks the Kubernetes REST conventions for the kinds
 * that the wizard reads and writes. Rejects with `StateError` where the state file is broken.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const planted = `planted-${randomUUID()}`;
  const secretValue = (key: string): string => Buffer.from(`${planted} ${key}`).toString('base64');
  const { file } = options;
  const saved: SavedState =
    (file === undefined ? undefined : await load(file, secretValue)) ??
    freshState({ salt: randomUUID(), secretValue, empty: options.empty === true });

  const store = new Store();
  for (const { resource, object, prefix } of saved.objects) store.restore(resource, object, prefix);
  store.revision = saved.revision;
  const api = new Api(store, new Encryption(), () => new Date());
  const saver = new Saver(file, () => save(file!, store, node.state));
  const node = new SimulatedNode(api, saved.node, () => saver.saved());
  const controllers = new Controllers(api);
  controllers.reconcile();
  store.onWrite = () => {
    saver.changed();
    controllers.wake();
  };

  const token = randomBytes(24).toString('hex');
  const access = new Access(options.denied ?? []);
  let address = '';
  const now = (): Date => new Date();
  const listening = await listen(
    token,
    (request) => answer(api, access, address, now, request),
    () => saver.saved(),
  );
  address = `127.0.0.1:${listening.port}`;
  showOwnAddress(api, listening.port);
  saver.changed();
  try {
    await saver.saved();
  } catch (error) {
    await listening.close();
    throw error;
  }
  const server = `http://${address}`;
  return {
    kubeconfig: kubeconfigFor(server, token),
    server,
    token,
    host: node,
    look: async () => [node.look()],
    planted,
    close: async () => {
      controllers.stop();
      await listening.close();
      await saver.saved();
    },
  };
}

/** Saves at most one state at a time; writes that come meanwhile share the next. */
class Saver {
  readonly #save: () => Promise<void>;
  readonly #enabled: boolean;
  #dirty = false;
  #running: Promise<void> | undefined;

  constructor(file: string | undefined, write: () => Promise<void>) {
    this.#enabled = file !== undefined;
    this.#save = write;
  }

  changed(): void {
    this.#dirty = this.#enabled;
  }

  /** Resolves when everything that was written before this call is on disk. */
  async saved(): Promise<void> {
    while (this.#dirty || this.#running !== undefined) {
      this.#running ??= this.#once();
      await this.#running;
    }
  }

  async #once(): Promise<void> {
    this.#dirty = false;
    try {
      await this.#save();
    } catch (error) {
      this.#dirty = true;
      throw error;
    } finally {
      this.#running = undefined;
    }
  }
}

function kubeconfigFor(server: string, token: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server } }],
    users: [{ name: USER, user: { token } }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: USER } }],
    'current-context': 'sandbox',
  });
}
