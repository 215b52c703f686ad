// The second routing of an agreement: as trained, or another strategy at every layer.

import type { ModelInfo, ModelRouting } from 'moescope';

import { strategiesFor, strategyFor } from '../strategy.js';

/** Names of the strategies that the model can run. */
export function againstNames(info: ModelInfo): string[] {
  return strategiesFor(info).filter(({ problem }) => problem === undefined).map(({ name }) => name);
}

export function againstRouting(info: ModelInfo, name: string | undefined): ModelRouting {
  const strategy = strategyFor(info, name);
  return strategy === undefined || strategy.problem !== undefined ? info.trained_routing : { default: strategy.spec, layers: {} };
}
