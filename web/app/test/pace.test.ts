// When the page is drawn, on a clock and with frames that the test moves.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Pace } from '../src/pace.js';

const TOOK_MS = 40;

describe('the pace of drawing', () => {
  let frames: (() => void)[] = [];
  let draws = 0;
  let pace: Pace;

  /** The next frame, whose picture takes its time before anything else runs. */
  const frame = (): void => {
    const due = frames;
    frames = [];
    for (const callback of due) callback();
    vi.setSystemTime(Date.now() + TOOK_MS);
    vi.advanceTimersByTime(0);
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('requestAnimationFrame', (callback: () => void) => frames.push(callback));
    [frames, draws] = [[], 0];
    pace = new Pace(() => (draws += 1), () => Date.now());
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test('is one picture a frame, however often it is asked for', () => {
    pace.gently();
    pace.atOnce();
    pace.gently();
    expect(frames).toHaveLength(1);
    frame();
    expect(draws).toBe(1);
    expect(frames).toHaveLength(0);
  });

  test('rests after a picture for as long as that took', () => {
    pace.gently();
    frame();
    pace.gently();
    pace.gently();
    vi.advanceTimersByTime(TOOK_MS - 1);
    expect(frames).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(frames).toHaveLength(1);
    frame();
    expect(draws).toBe(2);
  });

  test('does not let a visitor wait, and draws what rested along', () => {
    pace.gently();
    frame();
    pace.gently();
    pace.atOnce();
    expect(frames).toHaveLength(1);
    frame();
    vi.advanceTimersByTime(10 * TOOK_MS);
    expect(draws).toBe(2);
    expect(frames).toHaveLength(0);
  });

  test('takes no rest where the last picture was long ago', () => {
    pace.gently();
    frame();
    vi.advanceTimersByTime(TOOK_MS);
    pace.gently();
    expect(frames).toHaveLength(1);
  });
});
