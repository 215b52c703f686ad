// Weights that the browser keeps: one download, then none, unless the server has another file.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fetchKept, forget, keptBytes } from '../src/internal/kept-weights.js';

const URL_OF_WEIGHTS = 'http://models.test/first/model.safetensors';
const OPTIONS = { what: 'The weights' };
let asked: string[];
let etag: string;
let online: boolean;

beforeEach(() => {
  [asked, etag, online] = [[], '"a"', true];
  const stored = new Map<string, Response>();
  const cache = {
    match: (url: string) => Promise.resolve(stored.get(url)?.clone()),
    put: (url: string, response: Response) => Promise.resolve(void stored.set(url, response)),
    delete: (wanted: string | { url: string }) => Promise.resolve(stored.delete(typeof wanted === 'string' ? wanted : wanted.url)),
    keys: () => Promise.resolve([...stored.keys()].map((url) => ({ url }))),
  };
  vi.stubGlobal('caches', { open: () => Promise.resolve(cache) });
  vi.stubGlobal('fetch', (_: string, { method = 'GET' }: RequestInit = {}) => {
    asked.push(method);
    if (!online) return Promise.reject(new TypeError('no network'));
    return Promise.resolve(new Response(method === 'HEAD' ? null : `bytes ${etag}`, { headers: { etag } }));
  });
});
afterEach(() => vi.unstubAllGlobals());

const text = async (): Promise<string> => new TextDecoder().decode(await fetchKept(URL_OF_WEIGHTS, OPTIONS));

describe('kept weights', () => {
  test('are downloaded once while the server says that nothing changed', async () => {
    expect([await text(), await text()]).toEqual(['bytes "a"', 'bytes "a"']);
    expect(asked).toEqual(['GET', 'HEAD']);
    expect(await keptBytes(URL_OF_WEIGHTS)).toBe(9);
  });

  test('are downloaded again when the server has another file', async () => {
    await text();
    etag = '"b"';
    expect(await text()).toBe('bytes "b"');
  });

  test('serve without a network', async () => {
    await text();
    online = false;
    expect(await text()).toBe('bytes "a"');
  });

  test('are gone once they are forgotten', async () => {
    await text();
    expect(await forget(URL_OF_WEIGHTS)).toBe(true);
    expect(await keptBytes(URL_OF_WEIGHTS)).toBeUndefined();
    expect(await forget(URL_OF_WEIGHTS)).toBe(false);
  });

  test('leave no parts behind once they are whole, or forgotten', async () => {
    const part = `${URL_OF_WEIGHTS}?moescope-part=0`;
    const bytes = new Uint8Array(5 << 20).fill(7);
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(bytes, { headers: { etag, 'content-length': String(bytes.byteLength) } })));
    const cache = await caches.open('');
    const wrote = vi.spyOn(cache, 'put');
    expect((await fetchKept(URL_OF_WEIGHTS, OPTIONS)).byteLength).toBe(bytes.byteLength);
    expect(wrote.mock.calls.map(([url]) => url)).toEqual([part, URL_OF_WEIGHTS]);
    expect(await cache.match(part)).toBeUndefined();
    await cache.put(part, new Response('left'));
    await forget(URL_OF_WEIGHTS);
    expect(await cache.match(part)).toBeUndefined();
  });

  test('report their bytes as a download does', async () => {
    await text();
    const heard: unknown[] = [];
    await fetchKept(URL_OF_WEIGHTS, { ...OPTIONS, onBytes: (...bytes) => heard.push(bytes) });
    expect(heard).toEqual([[9, 9]]);
  });

  test('are an extra: without storage, or without room, the model loads all the same', async () => {
    vi.stubGlobal('caches', undefined);
    expect(await text()).toBe('bytes "a"');
    vi.stubGlobal('caches', { open: () => Promise.resolve({ match: () => Promise.resolve(undefined), put: () => Promise.reject(new Error('full')) }) });
    expect(await text()).toBe('bytes "a"');
    vi.stubGlobal('caches', { open: () => Promise.reject(new DOMException('blocked', 'SecurityError')) });
    expect(await keptBytes(URL_OF_WEIGHTS)).toBeUndefined();
  });
});
