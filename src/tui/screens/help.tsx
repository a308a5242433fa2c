import { Box } from 'ink';
import type { ReactNode } from 'react';
import { keysInWords } from '../bindings.js';
import type { Binding } from '../keys.js';
import { BLANK, Lines, line, span } from '../lines.js';
import type { ScreenProps } from '../scene.js';
import { MEANINGS } from '../signs.js';
import { padRight } from '../width.js';

interface HelpProps extends ScreenProps {
  bindings: readonly Binding[];
}

/** Every key of the screen at hand, and what the signs mean. */
export function Help({ scene, bindings }: HelpProps): ReactNode {
  const { look, width, height } = scene;
  const left = Math.min(44, Math.floor(width * 0.56));
  const named = bindings.map((binding) => ({
    keys: keysInWords(binding, look.g),
    label: binding.inHelp ?? binding.label,
  }));
  const widest = Math.max(...named.map(({ keys }) => keys.length));
  const keys = [
    line(span('title', 'Keys of this screen')),
    BLANK,
    ...named.map(({ keys: text, label }) => line(span('key', padRight(text, widest)), `  ${label}`)),
  ];
  const signs = [
    line(span('title', 'Signs')),
    BLANK,
    ...MEANINGS.map(([sign, meaning]) => line(look.sign(sign), ` ${meaning}`)),
  ];
  return (
    <Box>
      <Lines rows={keys} width={left} height={height} look={look} />
      <Lines rows={signs} width={width - left} height={height} look={look} />
    </Box>
  );
}
