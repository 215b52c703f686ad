// Draws strokes: on the pad as they were made, and into the picture that the model gets.

import { PAD, placing } from './strokes.js';
import type { Placing, Strokes } from './strokes.js';

/** Pixels along one side of the picture that the engine scales down. */
const SIDE = 256;
/** Of a line in the model's picture, as a share of its side: two and a half of 32 pixels. */
const LINE = 2.5 / 32;

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** A digit as MNIST has it: white on black. */
export function drawingImage(strokes: Strokes): ImageData {
  const context = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser cannot draw outside the page');
  context.fillStyle = '#000';
  context.fillRect(0, 0, SIDE, SIDE);
  draw(context, strokes, placing(strokes), SIDE, { colour: '#fff', width: LINE * SIDE });
  return context.getImageData(0, 0, SIDE, SIDE);
}

/** The pad, as wide as its canvas is in pixels. */
export function paintPad(canvas: HTMLCanvasElement, strokes: Strokes): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  draw(context, strokes, { scale: 1 / PAD, x: 0, y: 0 }, width, { colour: getComputedStyle(canvas).color, width: width / 12 });
}

function draw(context: Context, strokes: Strokes, { scale, x, y }: Placing, side: number, line: { colour: string; width: number }): void {
  context.strokeStyle = line.colour;
  context.lineWidth = line.width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const stroke of strokes) {
    context.beginPath();
    stroke.forEach((point, i) => {
      const [px, py] = [(point.x * scale + x) * side, (point.y * scale + y) * side];
      if (i === 0) context.moveTo(px, py);
      // A line of no length is a dot.
      context.lineTo(px, py);
    });
    context.stroke();
  }
}
