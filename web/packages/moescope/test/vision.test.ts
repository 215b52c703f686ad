// A vision model through the public interface: what images may be, what comes back, and what happens on a loss.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buffersOf } from '../src/internal/protocol.js';
import { Moescope } from '../src/public/index.js';
import { FakeVisionEngine } from './support/fake-vision-engine.js';
import { partial } from './support/fake-gpu.js';
import type { FakeWorker } from './support/fake-worker.js';
import { stubWorker } from './support/fake-worker.js';
import { codeIs, nth } from './support/scope.js';

const URL_OF_MODEL = 'http://models.test/trio';
let workers: FakeWorker[];

beforeEach(() => {
  workers = stubWorker();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function image(red: number, [width, height] = [2, 1] as const): ImageData {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  data[0] = red;
  return partial<ImageData>({ data, width, height });
}

describe('a vision model', () => {
  test('tells what it is and routes as trained', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    expect(scope.model.classes.map(({ label }) => label)).toEqual(['a', 'b', 'c']);
    expect(scope.backend).toEqual({ kind: 'cpu', reason: 'test', weights: 'f32' });
    expect(scope.routing).toEqual(scope.model.trained_routing);
  });

  test('classifies pixels as they are and leaves the caller’s array alone', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    const given = image(1);
    const seen = await scope.classify(given, { label: 1 });
    expect(Array.from(seen.probabilities, (p) => p.toFixed(1))).toEqual(['0.1', '0.8', '0.1']);
    expect(seen.loss).toBeCloseTo(-Math.log(0.8));
    expect(seen.layers[0]?.offsets).toHaveLength(17);
    expect(nth(workers).vision.images).toEqual([{ rgba: new Uint8Array([1, 255, 255, 255, 255, 255, 255, 255]), width: 2, height: 1 }]);
    expect(given.data).toHaveLength(8);
    expect((await scope.classify(given)).loss).toBeNull();
  });

  test('takes a view of a larger buffer for what it shows', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    const data = new Uint8ClampedArray(new ArrayBuffer(64), 8, 4);
    data.set([2, 3, 4, 255]);
    await scope.classify(partial<ImageData>({ data, width: 1, height: 1 }));
    expect(nth(workers).vision.images[0]?.rgba).toEqual(new Uint8Array([2, 3, 4, 255]));
  });

  test('is routed for good, or for one image', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    await scope.setRouting({ select: { method: 'top_k', top_k: 1 } });
    const one = await scope.classify(image(0));
    const three = await scope.classify(image(0), { routing: { select: { method: 'top_k', top_k: 3 } } });
    expect([one, three].map((seen) => seen.layers[0]?.experts.length)).toEqual([16, 48]);
    await expect(scope.setRouting({ select: { method: 'top_k', top_k: 5 } })).rejects.toSatisfy(codeIs('top_k_too_large'));
    expect(scope.routing.default.select).toEqual({ method: 'top_k', top_k: 1 });
  });

  test('refuses a label that is no class, with the engine’s reason', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    await expect(scope.classify(image(0), { label: 3 })).rejects.toThrow('0 to 2');
  });

  test('a file that is no image is refused with what may be given', async () => {
    vi.stubGlobal('createImageBitmap', () => Promise.reject(new Error('could not be decoded')));
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    const refused = scope.classify(new Blob(['hello'], { type: 'text/plain' }));
    await expect(refused).rejects.toSatisfy(codeIs('image_unreadable'));
    await expect(refused).rejects.toThrow(/text\/plain.*PNG/);
  });

  test('an empty picture is refused', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    const empty = partial<ImageBitmap>({ width: 0, height: 5 });
    await expect(scope.classify(empty)).rejects.toSatisfy(codeIs('image_invalid'));
  });

  test('a lost engine is rebuilt with the last routing', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    await scope.setRouting({ select: { method: 'top_k', top_k: 1 } });
    nth(workers).failure.raise('unreachable');
    await vi.waitFor(() => expect(nth(workers, 0).terminated).toBe(true));
    expect((await scope.classify(image(0))).layers[0]?.experts).toHaveLength(16);
    expect(workers).toHaveLength(2);
  });

  test('asks a router of the page about all patches, and a rebuilt engine asks it too', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    await scope.setExternalRouter(({ nTokens, tokenIds }) => Array.from({ length: nTokens }, (_, patch) => [{ expert: (tokenIds[patch] ?? 0) % 4, weight: 1 }]));
    await scope.setRouting({ select: { method: 'external' } });
    const byPlace = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3];
    expect(Array.from((await scope.classify(image(0))).layers[0]?.experts ?? [])).toEqual(byPlace);
    nth(workers).failure.raise('unreachable');
    await vi.waitFor(() => expect(nth(workers, 0).terminated).toBe(true));
    expect(Array.from((await scope.classify(image(0))).layers[0]?.experts ?? [])).toEqual(byPlace);
    await scope.setExternalRouter(undefined);
    await expect(scope.classify(image(0))).rejects.toSatisfy(codeIs('no_external_router'));
  });

  test('is cancelled with the signal’s reason, and freed for good', async () => {
    const scope = await Moescope.loadVision(URL_OF_MODEL);
    await expect(scope.classify(image(0), { signal: AbortSignal.abort('no more') })).rejects.toBe('no more');
    scope.free();
    await expect(scope.classify(image(0))).rejects.toThrow('Load it again with Moescope.loadVision.');
  });

  test('every bulk array of a classification moves', async () => {
    const seen = await new FakeVisionEngine().classify(new Uint8Array(4), 1, 1);
    const buffers = buffersOf({ name: 'classify', value: seen });
    expect(new Set(buffers).size).toBe(9);
    structuredClone(seen, { transfer: buffers });
    expect([seen.pixels.byteLength, seen.probabilities.byteLength]).toEqual([0, 0]);
  });
});
