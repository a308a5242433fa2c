import type { Reach } from '../reach/index.js';
import { reachDot } from './reach.js';

/**
 * More than this is neither laid out in reasonable time nor read by anybody: Graphviz took up to 0.9 s for 500
 * connections, 3.3 s for 800 and more than a minute for 1,000 of 100 workloads.
 */
export const MOST_DRAWN = { connections: 500, workloads: 1_000 };

/** How much a picture would hold, counted up to one more than is drawn; undefined where it can be drawn. */
export function tooLargeToDraw(reach: Reach, most = MOST_DRAWN): string | undefined {
  if (reach.workloads.length > most.workloads)
    return `${reach.workloads.length.toLocaleString('en-US')} workloads`;
  let connections = 0;
  for (const _ of reach.connections())
    if (++connections > most.connections)
      return `more than ${most.connections.toLocaleString('en-US')} connections`;
  return undefined;
}

/** The graph of `reachDot` as an SVG document, laid out by Graphviz, which is loaded for this alone. */
export async function reachSvg(reach: Reach): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const graphviz = await instance();
  const result = graphviz.render([...reachDot(reach)].join(''), {
    format: 'svg',
    engine: 'dot',
    graphAttributes: { rankdir: 'LR', fontname: FONT },
    nodeAttributes: { shape: 'box', style: 'rounded', fontname: FONT },
    edgeAttributes: { fontname: FONT, fontsize: 10 },
  });
  if (result.status !== 'success')
    throw new Error(`Graphviz: ${result.errors.map(({ message }) => message).join('; ')}`);
  return result.output;
}

const FONT = 'Helvetica,Arial,sans-serif';
