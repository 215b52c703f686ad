// Downloads with progress, cancelling and plain words for what went wrong.
// A download that ends early is an error even where the platform does not notice.
// Sizes are only trusted without a visible content encoding: Content-Length counts the encoded bytes.

import { MoescopeError } from '../public/error.js';
import { messageOf } from './protocol.js';

export interface FetchOptions {
  /** The file in words, for messages. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((loaded: number, total: number | undefined) => void) | undefined;
  /** The code of a download that ends early; 'fetch_failed' unless given. */
  readonly truncatedCode?: string;
}

/** The file as bytes. */
export async function fetchBytes(url: string, options: FetchOptions): Promise<Uint8Array> {
  const response = await fetchCounted(url, options);
  const sink = new ByteSink(expectedLength(response.headers));
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    sink.add(part.value);
  }
  return sink.bytes();
}

/** A JSON file as text; what it says is for others to judge, but a web page is not JSON. */
export async function fetchJsonText(url: string, options: FetchOptions): Promise<string> {
  const text = new TextDecoder().decode(await fetchBytes(url, options));
  if (text.trimStart().startsWith('<')) {
    throw notThatFile(url, options.what, 200);
  }
  return text;
}

/** The answer with a body that counts its bytes and fails when it ends early. */
export async function fetchCounted(url: string, options: FetchOptions): Promise<Response> {
  const response = await requestFile(url, options);
  if (response.body === null) {
    return response;
  }
  const body = countedBody(response.body, url, expectedLength(response.headers), options);
  return new Response(body, { headers: response.headers, status: response.status });
}

/** An answer that is a file or a range of it, or, where ranges were asked for, says that there is none such. */
export async function requestFile(url: string, options: FetchOptions, headers: Record<string, string> = {}): Promise<Response> {
  const response = await request(url, options, headers);
  const noSuchRange = response.status === 416 && 'Range' in headers;
  if (!response.ok && !noSuchRange) {
    const status = `${response.status} ${response.statusText}`.trim();
    throw new MoescopeError(
      'fetch_failed',
      `${options.what} could not be fetched: ${url} answered ${status}. Check the address.`,
      { url, status: response.status },
    );
  }
  if (response.headers.get('content-type')?.startsWith('text/html') && !noSuchRange) {
    await response.body?.cancel();
    throw notThatFile(url, options.what, response.status);
  }
  return response;
}

async function request(url: string, { what, signal }: FetchOptions, headers: Record<string, string>): Promise<Response> {
  try {
    // A cache between would have to know ranges too.
    return await fetch(url, { ...(signal && { signal }), ...('Range' in headers && { headers, cache: 'no-store' }) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new MoescopeError(
      'fetch_failed',
      `${what} could not be fetched from ${url}: ${messageOf(cause)}. Check the address and the connection.`,
      { url },
    );
  }
}

function notThatFile(url: string, what: string, status: number): MoescopeError {
  return new MoescopeError(
    'fetch_failed',
    `${what} could not be fetched: ${url} answered with a web page (HTML) instead. Check that the file is at that address.`,
    { url, status },
  );
}

/** The decoded length as far as the headers tell. */
export function expectedLength(headers: Headers): number | undefined {
  const encoding = headers.get('content-encoding') ?? 'identity';
  const length = headers.get('content-length');
  return encoding === 'identity' && length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

function countedBody(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  url: string,
  expected: number | undefined,
  options: FetchOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = source.getReader();
  let loaded = 0;
  const read = async () => {
    try {
      return await reader.read();
    } catch {
      options.signal?.throwIfAborted();
      throw brokenOff(url, options, loaded, expected);
    }
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const part = await read();
      if (!part.done) {
        loaded += part.value.byteLength;
        // More bytes than announced: the server hides an encoding, and the total is not known after all.
        options.onBytes?.(loaded, expected !== undefined && loaded <= expected ? expected : undefined);
        controller.enqueue(part.value);
      } else if (expected !== undefined && loaded < expected) {
        throw brokenOff(url, options, loaded, expected);
      } else {
        controller.close();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

export function brokenOff(url: string, { what, truncatedCode = 'fetch_failed' }: FetchOptions, loaded: number, expected: number | undefined): MoescopeError {
  return new MoescopeError(
    truncatedCode,
    `${what} is incomplete: ${url} sent ${loaded} of ${expected ?? 'an unknown number of'} bytes. Try again; if it stays so, the file on the server is damaged.`,
    { url },
  );
}

/** Gathers chunks in one buffer, of the right size from the start where that is known. */
export class ByteSink {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(expected: number | undefined) {
    this.#buffer = new Uint8Array(expected ?? 1 << 16);
  }

  get length(): number {
    return this.#length;
  }

  add(chunk: Uint8Array): void {
    const needed = this.#length + chunk.byteLength;
    if (needed > this.#buffer.byteLength) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.byteLength));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
