// Brings an engine up: chooses the backend, fetches wasm and model side by side, and loads the model.
// Errors that blame the model pass through; anything else while a GPU engine starts blames the GPU.

import type { Choice } from '../internal/backend.js';
import { chooseBackend, findGpu, noGpu } from '../internal/backend.js';
import { fetchJsonText } from '../internal/fetch.js';
import { fetchKept } from '../internal/kept-weights.js';
import type { LoadCall, LoadSource, LoadVisionCall } from '../internal/protocol.js';
import { isFolder, modelName } from '../internal/model-url.js';
import { codeOf, engineLost, GPU_START_FAILED, messageOf } from '../internal/protocol.js';
import { MoescopeError } from '../public/error.js';
import type { BackendKind, ModelFolder, Progress, WeightFormat } from '../public/types.js';
import type { Engine, EngineModule, Prepares, VisionEngine } from './engine.js';
import type { Failure } from './failure.js';
import { endsEngine } from './failure.js';
import type { Started } from './host.js';
import { byteProgress } from './progress.js';
import type { LoadedModule } from './wasm.js';

type Report = (progress: Progress) => void;

export interface Surroundings {
  readonly gpu: GPU | undefined;
  readonly loadModule: typeof import('./wasm.js').loadModule;
  readonly failure: Failure;
}

export function startEngine(call: LoadCall, report: Report, around: Surroundings): Promise<Started<Engine>> {
  return start(call, report, around, {
    fetch: (signal) => fetchModel(call.modelUrl, report, signal),
    planOf: ({ PreparedPlan }) => PreparedPlan,
    load: async ({ Engine }, plan, { config, tokenizer, weights }, name, format) =>
      plan?.load(config, tokenizer, weights, name) ?? Engine.load(config, tokenizer, weights, name, format),
  });
}

export function startVision(call: LoadVisionCall, report: Report, around: Surroundings): Promise<Started<VisionEngine>> {
  return start(call, report, around, {
    fetch: (signal) => fetchVisionModel(call.modelUrl, report, signal),
    planOf: ({ PreparedVisionPlan }) => PreparedVisionPlan,
    load: async ({ VisionEngine }, plan, { config, weights }, name, format) =>
      plan?.load(config, weights, name) ?? VisionEngine.load(config, weights, name, format),
  });
}

/** What tells one kind of model from another: its files, and what the module makes of them. */
interface Kind<Files, Plan, E> {
  readonly fetch: (signal: AbortSignal) => Fetched<Files>;
  /** Where the module has the recorded plan for it. */
  readonly planOf: (module: EngineModule) => Prepares<Plan> | undefined;
  readonly load: (module: EngineModule, plan: Plan | undefined, files: Files, name: string, format: WeightFormat) => Promise<E>;
}

/** A model's files on their way; its config, which is there first, also by itself. */
interface Fetched<Files> {
  readonly config: Promise<string>;
  readonly files: Promise<Files>;
}

async function start<Files, Plan, E>(call: LoadSource, report: Report, around: Surroundings, kind: Kind<Files, Plan, E>): Promise<Started<E>> {
  const siblings = new AbortController();
  try {
    const backend = choose(call, report, around);
    const { config, files } = kind.fetch(siblings.signal);
    const started = backend.then((it) => startModule(it, call, report, around, siblings.signal));
    const prepared = Promise.all([backend, started, config]).then(([chosen, { module }, text]) => {
      around.failure.explain = () => module.panic_message?.();
      return guarded(() => prepare(kind.planOf(module), text, chosen.kind, call, report), chosen, call, around.failure);
    });
    const [chosen, { module, threads }, plan, all] = await Promise.all([backend, started, prepared, files]);
    report({ phase: 'load', loaded: 0, total: undefined, message: 'Building the model' });
    const weights = storage(chosen.kind, call.weights);
    const load = (): Promise<E> => kind.load(module, plan, all, modelName(call.modelUrl), weights);
    return { engine: await guarded(load, chosen, call, around.failure), backend: { ...chosen, ...(threads > 1 && { threads }), weights } };
  } finally {
    siblings.abort(); // When one part failed, the others have nothing left to do.
  }
}

/** How a backend keeps matrices that are wished for in a format. */
function storage(backend: BackendKind, wish: WeightFormat = 'f32'): WeightFormat {
  if (backend === 'webgpu') return wish;
  return backend === 'cpu' && wish === 'q8' ? 'q8' : 'f32';
}

/** Makes ready, on the backend that has a plan, what can be ready before the weights are there. */
async function prepare<Plan>(
  plan: Prepares<Plan> | undefined,
  config: string,
  backend: BackendKind,
  call: LoadSource,
  report: Report,
): Promise<Plan | undefined> {
  if (backend !== 'webgpu') return undefined;
  // The same file holds the CPU engine, which must never run under the name of WebGPU.
  if (plan === undefined) throw new Error('the wasm file of the engine has no recorded plan; build it anew');
  return plan.prepare(config, call.weights, (loaded, total) =>
    report({ phase: 'kernels', loaded, total, message: `Compiling kernels: ${loaded} of ${total}` }));
}

async function choose(call: LoadSource, report: Report, { gpu }: Surroundings): Promise<Choice> {
  report({ phase: 'backend', loaded: 0, total: undefined, message: 'Looking for a GPU' });
  return chooseBackend(call.backend, (backend) => {
    const reason = call.gpuRefusal;
    return reason === undefined ? findGpu(gpu, backend) : Promise.resolve({ usable: false, reason });
  });
}

function startModule(
  backend: Choice,
  call: LoadSource,
  report: Report,
  { loadModule, failure }: Surroundings,
  signal: AbortSignal,
): Promise<LoadedModule> {
  const onBytes = byteProgress('wasm', 'Fetching the engine', report);
  return guarded(() => loadModule(backend.kind, { signal, onBytes }), backend, call, failure);
}

interface VisionFiles {
  readonly config: string;
  readonly weights: Uint8Array;
}

interface ModelFiles extends VisionFiles {
  readonly tokenizer: string;
}

function fetchModel(model: string | ModelFolder, report: Report, signal: AbortSignal): Fetched<ModelFiles> {
  const vision = fetchVisionModel(model, report, signal);
  const tokenizer = isFolder(model)
    ? tokenizerOf(model)
    : fetchJsonText(fileUrl(model, 'tokenizer.json'), { what: "The model's tokenizer.json", signal });
  const files = Promise.all([vision.files, tokenizer]);
  return { config: vision.config, files: files.then(([both, text]) => ({ ...both, tokenizer: text })) };
}

async function tokenizerOf({ name, tokenizer }: ModelFolder): Promise<string> {
  if (tokenizer === undefined) throw new MoescopeError('tokenizer_invalid', `The folder ${name} has no tokenizer.json, which a language model needs.`);
  return tokenizer.text();
}

function fetchVisionModel(model: string | ModelFolder, report: Report, signal: AbortSignal): Fetched<VisionFiles> {
  const config = isFolder(model)
    ? model.config.text()
    : fetchJsonText(fileUrl(model, 'config.json'), { what: "The model's config.json", signal });
  const files = Promise.all([config, fetchWeights(model, report, signal)]);
  return { config, files: files.then(([text, weights]) => ({ config: text, weights })) };
}

async function fetchWeights(model: string | ModelFolder, report: Report, signal: AbortSignal): Promise<Uint8Array> {
  if (isFolder(model)) {
    const bytes = new Uint8Array(await model.weights.arrayBuffer());
    byteProgress('weights', 'Reading the model', report)(bytes.byteLength, bytes.byteLength);
    return bytes;
  }
  return fetchKept(fileUrl(model, 'model.safetensors'), {
    what: "The model's weights",
    signal,
    truncatedCode: 'weights_truncated',
    onBytes: byteProgress('weights', 'Fetching the model', report),
  });
}

function fileUrl(modelUrl: string, file: string): string {
  return new URL(file, modelUrl).href;
}

/** Runs a step of the start; what goes wrong on a GPU, and is not the model's fault, is put down to the GPU. */
async function guarded<T>(step: () => Promise<T>, backend: Choice, call: LoadSource, failure: Failure): Promise<T> {
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
    throw call.backend === 'auto' ? new MoescopeError(GPU_START_FAILED, reason) : noGpu(reason);
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
