// Makes the worker of a model. The address form is the one that bundlers recognise.

import type { FromWorker, FromPage } from './protocol.js';

/** The page's end of a worker. */
export interface WorkerPort {
  post(message: FromPage): void;
  listen(onMessage: (message: FromWorker) => void, onFailure: (message: string) => void): void;
  terminate(): void;
}

export function spawnWorker(): WorkerPort {
  const worker = new Worker(new URL('../worker/worker.js', import.meta.url), {
    type: 'module',
    name: 'moescope',
  });
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onFailure) {
      worker.addEventListener('message', (event: MessageEvent<FromWorker>) => onMessage(event.data));
      worker.addEventListener('error', (event) => onFailure(event.message || 'its script could not be loaded'));
      worker.addEventListener('messageerror', () => onFailure('a message could not be decoded'));
    },
    terminate: () => worker.terminate(),
  };
}
