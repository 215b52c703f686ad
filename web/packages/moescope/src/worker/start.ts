// Brings an engine up: chooses the backend, fetches wasm and model side by side, and loads the model.
// Errors that blame the model pass through; anything else while a GPU engine starts blames the GPU.

import { chooseBackend, findGpu, NO_IMAGES, noGpu } from '../internal/backend.js';
import { fetchJsonText } from '../internal/fetch.js';
import { fetchKept } from '../internal/kept-weights.js';
import type { LoadCall, LoadSource, LoadVisionCall } from '../internal/protocol.js';
import { isFolder, modelName } from '../internal/model-url.js';
import { codeOf, engineLost, GPU_START_FAILED, messageOf } from '../internal/protocol.js';
import { MoescopeError } from '../public/error.js';
import type { Backend, BackendKind, ModelFolder, Progress } from '../public/types.js';
import type { Engine, EngineModule, VisionEngine } from './engine.js';
import type { Failure } from './failure.js';
import { endsEngine } from './failure.js';
import type { Started } from './host.js';
import { byteProgress } from './progress.js';

type Report = (progress: Progress) => void;

export interface Surroundings {
  readonly gpu: GPU | undefined;
  readonly loadModule: typeof import('./wasm.js').loadModule;
  readonly failure: Failure;
}

export function startEngine(call: LoadCall, report: Report, around: Surroundings): Promise<Started<Engine>> {
  return start(call, report, around, {
    fetch: (signal) => fetchModel(call.modelUrl, report, signal),
    load: ({ Engine }, { config, tokenizer, weights }, name, backend) =>
      Engine.load(config, tokenizer, weights, name, backend, (done, total) =>
        report({ phase: 'load', loaded: 0, total: undefined, message: `Compiling kernels: ${done} of ${total}` })),
    lacks: () => undefined,
  });
}

export function startVision(call: LoadVisionCall, report: Report, around: Surroundings): Promise<Started<VisionEngine>> {
  return start(call, report, around, {
    fetch: (signal) => fetchVisionModel(call.modelUrl, report, signal),
    load: ({ VisionEngine }, { config, weights }, name) => VisionEngine.load(config, weights, name),
    lacks: (backend) => (backend === 'webgpu' ? NO_IMAGES : undefined),
  });
}

/** What tells one kind of model from another: its files, and what the module makes of them. */
interface Kind<Files, E> {
  readonly fetch: (signal: AbortSignal) => Promise<Files>;
  readonly load: (module: EngineModule, files: Files, name: string, backend: BackendKind) => Promise<E>;
  /** Why a GPU engine cannot run such a model. */
  readonly lacks: (backend: BackendKind) => string | undefined;
}

async function start<Files, E>(call: LoadSource, report: Report, around: Surroundings, kind: Kind<Files, E>): Promise<Started<E>> {
  const siblings = new AbortController();
  try {
    const backend = choose(call, report, around, kind.lacks);
    const [chosen, module, files] = await Promise.all([
      backend,
      backend.then((it) => startModule(it, call, report, around, siblings.signal)),
      kind.fetch(siblings.signal),
    ]);
    around.failure.explain = () => module.panic_message?.();
    report({ phase: 'load', loaded: 0, total: undefined, message: 'Building the model' });
    const load = (): Promise<E> => kind.load(module, files, modelName(call.modelUrl), chosen.kind);
    return { engine: await guarded(load, chosen, call, around.failure), backend: chosen };
  } finally {
    siblings.abort(); // When one part failed, the others have nothing left to do.
  }
}

async function choose(
  call: LoadSource,
  report: Report,
  { gpu }: Surroundings,
  lacks: (backend: BackendKind) => string | undefined,
): Promise<Backend> {
  report({ phase: 'backend', loaded: 0, total: undefined, message: 'Looking for a GPU' });
  return chooseBackend(call.backend, (backend) => {
    const reason = call.gpuRefusal ?? lacks(backend);
    return reason === undefined ? findGpu(gpu, backend) : Promise.resolve({ usable: false, reason });
  });
}

function startModule(
  backend: Backend,
  call: LoadSource,
  report: Report,
  { loadModule, failure }: Surroundings,
  signal: AbortSignal,
): Promise<EngineModule> {
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

async function fetchModel(model: string | ModelFolder, report: Report, signal: AbortSignal): Promise<ModelFiles> {
  const [files, tokenizer] = await Promise.all([
    fetchVisionModel(model, report, signal),
    isFolder(model) ? model.tokenizer.text() : fetchJsonText(fileUrl(model, 'tokenizer.json'), { what: "The model's tokenizer.json", signal }),
  ]);
  return { ...files, tokenizer };
}

async function fetchVisionModel(model: string | ModelFolder, report: Report, signal: AbortSignal): Promise<VisionFiles> {
  if (isFolder(model)) {
    return readFiles(model, report);
  }
  const [config, weights] = await Promise.all([
    fetchJsonText(fileUrl(model, 'config.json'), { what: "The model's config.json", signal }),
    fetchKept(fileUrl(model, 'model.safetensors'), {
      what: "The model's weights",
      signal,
      truncatedCode: 'weights_truncated',
      onBytes: byteProgress('weights', 'Fetching the model', report),
    }),
  ]);
  return { config, weights };
}

async function readFiles({ config, weights }: ModelFolder, report: Report): Promise<VisionFiles> {
  const read = async (): Promise<Uint8Array> => {
    const bytes = new Uint8Array(await weights.arrayBuffer());
    byteProgress('weights', 'Reading the model', report)(bytes.byteLength, bytes.byteLength);
    return bytes;
  };
  const [text, bytes] = await Promise.all([config.text(), read()]);
  return { config: text, weights: bytes };
}

function fileUrl(modelUrl: string, file: string): string {
  return new URL(file, modelUrl).href;
}

/** Runs a step of the start; what goes wrong on a GPU, and is not the model's fault, is put down to the GPU. */
async function guarded<T>(step: () => Promise<T>, backend: Backend, call: LoadSource, failure: Failure): Promise<T> {
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
