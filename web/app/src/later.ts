// A part of the page that is fetched when it is first wanted, so that the first script stays light.

export class Later<T> {
  /** The part, once it is here. */
  here: T | undefined;
  /** What went wrong with fetching it; asking again tries again. */
  failure: unknown;
  #fetching = false;
  readonly #fetch: () => Promise<T>;
  readonly #changed: () => void;

  constructor(fetch: () => Promise<T>, changed: () => void) {
    this.#fetch = fetch;
    this.#changed = changed;
  }

  async ask(): Promise<void> {
    if (this.here !== undefined || this.#fetching) return;
    [this.#fetching, this.failure] = [true, undefined];
    try {
      this.here = await this.#fetch();
    } catch (error) {
      this.failure = error;
    }
    this.#fetching = false;
    this.#changed();
  }
}
