import type { Scene } from './scene.js';
import { confirmScroll } from './screens/confirm.js';
import { overviewScroll } from './screens/overview.js';
import { resultScroll } from './screens/result.js';
import { reviewScroll } from './screens/review.js';
import { tableScroll } from './screens/table.js';

/** How far the text of the screen at hand can be scrolled, in rows. */
export function limitOf(scene: Scene): number {
  if (scene.view.table !== undefined) return tableScroll(scene);
  switch (scene.state.screen.at) {
    case 'overview':
      return overviewScroll(scene);
    case 'review':
      return reviewScroll(scene);
    case 'confirm':
      return confirmScroll(scene);
    case 'result':
      return resultScroll(scene);
    default:
      return 0;
  }
}
