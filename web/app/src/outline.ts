// What the page reads of a model's files beside what the engine tells: the sizes of its parts, and the bytes of tokens that are
// pieces of characters. A model runs without them, so that what is wrong with a file only leaves figures out.

import type { ModelFolder } from 'moescope';
import { NO_PIECES, piecesOf, shapeOfConfig } from 'moescope/views';
import type { ModelShape, Pieces } from 'moescope/views';

/** Reads a JSON file of a model that is open. */
export type ReadFile = (model: URL | ModelFolder, file: 'config' | 'tokenizer') => Promise<unknown>;

export interface Outline {
  /** Where the config.json tells it. */
  readonly shape: ModelShape | undefined;
  readonly pieces: Pieces;
}

export type Look = (model: URL | ModelFolder) => Promise<Outline>;

export const unseen: Look = () => Promise.resolve({ shape: undefined, pieces: NO_PIECES });

export function lookAtText(read: ReadFile): Look {
  return async (model) => {
    const [shape, pieces] = await Promise.all([unlessBroken(() => read(model, 'config'), shapeOfConfig), unlessBroken(() => read(model, 'tokenizer'), piecesOf)]);
    return { shape, pieces: pieces ?? NO_PIECES };
  };
}

/** A model of images has no tokenizer. */
export function lookAtImages(read: ReadFile): Look {
  return async (model) => ({ shape: await unlessBroken(() => read(model, 'config'), shapeOfConfig), pieces: NO_PIECES });
}

async function unlessBroken<T>(read: () => Promise<unknown>, of: (file: unknown) => T): Promise<T | undefined> {
  try {
    return of(await read());
  } catch (error) {
    console.warn('outline of the model', error);
    return undefined;
  }
}
