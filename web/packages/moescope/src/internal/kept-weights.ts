// Weights that stay in the browser: a model that was fetched once opens without its download, also without a network.
// The server is asked whether its file is still the same; only where it cannot be asked is the kept one taken as it is.
// Keeping is an extra: where the browser has no room or no storage, a model loads all the same.

import type { FetchOptions } from './fetch.js';
import { fetchCounted, readBytes } from './fetch.js';

const CACHE = 'moescope-weights-1';
/** What tells one version of a file from another. */
const MARKS = ['etag', 'last-modified', 'content-length'] as const;

/** The file as bytes, from the browser where it is kept and still current. */
export async function fetchKept(url: string, options: FetchOptions): Promise<Uint8Array> {
  const kept = await match(url);
  if (kept !== undefined && (await isCurrent(url, kept, options.signal))) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    options.onBytes?.(bytes.byteLength, bytes.byteLength);
    return bytes;
  }
  const response = await fetchCounted(url, options);
  const bytes = await readBytes(response);
  await keep(url, response.headers, bytes);
  return bytes;
}

/** Bytes of the kept file; undefined where there is none. */
export async function keptBytes(url: string): Promise<number | undefined> {
  const kept = await match(url);
  return kept && (await kept.blob()).size;
}

/** Removes a kept file; true where there was one. */
export async function forget(url: string): Promise<boolean> {
  return (await open())?.delete(url) ?? false;
}

async function open(): Promise<Cache | undefined> {
  // Not there outside of secure contexts, and refused where storage is blocked.
  return globalThis.caches?.open(CACHE).catch(() => undefined);
}

async function match(url: string): Promise<Response | undefined> {
  return (await open())?.match(url);
}

async function isCurrent(url: string, kept: Response, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const { ok, headers } = await fetch(url, { method: 'HEAD', cache: 'no-cache', ...(signal && { signal }) });
    return ok && sameMarks(headers, kept.headers);
  } catch {
    signal?.throwIfAborted();
    return true;
  }
}

/** Two answers speak of the same file if they share a mark and contradict each other in none. */
function sameMarks(now: Headers, then: Headers): boolean {
  const said = MARKS.filter((mark) => now.has(mark) && then.has(mark));
  return said.length > 0 && said.every((mark) => now.get(mark) === then.get(mark));
}

async function keep(url: string, headers: Headers, bytes: Uint8Array): Promise<void> {
  const marks = MARKS.flatMap((mark) => {
    const value = headers.get(mark);
    return value === null ? [] : [[mark, value] as const];
  });
  const cache = await open();
  // A copy: the engine may take the bytes themselves over.
  await cache?.put(url, new Response(bytes.slice(), { headers: Object.fromEntries(marks) })).catch(() => undefined);
}
