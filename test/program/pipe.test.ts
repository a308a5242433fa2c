import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PROGRAM } from '../support/program.js';

/** Pods that all reach each other: a listing of some megabytes. */
const PODS = Array.from(
  { length: 250 },
  (_, i) => `apiVersion: v1\nkind: Pod\nmetadata: {name: p${i}, namespace: shop}\n`,
).join('---\n');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'pipe-'));
  writeFileSync(path.join(directory, 'pods.yaml'), PODS);
});
afterAll(() => rmSync(directory, { recursive: true }));

test.each([[['reach', '--from']], [['plan', '--from']]])(
  'a reader that has seen enough ends %s quietly',
  async (words) => {
    const child = spawn(process.execPath, [PROGRAM, ...words, directory], {
      env: { PATH: process.env.PATH ?? '', HOME: directory, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    // Gone at the first byte, or before anything is written.
    if (words[0] === 'reach') await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  },
);
