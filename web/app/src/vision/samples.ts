// The sample images: one picture that holds all of them, a row for each class, and a list that says what they are.
// web/tools/vision_samples.py writes both.

import type { VisionInfo } from 'moescope';

export interface SampleSet {
  readonly id: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly source: string;
  readonly licence: string;
}

export interface SampleIndex {
  /** Pixels along one side of a tile. */
  readonly side: number;
  readonly perClass: number;
  readonly sets: readonly SampleSet[];
}

export interface Sample {
  readonly set: string;
  /** Index among the labels of its set. */
  readonly label: number;
  readonly index: number;
}

export interface Samples extends SampleIndex {
  /** Address of the picture. */
  readonly url: string;
  readonly image: (sample: Sample) => ImageData | undefined;
}

/** Where a sample stands in the picture, in tiles. */
export function tileOf({ sets, perClass }: SampleIndex, { set, label, index }: Sample): { row: number; column: number } | undefined {
  const at = sets.findIndex(({ id }) => id === set);
  const own = sets[at];
  if (own === undefined || label >= own.labels.length || index >= perClass) return undefined;
  return { row: sets.slice(0, at).reduce((sum, { labels }) => sum + labels.length, 0) + label, column: index };
}

/** All samples; classes take turns, so that any beginning of the list is balanced. */
export function allSamples({ sets, perClass }: SampleIndex): Sample[] {
  return Array.from({ length: perClass }, (_, index) =>
    sets.flatMap(({ id, labels }) => labels.map((__, label) => ({ set: id, label, index })))).flat();
}

/** Which class of the model a sample has, where the model knows it. */
export function classOf({ classes }: Pick<VisionInfo, 'classes'>, { sets }: SampleIndex, { set, label }: Sample): number | undefined {
  const name = sets.find(({ id }) => id === set)?.labels[label];
  const found = classes.findIndex((known) => known.set === set && known.label === name);
  return found < 0 ? undefined : found;
}

export async function fetchSamples(base: string, signal: AbortSignal): Promise<Samples> {
  const url = new URL('vision/samples.png', base).href;
  const [index, picture] = await Promise.all([
    fetched(new URL('vision/samples.json', base).href, signal).then((response) => response.json() as Promise<SampleIndex>),
    fetched(url, signal).then((response) => response.blob()).then((blob) => createImageBitmap(blob)),
  ]);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context?.drawImage(picture, 0, 0);
  picture.close();
  const image = (sample: Sample): ImageData | undefined => {
    const tile = tileOf(index, sample);
    return tile && context?.getImageData(tile.column * index.side, tile.row * index.side, index.side, index.side);
  };
  return { ...index, url, image };
}

async function fetched(url: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}
