import { lastToUndo, notUndone } from '../../src/commands/undo.js';
import { type Entry, type RunSummary, replay } from '../../src/model/journal.js';

const ref = { apiVersion: 'v1', kind: 'Namespace', name: 'n' };
const cluster = { id: 'c', context: 'prod', version: 'v1.31.4' };
const NODE = 'encryption-at-rest/-/EncryptionConfiguration/encryption-config';
const TWO = ['default-deny/shop/NetworkPolicy/deny', 'default-deny/shop/NetworkPolicy/web'] as const;

/** A run in which these were confirmed, begun and ended so. */
function run(
  name: string,
  did: readonly (readonly [id: string, end: 'applied' | 'left'])[],
  undoes?: string,
) {
  const entries: Entry[] = [
    { type: 'started', run: name, cluster, command: 'apply', ...(undoes === undefined ? {} : { undoes }) },
    {
      type: 'confirmed',
      step: 's',
      hash: 'h',
      changes: did.map(([id]) => ({ id, kind: id === NODE ? 'host' : 'apply', ref, hash: 'h' })),
      excluded: [],
    },
    ...did.flatMap(([change, end]): Entry[] => [
      { type: 'applying', step: 's', change },
      end === 'applied'
        ? { type: 'applied', step: 's', change }
        : { type: 'left', step: 's', change, reason: 'not on this node' },
    ]),
    { type: 'ended', reason: 'done' },
  ];
  return replay(entries.map((entry) => ({ ...entry, at: 't' }))) as RunSummary;
}
const wrote = run(
  'aaaa',
  TWO.map((id) => [id, 'applied']),
);
const files = run('bbbb', [[NODE, 'left']]);
const undone = (...ids: string[]) =>
  run(
    'cccc',
    ids.map((id) => [id.replace('default-deny', 'undo'), 'applied']),
    'aaaa',
  );

test.each<[string, readonly RunSummary[], string | undefined, readonly RegExp[]]>([
  ['a run that wrote', [wrote], 'aaaa', []],
  ['a newer one that left files', [wrote, files], 'aaaa', [/bbbb left files.*`kubectl harden undo bbbb`/]],
  ['nothing but files', [files], undefined, [/undo bbbb/]],
  ['taken back whole', [wrote, undone(...TWO)], undefined, []],
  [
    'taken back in part',
    [wrote, undone(TWO[0])],
    undefined,
    [/Of run aaaa .* NetworkPolicy shop\/web: .*undo aaaa/],
  ],
  ['an older one is left out of sight', [files, wrote], 'aaaa', []],
])('bare undo: %s', (_name, all, last, words) => {
  expect(lastToUndo(all, 'c')).toBe(last);
  const said = notUndone(all, 'c', last);
  expect(said).toHaveLength(words.length);
  for (const [index, word] of words.entries()) expect(said[index]).toMatch(word);
  expect(notUndone(all, 'other', lastToUndo(all, 'other'))).toEqual([]);
});
