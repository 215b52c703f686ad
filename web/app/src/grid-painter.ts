// Draws the grid of tokens and layers on its canvas, in device pixels, and takes clicks on it.

import { drawGrid, gridHit, gridSize } from 'moescope/views';
import type { GridData } from 'moescope/views';

import type { Shown } from './page/shown.js';
import { pinnedIndex } from './page/stage.js';

/** CSS pixels per cell at text size 100 %. */
const CELL = { width: 17, height: 18 } as const;

export class GridPainter {
  #data: GridData | undefined;
  #shown: Shown | undefined;
  #listensTo: HTMLCanvasElement | undefined;
  #columns = 0;

  paint(shown: Shown): void {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas#grid');
    const context = canvas?.getContext('2d');
    if (canvas == null || context == null) return;
    this.#listen(canvas);
    this.#shown = shown;
    this.#data = gridData(shown, canvas);
    const scale = devicePixelRatio;
    const { width, height } = gridSize(this.#data);
    resize(canvas, width, height, scale);
    drawGrid(context, this.#data, scale);
    this.#followEnd(canvas, shown.runner.records.length);
  }

  #listen(canvas: HTMLCanvasElement): void {
    if (this.#listensTo === canvas) return;
    this.#listensTo = canvas;
    canvas.addEventListener('click', (event) => {
      const hit = this.#data === undefined ? undefined : gridHit(this.#data, event.offsetX, event.offsetY);
      if (hit !== undefined) this.#shown?.actions.set({ token: hit.index, layer: hit.layer });
    });
  }

  /** Keeps the newest token in sight while a text grows. */
  #followEnd(canvas: HTMLCanvasElement, columns: number): void {
    const scroller = canvas.parentElement;
    if (scroller !== null && columns > this.#columns) scroller.scrollLeft = scroller.scrollWidth;
    this.#columns = columns;
  }
}

function gridData(shown: Shown, canvas: HTMLCanvasElement): GridData {
  const { runner, layers, layer, state } = shown;
  const size = state.size / 100;
  const style = getComputedStyle(canvas);
  const dark = style.colorScheme === 'dark' || (style.colorScheme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  return {
    records: runner.records, layers, layer, pinned: pinnedIndex(shown),
    theme: dark ? 'dark' : 'light',
    cell: { width: CELL.width * size, height: CELL.height * size },
    ink: style.color,
    paper: style.backgroundColor,
    font: `${10.5 * size}px ${style.fontFamily}`,
  };
}

function resize(canvas: HTMLCanvasElement, width: number, height: number, scale: number): void {
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  canvas.style.setProperty('width', `${width}px`);
  canvas.style.setProperty('height', `${height}px`);
}
