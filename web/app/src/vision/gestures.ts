// Pictures that come by dropping or pasting, anywhere on the page while pictures are shown.

import { showsPictures } from '../lessons.js';
import type { VisionTab } from './tab.js';

export function pictureGestures(tab: VisionTab): void {
  const here = (): boolean => showsPictures(tab.store.state);
  const take = (event: Event, data: DataTransfer | null): void => {
    const file = here() ? pictureIn(data) : undefined;
    if (file === undefined) return;
    event.preventDefault();
    void tab.vision.take(file);
  };
  addEventListener('paste', (event) => take(event, event.clipboardData));
  addEventListener('drop', (event) => take(event, event.dataTransfer));
  // Without this the browser would open the file in place of the page.
  addEventListener('dragover', (event) => {
    if (here()) event.preventDefault();
  });
  addEventListener('visibilitychange', () => {
    if (document.hidden) tab.vision.camera.stop();
  });
}

function pictureIn(data: DataTransfer | null): File | undefined {
  return [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/'));
}
