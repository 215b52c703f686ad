// Weights that stay in the browser: a model that was fetched once opens without its download, also without a network.
// The server is asked whether its file is still the same; only where it cannot be asked is the kept one taken as it is.
// A download that was broken off or cancelled leaves its parts here, and the next one goes on behind them.
// Keeping is an extra: where the browser has no room or no storage, a model loads all the same.

import { PART_BYTES, download, marksOf } from './download.js';
import type { Marks, PartStore } from './download.js';
import type { FetchOptions } from './fetch.js';

const CACHE = 'moescope-weights-1';

/** The file as bytes, from the browser where it is kept and still current. */
export async function fetchKept(url: string, options: FetchOptions): Promise<Uint8Array> {
  const kept = await match(url);
  if (kept !== undefined && (await isCurrent(url, kept, options.signal))) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    options.onBytes?.(bytes.byteLength, bytes.byteLength);
    return bytes;
  }
  const parts = partsOf(url);
  const { bytes, marks } = await download(url, options, parts);
  await put(url, bytes, marks);
  if (bytes.byteLength >= PART_BYTES) await parts.clear();
  return bytes;
}

/** Bytes of the kept file; undefined where there is none. */
export async function keptBytes(url: string): Promise<number | undefined> {
  const kept = await match(url);
  return kept && (await kept.blob()).size;
}

/** Removes a kept file and what arrived of one; true where there was a whole one. */
export async function forget(url: string): Promise<boolean> {
  await partsOf(url).clear();
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
  const [current, kept] = [marksOf(now), marksOf(then)];
  const said = Object.keys(current).filter((mark) => mark in kept);
  return said.length > 0 && said.every((mark) => current[mark] === kept[mark]);
}

/** A copy: the engine may take the bytes themselves over. */
async function put(url: string, bytes: Uint8Array, marks: Marks): Promise<boolean> {
  const cache = await open();
  return cache?.put(url, new Response(bytes.slice(), { headers: marks })).then(() => true, () => false) ?? false;
}

/** Parts stand beside the file, under addresses that no server is asked for. */
function partsOf(url: string): PartStore {
  const name = (n: number | ''): string => `${url}?moescope-part=${n}`;
  return {
    read: async () => {
      const first = await match(name(0));
      if (first === undefined) return undefined;
      const marks = marksOf(first.headers);
      const parts: Uint8Array[] = [];
      for (let part: Response | undefined = first; part !== undefined && sameMarks(part.headers, first.headers); part = await match(name(parts.length))) {
        parts.push(new Uint8Array(await part.arrayBuffer()));
      }
      return { marks, parts };
    },
    write: (n, part, marks) => put(name(n), part, marks),
    clear: async () => {
      const cache = await open();
      const all = (await cache?.keys()) ?? [];
      await Promise.all(all.filter((request) => request.url.startsWith(name(''))).map((request) => cache?.delete(request)));
    },
  };
}
