// The tab Vision as the page sees it: what it shows right now, what its controls do, and what is painted after drawing.

import { showsPictures } from '../lessons.js';
import type { PictureEvidence } from '../lessons.js';
import { messages } from '../messages.js';
import { OwnRouter } from '../own-router.js';
import { sameRouting } from '../spec.js';
import type { Store } from '../store.js';
import { visionActions } from './actions.js';
import { paintPad } from './drawing.js';
import { padEvents } from './pad.js';
import { paintPixels } from './pixels.js';
import { PatchPointer } from './pointer.js';
import { classOf } from './samples.js';
import { answerOf, lossOf, patchRecords } from './records.js';
import type { VisionActions, VisionShown, VisionUi } from './shown.js';
import type { VisionState } from './state.js';
import { worksOf } from '../work.js';
import { Vision } from './vision.js';
import type { VisionOptions } from './vision.js';

const CLOSED: VisionUi = {
  kind: undefined, set: undefined, hover: undefined, cursor: undefined, sheet: false, switchError: undefined, copied: undefined, editor: undefined,
};

export class VisionTab {
  readonly vision: Vision;
  readonly own: OwnRouter;
  ui: VisionUi = CLOSED;
  readonly store: Store;
  readonly #changed: () => void;
  readonly #actions: VisionActions;
  readonly #pointer: PatchPointer;
  readonly #pad: VisionShown['padEvents'];

  constructor(options: VisionOptions) {
    this.store = options.store;
    this.#changed = options.changed;
    this.vision = new Vision(options, () => this.own.modelOpened());
    this.own = new OwnRouter({
      engine: this.vision.engine, store: this.store, of: 'vision', send: () => this.vision.look(), decides: () => undefined, changed: options.changed, now: options.now,
    });
    this.#pointer = new PatchPointer(this);
    this.#pad = padEvents(this);
    this.#actions = visionActions(this, options.now);
  }

  show(change: Partial<VisionUi>): void {
    this.ui = { ...this.ui, ...change };
    this.#changed();
  }

  set(change: Partial<VisionState>): void {
    this.store.set({ vision: { ...this.store.state.vision, ...change } });
  }

  shown(): VisionShown {
    const { vision, ui } = this;
    const { vision: state, scope } = this.store.state;
    const { info, seen, engine, routing } = vision;
    const records = seen === undefined ? [] : patchRecords(seen.now);
    const layers = info?.moe_layers ?? [];
    const layer = state.layer !== undefined && layers.includes(state.layer) ? state.layer : layers.at(-1) ?? 0;
    const place = ui.hover ?? (state.patch === undefined ? undefined : { patch: state.patch, layer });
    const record = place && records[place.patch];
    return {
      state, ui, scope, info, routing, seen, records, layers, layer, samples: vision.samples, tookMs: vision.tookMs,
      engine: { loading: engine.loading, failure: engine.failure, opened: engine.opened, backend: this.#backend(), routingError: vision.routingError },
      backend: engine.backend?.kind, columns: info === undefined ? 1 : info.image_size / info.patch_size,
      inspected: record && place && { record, layer: place.layer },
      pictureError: vision.pictureError, cameraOn: vision.camera.running,
      gauge: this.#gauge(), works: this.#works(), survey: vision.survey.state, curve: vision.survey.curve, collection: vision.survey.collection, canUndo: this.store.canUndo('vision'),
      rival: this.#rival(), own: this.own.shown, code: this.store.state.code, actions: this.#actions, patchEvents: this.#pointer.events, padEvents: this.#pad,
    };
  }

  #rival(): VisionShown['rival'] {
    const { rivalry, samples, engine } = this.vision;
    const { rival, source } = this.store.state.vision;
    const info = rivalry.side(engine.opened)?.info;
    const shown = rival?.input ?? source;
    const label = info !== undefined && samples !== undefined && shown.kind === 'sample' ? classOf(info, samples, shown) : undefined;
    return { engine: rivalry.engine, comparer: rivalry.comparer, info, label };
  }

  /** What a lesson can be answered from: the picture under the routing as it is set. */
  evidence(): PictureEvidence | undefined {
    const { seen, info, routing } = this.vision;
    if (seen === undefined || info === undefined || routing === undefined || !sameRouting(seen.now.routing, routing)) return undefined;
    return { ...seen, routing: this.store.state.vision.routing, model: info, layer: this.shown().layer };
  }

  /** Lets go of the chosen patch and of the camera. */
  release(): void {
    this.vision.camera.stop();
    if (this.ui.hover !== undefined || this.ui.sheet) this.show({ hover: undefined, sheet: false });
    if (this.store.state.vision.patch !== undefined) this.set({ patch: undefined });
  }

  /** What is no description of elements: pixels, and where the keyboard is. */
  afterDraw(): void {
    if (!showsPictures(this.store.state)) return;
    const { seen, info } = this.vision;
    if (seen !== undefined && info !== undefined) paintPixels(seen.now.pixels, info.image_size, 'canvas.pixels:not(.of-a)');
    const { comparer: { reading }, info: other } = this.#rival();
    if (reading !== undefined && other !== undefined) paintPixels(reading.pixels, other.image_size, 'canvas.pixels.of-a');
    const pad = document.querySelector<HTMLCanvasElement>('canvas#pad');
    const { source } = this.store.state.vision;
    if (pad !== null) paintPad(pad, source.kind === 'drawing' ? source.strokes : []);
    this.#pointer.afterDraw();
  }

  /** Where the engine runs, with the reason of the page where the page chose. */
  #backend(): VisionShown['engine']['backend'] {
    const { backend } = this.vision.engine;
    return backend && this.store.state.backend === 'auto' ? { ...backend, reason: messages.vision.onCpu } : backend;
  }

  /** Every patch attends to all of them. */
  #works(): VisionShown['works'] {
    const { seen, info, engine } = this.vision;
    if (seen === undefined || info === undefined) return undefined;
    const [now, trained] = [patchRecords(seen.now), patchRecords(seen.trained)];
    return worksOf({ now, trained, layers: info.moe_layers, context: (info.image_size / info.patch_size) ** 2 }, engine.opened?.shape);
  }

  /** The loss of the right class, or of what the trained routing answers where nobody knows. */
  #gauge(): VisionShown['gauge'] {
    const { seen, info } = this.vision;
    if (seen === undefined || info === undefined) return { now: undefined, trained: undefined, note: messages.gauge.noModel };
    const label = seen.label ?? answerOf(seen.trained);
    return { now: { loss: lossOf(seen.now, label) }, trained: { loss: lossOf(seen.trained, label) }, note: undefined };
  }
}
