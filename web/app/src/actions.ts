// What the parts of the page may ask for, and what follows from it.

import type { App } from './app.js';
import { messages } from './messages.js';
import type { Actions } from './page/shown.js';
import { withBan, withForce, withNudge, withSetting, withStrategy, withTemperature, withTopK } from './routing.js';
import type { RoutingEdits, Where } from './routing.js';
import type { RoutedModel } from './spec.js';

export function makeActions(app: App, keys: (event: Event) => void, now: () => number): Actions {
  const { store, engine, runner, adapter } = app;
  const edit = (change: (model: RoutedModel, edits: RoutingEdits) => RoutingEdits | undefined, control: string): void => {
    const model = app.model();
    const edits = model === undefined ? undefined : change(model, store.state.routing);
    app.touch();
    app.show({ switchError: edits === undefined && model !== undefined ? messages.errors.lastExpert : undefined });
    if (edits !== undefined) store.edit(edits, control, now());
    app.replay();
  };
  const where = (): Where => ({ layer: app.shown().layer, scope: store.state.scope });
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
    stop: () => runner.stop(),
    example: (id) => app.takeExample(id),
    strategy: (name) => edit((_, edits) => withStrategy(edits, name, where()), `strategy ${name ?? ''}`),
    setting: (name, value) => edit((model, edits) => withSetting(model, edits, name, value), `setting ${name}`),
    topK: (topK) => edit((model, edits) => withTopK(model, edits, topK, where()), 'top-k'),
    temperature: (value) => edit((model, edits) => withTemperature(model, edits, value, where()), 'temperature'),
    ban: (expert, ban) => edit((model, edits) => withBan(model, edits, expert, { ban, ...where() }), `expert ${expert}`),
    force: (expert, force) => edit((model, edits) => withForce(model, edits, expert, { force, ...where() }), `force ${expert}`),
    nudge: (expert, by) => edit((model, edits) => withNudge(model, edits, expert, { by, ...where() }), `nudge ${expert}`),
    adapt: () => void adapter.adapt(runner.text),
    stopAdapting: () => adapter.clear(),
    removeOffsets: () => adapter.remove(),
    resetRouting: () => store.resetRouting(now()),
    undo: () => store.undo(),
    lesson: (id) => app.openLesson(id),
    hold: () => store.set({ rival: store.state.routing }),
    swap: () => {
      const { rival, routing } = store.state;
      if (rival === undefined) return;
      store.edit(rival, 'swap', now());
      store.set({ rival: routing });
    },
    backend: (backend) => app.change({ model: store.state.model, backend }),
    open: (model) => app.change({ model, backend: store.state.backend }),
    openFiles: (files) => app.openFiles(files),
    forget: (folder) => void app.shelf.forget(folder),
    retry: (backend) => app.retry(backend),
    cancelLoading: () => app.cancelLoading(),
    dismiss: () => engine.dismiss(),
    keys,
  };
}
