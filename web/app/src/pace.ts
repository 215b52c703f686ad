// When the page is drawn: what a visitor does shows with the next frame; what comes by itself, as the tokens of a model that
// writes, waits after a picture for as long as that took. So at least half of the time is left to hear the model:
// a token is asked for when the one before has come, and would else wait for a picture each.

export class Pace {
  readonly #draw: () => void;
  readonly #now: () => number;
  #frame: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #restsUntil = 0;

  constructor(draw: () => void, now: () => number) {
    this.#draw = draw;
    this.#now = now;
  }

  /** Draws with the next frame. */
  atOnce(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      const start = this.#now();
      // What is asked for in a frame comes after its picture.
      setTimeout(() => (this.#restsUntil = 2 * this.#now() - start));
      this.#draw();
    });
  }

  /** Draws with the next frame after the rest. */
  gently(): void {
    const rest = this.#restsUntil - this.#now();
    if (rest <= 0) this.atOnce();
    else if (this.#frame === undefined) this.#timer ??= setTimeout(() => this.atOnce(), rest);
  }
}
