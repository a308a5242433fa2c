import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { readLines } from '../../src/host/entries.js';
import { HostError, reasonOf } from '../../src/host/errors.js';
import { lineOf } from '../../src/host/line.js';
import { takeLock } from '../../src/host/lock.js';
import { runsDirectory } from '../../src/host/places.js';
import { type RunStore, runStore } from '../../src/host/runs.js';
import type { Entry, Stamped } from '../../src/model/journal.js';
import { object } from '../support/snapshot.js';

const STARTED: Entry = {
  type: 'started',
  run: '0000',
  cluster: { id: 'uid-1', context: 'prod', version: 'v1.31.4' },
  command: 'wizard',
};
const ENTRIES: readonly Entry[] = [
  STARTED,
  { type: 'answered', step: 'quotas', answers: { namespaces: ['shop'], headroom: 20, close: false } },
  {
    type: 'confirmed',
    step: 'quotas',
    hash: 'h',
    changes: [
      {
        id: 'a',
        kind: 'apply',
        ref: { apiVersion: 'v1', kind: 'LimitRange', namespace: 'shop', name: 'd' },
        hash: 'x',
      },
    ],
    excluded: [],
  },
  { type: 'applying', step: 'quotas', change: 'a', before: 'abc.json' },
  { type: 'applied', step: 'quotas', change: 'a', uid: 'u', resourceVersion: '7', created: true },
  { type: 'left', step: 'quotas', change: 'b', reason: 'waits' },
  { type: 'failed', step: 'quotas', change: 'c', reason: 'refused' },
  { type: 'skipped', step: 'namespaces', reason: 'later' },
  { type: 'verified', step: 'quotas', pending: 0 },
  { type: 'ended', reason: 'left' },
];

let home: string;
let store: RunStore;
let second: number;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'runs-'));
  second = 0;
  store = runStore(path.join(home, 'state/runs'), {
    now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, second++)),
  });
});
afterEach(() => rmSync(home, { recursive: true }));

const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe('where runs are kept', () => {
  test.each([
    [{ XDG_STATE_HOME: '/state' }, '/state/kubectl-harden/runs'],
    [{ XDG_STATE_HOME: 'relative' }, '/home/me/.local/state/kubectl-harden/runs'],
    [{}, '/home/me/.local/state/kubectl-harden/runs'],
  ])('%j', (env, expected) => {
    expect(runsDirectory(env, '/home/me')).toBe(expected);
  });

  test('directories 0700, journal and kept objects 0600, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const journal = await store.create();
      await journal.append(STARTED);
      const name = await journal.keep(object('v1', 'Namespace', undefined, 'shop'));
      expect([
        mode(store.directory),
        mode(journal.directory),
        mode(path.join(journal.directory, 'journal.jsonl')),
        mode(path.join(journal.directory, 'objects')),
        mode(path.join(journal.directory, 'objects', name)),
      ]).toEqual(['700', '700', '600', '700', '600']);
      await journal.close();
    } finally {
      process.umask(before);
    }
  });
});

describe('a run', () => {
  test('gives back every kind of entry, also after it is opened again', async () => {
    const journal = await store.create();
    for (const entry of ENTRIES) await journal.append(entry);
    const expected = ENTRIES.map((entry, i) => ({
      ...entry,
      at: new Date(Date.UTC(2026, 0, 1, 0, 0, i)).toISOString(),
    }));
    expect(await journal.entries()).toEqual(expected);
    await journal.close();
    const again = await store.open(journal.run);
    expect([await again.entries(), again.notes]).toEqual([expected, []]);
    await again.close();
  });

  test('a object that cannot be written says so in words', async () => {
    const journal = await store.create();
    writeFileSync(path.join(journal.directory, 'objects'), '');
    const kept = journal.keep(object('v1', 'Namespace', undefined, 'shop'));
    await expect(kept).rejects.toThrow(HostError);
    await expect(kept).rejects.toThrow(
      /^Namespace shop cannot be kept as it is in .*objects: .*(directory|name).*\.\nNothing is changed without that copy/,
    );
    await journal.close();
  });

  test.each([
    ['ENOSPC', 'the disk is full'],
    ['EDQUOT', 'the disk quota is used up'],
    ['EEXIST', 'something else has that name'],
  ])('%s in words', (code, words) => {
    expect(reasonOf(Object.assign(new Error(`${code}: write`), { code }))).toBe(words);
  });

  test('keeps the order of appends that were not waited for', async () => {
    const journal = await store.create();
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => journal.append({ type: 'skipped', step: `s${i}`, reason: '' })),
    );
    expect((await journal.entries()).map((e) => e.type === 'skipped' && e.step)).toEqual(
      Array.from({ length: 50 }, (_, i) => `s${i}`),
    );
    await journal.close();
  });

  test('is on disk once the append resolves', async () => {
    const journal = await store.create();
    await journal.append(STARTED);
    expect(readFileSync(path.join(journal.directory, 'journal.jsonl'), 'utf8')).toContain('"started"');
    await journal.close();
  });

  test('has a short name of its own', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => store.create()));
    expect(new Set(all.map((j) => j.run)).size).toBe(20);
    for (const journal of all) expect(journal.run).toMatch(/^[0-9a-f]{4,}$/);
    await Promise.all(all.map((j) => j.close()));
  });

  test.each(['ffff', '..', '../x', '', 'lock.1', 'FFFF'])(
    '%j is not there, and the message tells how to list runs',
    async (run) => {
      await expect(store.open(run)).rejects.toThrow('kubectl harden runs lists them');
    },
  );

  test('refuses to keep what is secret', async () => {
    const journal = await store.create();
    const marker = 'c2VjcmV0LW1hcmtlcg==';
    await expect(
      journal.keep(object('v1', 'Secret', 'shop', 'db', { data: { password: marker } })),
    ).rejects.toThrow('Secret shop/db is never kept');
    await expect(
      journal.keep(
        object('apiserver.config.k8s.io/v1', 'EncryptionConfiguration', undefined, 'e', { key: marker }),
      ),
    ).rejects.toThrow(HostError);
    const files = readdirSync(journal.directory, { recursive: true, withFileTypes: true }).filter((f) =>
      f.isFile(),
    );
    for (const file of files)
      expect(readFileSync(path.join(file.parentPath, file.name), 'utf8')).not.toContain(marker);
    await journal.close();
  });

  test('that cannot be kept is explained in one line', async () => {
    writeFileSync(path.join(home, 'file'), '');
    const blocked = runStore(path.join(home, 'file/runs'), { now: () => new Date() });
    await expect(blocked.create()).rejects.toThrow(
      /cannot be kept in .*a part of its path is not a directory/,
    );
  });
});

describe('after a crash', () => {
  const line = (entry: Entry) => lineOf({ ...entry, at: '2026-01-01T00:00:00.000Z' });

  test('a last line that was cut anywhere is dropped with a note, and the next one stands on a line of its own', async () => {
    const journal = await store.create();
    await journal.append(STARTED);
    await journal.close();
    const torn = line({ type: 'skipped', step: 'quotas', reason: 'später' });
    const bytes = Buffer.from(torn);
    for (let cut = 1; cut < bytes.length; cut += 7) {
      appendFileSync(path.join(journal.directory, 'journal.jsonl'), bytes.subarray(0, cut));
      const again = await store.open(journal.run);
      expect(again.notes).toHaveLength(1);
      const before = (await again.entries()).length;
      await again.append({ type: 'ended', reason: 'done' });
      expect((await again.entries()).length).toBe(before + 1);
      await again.close();
    }
  });

  test('any prefix of a journal is read without an error, and whole lines are never lost', () => {
    const text = ENTRIES.map(line).join('');
    fc.assert(
      fc.property(fc.nat(text.length), (cut) => {
        const { entries } = readLines(text.slice(0, cut), 'j');
        expect(entries.length).toBe(text.slice(0, cut).split('\n').length - 1);
      }),
    );
  });

  test('kinds of lines of a newer version are left out with a note', () => {
    const text = `${line(STARTED)}{"v":1,"at":"t","type":"rotated","key":"x"}\n`;
    const { entries, notes } = readLines(text, 'j');
    expect(entries).toHaveLength(1);
    expect(notes).toEqual(['j:2: lines of type "rotated" are not known to this version']);
  });

  test.each([
    ['{"v":2,"at":"t","type":"started"}\n', 'j:1 was written by a newer version'],
    ['garbage\n', 'j:1 is damaged'],
    ['{"v":1,"at":"t","type":"skipped","step":"a"}\n', 'j:1 is damaged: field reason of skipped'],
    ['{"v":1,"at":"t","type":"ended","reason":"odd"}\n', 'j:1 is damaged: field reason of ended'],
  ])('%j is refused with file and line', (text, message) => {
    expect(() => readLines(text, 'j')).toThrow(message);
  });

  test('a damaged run does not hide the others from the list', async () => {
    const good = await store.create();
    await good.append(STARTED);
    await good.append({ type: 'ended', reason: 'done' });
    await good.close();
    mkdirSync(path.join(store.directory, 'dead'));
    writeFileSync(path.join(store.directory, 'dead/journal.jsonl'), 'garbage\n');
    mkdirSync(path.join(store.directory, 'beef'));
    const { runs, problems } = await store.listAll();
    expect(runs.map((r) => [r.run, r.state])).toEqual([[good.run, 'done']]);
    expect(problems).toEqual([expect.stringContaining('dead/journal.jsonl:1 is damaged')]);
    await expect(store.open('dead')).rejects.toThrow('is damaged');
  });
});

test('runs are listed oldest first; without any there is an empty list', async () => {
  expect(await store.list()).toEqual([]);
  const names: string[] = [];
  for (let i = 0; i < 3; i++) {
    const journal = await store.create();
    await journal.append(STARTED);
    names.push(journal.run);
    await journal.close();
  }
  expect((await store.list()).map((r) => r.run)).toEqual(names);
});

describe('one process at a time', () => {
  const DEAD = spawnSync(process.execPath, ['-e', '']).pid;
  const lockOf = (directory: string, holder: object) =>
    writeFileSync(path.join(directory, 'lock.1'), JSON.stringify(holder));

  test('a run in use is refused, naming the process, and free again once it is closed', async () => {
    const journal = await store.create();
    await expect(store.open(journal.run)).rejects.toThrow(
      `Run ${journal.run} is in use by process ${process.pid}`,
    );
    await journal.close();
    await (await store.open(journal.run)).close();
  });

  test.each([
    ['a process that is gone', { pid: DEAD, start: '1', host: hostname() }],
    ['a process whose number another one has now', { pid: process.pid, start: 'long ago', host: hostname() }],
    ['nobody who can be named', {}],
  ])('the lock of %s is taken over', async (_who, holder) => {
    lockOf(home, holder);
    const lock = await takeLock(home, 'Run x');
    await expect(takeLock(home, 'Run x')).rejects.toThrow('in use');
    await lock.release();
    await (await takeLock(home, 'Run x')).release();
  });

  (process.platform === 'linux' ? test : test.skip)(
    'the lock of a process that is dead and not yet reaped is taken over',
    async () => {
      // The shell becomes a sleep that never asks after its child, which dies only then.
      const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 30'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const zombie = Number(String((await once(parent.stdout, 'data'))[0]));
        const state = () => readFileSync(`/proc/${zombie}/stat`, 'utf8').split(') ')[1]?.[0];
        while (state() !== 'Z') await new Promise((resolve) => setTimeout(resolve, 10));
        lockOf(home, { pid: zombie, start: '', host: hostname() });
        await (await takeLock(home, 'Run x')).release();
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );

  test('a lock of another machine is left alone', async () => {
    lockOf(home, { pid: 1, start: '1', host: `not-${hostname()}` });
    await expect(takeLock(home, 'Run x')).rejects.toThrow(/in use on not-.*\n.*remove .*lock\.1/);
  });

  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

  test.each([
    [3, '3 s'],
    [250, '4 min'],
    [3 * 3600, '3 h'],
    [49 * 3600, '2 d'],
    [-500, '0 s'], // the clock was set back
  ])('whoever holds it is named with its age: %d seconds', async (seconds, age) => {
    const since = ago(seconds);
    lockOf(home, { pid: 1, start: '1', host: `not-${hostname()}`, since });
    await expect(takeLock(home, 'Run x')).rejects.toThrow(`by process 1, since ${since} (${age} ago).`);
  });

  test('an age that is none is left out', async () => {
    lockOf(home, { pid: 1, start: '1', host: `not-${hostname()}`, since: 'yesterday' });
    await expect(takeLock(home, 'Run x')).rejects.toThrow('by process 1.\n');
  });

  test('a run that a dead process held is taken over with a word, once', async () => {
    const { run, directory, notes, close } = await store.create();
    expect(notes).toEqual([]);
    await close();
    const since = ago(250);
    lockOf(directory, { pid: DEAD, start: '1', host: hostname(), since });
    const after = await store.open(run);
    expect(after.notes).toEqual([
      `Run ${run} was taken over from process ${DEAD}, since ${since} (4 min ago), which is gone.`,
    ]);
    await expect(store.open(run)).rejects.toThrow(
      /in use by process \d+, since [\d:T.-]+Z \(\d s ago\)\. End that one first/,
    );
    await after.close();
    const again = await store.open(run);
    expect(again.notes).toEqual([]);
    await again.close();
  });

  test('of many that take over a stale lock at once, one gets it', async () => {
    for (let round = 0; round < 20; round++) {
      lockOf(home, { pid: DEAD, start: '1', host: hostname() });
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(home, 'Run x')));
      const won = results.filter((r) => r.status === 'fulfilled');
      expect(won).toHaveLength(1);
      await won[0]?.value.release();
    }
    expect(readdirSync(home).filter((name) => name.startsWith('.lock'))).toEqual([]);
  });
});

const asRoot = process.getuid?.() === 0;
(asRoot ? test.skip : test)(
  `a state directory without write permission${asRoot ? ' (skipped: root may write anywhere)' : ''}`,
  async () => {
    mkdirSync(path.join(home, 'locked'));
    chmodSync(path.join(home, 'locked'), 0o500);
    const blocked = runStore(path.join(home, 'locked/runs'), { now: () => new Date() });
    await expect(blocked.create()).rejects.toThrow('permission denied');
  },
);

test('what is stamped is what is read', () => {
  const stamped: Stamped[] = ENTRIES.map((entry) => ({ ...entry, at: 't' }));
  expect(readLines(stamped.map(lineOf).join(''), 'j').entries).toEqual(stamped);
});
