import { printable } from '../../src/model/escape.js';
import type { Snapshot } from '../../src/model/snapshot.js';
import { cell, type FactTable } from '../../src/model/table.js';
import { said } from './config-findings.js';

/** What is seen of the configuration of each API server, with where it is seen, also where nothing is wrong with it. */
export function tables(now: Snapshot): readonly FactTable[] {
  const rows = said(now).map(({ server, what, source }) =>
    [printable(server, 100), printable(what, 500), printable(source, 300)].map((text) => cell(text)),
  );
  if (rows.length === 0) return [];
  return [
    {
      id: 'apiServers',
      title: 'Encryption configuration of each API server',
      columns: [
        { id: 'server', title: 'API server' },
        { id: 'configuration', title: 'configuration' },
        { id: 'source', title: 'seen in' },
      ],
      rows,
      notes: ['The first provider of a list writes, each of them reads. Keys are named, never shown.'],
    },
  ];
}
