// The tab Vision, composed of its parts: picture and answer, patches by layer with one patch's router, knobs.

import { gaugeView, h } from 'moescope/views';
import type { ViewElement, ViewWords } from 'moescope/views';

import { messages } from '../../messages.js';
import { ownRouter } from '../../page/own-router.js';
import { footer, knob, scope, switches, temperature } from '../../page/routing-panel.js';
import { isDense } from '../../page/shown.js';
import type { Knobs } from '../../page/shown.js';
import { strategyMenu } from '../../page/strategy.js';
import { workTable } from '../../page/work.js';
import type { VisionShown } from '../shown.js';
import { answer } from './answer.js';
import { capacity } from './capacity.js';
import { collection } from './collection.js';
import { compare } from './compare.js';
import { curve } from './curve.js';
import { inspector } from './inspector.js';
import { layers } from './layers.js';
import { picture } from './picture.js';
import { survey } from './survey.js';

/** `above` is what a lesson says. */
export function vision(shown: VisionShown, above?: ViewElement): ViewElement[] {
  return [
    h('div.left', {}, above, picture(shown), answer(shown)),
    h('div.middle', {}, isDense({ model: shown.info })
      ? [h('p.note', { key: 'dense' }, messages.vision.dense), compare(shown), survey(shown)]
      : [layers(shown), compare(shown), inspector(shown), survey(shown), collection(shown), curve(shown)]),
    routing(shown),
  ];
}

function routing(shown: VisionShown): ViewElement {
  const { ui, actions } = shown;
  const knobs = knobsOf(shown);
  const dense = isDense(knobs);
  return h('aside.routing', { attrs: { 'aria-label': messages.routing.heading, 'data-open': String(ui.sheet) } },
    h('div.first', {}, !dense && knob(knobs, messages.vision.topKTerm), cost(shown)),
    h('button.handle', {
      on: { click: () => actions.show({ sheet: !ui.sheet }) },
      attrs: { type: 'button', 'aria-expanded': String(ui.sheet), 'aria-controls': 'routing-more' },
    }, ui.sheet ? messages.routing.less : dense ? messages.gauge.heading : messages.routing.open),
    dense ? h('p.more', { attrs: { id: 'routing-more' } }, messages.vision.denseCost) : h('div.more', { attrs: { id: 'routing-more' } }, capacity(shown), scope(knobs), strategyMenu(knobs), ownRouter({ ...shown, model: shown.info, state: { code: shown.code } }), temperature(knobs), switches(knobs), footer(knobs, actions.holdSide)));
}

function cost({ gauge, seen, info, works }: VisionShown): ViewElement {
  const label = seen?.label === undefined ? undefined : info?.classes[seen.label]?.label;
  return h('div.cost', {},
    h('h2', { attrs: { title: label === undefined ? undefined : messages.vision.gaugeHelp(label) } }, messages.gauge.heading), gaugeView(gauge, gaugeWords()), workTable(works, 'patch'));
}

/** The gauge of a text speaks of tokens. */
function gaugeWords(): ViewWords {
  return { ...messages.views, gauge: { ...messages.views.gauge, ...messages.vision.gauge } };
}

/** The knobs are those of the text; what they turn is the routing of the patches. */
function knobsOf({ state, scope: wanted, ui, info, routing: now, layer, records, engine, canUndo, actions }: VisionShown): Knobs {
  return {
    state: { routing: state.routing, scope: wanted }, ui, engine, canUndo, layer, routing: now, model: info, nExperts: info?.n_experts ?? 0,
    runner: { records: [...records] }, actions: { ...actions, set: actions.scope },
  };
}
