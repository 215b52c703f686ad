// Downloads that break: a real local server cuts the connection where it is told to, and the next request goes on from there.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { PART_BYTES, PAUSES_MS, download } from '../src/internal/download.js';
import type { Marks, PartStore } from '../src/internal/download.js';

const SIZE = 2 * PART_BYTES + 500_000;
const WEIGHTS = { what: 'The weights', truncatedCode: 'weights_truncated' };
const ROUND = Uint8Array.from({ length: 251 }, (_, i) => i);
const files = [1, 2, 3].map((n) => Buffer.alloc(SIZE, ROUND.map((byte) => (byte + n) % 251)));
const fileOf = (n: number): Buffer => files[n - 1] ?? Buffer.alloc(0);

let version: number;
/** Bytes that each request in turn gets before the connection is cut; the ones after get everything they asked for. */
let cuts: number[];
let honest: { etag: boolean; ranges: boolean };
let asked: string[];
let between: () => void;

let server: Server;
let url = '';

beforeAll(async () => {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/model.safetensors`;
  // The pauses between tries are of no interest here.
  PAUSES_MS.fill(1);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  [version, cuts, asked, honest, between] = [1, [], [], { etag: true, ranges: true }, () => undefined];
});

function answer({ headers }: IncomingMessage, response: ServerResponse): void {
  asked.push(`${headers.range ?? 'all'}${headers['if-range'] === undefined ? '' : ` if ${headers['if-range']}`}`);
  const file = fileOf(version);
  const etag = `"${version}"`;
  const from = honest.ranges && (headers['if-range'] ?? etag) === etag ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
  const common = { ...(honest.etag ? { etag } : {}), 'content-length': SIZE - from };
  response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...common, 'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}` } : common);
  const cut = cuts.shift();
  if (cut === undefined) {
    response.end(file.subarray(from));
    return;
  }
  response.write(file.subarray(from, from + cut), () => setTimeout(() => {
    between();
    response.destroy();
  }, 50));
}

/** A store as the browser's, in memory. */
class Memory implements PartStore {
  marks: Marks | undefined;
  parts: Uint8Array[] = [];
  room = true;

  read(): ReturnType<PartStore['read']> {
    return Promise.resolve(this.marks === undefined ? undefined : { marks: this.marks, parts: this.parts });
  }

  write(n: number, part: Uint8Array, marks: Marks): Promise<boolean> {
    if (!this.room) return Promise.resolve(false);
    [this.marks, this.parts[n]] = [marks, part];
    return Promise.resolve(true);
  }

  clear(): Promise<void> {
    [this.marks, this.parts] = [undefined, []];
    return Promise.resolve();
  }
}

const isFile = (bytes: Uint8Array, of: number): boolean => Buffer.from(bytes).equals(fileOf(of));

describe('a download that breaks', () => {
  test('goes on from what has arrived, in the same version', async () => {
    cuts = [300_000, 70_000];
    const { bytes, marks } = await download(url, WEIGHTS, new Memory());
    expect(isFile(bytes, 1)).toBe(true);
    expect(asked).toEqual(['all', 'bytes=300000- if "1"', 'bytes=370000- if "1"']);
    expect(marks).toEqual({ etag: '"1"', 'content-length': String(SIZE) });
  });

  test('starts anew where the server has another version, and progress does not jump back', async () => {
    cuts = [300_000];
    between = () => { version = 2; };
    const heard: (readonly [number, number | undefined])[] = [];
    const { bytes } = await download(url, { ...WEIGHTS, onBytes: (...counts) => heard.push(counts) }, new Memory());
    expect(isFile(bytes, 2)).toBe(true);
    const counts = heard.map(([loaded]) => loaded);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(heard.at(-1)).toEqual([SIZE, SIZE]);
  });

  test.each([['no ranges', { etag: true, ranges: false }, 'bytes=300000- if "1"'], ['no version', { etag: false, ranges: true }, 'all']] as const)(
    'starts anew where the server says %s', async (_, kind, second) => {
      [cuts, honest] = [[300_000], kind];
      const { bytes } = await download(url, WEIGHTS, new Memory());
      expect(isFile(bytes, 1)).toBe(true);
      expect(asked).toEqual(['all', second]);
    });

  test('is given up after a few tries without a new byte, with what arrived and what was to', async () => {
    cuts = [1000, 0, 0, 0, 0, 0];
    await expect(download(url, WEIGHTS, new Memory())).rejects.toMatchObject({
      code: 'weights_truncated', message: expect.stringContaining(`sent 1000 of ${SIZE} bytes`),
    });
    expect(asked).toHaveLength(1 + PAUSES_MS.length);
  });

  test('is not tried again where the server answers that it has no such file', async () => {
    const fetched = vi.fn(() => Promise.resolve(new Response('no', { status: 404 })));
    vi.stubGlobal('fetch', fetched);
    await expect(download(url, WEIGHTS, new Memory())).rejects.toMatchObject({ code: 'fetch_failed', status: 404 });
    expect(fetched).toHaveBeenCalledTimes(1);
    vi.unstubAllGlobals();
  });

  test('does not put ranges of another version or place together', async () => {
    const store = new Memory();
    await store.write(0, new Uint8Array(PART_BYTES), { etag: '"1"', 'content-length': String(SIZE) });
    const wrong = [{ etag: '"2"', range: `bytes ${PART_BYTES}-${SIZE - 1}/${SIZE}` }, { etag: '"1"', range: `bytes 7-${SIZE - 1}/${SIZE}` }];
    for (const { etag, range } of wrong) {
      const fetched = vi.fn()
        .mockResolvedValueOnce(new Response('odd', { status: 206, headers: { etag, 'content-range': range } }))
        .mockResolvedValueOnce(new Response('whole', { headers: { etag: '"2"', 'content-length': '5' } }));
      vi.stubGlobal('fetch', fetched);
      const { bytes } = await download(url, WEIGHTS, store);
      expect(new TextDecoder().decode(bytes)).toBe('whole');
      vi.unstubAllGlobals();
    }
  });
});

describe('a download that is cancelled', () => {
  const stopped = async (store: Memory): Promise<void> => {
    const abort = new AbortController();
    const onBytes = (loaded: number): void => {
      if (loaded > 2 * PART_BYTES + 200_000) abort.abort();
    };
    await expect(download(url, { ...WEIGHTS, signal: abort.signal, onBytes }, store)).rejects.toMatchObject({ name: 'AbortError' });
    asked = [];
  };

  test('leaves its parts, and the next one fetches the rest alone', async () => {
    const store = new Memory();
    await stopped(store);
    expect(store.parts.map(({ byteLength }) => byteLength)).toEqual([PART_BYTES, PART_BYTES]);
    const heard: number[] = [];
    const { bytes } = await download(url, { ...WEIGHTS, onBytes: (loaded) => heard.push(loaded) }, store);
    expect(isFile(bytes, 1)).toBe(true);
    expect([asked, heard[0]]).toEqual([[`bytes=${2 * PART_BYTES}- if "1"`], 2 * PART_BYTES]);
  });

  test('leaves nothing of use where the server got another version meanwhile', async () => {
    const store = new Memory();
    await stopped(store);
    version = 3;
    expect(isFile((await download(url, WEIGHTS, store)).bytes, 3)).toBe(true);
    expect(store.marks?.['etag']).toBe('"3"');
  });

  test('leaves nothing where there is no room, and goes on all the same', async () => {
    const store = Object.assign(new Memory(), { room: false });
    expect(isFile((await download(url, WEIGHTS, store)).bytes, 1)).toBe(true);
    expect(store.parts).toEqual([]);
  });
});
