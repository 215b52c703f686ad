// A part of the page that is fetched on use: once, again after it failed, and what stands in its place meanwhile.
import { findAll, h, textOf } from 'moescope/views';
import type { ViewElement } from 'moescope/views';
import { expect, it, vi } from 'vitest';

import { Later } from '../src/later.js';
import { messages } from '../src/messages.js';
import { once } from '../src/page/later.js';

const drawn = (later: Later<string>): ViewElement => h('div', {}, once(later, (part) => [h('p', {}, part)]));

it('is fetched once, however often it is asked for, and then shown', async () => {
  const fetch = vi.fn(() => Promise.resolve('here'));
  const changed = vi.fn();
  const later = new Later(fetch, changed);
  expect(textOf(drawn(later))).toBe(messages.part.coming);
  await Promise.all([later.ask(), later.ask()]);
  await later.ask();
  expect([fetch.mock.calls.length, changed.mock.calls.length, textOf(drawn(later))]).toEqual([1, 1, 'here']);
});

it('that could not be fetched says why, and comes when it is tried again', async () => {
  const fetch = vi.fn(() => Promise.resolve('here')).mockRejectedValueOnce(new TypeError('the network is away'));
  const later = new Later(fetch, () => undefined);
  await later.ask();
  expect(textOf(drawn(later))).toContain(messages.part.failed('the network is away'));
  findAll(drawn(later), ({ tag }) => tag === 'button')[0]?.props.on?.['click']?.(new Event('click'));
  await vi.waitFor(() => expect(textOf(drawn(later))).toBe('here'));
});
