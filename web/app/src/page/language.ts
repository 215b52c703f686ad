// The tab Language: where a text begins, the text with its views, and the knobs.

import { h } from 'moescope/views';
import type { Handler, ViewElement } from 'moescope/views';

import { compare } from './compare.js';
import { compose } from './compose.js';
import { expertPage } from './expert.js';
import { inspector } from './inspector.js';
import { routingPanel } from './routing-panel.js';
import { isDense } from './shown.js';
import type { Shown } from './shown.js';
import { side } from './side.js';
import { stage } from './stage.js';

export function language(shown: Shown, tokenEvents: Readonly<Record<string, Handler>>): ViewElement[] {
  return [
    h('div.left', {}, compose(shown), !isDense(shown) && side(shown)),
    h('div.middle', {}, stage(shown, tokenEvents), compare(shown, tokenEvents), expertPage(shown), !isDense(shown) && inspector(shown)),
    routingPanel(shown),
  ];
}
