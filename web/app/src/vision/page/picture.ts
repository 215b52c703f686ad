// Where pictures come from: samples, a pad to draw on, or one of the visitor's own by file, drop, paste or camera.

import { h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import { tileOf } from '../samples.js';
import type { Sample, SampleSet } from '../samples.js';
import { KINDS } from '../shown.js';
import type { Kind, VisionShown } from '../shown.js';

/** Samples of a class to choose from; the survey uses more. */
const SHOWN_PER_CLASS = 4;
const ERROR_ID = 'picture-error';

export function picture(shown: VisionShown): ViewElement {
  const kind = kindOf(shown);
  return h('section.picture', { attrs: { 'aria-labelledby': 'picture-heading' } },
    h('h2', { attrs: { id: 'picture-heading' } }, messages.vision.picture.heading),
    kinds(shown, kind),
    kind === 'samples' && samples(shown),
    kind === 'draw' && pad(shown),
    kind === 'own' && own(shown),
    h('p.error', { key: 'error', attrs: { id: ERROR_ID, role: 'alert', hidden: shown.pictureError === undefined } }, shown.pictureError?.message ?? ''));
}

function kindOf({ ui, state }: VisionShown): Kind {
  return ui.kind ?? ({ sample: 'samples', drawing: 'draw', own: 'own' } as const)[state.source.kind];
}

function kinds({ actions }: VisionShown, chosen: Kind): ViewElement {
  return h('fieldset.segmented', { key: 'kinds' }, h('legend.hidden', {}, messages.vision.picture.kinds), KINDS.map((kind) => h('label', { key: kind },
    h('input', {
      checked: kind === chosen,
      on: { change: () => actions.show({ kind }) },
      attrs: { type: 'radio', name: 'picture-kind', value: kind },
    }), h('span', {}, messages.vision.picture[kind]))));
}

function samples(shown: VisionShown): ViewElement {
  const { samples: known, actions, ui, state } = shown;
  const setId = ui.set ?? (state.source.kind === 'sample' ? state.source.set : undefined);
  const set = known?.sets.find(({ id }) => id === setId) ?? known?.sets[0];
  return h('div.samples', { key: 'samples' },
    h('fieldset.segmented', {}, h('legend.hidden', {}, messages.vision.picture.set), (known?.sets ?? []).map(({ id, name }) => h('label', { key: id },
      h('input', {
        checked: id === set?.id,
        on: { change: () => actions.show({ set: id }) },
        attrs: { type: 'radio', name: 'sample-set', value: id },
      }), h('span', {}, name)))),
    h('div.tiles', { attrs: { role: 'group', 'aria-label': set?.name ?? messages.vision.picture.samples } }, set === undefined ? [] : tiles(shown, set)),
    h('p.note', {}, set === undefined ? '' : messages.vision.picture.licence(set.name, set.source, set.licence)));
}

function tiles(shown: VisionShown, set: SampleSet): ViewElement[] {
  const columns = Math.min(SHOWN_PER_CLASS, shown.samples?.perClass ?? 0);
  return Array.from({ length: columns }, (_, index) => set.labels.map((__, label) => tile(shown, set, { set: set.id, label, index }))).flat();
}

function tile({ samples: known, state, actions }: VisionShown, set: SampleSet, sample: Sample): ViewElement {
  const { source } = state;
  const at = known && tileOf(known, sample);
  const rows = known?.sets.reduce((sum, { labels }) => sum + labels.length, 0) ?? 1;
  const share = (place: number, count: number): string => `${((100 * place) / Math.max(1, count - 1)).toFixed(3)}%`;
  const chosen = source.kind === 'sample' && source.set === sample.set && source.label === sample.label && source.index === sample.index;
  const name = messages.vision.picture.sample(set.labels[sample.label] ?? '', sample.index + 1);
  return h('button.tile', {
    key: `${sample.set} ${sample.label} ${sample.index}`,
    on: { click: () => actions.sample(sample) },
    style: {
      'background-image': `url("${known?.url ?? ''}")`,
      'background-size': `${100 * (known?.perClass ?? 1)}% ${100 * rows}%`,
      'background-position': `${share(at?.column ?? 0, known?.perClass ?? 1)} ${share(at?.row ?? 0, rows)}`,
    },
    attrs: { type: 'button', 'aria-label': name, title: name, 'aria-pressed': String(chosen) },
  });
}

function pad({ padEvents, actions, state }: VisionShown): ViewElement {
  const empty = state.source.kind !== 'drawing' || state.source.strokes.length === 0;
  return h('div.draw', { key: 'draw' },
    h('canvas', { on: padEvents, attrs: { id: 'pad', width: 384, height: 384, role: 'img', 'aria-label': messages.vision.picture.pad } }),
    h('p.note', {}, messages.vision.picture.padHelp),
    h('div.buttons', {},
      h('button.pill', { on: { click: actions.clearPad }, attrs: { type: 'button', disabled: empty } }, messages.vision.picture.clear),
      h('button.pill', { on: { click: actions.undoStroke }, attrs: { type: 'button', disabled: empty } }, messages.vision.picture.undoStroke)));
}

function own({ actions, cameraOn, pictureError }: VisionShown): ViewElement {
  const choose = (event: Event): void => {
    if (event.target instanceof HTMLInputElement) actions.file(event.target.files?.[0]);
  };
  return h('div.own', { key: 'own' },
    h('label.drop', {}, h('span', {}, messages.vision.picture.upload),
      h('input', {
        on: { change: choose },
        attrs: { type: 'file', accept: 'image/*', 'aria-describedby': pictureError === undefined ? undefined : ERROR_ID },
      }), h('span.note', {}, messages.vision.picture.ownHelp)),
    h('button.pill', {
      on: { click: () => actions.camera(!cameraOn) },
      attrs: { type: 'button', 'aria-pressed': String(cameraOn) },
    }, cameraOn ? messages.vision.camera.stop : messages.vision.camera.start),
    h('p.note', {}, messages.vision.camera.help));
}
