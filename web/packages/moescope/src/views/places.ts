// A drawing with a place for every expert of every layer: each is an element where there are few. Many are one shape for each
// expert, which is quick to draw and as large as can be told apart; a click then finds its place by where it was.

import type { Handler } from './element.js';

export type OnPlace = (layer: number, expert: number) => void;

export interface Places {
  readonly layers: readonly number[];
  readonly nExperts: number;
}

/** More are drawn as one shape for each expert. */
const MANY = 1500;

export function areMany({ layers, nExperts }: Places): boolean {
  return layers.length * nExperts > MANY;
}

/** Takes a click on a drawing; `at` finds row and expert under a point in user units. */
export function onDrawing({ layers, nExperts }: Places, at: (x: number, y: number) => readonly [row: number, expert: number], open: OnPlace): Handler {
  return (event) => {
    const { currentTarget } = event;
    if (!(event instanceof MouseEvent && currentTarget instanceof SVGSVGElement)) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(currentTarget.getScreenCTM()?.inverse());
    const [row, expert] = at(x, y);
    const layer = layers[row];
    if (layer !== undefined && expert >= 0 && expert < nExperts) open(layer, expert);
  };
}
