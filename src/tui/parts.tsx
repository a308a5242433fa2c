import { Box, Text } from 'ink';
import { memo, type ReactNode } from 'react';
import { type Line, Lines, line, span } from './lines.js';
import type { Look } from './look.js';

/** A line across the screen. */
export const Rule = memo(function Rule({ width, look }: { width: number; look: Look }): ReactNode {
  return (
    <Lines rows={[line(span('dim', look.g.horizontal.repeat(width)))]} width={width} height={1} look={look} />
  );
});

/** A line between two panes, three columns wide. */
export const Divider = memo(function Divider({ height, look }: { height: number; look: Look }): ReactNode {
  return (
    <Box width={3} height={height} flexShrink={0} overflow="hidden">
      <Text {...look.style('dim')}>
        {Array.from({ length: height }, () => ` ${look.g.vertical} `).join('\n')}
      </Text>
    </Box>
  );
});

/** A bar of `width` columns for a share from 0 to 1. */
export function bar(share: number, width: number, look: Look): Line {
  const full = Math.round(Math.max(0, Math.min(1, share)) * width);
  return line(span('info', look.g.full.repeat(full)), span('dim', look.g.empty.repeat(width - full)));
}
