// The split line below a token or on a patch: one piece for each of its experts, as long as its weight.
// The style sheet draws the pattern of a piece in the colour of its class.

import { expertClass, expertPattern } from './colour.js';
import type { Choice } from './data.js';
import { h } from './element.js';
import type { ViewElement } from './element.js';

export function weightBar(choices: readonly Choice[]): ViewElement {
  return h('span.u', { attrs: { 'aria-hidden': 'true' } }, choices.map(({ expert, weight }) => h('i', {
    style: { 'flex-grow': Math.max(0.02, weight).toFixed(3) },
    attrs: { class: `${expertPattern(expert)} ${expertClass(expert)}` },
  })));
}
