// Choosing tokens: hover shows, click pins, arrow keys walk tokens and layers, Escape releases.

import type { Handler, TokenRecord } from 'moescope/views';

import type { App } from './app.js';
import type { Shown } from './page/shown.js';

/** Closer to the end than this counts as being there. */
const NEAR_END_PX = 60;
/** Of a text with so many tokens those in sight are drawn first. */
const LONG_TEXT = 200;

export class Pointer {
  /** The same object for ever, so that tokens need no new listeners. */
  readonly tokenEvents: Readonly<Record<string, Handler>>;
  readonly #app: App;
  #follow = false;
  /** The text when it was drawn last: its tokens, how many they were, and its height in pixels. */
  #drawn: { readonly records: readonly TokenRecord[]; readonly count: number; readonly height: number } = { records: [], count: 0, height: 0 };

  constructor(app: App) {
    this.#app = app;
    this.tokenEvents = {
      click: (event) => this.#click(event),
      pointerenter: (event) => this.#hover(event),
      pointerleave: () => app.show({ hover: undefined }),
      focus: (event) => app.show({ cursor: indexOf(event) }),
      keydown: (event) => this.keys(event),
    };
  }

  /** Arrow keys on a token or on the grid. */
  keys(event: Event): void {
    if (!(event instanceof KeyboardEvent) || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const climb = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined && climb === undefined) return;
    event.preventDefault();
    if (step !== undefined) this.#walk(step);
    if (climb !== undefined) this.#climb(climb);
  }

  /** The first and the last token in sight of a text that is long; nothing of one that is not. */
  inSight(): { readonly from: number; readonly to: number } | undefined {
    const text = document.getElementById('text');
    const tokens = text?.querySelectorAll<HTMLElement>('.token');
    if (text === null || tokens === undefined || tokens.length < LONG_TEXT) return undefined;
    const { top, bottom } = text.getBoundingClientRect();
    const at = (index: number): DOMRect | undefined => tokens[index]?.getBoundingClientRect();
    const from = firstOf(tokens.length, (index) => (at(index)?.bottom ?? 0) >= top);
    return { from, to: firstOf(tokens.length, (index) => (at(index)?.top ?? 0) > bottom) };
  }

  /** Moves the keyboard along with the chosen token, where it was among the tokens. */
  afterDraw(shown: Shown): void {
    this.#followEnd(shown);
    if (!this.#follow) return;
    this.#follow = false;
    const inText = document.activeElement?.closest('#text') != null;
    const token = document.querySelector<HTMLElement>(`#text .token[data-index="${shown.state.token ?? -1}"]`);
    if (inText) token?.focus({ preventScroll: true });
    token?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** Keeps the newest token in sight while the text grows, unless the reader scrolled back. */
  #followEnd({ runner }: Shown): void {
    const text = document.getElementById('text');
    if (text === null) return;
    const { records, status } = runner;
    const before = this.#drawn;
    // The last tokens may be drawn when their run is over; a text that is there all at once is read from its beginning.
    const grew = records === before.records ? records.length > before.count : status === 'running';
    if (grew && before.height - text.clientHeight - text.scrollTop < NEAR_END_PX) text.scrollTop = text.scrollHeight;
    this.#drawn = { records, count: records.length, height: text.scrollHeight };
  }

  #click(event: Event): void {
    const index = indexOf(event);
    const { store } = this.#app;
    store.set({ token: store.state.token === index ? undefined : index });
  }

  #hover(event: Event): void {
    if (event instanceof PointerEvent && event.pointerType === 'touch') return;
    this.#app.show({ hover: indexOf(event) });
  }

  #walk(step: number): void {
    const { store, runner, ui } = this.#app;
    const last = runner.records.length - 1;
    if (last < 0) return;
    const from = store.state.token ?? ui.cursor ?? last + 1;
    const token = Math.min(last, Math.max(0, from + step));
    this.#follow = true;
    this.#app.show({ cursor: token, hover: undefined });
    store.set({ token });
  }

  #climb(by: number): void {
    const { layers, layer } = this.#app.shown();
    const next = layers[Math.min(layers.length - 1, Math.max(0, layers.indexOf(layer) + by))];
    this.#app.store.set({ layer: next });
  }
}

/** The first of so many, in order, for which something holds from there on. */
function firstOf(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function indexOf(event: Event): number | undefined {
  const { currentTarget } = event;
  return currentTarget instanceof HTMLElement ? Number(currentTarget.dataset['index']) : undefined;
}
