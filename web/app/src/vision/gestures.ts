// Pictures that come by dropping or pasting, anywhere on the page while pictures are shown: one is looked at, several or a
// folder are a collection.

import { showsPictures } from '../lessons.js';
import { foundBelow, foundIn } from './collection.js';
import type { Found } from './collection.js';
import type { VisionTab } from './tab.js';

export function pictureGestures(tab: VisionTab): void {
  const here = (): boolean => showsPictures(tab.store.state);
  const take = (event: Event, data: DataTransfer | null): void => {
    if (!here() || data === null || !takes(tab, data)) return;
    event.preventDefault();
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

/** Whether there was something to take; entries of folders can be asked for only while the event lasts. */
function takes({ vision }: VisionTab, data: DataTransfer): boolean {
  const files = [...data.files];
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const [first] = files;
  if (entries.some(({ isDirectory }) => isDirectory)) void foundBelow(entries).then((found) => collect(vision, found), (error: unknown) => vision.refuse(error));
  else if (files.length > 1) collect(vision, foundIn(files));
  else if (first !== undefined) void vision.take(first);
  return first !== undefined || entries.length > 0;
}

/** What comes of it stands further down the page. */
function collect(vision: VisionTab['vision'], found: readonly Found[]): void {
  vision.collect(found);
  document.querySelector('.collection')?.scrollIntoView({ block: 'nearest' });
}
