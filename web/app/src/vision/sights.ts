// What the model is shown: the picture of a source, and that of side A of a comparison. A source keeps its sight, so that it
// is looked at once; pictures of the visitor's own are in no link and stay here.

import type { VisionInfo, VisionScope } from 'moescope';

import { drawingImage } from './drawing.js';
import { classOf } from './samples.js';
import type { Samples } from './samples.js';
import type { Source } from './state.js';

export type Picture = Parameters<VisionScope['classify']>[0];

export interface Sight {
  readonly picture: Picture;
  /** The right class, where it is known. */
  readonly label: number | undefined;
}

export class Sights {
  samples: Samples | undefined;
  /** What is looked at. */
  now: Sight | undefined;
  /** The picture of side A, where that has one of its own. */
  #held: { readonly source: Source; readonly sight: Sight } | undefined;
  readonly #info: () => VisionInfo | undefined;

  constructor(info: () => VisionInfo | undefined) {
    this.#info = info;
  }

  of(source: Source): Sight | undefined {
    if (source.kind === 'own') return undefined;
    if (source.kind === 'drawing') return { picture: drawingImage(source.strokes), label: undefined };
    const picture = this.samples?.image(source);
    const info = this.#info();
    if (picture === undefined || this.samples === undefined) return undefined;
    return { picture, label: info && classOf(info, this.samples, source) };
  }

  ofA(source: Source | undefined): Sight | undefined {
    if (source === undefined) return this.now;
    if (this.#held?.source !== source) {
      const sight = this.of(source);
      this.#held = sight && { source, sight };
    }
    return this.#held?.sight;
  }

  /** Keeps what is looked at for side A; whether there is anything. */
  hold(source: Source): boolean {
    if (this.now !== undefined) this.#held = { source, sight: this.now };
    return this.now !== undefined;
  }

  /** What side A had is looked at, and A has what was; no link could carry a picture of the visitor's own over. */
  swap(source: Source, ofA: Source): void {
    const [mine, held] = [this.now, this.ofA(ofA)];
    if (mine !== undefined && held !== undefined) [this.now, this.#held] = [held, { source, sight: mine }];
  }
}
