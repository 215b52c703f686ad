// Choosing patches: hover shows, click pins, arrow keys walk the grid and stay at their layer, Escape releases.

import type { Handler } from 'moescope/views';

import type { VisionTab } from './tab.js';

export class PatchPointer {
  /** The same object for ever, so that patches need no new listeners. */
  readonly events: Readonly<Record<string, Handler>>;
  readonly #tab: VisionTab;
  #follow = false;

  constructor(tab: VisionTab) {
    this.#tab = tab;
    this.events = {
      click: (event) => this.#click(event),
      pointerenter: (event) => this.#hover(event),
      pointerleave: () => tab.show({ hover: undefined }),
      focus: (event) => tab.show({ cursor: placeOf(event)?.patch }),
      keydown: (event) => this.#keys(event),
    };
  }

  /** Moves the keyboard along with the chosen patch. */
  afterDraw(): void {
    if (!this.#follow) return;
    this.#follow = false;
    const { state, layer } = this.#tab.shown();
    document.querySelector<HTMLElement>(`.patch[data-index="${state.patch ?? -1}"][data-layer="${layer}"]`)?.focus({ preventScroll: true });
  }

  #click(event: Event): void {
    const place = placeOf(event);
    if (place === undefined) return;
    const { state, layer } = this.#tab.shown();
    const again = state.patch === place.patch && layer === place.layer;
    this.#tab.set({ patch: again ? undefined : place.patch, layer: place.layer });
  }

  #hover(event: Event): void {
    if (event instanceof PointerEvent && event.pointerType === 'touch') return;
    this.#tab.show({ hover: placeOf(event) });
  }

  #keys(event: Event): void {
    const place = placeOf(event);
    if (place === undefined || !(event instanceof KeyboardEvent) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { columns, records, state } = this.#tab.shown();
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    // A key that comes before the picture is drawn anew still finds the keyboard where it was.
    const from = this.#follow ? (state.patch ?? place.patch) : place.patch;
    const patch = from + step;
    if (patch < 0 || patch >= records.length) return;
    this.#follow = true;
    this.#tab.show({ cursor: patch, hover: undefined });
    this.#tab.set({ patch, layer: place.layer });
  }
}

function placeOf({ currentTarget }: Event): { patch: number; layer: number } | undefined {
  if (!(currentTarget instanceof HTMLElement)) return undefined;
  return { patch: Number(currentTarget.dataset['index']), layer: Number(currentTarget.dataset['layer']) };
}
