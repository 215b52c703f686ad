// Tokens by layers: each cell the colour and number of the expert that the token chose first there.
// Drawn on a canvas, because a long text has thousands of cells, and only what is in sight: a canvas has a largest width,
// and scrolling stays smooth however long the text. The caller owns the canvas and its keys.

import { css, expertColour } from './colour.js';
import type { Theme } from './colour.js';
import { firstExpert, firstWeight } from './data.js';
import type { TokenRecord } from './data.js';

export interface GridData {
  readonly records: readonly TokenRecord[];
  readonly layers: readonly number[];
  readonly layer: number;
  readonly pinned: number | undefined;
  readonly theme: Theme;
  /** CSS pixels per cell. */
  readonly cell: { readonly width: number; readonly height: number };
  readonly ink: string;
  readonly paper: string;
  readonly font: string;
  /** The part in sight, in CSS pixels from the left. */
  readonly left: number;
  readonly width: number;
}

/** CSS pixels that the whole grid takes. */
export function gridSize({ records, layers, cell }: Pick<GridData, 'records' | 'layers' | 'cell'>): { width: number; height: number } {
  return { width: records.length * cell.width, height: layers.length * cell.height };
}

/** The token and the layer at a point in CSS pixels of the part in sight. */
export function gridHit(
  data: Pick<GridData, 'records' | 'layers' | 'cell' | 'left'>, x: number, y: number,
): { index: number; layer: number } | undefined {
  const record = data.records[Math.floor((x + data.left) / data.cell.width)];
  const layer = data.layers[Math.floor(y / data.cell.height)];
  return record === undefined || layer === undefined ? undefined : { index: record.index, layer };
}

/**
 * Draws what is in sight; `scale` is device pixels per CSS pixel. Where the canvas shows the same grid from `before` on, that
 * picture is moved and only what came into sight is drawn.
 */
export function drawGrid(context: CanvasRenderingContext2D, data: GridData, scale: number, before?: number): void {
  const moved = before === undefined ? data.width : data.left - before;
  const width = Math.min(data.width, Math.abs(moved));
  const left = moved > 0 ? data.left + data.width - width : data.left;
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (width < data.width) {
    context.globalCompositeOperation = 'copy';
    context.drawImage(context.canvas, Math.round(-moved * scale), 0);
  }
  context.setTransform(scale, 0, 0, scale, -data.left * scale, 0);
  drawPart(context, { ...data, left, width });
}

function drawPart(context: CanvasRenderingContext2D, data: GridData): void {
  context.save();
  context.globalCompositeOperation = 'source-over';
  context.beginPath();
  context.rect(data.left, 0, data.width, gridSize(data).height);
  context.clip();
  context.clearRect(data.left, 0, data.width, gridSize(data).height);
  const cells = cellsInSight(data);
  drawTints(context, data, cells);
  drawFigures(context, data, cells);
  outline(context, data);
  context.restore();
}

function drawFigures(context: CanvasRenderingContext2D, { cell: { width, height }, font, ink }: GridData, cells: ReadonlyMap<number, readonly Cell[]>): void {
  context.font = font;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = ink;
  for (const [expert, group] of cells) {
    for (const { x, y } of group) context.fillText(String(expert), x + width / 2, y + height / 2 - 0.5, width - 1);
  }
}

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly weight: number;
}

/** By expert: a canvas takes longer to understand a colour than to draw a cell with it. */
function cellsInSight({ records, layers, cell, left, width }: GridData): Map<number, Cell[]> {
  const cells = new Map<number, Cell[]>();
  const from = Math.floor(left / cell.width);
  for (const [column, record] of records.slice(from, Math.ceil((left + width) / cell.width)).entries()) {
    for (const [row, layer] of layers.entries()) {
      const first = firstExpert(record, layer);
      if (first === undefined) continue;
      const group = cells.get(first) ?? [];
      if (group.length === 0) cells.set(first, group);
      group.push({ x: (from + column) * cell.width, y: row * cell.height, weight: Math.min(1, Math.max(0, firstWeight(record, layer))) });
    }
  }
  return cells;
}

/** The tint is as strong as the weight, and so is the length of the line below it. */
function drawTints(context: CanvasRenderingContext2D, { theme, cell: { width, height } }: GridData, cells: ReadonlyMap<number, readonly Cell[]>): void {
  for (const [expert, group] of cells) {
    context.fillStyle = css(expertColour(expert, theme));
    for (const { x, y, weight } of group) {
      context.globalAlpha = 0.16 + 0.42 * weight;
      context.fillRect(x + 0.5, y + 0.5, width - 1, height - 1);
      context.globalAlpha = 1;
      context.fillRect(x + 0.5, y + height - 2.5, (width - 1) * weight, 2);
    }
  }
}

function outline(context: CanvasRenderingContext2D, data: GridData): void {
  const row = data.layers.indexOf(data.layer);
  const column = data.records.findIndex((record) => record.index === data.pinned);
  const { width, height } = data.cell;
  context.strokeStyle = data.ink;
  context.lineWidth = 1.5;
  if (row >= 0 && data.records.length > 0) {
    context.globalAlpha = 0.55;
    context.strokeRect(0.75, row * height + 0.75, data.records.length * width - 1.5, height - 1.5);
    context.globalAlpha = 1;
  }
  if (column >= 0) context.strokeRect(column * width + 0.75, 0.75, width - 1.5, data.layers.length * height - 1.5);
}
