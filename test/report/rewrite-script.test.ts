import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execaSync } from 'execa';
import { rewriteScript } from '../../src/report/rewrite-script.js';

const CLUSTER = { context: "it's prod", id: 'uid-1', sandbox: false };
let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'kubectl-harden-rewrite-script-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Runs the script with a kubectl that writes down how it was called and answers with this UID of kube-system. */
function run(uid: string, args: readonly string[] = [], cluster = CLUSTER) {
  const program = path.join(home, 'kubectl');
  const log = path.join(home, 'log');
  writeFileSync(
    program,
    `#!/bin/sh
case " $* " in
  *' replace '*) cat > ${home}/replaced ;;
  *' secrets '*) echo '{"kind":"List"}' ;;
  *) printf %s ${uid} ;;
esac
printf '%s\\n' "$*" >> ${log}
`,
  );
  const script = path.join(home, 'rewrite-secrets.sh');
  writeFileSync(script, rewriteScript(cluster, { resource: 'secrets' }));
  for (const file of [program, script]) chmodSync(file, 0o755);
  const { exitCode, stderr } = execaSync(script, args, { reject: false, env: { KUBECTL: program } });
  return {
    exitCode,
    stderr,
    calls: existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').toSorted() : [],
    replaced: existsSync(path.join(home, 'replaced')),
  };
}

test('re-writes on the cluster that was planned for, whatever its context is called', () => {
  expect(run('uid-1', ['--context', 'other'])).toMatchObject({
    exitCode: 0,
    replaced: true,
    calls: [
      '--context other get namespace kube-system -o jsonpath={.metadata.uid}',
      '--context other get secrets --all-namespaces -o json',
      '--context other replace -f -',
    ],
  });
});

test.each([
  ['another cluster', CLUSTER],
  ['any cluster by the plan of the embedded one', { ...CLUSTER, sandbox: true }],
])('refuses %s before it reads a Secret, unless told', (_name, cluster) => {
  const uid = cluster.sandbox ? 'uid-1' : 'uid-2';
  const refused = run(uid, [], cluster);
  expect(refused).toMatchObject({ exitCode: 2, replaced: false });
  expect(refused.calls).toHaveLength(1);
  expect(refused.stderr).toContain("context it's prod is not the cluster that was planned for");
  expect(run(uid, ['--any-cluster'], cluster)).toMatchObject({ exitCode: 0, replaced: true });
});

test.each([[['--contxt']], [['--context']], [['x']]])('%j is refused', (args) => {
  expect(run('uid-1', args)).toMatchObject({ exitCode: 2, calls: [] });
});

test('its header promises no check of API servers, and says what to do before', () => {
  const text = rewriteScript(CLUSTER, { resource: 'secrets' });
  expect(text).not.toMatch(/tested first|are listed/);
  expect(text).toContain('CHECK EACH API SERVER FIRST; this script does not.');
  expect(text).toContain('kubectl harden apply --step encryption-at-rest');
});
