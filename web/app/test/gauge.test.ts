// The gauge on a stand-in scope: what it measures, how often, and what it does after a failure.
import { MoescopeError } from 'moescope';
import { describe, expect, it, vi } from 'vitest';

import { Gauge } from '../src/gauge.js';
import { NO_EDITS, applyEdits } from '../src/routing.js';
import { FakeScope } from './fake-scope.js';

const quiet = (): void => undefined;
const now = (): number => performance.now();

describe('gauge', () => {
  const subject = (scope: FakeScope, topK: number | undefined, text = 'some text') =>
    ({ scope, text, routing: applyEdits(scope.model, { ...NO_EDITS, topK }) });

  it('measures both routings, and once where they are the same', async () => {
    const scope = new FakeScope();
    const gauge = new Gauge(quiet, now);
    gauge.measure(subject(scope, undefined), false);
    await vi.waitFor(() => expect(gauge.data.now).toBeDefined());
    expect([scope.analyses, gauge.data.now, gauge.data.note]).toEqual([1, gauge.data.trained, undefined]);
    gauge.measure(subject(scope, 1), false);
    await vi.waitFor(() => expect(gauge.data.note).toBeUndefined());
    expect(scope.analyses).toBe(2);
    expect(gauge.data.now?.loss).toBeGreaterThan(gauge.data.trained?.loss ?? Infinity);
  });

  it('says at once that another routing is on its way, and takes it back where the engine refuses it', async () => {
    const scope = new FakeScope();
    const gauge = new Gauge(quiet, now);
    gauge.expect();
    expect(gauge.data.note).not.toBe('computing …');
    gauge.measure(subject(scope, undefined), false);
    await vi.waitFor(() => expect(gauge.data.note).toBeUndefined());
    gauge.expect();
    expect(gauge.data.note).toBe('computing …');
    gauge.measure(subject(scope, undefined), false);
    expect([gauge.data.note, scope.analyses]).toEqual([undefined, 1]);
  });

  it('measures only the last of many changes', async () => {
    const scope = new FakeScope();
    const gauge = new Gauge(quiet, now);
    for (const topK of [1, 3, 4, 5]) gauge.measure(subject(scope, topK), false);
    await vi.waitFor(() => expect(gauge.data.note).toBeUndefined());
    expect(scope.analyses).toBe(2);
  });

  it('measures the same text again after a failure', async () => {
    const scope = new FakeScope();
    vi.spyOn(scope, 'analyse').mockRejectedValueOnce(new MoescopeError('internal', 'out of luck'));
    const gauge = new Gauge(quiet, now);
    gauge.measure(subject(scope, undefined), false);
    await vi.waitFor(() => expect(gauge.data.note).toBe('not computed: out of luck'));
    gauge.measure(subject(scope, undefined), false);
    await vi.waitFor(() => expect(gauge.data).toMatchObject({ now: { loss: 2.31 }, note: undefined }));
  });

  it('goes on with the text that came while a measurement failed', async () => {
    const scope = new FakeScope();
    const gauge = new Gauge(quiet, now);
    const analyse = vi.spyOn(scope, 'analyse').mockImplementationOnce(() => {
      gauge.measure(subject(scope, undefined, 'some text, longer'), true);
      return Promise.reject(new MoescopeError('internal', 'out of luck'));
    });
    gauge.measure(subject(scope, undefined), true);
    await vi.waitFor(() => expect(gauge.data).toMatchObject({ now: { loss: 2.31 }, note: undefined }));
    expect(analyse.mock.calls.map(([text]) => text)).toEqual(['some text', 'some text, longer']);
  });

  it.each(['while it is measured', 'while it waits'])('does not space out the last text that came %s', async (when) => {
    vi.useFakeTimers();
    try {
      const scope = new FakeScope({ paceMs: 1000 });
      const gauge = new Gauge(quiet, now);
      const [text, grown, last] = ['some', 'some text', 'some text at its end'].map((words) => subject(scope, undefined, words));
      if (text === undefined || grown === undefined || last === undefined) throw new Error('no subjects');
      gauge.measure(text, true);
      await vi.advanceTimersByTimeAsync(1300);
      gauge.measure(grown, true);
      await vi.advanceTimersByTimeAsync(when === 'while it waits' ? 100 : 5100);
      gauge.measure(last, true);
      gauge.measure(last, false);
      await vi.advanceTimersByTimeAsync(when === 'while it waits' ? 1300 : 2300);
      expect([gauge.data.note, scope.analyses]).toEqual([undefined, when === 'while it waits' ? 2 : 3]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('forgets its numbers when there is nothing to measure', () => {
    const gauge = new Gauge(quiet, now);
    gauge.clear(() => 'needs a text');
    expect(gauge.data).toEqual({ now: undefined, trained: undefined, note: 'needs a text' });
  });
});
