// A real API server on a real etcd, both from KUBEBUILDER_ASSETS, with so many Secrets in it.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { registerHooks } from 'node:module';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// The tests' harness is TypeScript, which Node runs as it stands; only its imports name what a compiler would write.
registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!specifier.startsWith('.') || !specifier.endsWith('.js')) throw error;
      return next(specifier.replace(/\.js$/, '.ts'), context);
    }
  },
});

const NAMESPACES = 10;

/** The directory of the Kubernetes programs; built where they are missing. */
export function assets() {
  const script = fileURLToPath(new URL('../../.ci/kube-binaries.sh', import.meta.url));
  try {
    return execFileSync('bash', [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  } catch {
    console.error('bench rewrite needs etcd, kube-apiserver and kubectl: see .ci/kube-binaries.sh, or set');
    console.error('KUBEBUILDER_ASSETS to a directory that holds them.');
    process.exit(2);
  }
}

/** Starts them, encrypting under one of two keys, and creates `count` Secrets whose value takes `bytes`. */
export async function startWith(directory, { count, bytes }) {
  process.env.KUBEBUILDER_ASSETS = directory;
  const { startReal } = await import('../../test/support/real-cluster.ts');
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-rewrite-'));
  const keys = ['a', 'b'].map((name) => ({ name, secret: randomBytes(32).toString('base64') }));
  const options = (first) => {
    const file = path.join(folder, `${keys[first].name}.json`);
    const providers = [{ secretbox: { keys: [keys[first], keys[1 - first]] } }, { identity: {} }];
    const kind = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' };
    writeFileSync(file, JSON.stringify({ ...kind, resources: [{ resources: ['secrets'], providers }] }), {
      mode: 0o600,
    });
    return { encryptionConfig: file, withoutControllers: true };
  };
  let first = 0;
  const real = await startReal(options(first));
  await fill(real, count, bytes);
  const write = (name, text) => {
    const file = path.join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    ...real,
    folder,
    kubeconfigFile: write('kubeconfig', real.kubeconfig),
    caFile: write('ca.crt', real.ca),
    kubeconfigAt: (name, server) => write(name, real.kubeconfig.replaceAll(real.server, server)),
    /** From now on the other key is the first: all that is stored is stale. */
    async flip() {
      first = 1 - first;
      await real.restart(options(first));
      await new Promise((resolve) => setTimeout(resolve, 1000));
    },
    /** How many Secrets are not stored under the first key. */
    async stale() {
      const wanted = `k8s:enc:secretbox:v1:${keys[first].name}:`;
      return [...(await real.readStored('/registry/secrets/')).values()].filter((one) => one !== wanted)
        .length;
    },
    async stop() {
      await real.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function fill({ server, token, ca }, count, bytes) {
  const { hostname, port } = new URL(server);
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ca });
  const create = (at, object) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(object);
      const headers = {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
      };
      const one = request({ hostname, port, agent, method: 'POST', path: at, headers }, (answer) => {
        answer
          .resume()
          .on('end', () =>
            answer.statusCode === 201 ? resolve() : reject(new Error(`POST ${at}: ${answer.statusCode}`)),
          );
      });
      one.on('error', reject).end(body);
    });
  for (let n = 0; n < NAMESPACES; n++)
    await create('/api/v1/namespaces', { metadata: { name: `bench-${n}` } });
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      const data = { value: randomBytes(bytes).toString('base64') };
      const metadata = { name: `secret-${String(n).padStart(6, '0')}` };
      await create(`/api/v1/namespaces/bench-${n % NAMESPACES}/secrets`, { metadata, data });
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  agent.destroy();
}

/** A proxy for bytes that hands each piece on after half of a round trip, in both directions. */
export async function delaying(server, roundTrip) {
  const { hostname, port } = new URL(server);
  const late = (from, to) => {
    from.on('data', (piece) => setTimeout(() => to.writable && to.write(piece), roundTrip / 2));
    from.on('end', () => setTimeout(() => to.end(), roundTrip / 2));
    from.on('error', () => to.destroy());
  };
  const proxy = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.setNoDelay();
    far.setNoDelay();
    late(near, far);
    late(far, near);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return { address: `https://127.0.0.1:${proxy.address().port}`, close: () => proxy.close() };
}
