// The worker's entry: joins host, wasm and browser. Everything that decides is in files that run without a browser.

import type { FromPage } from '../internal/protocol.js';
import { messageOf } from '../internal/protocol.js';
import { Failure, watchDevices } from './failure.js';
import { Host } from './host.js';
import { startEngine, startVision } from './start.js';
import { loadModule } from './wasm.js';

const failure = new Failure();
const gpu: GPU | undefined = globalThis.navigator.gpu;

// A panic in a task of the engine surfaces here, not in the promise that waits for it.
// It is told in order, with what the panic said; the page's own report of it would come first and say less.
globalThis.addEventListener('error', (event) => {
  event.preventDefault();
  failure.raise(event.message);
});
globalThis.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  failure.raise(messageOf(event.reason));
});
watchDevices(gpu === undefined ? undefined : GPUAdapter, failure);

const around = { gpu, loadModule, failure };
const host = new Host({
  failure,
  post: (message, transfer) => globalThis.postMessage(message, { transfer }),
  start: (call, report) => startEngine(call, report, around),
  startVision: (call, report) => startVision(call, report, around),
});
globalThis.addEventListener('message', (event: MessageEvent<FromPage>) => host.receive(event.data));
