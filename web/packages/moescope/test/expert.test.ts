// Questions to experts: what is asked reaches the engine as token ids, the answer comes back, and a cancel is heard.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Moescope } from '../src/public/index.js';
import type { FakeWorker } from './support/fake-worker.js';
import { stubWorker } from './support/fake-worker.js';
import { codeIs, nth, URL_OF_MODEL } from './support/scope.js';

let workers: FakeWorker[];
const worker = (): FakeWorker => nth(workers);
const QUESTION = { layer: 0, expert: 2, position: 1 };

beforeEach(() => {
  workers = stubWorker();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

test('a text is asked about by its tokens, and the answer comes back whole', async () => {
  const scope = await Moescope.load(URL_OF_MODEL);
  const answer = await scope.askExpert('ab', QUESTION);
  expect(worker().engine.asked).toEqual({ ids: [97, 98], question: QUESTION, routing: undefined });
  expect(answer).toMatchObject({ token: { id: 98 }, weight: null, cosine: 0.5, units: [{ unit: 3, activation: -1 }] });
});

test('token ids go as they are, and a routing with them', async () => {
  const scope = await Moescope.load(URL_OF_MODEL);
  await scope.askExpert([5, 6, 7], QUESTION, { routing: { select: { method: 'top_k', top_k: 1 } } });
  expect(worker().engine.asked).toEqual({ ids: [5, 6, 7], question: QUESTION, routing: { default: { select: { method: 'top_k', top_k: 1 } } } });
});

test('what the engine refuses is told by its code', async () => {
  const scope = await Moescope.load(URL_OF_MODEL);
  worker().engine.during = () => Promise.reject(Object.assign(new Error('a recorded plan does not tell'), { code: 'plan_cannot_tell' }));
  await expect(scope.askExpert('ab', QUESTION)).rejects.toSatisfy(codeIs('plan_cannot_tell'));
});

test('a question that is no longer wanted is dropped, and a generation goes on', async () => {
  const scope = await Moescope.load(URL_OF_MODEL);
  const steps = scope.generate('a', { maxTokens: 2 });
  await steps.next();
  const abort = new AbortController();
  const asked = scope.askExpert('ab', QUESTION, { signal: abort.signal });
  abort.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  expect(await steps.next()).toMatchObject({ value: { kind: 'token' } });
});
