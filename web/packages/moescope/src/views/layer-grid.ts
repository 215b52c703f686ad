// Tokens by layers: each cell the colour and number of the expert that the token chose first there.
// Drawn on a canvas, because a long text has thousands of cells; the caller owns the canvas and its keys.

import { css, expertColour } from './colour.js';
import type { Theme } from './colour.js';
import { choicesAt } from './data.js';
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
}

/** CSS pixels that the grid takes. */
export function gridSize({ records, layers, cell }: Pick<GridData, 'records' | 'layers' | 'cell'>): { width: number; height: number } {
  return { width: records.length * cell.width, height: layers.length * cell.height };
}

/** The token and the layer at a point in CSS pixels. */
export function gridHit(
  data: Pick<GridData, 'records' | 'layers' | 'cell'>, x: number, y: number,
): { index: number; layer: number } | undefined {
  const record = data.records[Math.floor(x / data.cell.width)];
  const layer = data.layers[Math.floor(y / data.cell.height)];
  return record === undefined || layer === undefined ? undefined : { index: record.index, layer };
}

/** Draws the whole grid; `scale` is device pixels per CSS pixel. */
export function drawGrid(context: CanvasRenderingContext2D, data: GridData, scale: number): void {
  const { width, height } = gridSize(data);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = data.font;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  data.layers.forEach((layer, row) => {
    for (const [column, record] of data.records.entries()) drawCell(context, data, record, { layer, row, column });
  });
  outline(context, data);
}

interface Place {
  readonly layer: number;
  readonly row: number;
  readonly column: number;
}

function drawCell(context: CanvasRenderingContext2D, data: GridData, record: TokenRecord, place: Place): void {
  const [first] = choicesAt(record, place.layer);
  if (first === undefined) return;
  const { width, height } = data.cell;
  const [x, y] = [place.column * width, place.row * height];
  const colour = css(expertColour(first.expert, data.theme));
  context.fillStyle = colour;
  context.globalAlpha = 0.16 + 0.42 * Math.min(1, Math.max(0, first.weight));
  context.fillRect(x + 0.5, y + 0.5, width - 1, height - 1);
  context.globalAlpha = 1;
  context.fillRect(x + 0.5, y + height - 2.5, (width - 1) * Math.min(1, Math.max(0, first.weight)), 2);
  context.fillStyle = data.ink;
  context.fillText(String(first.expert), x + width / 2, y + height / 2 - 0.5, width - 1);
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
