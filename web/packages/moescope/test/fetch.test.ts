// Downloads against a real local server: progress, cancelling, and everything a server can do wrong.

import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { fetchBytes, fetchJsonText } from '../src/internal/fetch.js';
import { byteProgress } from '../src/worker/progress.js';

const BODY = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));
const ROUTES: Record<string, RequestListener> = {
  '/whole': (_, response) => response.writeHead(200, { 'content-length': BODY.length }).end(BODY),
  '/chunked': (_, response) => response.writeHead(200).end(BODY),
  '/gzip': (_, response) => {
    const body = gzipSync(BODY);
    response.writeHead(200, { 'content-length': body.length, 'content-encoding': 'gzip' }).end(body);
  },
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(0, 1000), () => response.destroy());
  },
  '/slow': (_, response) => {
    response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(0, 1000));
  },
  '/json': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"a": "é"}'),
  '/fallback': (_, response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>'),
  '/untyped-fallback': (_, response) => response.writeHead(200).end('\n<!doctype html>'),
  '/gone': (_, response) => response.writeHead(404).end('no'),
};

let server: Server;
let origin = '';

beforeAll(async () => {
  server = createServer((request, response) => ROUTES[request.url ?? '']?.(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const WEIGHTS = { what: 'The weights', truncatedCode: 'weights_truncated' };

describe('fetchBytes', () => {
  test.each(['/whole', '/chunked', '/gzip'])('gives the bytes of %s', async (path) => {
    expect(Buffer.from(await fetchBytes(origin + path, WEIGHTS)).equals(BODY)).toBe(true);
  });

  test('reports rising byte counts up to the total', async () => {
    const heard: [number, number | undefined][] = [];
    await fetchBytes(`${origin}/whole`, { ...WEIGHTS, onBytes: (loaded, total) => heard.push([loaded, total]) });
    expect(heard.map(([loaded]) => loaded)).toEqual(heard.map(([loaded]) => loaded).sort((a, b) => a - b));
    expect(heard.at(-1)).toEqual([BODY.length, BODY.length]);
    expect(heard.every(([, total]) => total === BODY.length)).toBe(true);
  });

  test('claims no total where the server encodes the body', async () => {
    const totals = new Set<number | undefined>();
    await fetchBytes(`${origin}/gzip`, { ...WEIGHTS, onBytes: (_, total) => totals.add(total) });
    expect(totals).toEqual(new Set([undefined]));
  });

  test('a connection that breaks off is a truncated file', async () => {
    await expect(fetchBytes(`${origin}/cut`, WEIGHTS)).rejects.toMatchObject({
      code: 'weights_truncated',
      url: `${origin}/cut`,
      message: expect.stringContaining('sent 1000 of 200000 bytes'),
    });
  });

  test('a body that ends early without any error is a truncated file too', async () => {
    vi.stubGlobal('fetch', async () => new Response('12345', { headers: { 'content-length': '9' } }));
    await expect(fetchBytes('http://x.test/', WEIGHTS)).rejects.toMatchObject({
      code: 'weights_truncated',
      message: expect.stringContaining('sent 5 of 9 bytes'),
    });
  });

  test('more bytes than announced are all kept', async () => {
    vi.stubGlobal('fetch', async () => new Response('123456789', { headers: { 'content-length': '2' } }));
    expect(new TextDecoder().decode(await fetchBytes('http://x.test/', WEIGHTS))).toBe('123456789');
  });

  test('an abort in the middle rejects with the signal\'s reason', async () => {
    const abort = new AbortController();
    const running = fetchBytes(`${origin}/slow`, { ...WEIGHTS, signal: abort.signal, onBytes: () => abort.abort() });
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('an abort before asks for nothing', async () => {
    const running = fetchBytes(`${origin}/slow`, { ...WEIGHTS, signal: AbortSignal.abort(new Error('never mind')) });
    await expect(running).rejects.toThrow('never mind');
  });

  test('an HTTP error names address and status', async () => {
    await expect(fetchBytes(`${origin}/gone`, WEIGHTS)).rejects.toMatchObject({
      code: 'fetch_failed',
      url: `${origin}/gone`,
      status: 404,
      message: expect.stringContaining('answered 404 Not Found'),
    });
  });

  test('a host that does not answer is a failed fetch without a status', async () => {
    await expect(fetchBytes('http://127.0.0.1:1/', WEIGHTS)).rejects.toMatchObject({ code: 'fetch_failed', status: undefined });
  });
});

describe('fetchJsonText', () => {
  test('gives the text', async () => {
    expect(await fetchJsonText(`${origin}/json`, { what: 'config.json' })).toBe('{"a": "é"}');
  });

  test.each(['/fallback', '/untyped-fallback'])('does not take the web page at %s for JSON', async (path) => {
    await expect(fetchJsonText(origin + path, { what: 'config.json' })).rejects.toMatchObject({
      code: 'fetch_failed',
      status: 200,
      message: expect.stringContaining('a web page (HTML)'),
    });
  });
});

test('byteProgress skips what nobody could read, but never the end', () => {
  const heard: string[] = [];
  const tell = byteProgress('weights', 'Fetching', (progress) => heard.push(progress.message));
  for (let loaded = 1; loaded <= 2000; loaded += 1) {
    tell(loaded * 1000, 2_000_000);
  }
  expect(heard[0]).toBe('Fetching: 0.0 MB of 2.0 MB');
  expect(heard.at(-1)).toBe('Fetching: 2.0 MB of 2.0 MB');
  expect(heard.length).toBeLessThan(200);
});
