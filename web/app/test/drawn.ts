// The page as it stands after writing a little, as a description of elements, for tests of its parts.

import type { Analysis } from 'moescope';
import { NOTHING_MEASURED, NO_PIECES, findAll, h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import type { AdaptState } from '../src/adapter.js';
import { Alone } from '../src/alone.js';
import type { AloneState } from '../src/alone.js';
import { Engine } from '../src/engine.js';
import type { Scope } from '../src/engine.js';
import { Later } from '../src/later.js';
import { readText } from '../src/measuring.js';
import type { OwnShown } from '../src/own-router.js';
import { page } from '../src/page/page.js';
import type { Actions, Shown, Ui } from '../src/page/shown.js';
import { Rivalry } from '../src/rivalry.js';
import { NO_EDITS, applyEdits } from '../src/routing.js';
import { Runner, shapeOf } from '../src/runner.js';
import { Sampler } from '../src/sampler.js';
import { Shelf } from '../src/shelf.js';
import { DEFAULTS } from '../src/state.js';
import type { State } from '../src/state.js';
import { Store } from '../src/store.js';
import { VisionTab } from '../src/vision/tab.js';
import { FAKE_VISION } from './fake-eyes.js';
import { FakeScope, NOTHING_KEPT, fakeInfo } from './fake-scope.js';

export const MODEL = fakeInfo(8, 4);

const UI: Ui = { hover: undefined, cursor: undefined, help: false, menu: undefined, sheet: true, modelField: undefined, folderError: undefined, bin: undefined, guess: undefined, editor: undefined, switchError: undefined, shared: undefined };

const NO_ROUTER: OwnShown = { source: '', status: 'idle', problem: undefined, changed: false, foreign: false };

export interface Drawing {
  readonly state?: Partial<State>;
  readonly actions?: Partial<Actions>;
  readonly adapt?: AdaptState;
  readonly alone?: AloneState;
  readonly own?: OwnShown;
  /** The router of the visitor's own that runs. */
  readonly external?: number | undefined;
}

export async function drawn({ state = {}, actions = {}, adapt = { status: 'idle' }, alone = new Alone(() => undefined).state, own = NO_ROUTER, external }: Drawing): Promise<{ root: ViewElement; shown: Shown }> {
  const { routing: edits = NO_EDITS, contrast } = state;
  const scope = new FakeScope({ info: MODEL });
  const engine = new Engine(() => Promise.resolve(scope), () => undefined, () => 0);
  await engine.open({ model: 'models/first', backend: 'auto' });
  await engine.route(applyEdits(MODEL, edits));
  const runner = new Runner(() => undefined, () => 0);
  await runner.generate({ prompt: 'Once upon', maxTokens: 5, temperature: 0, seed: 1, contrast }, () => Promise.resolve(scope));
  const nothing = (): void => undefined;
  const vision = new VisionTab({ ...FAKE_VISION, store: new Store({ ...DEFAULTS, ...state }), changed: nothing, now: () => 0 }).shown();
  const shown: Shown = {
    vision,
    state: { ...DEFAULTS, ...state }, ui: UI, engine, runner, shelf: new Shelf(NOTHING_KEPT, () => undefined), canUndo: false, layer: 1, model: { ...MODEL, external }, ...shapeOf(runner.records, MODEL), adapt, alone,
    own,
    analyses: undefined, sample: new Sampler(nothing).state, rivalry: new Rivalry<Scope, string, Analysis>({ load: () => Promise.resolve(scope), read: readText, changed: nothing, now: () => 0 }), finding: undefined,
    analysing: new Later(() => new Promise(() => undefined), nothing),
    sight: undefined, works: undefined, measured: NOTHING_MEASURED, pieces: NO_PIECES,
    gauge: { now: undefined, trained: undefined, note: undefined }, routing: applyEdits(MODEL, edits),
    inspected: runner.records.find(({ origin }) => origin === 'generated'),
    actions: {
      set: nothing, show: nothing, generate: nothing, continue: nothing, stop: nothing, example: nothing, strategy: nothing, topK: nothing, setting: nothing,
      temperature: nothing, ban: nothing, force: nothing, nudge: nothing, code: nothing, runRouter: nothing, stopRouter: nothing, adapt: nothing, stopAdapting: nothing, removeOffsets: nothing, resetRouting: nothing, hold: nothing, rival: nothing, swap: nothing, lesson: nothing, undo: nothing,
      backend: nothing, open: nothing, openFiles: nothing, forget: nothing, retry: nothing, share: nothing, cancelLoading: nothing, dismiss: nothing, keys: nothing, ...actions,
    },
  };
  return { root: h('div', {}, page(shown, {})), shown };
}

export function byId(root: ViewElement, id: string): ViewElement {
  const [found] = findAll(root, (element) => element.props.attrs?.['id'] === id);
  if (found === undefined) throw new Error(`nothing has the id ${id}`);
  return found;
}
