import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readManifests } from '../../src/host/manifests.js';

const pod = (name: string) => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\n`;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'manifests-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const write = (file: string, text: string) => {
  mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
  writeFileSync(path.join(directory, file), text);
};
const names = async (from = directory) => (await readManifests(from)).objects.map((o) => o.metadata.name);

describe('manifests of a path', () => {
  test('a directory is read to its depth, in the order of names, other files left alone', async () => {
    write('b.yml', pod('b'));
    write('a/deep/x.yaml', pod('x'));
    write('c.json', JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'c' } }));
    write('README.md', pod('no'));
    write('.git/x.yaml', pod('no'));
    write('.hidden.yaml', pod('no'));
    expect(await names()).toEqual(['x', 'b', 'c']);
  });

  test('a file is read whatever it is called', async () => {
    write('manifests', pod('a'));
    expect(await names(path.join(directory, 'manifests'))).toEqual(['a']);
  });

  test('a broken file is a problem that names it; the others are read', async () => {
    write('a.yaml', 'kind: {\n');
    write('b.yaml', pod('b'));
    const { objects, problems } = await readManifests(directory);
    expect(objects).toHaveLength(1);
    expect(problems[0]?.file).toBe(path.join(directory, 'a.yaml'));
  });

  test('links in a circle, and several to one file, are read once', async () => {
    write('a/a.yaml', pod('a'));
    symlinkSync(directory, path.join(directory, 'loop'));
    symlinkSync(path.join(directory, 'a'), path.join(directory, 'again'));
    symlinkSync(path.join(directory, 'a/a.yaml'), path.join(directory, 'b.yaml'));
    const { objects, problems } = await readManifests(directory);
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(problems).toEqual([]);
  });

  test('an object that was there before is a problem that names it and both files', async () => {
    write('a.yaml', `${pod('a')}---\n${pod('a')}`);
    write('b.yaml', `apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: default}\n`);
    const { objects, problems } = await readManifests(directory);
    expect(objects).toHaveLength(1);
    expect(problems.map(({ file, where, message }) => `${path.basename(file)}: ${where} ${message}`)).toEqual(
      [
        'a.yaml: Pod a is once before in this file; only the first is used',
        `b.yaml: Pod default/a is also in ${path.join(directory, 'a.yaml')}; only the first is used`,
      ],
    );
  });

  test('of a file that is full of problems the first ones are named, the others counted', async () => {
    write('a.json', JSON.stringify(Array.from({ length: 100_000 }, (_, i) => i)));
    write('b.yaml', pod('b'));
    const { objects, problems } = await readManifests(directory);
    expect(objects).toHaveLength(1);
    expect(problems).toHaveLength(51);
    expect(problems.at(-1)).toMatchObject({
      where: 'the file',
      message: 'has 99950 more problems like these',
    });
  });

  test('a folder without any object is a problem: nothing listed is not nothing allowed', async () => {
    write('notes.txt', pod('a'));
    write('empty.yaml', '# nothing yet\n');
    const { objects, problems } = await readManifests(directory);
    expect(objects).toEqual([]);
    expect(problems).toEqual([
      { file: directory, where: 'the folder', message: expect.stringContaining('holds no object') },
    ]);
  });

  test('a path that is not there is an error in words', async () => {
    await expect(readManifests(path.join(directory, 'gone'))).rejects.toThrow(
      'cannot be read: it does not exist.',
    );
  });
});
