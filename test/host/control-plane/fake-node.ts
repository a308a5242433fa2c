import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { type NodePlace, placeOf } from '../../../src/host/control-plane/place.js';
import type { Time } from '../../../src/host/control-plane/wait.js';
import type { Manifest } from '../../../src/model/manifest.js';
import type { LocalApiServer, ServerSight } from '../../../src/wizard/ports.js';

/** What a process does that was started with this configuration. */
export type Health = 'well' | 'down' | { breaksAfter: number };

/** What outlasts a crash of the program: the process of the API server and what it stored. */
interface State {
  manifest: string;
  startedAt: number;
  configuration: string | null;
  looks: number;
  /** Storage prefixes of values. */
  stored: string[];
}

export const CLUSTER = '6b6e1c2c-0000-4000-8000-000000000001';

/**
 * A control-plane node in a directory: a kubelet that starts the API server anew when its manifest changes, and an API
 * server that reads its configuration when it starts, writes one value at each look under its first provider, and is not
 * ready where it cannot read what is stored. All of it is derived from the files when somebody looks.
 */
export class FakeNode implements LocalApiServer {
  readonly root: string;
  readonly place: NodePlace;
  readonly file: string;
  health: (configuration: string | null) => Health = () => 'well';
  /** Everything that was ever wrong with the manifests directory, or with a file for a moment. */
  readonly breaches: string[] = [];
  #now: number;

  constructor(manifest: string, root = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-node-'))) {
    this.root = root;
    this.place = placeOf(path.join(root, 'etc/kubernetes/manifests/kube-apiserver.yaml'));
    this.file = path.join(root, 'etc/kubernetes/enc/encryption-config.yaml');
    this.#now = 1_700_000_000_000;
    if (existsSync(this.place.manifest)) {
      this.#now = Number(readFileSync(path.join(root, 'now'), 'utf8')) + 10_000;
      return;
    }
    mkdirSync(path.dirname(this.place.manifest), { recursive: true, mode: 0o700 });
    writeFileSync(this.place.manifest, manifest, { mode: 0o600 });
    this.#save({ manifest: '', startedAt: 0, configuration: null, looks: 0, stored: ['', ''] });
    this.#kubelet();
    this.#pass(60_000);
  }

  readonly time: Time = {
    now: () => this.#now,
    sleep: async (milliseconds) => {
      this.#pass(milliseconds);
    },
  };

  #pass(milliseconds: number): void {
    this.#now += milliseconds;
    writeFileSync(path.join(this.root, 'now'), String(this.#now));
  }

  get state(): State {
    return JSON.parse(readFileSync(path.join(this.root, 'state.json'), 'utf8')) as State;
  }
  #save(state: State): void {
    writeFileSync(path.join(this.root, 'state.json'), JSON.stringify(state));
  }

  get manifest(): string {
    return readFileSync(this.place.manifest, 'utf8');
  }
  get configuration(): string | null {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8') : null;
  }
  /** Puts a configuration there as if it had always been, with the flag in the manifest. */
  begin(configuration: string, manifest: string): void {
    mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
    writeFileSync(this.file, configuration, { mode: 0o600 });
    writeFileSync(this.place.manifest, manifest, { mode: 0o600 });
    this.#kubelet();
    this.#pass(60_000);
  }

  async look(): Promise<ServerSight> {
    this.#kubelet();
    const state = this.state;
    const health = this.health(state.configuration);
    const looks = state.looks + 1;
    const up = health === 'well' || (health !== 'down' && looks <= health.breaksAfter);
    const [writes] = prefixes(state.configuration);
    this.#save({ ...state, looks, stored: up ? [...state.stored, writes ?? ''] : state.stored });
    if (!up) return { at: 'down', reason: 'connection refused' };
    const readable = this.#readable();
    return {
      at: 'up',
      ready: readable,
      ...(readable ? {} : { failing: 'secrets cannot be read' }),
      cluster: CLUSTER,
      startedAt: state.startedAt,
    };
  }

  /** Every value written again under what the server writes now. */
  rewrite(): void {
    const [writes = ''] = prefixes(this.state.configuration);
    this.#save({ ...this.state, stored: this.state.stored.map(() => writes) });
  }

  async readsSecrets(): Promise<boolean> {
    return this.#readable();
  }
  async pod(): Promise<undefined> {
    return undefined;
  }

  /** Whether what runs now can read all that is stored. */
  #readable(): boolean {
    const { stored, configuration } = this.state;
    const reads = prefixes(configuration);
    return stored.every((prefix) => reads.includes(prefix));
  }

  #kubelet(): void {
    const directory = path.dirname(this.place.manifest);
    const names = readdirSync(directory);
    if (names.join() !== path.basename(this.place.manifest))
      this.breaches.push(`manifests: ${names.join(', ')}`);
    const text = this.manifest;
    const hash = createHash('sha256').update(text).digest('hex');
    const { state } = this;
    if (hash === state.manifest) return;
    const flag = (parse(text).spec.containers[0].command as string[]).find((word) =>
      word.startsWith('--encryption-provider-config='),
    );
    const file = flag?.split('=')[1];
    const configuration =
      file === undefined ? null : existsSync(file) ? readFileSync(file, 'utf8') : 'missing';
    this.#save({ ...state, manifest: hash, startedAt: this.#now / 1000, configuration, looks: 0 });
  }

  async pods(): Promise<Manifest[]> {
    return [];
  }
  close(): void {}

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Prefixes that a configuration reads, the one that it writes under first. */
export function prefixes(configuration: string | null): string[] {
  if (configuration === null) return [''];
  if (configuration === 'missing') return [];
  const providers = parse(configuration).resources[0].providers as Record<
    string,
    { keys: { name: string }[] }
  >[];
  return providers.flatMap((provider) =>
    Object.entries(provider).flatMap(([kind, options]) =>
      kind === 'identity' ? [''] : options.keys.map(({ name }) => `k8s:enc:${kind}:v1:${name}:`),
    ),
  );
}
