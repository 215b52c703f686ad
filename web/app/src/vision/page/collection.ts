// Several pictures of the visitor's own at once: chosen, dropped or a whole folder, and which experts take which of them.

import { h, kept } from 'moescope/views';
import type { ViewElement } from 'moescope/views';

import { messages } from '../../messages.js';
import { fileButton } from '../../page/file-button.js';
import { sameRouting } from '../../spec.js';
import { MAX_PICTURES, foundIn } from '../collection.js';
import type { Collection } from '../collection.js';
import type { VisionShown } from '../shown.js';
import type { CollectionState } from '../survey.js';
import type { Dependence } from '../tally.js';
import { expertMap } from './map.js';
import { progress } from './survey.js';

/** Names of refused files that are listed; the others are counted. */
const NAMED = 5;

const keptDependence = kept<Dependence>();

export function collection(shown: VisionShown): ViewElement {
  const { collection: state, actions, info } = shown;
  const words = messages.vision.collection;
  const { running, chosen, outcomes, refused } = state;
  const start = outcomes.length > 0 ? messages.vision.survey.again : words.start;
  return h('section.collection', { attrs: { 'aria-labelledby': 'collection-heading', 'data-done': state.done, 'data-running': String(running) } },
    h('div.head', {}, h('h2', { attrs: { id: 'collection-heading' } }, words.heading),
      fileButton(words.files, { accept: 'image/*', multiple: true }, (files) => actions.collect(foundIn(files))),
      fileButton(words.folder, { folder: true }, (files) => actions.collect(foundIn(files))),
      chosen !== undefined && h('button.pill', {
        key: 'run', on: { click: running ? actions.stopSurvey : actions.gather }, attrs: { type: 'button', disabled: info === undefined },
      }, running ? messages.vision.survey.stop : start),
      progress(words.heading, state)),
    h('p.note', { key: 'note' }, note(state, chosen, shown.routing)),
    h('p.error', { key: 'refused', attrs: { role: 'alert', hidden: refused.length === 0 } },
      refused.length === 0 ? '' : words.refused(refused.slice(0, NAMED), Math.max(0, refused.length - NAMED))),
    chosen !== undefined && outcomes.length > 0 && expertMap(shown, {
      outcomes, names: chosen.rows, groupOf: (label) => label, parted: () => false, what: chosen.byFolder ? words.row : undefined, keptDependence,
    }));
}

function note(state: CollectionState, chosen: Collection | undefined, routing: VisionShown['routing']): string {
  const words = messages.vision.collection;
  if (state.error !== undefined) return messages.vision.survey.failed(state.error.message);
  if (chosen === undefined) return words.intro(MAX_PICTURES);
  if (!state.running && state.routing !== undefined && routing !== undefined && !sameRouting(state.routing, routing)) return messages.vision.survey.stale;
  return words.chosen(chosen.pictures.length, chosen.all, chosen.byFolder ? chosen.rows.length : 0);
}
