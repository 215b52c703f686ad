// What callers of the package say, in the engine's words; what they leave out stays out, because the defaults are the engine's.

import type { Contrast, GenerateOptions, RerouteOptions } from '../generated/engine.js';
import type { ContrastRequest, GenerateRequest, ModelRoutingInput, RerouteRequest } from '../public/types.js';
import { toModelRouting } from './routing.js';

/** Options of a generation with defaults left out. */
export type EngineOptions = Partial<Omit<GenerateOptions, 'contrast'>> & { readonly contrast?: EngineContrast };
export type EngineContrast = Partial<Omit<Contrast, 'weak'>> & { readonly weak?: ModelRoutingInput };

export function engineOptions({ maxTokens, temperature, samplerTopK, samplerTopP, seed, contrast }: GenerateRequest): EngineOptions {
  return {
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(samplerTopK !== undefined && { sampler_top_k: samplerTopK }),
    ...(samplerTopP !== undefined && { sampler_top_p: samplerTopP }),
    ...(seed !== undefined && { seed }),
    ...(contrast !== undefined && { contrast: engineContrast(contrast) }),
  };
}

function engineContrast({ weak, alpha, beta, strongTemperature, weakTemperature }: ContrastRequest): EngineContrast {
  return {
    ...(weak !== undefined && { weak: toModelRouting(weak) }),
    ...(alpha !== undefined && { alpha }),
    ...(beta !== undefined && { beta }),
    ...(strongTemperature !== undefined && { strong_temperature: strongTemperature }),
    ...(weakTemperature !== undefined && { weak_temperature: weakTemperature }),
  };
}

export function rerouteOptions({ steps, rate, clamp, layersShare, order, method, seed }: RerouteRequest): Partial<RerouteOptions> {
  return {
    ...(steps !== undefined && { steps }),
    ...(rate !== undefined && { rate }),
    ...(clamp !== undefined && { clamp }),
    ...(layersShare !== undefined && { layers_share: layersShare }),
    ...(order !== undefined && { order }),
    ...(method !== undefined && { method }),
    ...(seed !== undefined && { seed }),
  };
}
