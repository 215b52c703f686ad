// A large download that goes on where it broke: what arrived stays, and a Range request asks for the rest of the same version of
// the file (RFC 9110, sections 13.1.5 and 14). A server that answers with the whole file, because it has another version or
// knows no ranges, starts the download anew. It is not for bodies with a content encoding, whose ranges nobody can name.

import { MoescopeError } from '../public/error.js';
import { ByteSink, brokenOff, expectedLength, requestFile } from './fetch.js';
import type { FetchOptions } from './fetch.js';

/** What tells one version of a file from another, as headers. */
export type Marks = Readonly<Record<string, string>>;

/** What arrived of a file before, in order. */
export interface Remains {
  readonly marks: Marks;
  readonly parts: readonly Uint8Array[];
}

/** Where parts of a file outlive the page that fetches it. */
export interface PartStore {
  readonly read: () => Promise<Remains | undefined>;
  /** Part `n` of a file, `PART_BYTES` long; false where there is no room for it. */
  readonly write: (n: number, part: Uint8Array, marks: Marks) => Promise<boolean>;
  readonly clear: () => Promise<void>;
}

export interface Downloaded {
  readonly bytes: Uint8Array;
  readonly marks: Marks;
}

export const PART_BYTES = 4 << 20;
/** Between tries; after so many without a new byte the download has failed. */
export const PAUSES_MS = [500, 1000, 2000];

const MARKS = ['etag', 'last-modified', 'content-length'] as const;

export function marksOf(headers: Headers): Marks {
  return Object.fromEntries(MARKS.flatMap((mark) => {
    const value = headers.get(mark);
    return value === null ? [] : [[mark, value] as const];
  }));
}

export async function download(url: string, options: FetchOptions, store: PartStore): Promise<Downloaded> {
  const arrival = new Arrival(store, options.onBytes);
  await arrival.recall();
  let most = arrival.length;
  for (let failures = 0; ;) {
    try {
      await fetchRest(url, options, arrival);
      return arrival.done();
    } catch (error) {
      if (options.signal?.aborted === true || !isNetwork(error)) throw error;
      if (arrival.length > most) [most, failures] = [arrival.length, 0];
      const pause = PAUSES_MS[failures];
      if (pause === undefined) throw error;
      failures += 1;
      await wait(pause, options.signal);
    }
  }
}

/** One try: what is missing or, where the server has something else, everything. */
async function fetchRest(url: string, options: FetchOptions, arrival: Arrival): Promise<void> {
  const response = await requestFile(url, options, arrival.request(url));
  if (response.status === 416 || (response.status === 206 && !arrival.continues(response.headers))) {
    await response.body?.cancel();
    await arrival.restart();
    return fetchRest(url, options, arrival);
  }
  if (response.status !== 206) await arrival.begin(response.headers);
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read().catch(() => {
      options.signal?.throwIfAborted();
      throw brokenOff(url, options, arrival.length, arrival.total);
    });
    if (part === undefined || part.done) break;
    await arrival.add(part.value);
  }
  if (arrival.total !== undefined && arrival.length < arrival.total) throw brokenOff(url, options, arrival.length, arrival.total);
}

/** A server that answers, with whatever status, is not asked again. */
function isNetwork(error: unknown): boolean {
  return error instanceof MoescopeError && error.status === undefined;
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** What arrived so far, and of which version of the file. */
class Arrival {
  total: number | undefined;
  readonly #store: PartStore;
  readonly #onBytes: FetchOptions['onBytes'];
  #sink = new ByteSink(undefined);
  #marks: Marks = {};
  /** Parts that the store has, and whether it takes more. */
  #written = 0;
  #room = true;
  /** The most that was ever reported: progress does not go back where a download starts anew. */
  #reported = 0;

  constructor(store: PartStore, onBytes: FetchOptions['onBytes']) {
    [this.#store, this.#onBytes] = [store, onBytes];
  }

  get length(): number {
    return this.#sink.length;
  }

  /** Takes over what the store has of an earlier download. */
  async recall(): Promise<void> {
    const remains = await this.#store.read();
    const total = Number(remains?.marks['content-length']);
    if (remains === undefined || remains.parts.length === 0 || !Number.isInteger(total)) return;
    [this.total, this.#marks, this.#written, this.#sink] = [total, remains.marks, remains.parts.length, new ByteSink(total)];
    for (const part of remains.parts) this.#sink.add(part);
    this.#report();
  }

  /** Headers that ask for the rest. Across origins a guard would need the server's permission first; the answer is judged there too. */
  request(url: string): Record<string, string> {
    const version = validatorOf(this.#marks);
    if (this.length === 0 || version === undefined) return {};
    const here = globalThis.location as Location | undefined;
    const guarded = here === undefined || new URL(url).origin === here.origin;
    return { Range: `bytes=${this.length}-`, ...(guarded ? { 'If-Range': version } : {}) };
  }

  /** Whether a partial answer goes on with the same version where this one ends. */
  continues(headers: Headers): boolean {
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
    const same = validatorOf(marksOf(headers)) === validatorOf(this.#marks) && !headers.has('content-encoding');
    return same && Number(from) === this.length && Number(total) === this.total;
  }

  /** A whole file begins. */
  async begin(headers: Headers): Promise<void> {
    await this.restart();
    [this.total, this.#marks] = [expectedLength(headers), marksOf(headers)];
    this.#sink = new ByteSink(this.total);
  }

  async restart(): Promise<void> {
    if (this.#written > 0) await this.#store.clear();
    [this.total, this.#marks, this.#written, this.#sink] = [undefined, {}, 0, new ByteSink(undefined)];
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#sink.add(chunk);
    // More bytes than announced: the server hides an encoding, and the total is not known after all.
    if (this.total !== undefined && this.length > this.total) this.total = undefined;
    this.#report();
    const useful = this.total !== undefined && validatorOf(this.#marks) !== undefined;
    while (useful && this.#room && this.length >= (this.#written + 1) * PART_BYTES) {
      const part = this.#sink.bytes().slice(this.#written * PART_BYTES, (this.#written + 1) * PART_BYTES);
      this.#room = await this.#store.write(this.#written, part, this.#marks);
      if (this.#room) this.#written += 1;
    }
  }

  done(): Downloaded {
    return { bytes: this.#sink.bytes(), marks: this.#marks };
  }

  #report(): void {
    this.#reported = Math.max(this.#reported, this.length);
    this.#onBytes?.(this.#reported, this.total !== undefined && this.#reported <= this.total ? this.total : undefined);
  }
}

/** What a server can guard a range by: a strong ETag, else a date. */
function validatorOf(marks: Marks): string | undefined {
  const etag = marks['etag'];
  return etag !== undefined && !etag.startsWith('W/') ? etag : marks['last-modified'];
}
