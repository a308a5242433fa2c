import { PassThrough } from 'node:stream';
import { lineAsker } from '../../src/prompts/lines.js';

test.each([
  ['all', ['shop', 'web']],
  ['none', []],
  ['1-3', ['shop', 'web', 'kube-public']],
  ['', ['kube-public']],
])('line by line, %j of a list with something offered apart', async (line, expected) => {
  const stdin = new PassThrough();
  const ask = lineAsker(stdin, new PassThrough());
  const answer = ask.many(
    'Which?',
    [
      { value: 'shop', label: 'shop' },
      { value: 'web', label: 'web' },
      { value: 'kube-public', label: 'kube-public', apart: true },
    ],
    ['kube-public'],
  );
  stdin.write(`${line}\n`);
  expect(await answer).toEqual(expected);
  ask.close();
});
