// A client that does nothing but the requests of a re-write: names by namespace, then an empty patch for each, so many
// at a time. No repeats, no counting, no checks. What it reaches is what this server gives a client in Node.
//
//   node bench/rewrite/bare-client.mjs SERVER TOKEN CA_FILE CONCURRENCY
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';

const [server, token, caFile, concurrency] = process.argv.slice(2);
const { hostname, port } = new URL(server);
const agent = new Agent({ keepAlive: true, maxSockets: Number(concurrency), ca: readFileSync(caFile) });
const Accept = 'application/json;as=Table;g=meta.k8s.io;v=v1';

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, Accept };
    if (body !== undefined) {
      headers['Content-Type'] = 'application/merge-patch+json';
      headers['Content-Length'] = body.length;
    }
    const one = request({ hostname, port, agent, method, path, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () =>
        answer.statusCode === 200
          ? resolve(Buffer.concat(parts))
          : reject(new Error(`${method} ${path}: ${answer.statusCode}`)),
      );
    });
    one.on('error', reject);
    one.end(body);
  });
}

async function* names() {
  const { rows } = JSON.parse(await send('GET', '/api/v1/namespaces?includeObject=Metadata'));
  for (const { object } of rows) {
    const path = `/api/v1/namespaces/${object.metadata.name}/secrets`;
    let token = '';
    do {
      const page = JSON.parse(
        await send('GET', `${path}?limit=500&includeObject=None&continue=${encodeURIComponent(token)}`),
      );
      for (const row of page.rows) yield `${path}/${row.cells[0]}`;
      token = page.metadata.continue ?? '';
    } while (token !== '');
  }
}

const paths = names();
let count = 0;
const began = performance.now();
const worker = async () => {
  for (let next = await paths.next(); next.done !== true; next = await paths.next()) {
    await send('PATCH', `${next.value}?includeObject=None`, '{}');
    count++;
  }
};
await Promise.all(Array.from({ length: Number(concurrency) }, worker));
agent.destroy();
console.log(JSON.stringify({ count, seconds: (performance.now() - began) / 1000 }));
