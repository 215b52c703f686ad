// What the parts of the page may ask for, and what follows from it.

import type { App } from './app.js';
import { lessonOf, missingFor, showsPictures } from './lessons.js';
import type { LessonId } from './lessons.js';
import { messages } from './messages.js';
import type { Actions } from './page/shown.js';
import { NO_EDITS, withBan, withForce, withNudge, withSetting, withStrategy, withTemperature, withTopK } from './routing.js';
import type { RoutingEdits, Where } from './routing.js';
import { folderFrom } from './shelf.js';
import type { RoutedModel } from './spec.js';
import { encode } from './state.js';
import type { Routed } from './store.js';

export function makeActions(app: App, keys: (event: Event) => void, now: () => number): Actions {
  const { store, engine, runner, adapter } = app;
  const edit = (change: (model: RoutedModel, edits: RoutingEdits) => RoutingEdits | undefined, control: string): void => {
    const model = app.model();
    const edits = model === undefined ? undefined : change(model, store.state.routing);
    app.touch();
    app.show({ switchError: edits === undefined && model !== undefined ? () => messages.errors.lastExpert : undefined });
    if (edits !== undefined) store.edit(edits, control, now());
    app.replay();
  };
  const where = (): Where => ({ layer: app.shown().layer, scope: store.state.scope });
  const routed = (): Routed => (showsPictures(store.state) ? 'vision' : 'language');
  return {
    set: (change) => {
      if (change.prompt !== undefined) app.touch();
      store.set(change);
    },
    show: (change) => {
      if (change.menu === 'model') void app.shelf.look();
      app.show(change);
    },
    generate: () => app.generate(),
    continue: () => app.continue(),
    stop: () => runner.stop(),
    example: (id) => app.takeExample(id),
    strategy: (name) => edit((_, edits) => withStrategy(edits, name, where()), `strategy ${name ?? ''}`),
    setting: (name, value) => edit((model, edits) => withSetting(model, edits, name, value, where()), `setting ${name}`),
    topK: (topK) => edit((model, edits) => withTopK(model, edits, topK, where()), 'top-k'),
    temperature: (value) => edit((model, edits) => withTemperature(model, edits, value, where()), 'temperature'),
    ban: (expert, ban) => edit((model, edits) => withBan(model, edits, expert, { ban, ...where() }), `expert ${expert}`),
    force: (expert, force) => edit((model, edits) => withForce(model, edits, expert, { force, ...where() }), `force ${expert}`),
    nudge: (expert, by) => edit((model, edits) => withNudge(model, edits, expert, { by, ...where() }), `nudge ${expert}`),
    code: (source) => {
      app.show({ editor: true });
      app.own.write(source);
    },
    runRouter: () => {
      app.touch();
      // The editor that a link opened stays open once its router may run.
      app.show({ editor: true });
      void app.own.run(where());
    },
    stopRouter: () => app.own.stop(),
    adapt: () => void adapter.adapt(runner.text),
    stopAdapting: () => adapter.clear(),
    removeOffsets: () => adapter.remove(),
    resetRouting: () => store.resetRouting(now(), routed()),
    undo: () => store.undo(routed()),
    lesson: (id) => openLesson(app, id),
    hold: () => store.set({ rival: { model: undefined, input: undefined, routing: store.state.routing } }),
    rival: (change) => {
      const { rival } = store.state;
      if (rival !== undefined) store.set({ rival: { ...rival, ...change } });
    },
    swap: () => swap(app, now()),
    backend: (backend) => app.change({ model: store.state.model, backend }),
    open: (model) => app.change({ model, backend: store.state.backend }),
    openFiles: (files) => openFiles(app, files),
    forget: (folder) => void app.shelf.forget(folder),
    retry: (backend) => app.retry(backend),
    cancelLoading: () => app.cancelLoading(),
    dismiss: () => engine.dismiss(),
    share: () => void share(app),
    keys,
  };
}

async function share(app: App): Promise<void> {
  const link = encode(app.store.state);
  // The address itself follows a moment later.
  const address = new URL(`#${link}`, location.href).href;
  const copied = await navigator.clipboard.writeText(address).then(() => true, () => false);
  app.show({ shared: { link, copied } });
}

/** A becomes what the page shows, and the page what A was. The page writes its text itself, so that a text of A's own cannot go there. */
function swap(app: App, now: number): void {
  const { store } = app;
  const { rival, routing, model, backend } = store.state;
  if (rival === undefined || rival.input !== undefined) return;
  store.edit(rival.routing, 'swap', now);
  const other = rival.model ?? model;
  store.set({ rival: { ...rival, routing, model: other === model ? undefined : model } });
  if (other !== model) app.change({ model: other, backend });
}

/** Opens a lesson at its first step: what it presets, its model where this site has it, and a text to look at. */
function openLesson(app: App, id: LessonId): void {
  const lesson = lessonOf(id);
  if (lesson === undefined) return;
  const { store } = app;
  const { model, backend } = store.state;
  const { model: wanted = model, ...preset } = lesson.preset;
  app.touch();
  app.show({ guess: undefined, bin: undefined });
  store.set({
    tab: 'lessons', lesson: id, step: 0, routing: NO_EDITS, rival: undefined, token: undefined, expert: undefined, tint: 'expert', scope: 'all', ...preset,
    vision: { ...store.state.vision, routing: NO_EDITS, patch: undefined, rival: undefined },
  });
  if (wanted !== model && missingFor(lesson).length === 0) app.change({ model: wanted, backend });
  if (app.runner.records.length === 0 && !showsPictures(store.state)) app.takeExample('tales');
}

/** Opens files of the visitor's own, or says which are not there. */
function openFiles(app: App, files: readonly File[]): void {
  const pictures = showsPictures(app.store.state);
  const folder = folderFrom(files, pictures ? 'vision' : 'language');
  if ('missing' in folder) app.show({ folderError: () => messages.model.missing(folder.missing) });
  else if (pictures) {
    app.vision.set({ model: app.vision.vision.engine.lend(folder) });
    app.show({ menu: undefined, folderError: undefined });
  } else app.change({ model: app.engine.lend(folder), backend: app.store.state.backend });
}
