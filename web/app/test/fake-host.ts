// A browser around the service worker, as far as it uses one: caches, a scope, events; and a host that can go away.

import { vi } from 'vitest';

import type { Manifest } from '../offline/manifest.js';

export const SCOPE = 'https://host.example/a/b/';

type Listener = (event: object) => void;

export class FakeHost {
  /** What the host has, by address. */
  readonly files = new Map<string, string>();
  readonly asked: string[] = [];
  isThere = true;
  readonly caches = new Map<string, Map<string, Response>>();
  readonly #listeners = new Map<string, Listener>();

  /** Puts everything in place and starts the service worker with this manifest. */
  async start(manifest: Manifest): Promise<void> {
    vi.stubGlobal('__MANIFEST__', manifest);
    vi.stubGlobal('fetch', (input: Request | string) => this.#fetch(typeof input === 'string' ? input : input.url));
    vi.stubGlobal('caches', { open: (name: string) => Promise.resolve(this.#cache(name)) });
    vi.stubGlobal('self', {
      registration: { scope: SCOPE },
      addEventListener: (type: string, listener: Listener) => this.#listeners.set(type, listener),
      skipWaiting: () => Promise.resolve(),
      clients: { claim: () => Promise.resolve() },
    });
    vi.resetModules();
    // By name only: its types are those of a worker, which this folder does not have.
    await vi.importActual('../offline/service-worker.js');
  }

  /** Sends an event and waits for all that it was extended by. */
  async send(type: string, values: object = {}): Promise<unknown> {
    const waits: Promise<unknown>[] = [];
    let answer: Promise<unknown> | undefined;
    this.#listeners.get(type)?.({
      ...values,
      waitUntil: (promise: Promise<unknown>) => void waits.push(promise),
      respondWith: (promise: Promise<unknown>) => { answer = promise; },
    });
    const result = await answer;
    await Promise.all(waits);
    return result;
  }

  /** The text that the page gets; undefined where the service worker leaves the request to the browser. */
  async get(url: string, init?: RequestInit): Promise<string | undefined> {
    const answer = await this.send('fetch', { request: new Request(url, init) });
    return answer instanceof Response ? answer.text() : undefined;
  }

  kept(): string[] {
    return [...this.caches.values()].flatMap((cache) => [...cache.keys()]).map((url) => url.replace(SCOPE, '')).toSorted();
  }

  #fetch(url: string): Promise<Response> {
    this.asked.push(url);
    if (!this.isThere) return Promise.reject(new TypeError('Failed to fetch'));
    const text = this.files.get(url);
    const answer = text === undefined ? new Response('no such file', { status: 404 }) : new Response(text);
    Object.defineProperty(answer, 'type', { value: 'basic' });
    return Promise.resolve(answer);
  }

  #cache(name: string): object {
    const entries = this.caches.get(name) ?? new Map<string, Response>();
    this.caches.set(name, entries);
    return {
      match: (url: string) => Promise.resolve(entries.get(url)?.clone()),
      put: (url: string, answer: Response) => Promise.resolve(entries.set(url, answer)),
      keys: () => Promise.resolve([...entries.keys()].map((url) => ({ url }))),
      delete: (url: string) => Promise.resolve(entries.delete(url)),
    };
  }
}
