// What a person draws: lines of points on a grid of 64 by 64, short enough for a link.
// For the model a drawing is placed as the digits of MNIST were (LeCun et al. 1998): its longer side fills 20 of 28 pixels,
// its centre of mass is in the middle; here in the middle of the 32 pixels that the model was trained to see around them.

/** Places along one side of the pad. */
export const PAD = 64;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type Strokes = readonly (readonly Point[])[];

/** So many points fit into a link beside everything else. */
export const MAX_POINTS = 400;

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Two letters for a point, a dot between strokes. */
export function strokesText(strokes: Strokes): string {
  return strokes.map((stroke) => stroke.map(({ x, y }) => `${DIGITS[x] ?? 'A'}${DIGITS[y] ?? 'A'}`).join('')).join('.');
}

/** What makes no sense is left out. */
export function strokesFrom(text: string): Strokes {
  const strokes = text.slice(0, MAX_POINTS * 3).split('.').map((part) => {
    const pairs = part.match(/[\w-]{2}/g) ?? [];
    return pairs.map((pair) => ({ x: DIGITS.indexOf(pair.charAt(0)), y: DIGITS.indexOf(pair.charAt(1)) }));
  });
  return strokes.filter((stroke) => stroke.length > 0);
}

/** Begins a stroke. */
export function begun(strokes: Strokes, point: Point): Strokes {
  return pointCount(strokes) >= MAX_POINTS ? strokes : [...strokes, [point]];
}

/** Lengthens the last stroke, unless the point is next to where it is. */
export function lengthened(strokes: Strokes, point: Point): Strokes {
  const last = strokes.at(-1);
  const end = last?.at(-1);
  if (last === undefined || end === undefined || pointCount(strokes) >= MAX_POINTS) return strokes;
  return Math.hypot(point.x - end.x, point.y - end.y) < 2 ? strokes : [...strokes.slice(0, -1), [...last, point]];
}

export function pointCount(strokes: Strokes): number {
  return strokes.reduce((sum, stroke) => sum + stroke.length, 0);
}

/** Where a place of the pad stands in the picture, as shares of its side: shift, then scale. */
export interface Placing {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

/** The longer side of a digit, as a share of the model's picture. */
const DIGIT_SIDE = 20 / 32;

export function placing(strokes: Strokes): Placing {
  const points = strokes.flat();
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  // A dot is not blown up to a digit.
  const extent = Math.max(PAD / 4, Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  const scale = points.length === 0 ? 1 / PAD : DIGIT_SIDE / extent;
  const centre = massCentre(strokes);
  return { scale, x: 0.5 - centre.x * scale, y: 0.5 - centre.y * scale };
}

/** The mean over the length of the lines. */
function massCentre(strokes: Strokes): Point {
  let [x, y, mass] = [0, 0, 0];
  const add = (a: Point, b: Point, weight: number): void => {
    x += (weight * (a.x + b.x)) / 2;
    y += (weight * (a.y + b.y)) / 2;
    mass += weight;
  };
  for (const stroke of strokes) {
    const [first] = stroke;
    if (first !== undefined) add(first, first, 1);
    stroke.slice(1).forEach((point, i) => {
      const before = stroke[i] ?? point;
      add(before, point, Math.hypot(point.x - before.x, point.y - before.y));
    });
  }
  return mass === 0 ? { x: PAD / 2, y: PAD / 2 } : { x: x / mass, y: y / mass };
}
