// Draws the part of the grid of tokens and layers that is in sight, in device pixels, and takes clicks on it.

import { drawGrid, gridHit, gridSize, kept } from 'moescope/views';
import type { GridData, Kept } from 'moescope/views';

import { sizeOf } from './look.js';
import type { Shown } from './page/shown.js';
import { pinnedIndex } from './page/stage.js';

/** CSS pixels per cell, and of its text, at text size 100 %. */
const CELL = { width: 17, height: 18, text: 10.5 } as const;
/** A grid that is presented grows with the window, up to this. */
const PRESENTED = { share: 0.6, most: 2 } as const;

export class GridPainter {
  #data: GridData | undefined;
  /** From where on the canvas shows the grid as it is. */
  #picture: Kept<{ left: number | undefined }> = kept();
  #shown: Shown | undefined;
  #listensTo: HTMLCanvasElement | undefined;
  #columns = 0;

  paint(shown: Shown): void {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas#grid');
    const extent = canvas?.parentElement;
    const scroller = extent?.parentElement;
    if (canvas == null || extent == null || scroller == null) return;
    this.#listen(canvas, scroller);
    this.#shown = shown;
    const { width, height } = gridSize({ records: shown.runner.records, layers: shown.layers, cell: cellSize(shown) });
    extent.style.setProperty('width', `${width}px`);
    scroller.parentElement?.style.setProperty('--row', `${cellSize(shown).height}px`);
    resize(canvas, Math.min(width, scroller.clientWidth), height, devicePixelRatio);
    this.#followEnd(scroller, shown.runner.records.length);
    this.#draw(canvas, scroller);
  }

  #draw(canvas: HTMLCanvasElement, scroller: Element): void {
    const context = canvas.getContext('2d');
    if (context === null || this.#shown === undefined) return;
    const data = gridData(this.#shown, canvas, scroller);
    this.#data = data;
    const picture = this.#picture(looks(data, canvas), () => ({ left: undefined }));
    if (picture.left !== data.left) drawGrid(context, data, devicePixelRatio, picture.left);
    picture.left = data.left;
  }

  #listen(canvas: HTMLCanvasElement, scroller: Element): void {
    if (this.#listensTo === canvas) return;
    this.#listensTo = canvas;
    scroller.addEventListener('scroll', () => this.#draw(canvas, scroller), { passive: true });
    canvas.addEventListener('contextrestored', () => {
      this.#picture = kept();
      this.#draw(canvas, scroller);
    });
    canvas.addEventListener('click', (event) => {
      const hit = this.#data === undefined ? undefined : gridHit(this.#data, event.offsetX, event.offsetY);
      if (hit !== undefined) this.#shown?.actions.set({ token: hit.index, layer: hit.layer });
    });
  }

  /** Keeps the newest token in sight while a text grows. */
  #followEnd(scroller: Element, columns: number): void {
    if (columns > this.#columns) scroller.scrollLeft = scroller.scrollWidth;
    this.#columns = columns;
  }
}

function cellSize(shown: Shown): GridData['cell'] {
  const scale = scaleOf(shown);
  return { width: CELL.width * scale, height: CELL.height * scale };
}

function scaleOf({ state, layers }: Shown): number {
  const size = sizeOf(state);
  if (state.present !== 'layers') return size;
  const filling = (PRESENTED.share * innerHeight) / (Math.max(1, layers.length) * CELL.height);
  return Math.max(size, Math.min(PRESENTED.most * size, filling));
}

function gridData(shown: Shown, canvas: HTMLCanvasElement, scroller: Element): GridData {
  const { runner, layers, layer } = shown;
  const style = getComputedStyle(canvas);
  const dark = style.colorScheme === 'dark' || (style.colorScheme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  return {
    records: runner.records, layers, layer, pinned: pinnedIndex(shown),
    theme: dark ? 'dark' : 'light',
    cell: cellSize(shown),
    ink: style.color,
    paper: style.backgroundColor,
    font: `${CELL.text * scaleOf(shown)}px ${style.fontFamily}`,
    // On whole pixels of the device, so that a picture that is moved stays sharp.
    left: Math.round(scroller.scrollLeft * devicePixelRatio) / devicePixelRatio,
    width: Math.min(scroller.clientWidth, runner.records.length * cellSize(shown).width),
  };
}

/** Everything that the picture is made from besides where it begins; the same list of records grows while a text is written. */
function looks({ records, layers, cell, left, ...rest }: GridData, canvas: HTMLCanvasElement): unknown[] {
  return [canvas, devicePixelRatio, records, records.length, layers.join(), cell.width, cell.height, ...Object.values(rest)];
}

function resize(canvas: HTMLCanvasElement, width: number, height: number, scale: number): void {
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  canvas.style.setProperty('width', `${width}px`);
  canvas.style.setProperty('height', `${height}px`);
}
