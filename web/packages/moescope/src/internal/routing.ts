// One spec for all layers is short for a routing of the whole model.
// No strategy is interpreted here: the engine validates what it is given.

import type { ModelRoutingInput, RoutingInput } from '../public/types.js';

/** The routing of the whole model that `routing` stands for. */
export function toModelRouting(routing: RoutingInput): ModelRoutingInput {
  return isModelRouting(routing) ? routing : { default: routing };
}

function isModelRouting(routing: RoutingInput): routing is ModelRoutingInput {
  return 'default' in routing || 'layers' in routing;
}
