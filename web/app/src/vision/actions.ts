// What the controls of the tab Vision do.

import { messages } from '../messages.js';
import { withBan, withLimit, withSetting, withStrategy, withTemperature, withTopK } from '../routing.js';
import type { RoutingEdits, Where } from '../routing.js';
import type { RoutedModel } from '../spec.js';
import type { VisionActions } from './shown.js';
import type { VisionTab } from './tab.js';

/** How long a word of success stays on a button. */
const SAID_MS = 1500;

export function visionActions(tab: VisionTab, now: () => number): VisionActions {
  const { store, vision } = tab;
  return {
    ...routingActions(tab, now),
    set: (change) => tab.set(change),
    show: (change) => tab.show(change),
    scope: ({ scope }) => store.set({ scope }),
    sample: (sample) => tab.set({ source: { kind: 'sample', ...sample } }),
    file: (file) => {
      if (file !== undefined) void vision.take(file);
    },
    camera: (on) => {
      if (on) void vision.startCamera();
      else vision.camera.stop();
    },
    clearPad: () => tab.set({ source: { kind: 'drawing', strokes: [] } }),
    undoStroke: () => {
      const { source } = store.state.vision;
      if (source.kind === 'drawing') tab.set({ source: { kind: 'drawing', strokes: source.strokes.slice(0, -1) } });
    },
    code: (source) => {
      tab.show({ editor: true });
      tab.own.write(source);
    },
    runRouter: () => {
      tab.show({ editor: true });
      void tab.own.run({ layer: tab.shown().layer, scope: store.state.scope });
    },
    stopRouter: () => tab.own.stop(),
    measure: () => vision.measure('measure'),
    sweep: () => vision.measure('sweep'),
    gather: () => vision.measure('gather'),
    collect: (found) => vision.collect(found),
    stopSurvey: () => vision.survey.stop(),
    holdSide: () => tab.set({ rival: { model: undefined, input: undefined, routing: store.state.vision.routing } }),
    holdPicture: () => vision.hold(),
    swap: () => vision.swap(),
    rival: (change) => {
      const { rival } = store.state.vision;
      if (rival !== undefined) tab.set({ rival: { ...rival, ...change } });
    },
    copyMap: (csv) => void navigator.clipboard.writeText(csv).then(() => {
      tab.show({ copied: csv });
      setTimeout(() => tab.show({ copied: undefined }), SAID_MS);
    }),
    walkLayer: (by) => {
      const { layers, layer } = tab.shown();
      tab.set({ layer: layers[Math.min(layers.length - 1, Math.max(0, layers.indexOf(layer) + by))] });
    },
    cancelLoading: () => vision.engine.cancel(),
    retry: (backend) => void vision.open(backend),
    dismiss: () => vision.engine.dismiss(),
  };
}

function routingActions(tab: VisionTab, now: () => number): Pick<VisionActions, 'strategy' | 'setting' | 'topK' | 'temperature' | 'ban' | 'limit' | 'resetRouting' | 'undo'> {
  const { store, vision } = tab;
  const edit = (change: (model: RoutedModel, edits: RoutingEdits) => RoutingEdits | undefined, control: string): void => {
    const { info } = vision;
    const edits = info === undefined ? undefined : change(info, store.state.vision.routing);
    tab.show({ switchError: edits === undefined && info !== undefined ? () => messages.errors.lastExpert : undefined });
    if (edits !== undefined) store.edit(edits, control, now(), 'vision');
  };
  const where = (): Where => ({ layer: tab.shown().layer, scope: store.state.scope });
  return {
    strategy: (name) => edit((_, edits) => withStrategy(edits, name, where()), `strategy ${name ?? ''}`),
    setting: (name, value) => edit((model, edits) => withSetting(model, edits, name, value, where()), `setting ${name}`),
    topK: (topK) => edit((model, edits) => withTopK(model, edits, topK, where()), 'top-k'),
    temperature: (value) => edit((model, edits) => withTemperature(model, edits, value, where()), 'temperature'),
    ban: (expert, ban) => edit((model, edits) => withBan(model, edits, expert, { ban, ...where() }), `expert ${expert}`),
    limit: (limit) => edit((_, edits) => withLimit(edits, limit), 'limit'),
    resetRouting: () => store.resetRouting(now(), 'vision'),
    undo: () => store.undo('vision'),
  };
}
