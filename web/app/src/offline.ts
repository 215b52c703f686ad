// Starts the service worker that answers for the host when there is no network, and tells it what it could not see:
// the first visit runs before it does. Nothing waits for it, and where a browser has none the page runs as ever.

import type { Backend, ModelFolder } from 'moescope';

import type { Used } from '../offline/manifest.js';

export class Offline {
  readonly #worker: Promise<ServiceWorker | undefined>;

  /** After the page has loaded, so that the first paint shares its time with nothing. */
  constructor() {
    this.#worker = pageLoaded().then(start).catch((cause: unknown) => {
      console.warn('The page cannot be kept for use without a network:', cause);
      return undefined;
    });
    void this.#tell({});
  }

  /** A model runs: its small files and the engine are kept; the weights keep themselves, and a visitor's files are at hand. */
  opened(model: string | URL | ModelFolder, { kind, threads }: Pick<Backend, 'kind' | 'threads'>): void {
    void this.#tell({ engine: threads === undefined ? kind : 'threads', ...(typeof model === 'string' || model instanceof URL ? { model: folderUrl(model) } : {}) });
  }

  async #tell(used: Omit<Used, 'files'>): Promise<void> {
    const worker = await this.#worker;
    const files = performance.getEntriesByType('resource').map(({ name }) => name);
    worker?.postMessage({ files, ...used } satisfies Used);
  }
}

function folderUrl(model: string | URL): string {
  const { href } = new URL(model, document.baseURI);
  return href.endsWith('/') ? href : `${href}/`;
}

function pageLoaded(): Promise<void> {
  return new Promise((resolve) => {
    if (document.readyState === 'complete') resolve();
    else addEventListener('load', () => resolve(), { once: true });
  });
}

/** The worker that has to be told; undefined where there is none, or one that has seen this visit from its beginning. */
async function start(): Promise<ServiceWorker | undefined> {
  if (!('serviceWorker' in navigator)) return undefined;
  const watched = navigator.serviceWorker.controller !== null;
  await navigator.serviceWorker.register(new URL('service-worker.js', document.baseURI));
  const { active } = await navigator.serviceWorker.ready;
  return watched ? undefined : active ?? undefined;
}
