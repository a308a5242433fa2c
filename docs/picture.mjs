// Draws docs/wizard.svg from the program itself: the wizard on the embedded cluster, in a terminal emulator, its cells
// written as SVG text. `npm run docs:picture` builds and runs it.
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import xterm from '@xterm/headless';

process.env.FORCE_COLOR = '1'; // before Ink is loaded
process.env.NODE_ENV = 'production';

const { loadMaterial, openTarget } = await import('../dist/src/commands/context.js');
const { createSession } = await import('../dist/src/wizard/session.js');
const { runTui } = await import('../dist/src/tui/index.js');

const COLUMNS = 100;
const ROWS = 27;
/** Nothing of a picture depends on when or where it is made. */
const RUN = '7f3a';
const NOW = new Date('2026-01-02T09:30:00Z');

/** The wizard's overview and the review of its second step, as rows of cells. */
async function pictures() {
  const options = { sandbox: true, exclude: [], steps: [] };
  const { steps, templates } = await loadMaterial(options);
  const target = await openTarget(options);
  const journal = {
    run: RUN,
    directory: '',
    append: async () => {},
    entries: async () => [],
    keep: async () => '',
  };
  const session = createSession(
    { cluster: target.cluster, host: target.hostFor(journal), journal, clock: { now: () => NOW } },
    { steps, templates, exclude: [], decisions: () => new Map() },
  );
  const terminal = new Terminal();
  const over = runTui(session, {
    stdin: terminal.stdin,
    stdout: terminal.stdout,
    stderr: terminal.stdout,
    unicode: true,
    colour: true,
  });
  try {
    await terminal.until('Steps');
    await terminal.press('j');
    const overview = terminal.cells();
    await terminal.press('\r');
    while (terminal.shows('[ask]')) await terminal.press('\r');
    await terminal.until('[review]');
    await terminal.until('chosen');
    await terminal.press('j');
    return [overview, terminal.cells()];
  } finally {
    session.send({ type: 'quit' });
    await over;
    await target.close();
  }
}

/** A terminal of its own for the wizard: an emulator behind a stream, and keys. */
class Terminal {
  constructor() {
    this.emulator = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
    const { emulator } = this;
    this.stdout = Object.assign(
      new Writable({
        decodeStrings: false,
        write: (chunk, _encoding, done) =>
          emulator.write(String(chunk).replaceAll(/(?<!\r)\n/g, '\r\n'), done),
      }),
      { isTTY: true, columns: COLUMNS, rows: ROWS },
    );
    let waiting = null;
    this.stdin = Object.assign(new EventEmitter(), {
      isTTY: true,
      setEncoding() {},
      setRawMode() {},
      ref() {},
      unref() {},
      read() {
        const data = waiting;
        waiting = null;
        return data;
      },
      type(data) {
        waiting = data;
        this.emit('readable');
      },
    });
  }

  async press(...keys) {
    for (const key of keys) {
      this.stdin.type(key);
      await pause(150);
    }
  }

  shows(text) {
    const { active } = this.emulator.buffer;
    const rows = Array.from({ length: ROWS }, (_, y) => active.getLine(y)?.translateToString(true) ?? '');
    return rows.join('\n').includes(text);
  }

  async until(text) {
    for (let turn = 0; turn < 200; turn++) {
      if (this.shows(text)) return;
      await pause(100);
    }
    throw new Error(`the wizard never showed: ${text}`);
  }

  /** Rows of runs of equal style: `{ x, text, colour, bold, dim }`. */
  cells() {
    const { active } = this.emulator.buffer;
    return Array.from({ length: ROWS }, (_, y) => {
      const runs = [];
      for (let x = 0; x < COLUMNS; x++) {
        const cell = active.getLine(y)?.getCell(x);
        const text = cell?.getChars() || ' ';
        const colour = cell?.isFgPalette() ? cell.getFgColor() : -1;
        const style = { colour, bold: Boolean(cell?.isBold()), dim: Boolean(cell?.isDim()) };
        const last = runs.at(-1);
        if (last && last.colour === colour && last.bold === style.bold && last.dim === style.dim)
          last.text += text;
        else runs.push({ x, text, ...style });
      }
      return runs.filter((run) => run.text.trim() !== '');
    });
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Frames one below the other, on a dark ground that reads well on light and dark pages. */
function svg(all) {
  const CELL = 8.4;
  const LINE = 17;
  const MARGIN = 14;
  const PALETTE = {
    1: '#ff7b72',
    2: '#7ee787',
    3: '#e3b341',
    4: '#79c0ff',
    5: '#d2a8ff',
    6: '#76e3ea',
    8: '#8b949e',
  };
  const width = COLUMNS * CELL + 2 * MARGIN;
  const tall = ROWS * LINE + 2 * MARGIN;
  const height = all.length * (tall + MARGIN) - MARGIN;
  const screens = all.map((rows, index) => {
    const top = index * (tall + MARGIN);
    const texts = rows.flatMap((runs, y) =>
      runs.map(({ x, text, colour, bold, dim }) => {
        // Each run starts and ends on its columns, whatever the width of the font's letters.
        const lead = text.length - text.trimStart().length;
        const shown = text.trim();
        return [
          `<text x="${round(MARGIN + (x + lead) * CELL)}" y="${round(top + MARGIN + y * LINE + 13)}"`,
          ` textLength="${round([...shown].length * CELL)}" lengthAdjust="spacingAndGlyphs"`,
          ` fill="${PALETTE[colour] ?? '#e6edf3'}"`,
          bold ? ' font-weight="bold"' : '',
          dim ? ' opacity="0.6"' : '',
          `>${escaped(shown)}</text>`,
        ].join('');
      }),
    );
    return `<rect y="${top}" width="${width}" height="${tall}" rx="8" fill="#0d1117"/>\n${texts.join('\n')}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="The wizard: the overview of the steps, and the review of a change" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">
${screens.join('\n')}
</svg>
`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

writeFileSync(new URL('wizard.svg', import.meta.url), svg(await pictures()));
