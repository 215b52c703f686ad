// Reads cargo's standard error as it comes and says in a few words how far the build is.
//
// Cargo draws its progress bar only on a terminal unless told otherwise; the environment in
// `progressEnv` makes it draw one into a pipe too, separated by carriage returns. Everything that is
// not the bar is kept as messages.

/** Makes cargo print `Building [==> ] 143/329: names` into a pipe, without colour. */
export const progressEnv = {
  CARGO_TERM_PROGRESS_WHEN: 'always',
  CARGO_TERM_PROGRESS_WIDTH: '160',
  CARGO_TERM_COLOR: 'never',
};

const BAR = /^\s*Building \[[=> ]*\]\s+(\d+)\/(\d+)(?::\s*(.*?))?\s*$/;
const DOWNLOAD_BAR = /^\s*(?:Downloading|Fetch|Updating) \[/;
const VERB = /^\s*(Compiling|Checking|Downloaded|Downloading|Updating|Running|Doc-tests|Blocking|Finished|Installing|Locking)\s+(.*)$/;

/** Follows one cargo call. `feed` text in any chunks; `status` is the line to show. */
export class CargoProgress {
  #rest = '';
  #status = '';
  #lastCrate = '';

  /** Takes a piece of standard error. */
  feed(text) {
    const pieces = (this.#rest + text).split(/[\r\n]/);
    this.#rest = pieces.pop() ?? '';
    for (const piece of pieces) this.#line(piece);
  }

  /** What to show, e.g. `Compiling 143/329 cubecl-core`; empty before anything is known. */
  get status() {
    return this.#status;
  }

  #line(line) {
    const bar = BAR.exec(line);
    if (bar) {
      const [, done, total, names = ''] = bar;
      // The bar starts with what has been compiling longest, which is what a person waits for.
      const crate = names.split(',')[0].trim() || this.#lastCrate;
      this.#status = `Compiling ${done}/${total} ${crate}`.trimEnd();
      return;
    }
    if (DOWNLOAD_BAR.test(line)) return;
    const verb = VERB.exec(line);
    if (verb) this.#verb(verb[1], verb[2]);
  }

  #verb(verb, rest) {
    if (verb === 'Compiling' || verb === 'Checking') {
      this.#lastCrate = rest.split(' ')[0];
      if (!/\d+\/\d+/.test(this.#status)) this.#status = `${verb} ${this.#lastCrate}`;
    } else if (verb === 'Blocking') {
      this.#status = `Waiting: another cargo is using the target folder`;
    } else if (verb === 'Running' || verb === 'Doc-tests') {
      this.#status = `${verb} ${rest.replace(/\s*\(.*\)$/, '')}`;
    } else if (verb === 'Downloaded' || verb === 'Downloading') {
      this.#status = `Downloading ${rest.split(' ')[0]}`;
    } else {
      this.#status = `${verb} ${rest.split(' (')[0]}`;
    }
  }
}
