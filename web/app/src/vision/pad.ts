// Drawing on the pad: pressing begins a line, moving lengthens it. The strokes are part of the link.

import type { Handler } from 'moescope/views';

import { PAD, begun, lengthened } from './strokes.js';
import type { Point, Strokes } from './strokes.js';
import type { VisionTab } from './tab.js';

export function padEvents(tab: VisionTab): Readonly<Record<string, Handler>> {
  let drawing = false;
  const change = (by: (strokes: Strokes) => Strokes): void => {
    const { source } = tab.store.state.vision;
    const before = source.kind === 'drawing' ? source.strokes : [];
    const strokes = by(before);
    if (strokes !== before) tab.set({ source: { kind: 'drawing', strokes }, patch: undefined });
  };
  return {
    pointerdown: (event) => {
      const point = pointOf(event);
      if (point === undefined || !(event instanceof PointerEvent) || event.button !== 0) return;
      drawing = true;
      if (event.currentTarget instanceof Element) event.currentTarget.setPointerCapture(event.pointerId);
      change((strokes) => begun(strokes, point));
    },
    pointermove: (event) => {
      const point = pointOf(event);
      if (drawing && point !== undefined) change((strokes) => lengthened(strokes, point));
    },
    pointerup: () => { drawing = false; },
    pointercancel: () => { drawing = false; },
  };
}

function pointOf(event: Event): Point | undefined {
  const { currentTarget } = event;
  if (!(event instanceof PointerEvent) || !(currentTarget instanceof Element)) return undefined;
  const { left, top, width, height } = currentTarget.getBoundingClientRect();
  const place = (share: number): number => Math.min(PAD - 1, Math.max(0, Math.round(share * PAD)));
  return { x: place((event.clientX - left) / width), y: place((event.clientY - top) / height) };
}
