// Brings an engine up: chooses the backend, fetches wasm and model side by side, and loads the model.
// Errors that blame the model pass through; anything else while a GPU engine starts blames the GPU.

import { chooseBackend, findGpu, noGpu } from '../internal/backend.js';
import { fetchJsonText } from '../internal/fetch.js';
import { fetchKept } from '../internal/kept-weights.js';
import type { LoadCall } from '../internal/protocol.js';
import { isFolder, modelName } from '../internal/model-url.js';
import { codeOf, engineLost, GPU_START_FAILED, messageOf } from '../internal/protocol.js';
import { MoescopeError } from '../public/error.js';
import type { Backend, ModelFolder, Progress } from '../public/types.js';
import type { Engine, EngineModule } from './engine.js';
import type { Failure } from './failure.js';
import { endsEngine } from './failure.js';
import type { StartedEngine } from './host.js';
import { byteProgress } from './progress.js';

type Report = (progress: Progress) => void;

export interface Surroundings {
  readonly gpu: GPU | undefined;
  readonly loadModule: typeof import('./wasm.js').loadModule;
  readonly failure: Failure;
}

export async function startEngine(call: LoadCall, report: Report, around: Surroundings): Promise<StartedEngine> {
  const siblings = new AbortController();
  try {
    const backend = choose(call, report, around);
    const [chosen, module, files] = await Promise.all([
      backend,
      backend.then((it) => startModule(it, call, report, around, siblings.signal)),
      fetchModel(call.modelUrl, report, siblings.signal),
    ]);
    around.failure.explain = () => module.panic_message?.();
    report({ phase: 'load', loaded: 0, total: undefined, message: 'Building the model' });
    const load = (): Promise<Engine> => 
      module.Engine.load(files.config, files.tokenizer, files.weights, modelName(call.modelUrl));
    return { engine: await guarded(load, chosen, call, around.failure), backend: chosen };
  } finally {
    siblings.abort(); // When one part failed, the others have nothing left to do.
  }
}

async function choose(call: LoadCall, report: Report, { gpu }: Surroundings): Promise<Backend> {
  report({ phase: 'backend', loaded: 0, total: undefined, message: 'Looking for a GPU' });
  const { gpuRefusal: reason } = call;
  return chooseBackend(call.backend, () =>
    reason === undefined ? findGpu(gpu) : Promise.resolve({ usable: false, reason }),
  );
}

function startModule(
  backend: Backend,
  call: LoadCall,
  report: Report,
  { loadModule, failure }: Surroundings,
  signal: AbortSignal,
): Promise<EngineModule> {
  const onBytes = byteProgress('wasm', 'Fetching the engine', report);
  return guarded(() => loadModule(backend.kind, { signal, onBytes }), backend, call, failure);
}

interface ModelFiles {
  readonly config: string;
  readonly tokenizer: string;
  readonly weights: Uint8Array;
}

async function fetchModel(modelUrl: string | ModelFolder, report: Report, signal: AbortSignal): Promise<ModelFiles> {
  if (isFolder(modelUrl)) {
    return readModel(modelUrl, report);
  }
  const at = (file: string): string => new URL(file, modelUrl).href;
  const [config, tokenizer, weights] = await Promise.all([
    fetchJsonText(at('config.json'), { what: "The model's config.json", signal }),
    fetchJsonText(at('tokenizer.json'), { what: "The model's tokenizer.json", signal }),
    fetchKept(at('model.safetensors'), {
      what: "The model's weights",
      signal,
      truncatedCode: 'weights_truncated',
      onBytes: byteProgress('weights', 'Fetching the model', report),
    }),
  ]);
  return { config, tokenizer, weights };
}

async function readModel({ config, tokenizer, weights }: ModelFolder, report: Report): Promise<ModelFiles> {
  const read = async (): Promise<Uint8Array> => {
    const bytes = new Uint8Array(await weights.arrayBuffer());
    byteProgress('weights', 'Reading the model', report)(bytes.byteLength, bytes.byteLength);
    return bytes;
  };
  const [configText, tokenizerText, bytes] = await Promise.all([config.text(), tokenizer.text(), read()]);
  return { config: configText, tokenizer: tokenizerText, weights: bytes };
}

/** Runs a step of the start; what goes wrong on a GPU, and is not the model's fault, is put down to the GPU. */
async function guarded<T>(step: () => Promise<T>, backend: Backend, call: LoadCall, failure: Failure): Promise<T> {
  try {
    return await Promise.race([step(), failure.promise]);
  } catch (error) {
    if (endsEngine(error)) {
      failure.raise(messageOf(error));
    }
    const lost = failure.cause;
    if (backend.kind === 'cpu' || (lost === undefined && blamesOthers(error))) {
      throw lost === undefined ? error : engineLost(lost);
    }
    const reason = `the GPU engine failed to start: ${lost ?? messageOf(error)}`;
    throw call.backend === 'webgpu' ? noGpu(reason) : new MoescopeError(GPU_START_FAILED, reason);
  }
}

/** Whether an error speaks of the model or of a cancelled download rather than of the GPU. */
function blamesOthers(error: unknown): boolean {
  if (error instanceof DOMException && error.name === 'AbortError') {
    return true;
  }
  const code = codeOf(error);
  return code !== undefined && !GPU_CODES.has(code);
}

/** Codes under which a GPU engine reports that it did not start. */
const GPU_CODES: ReadonlySet<string> = new Set(['no_gpu', 'fetch_failed']);
