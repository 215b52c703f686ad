// The title of the page: what differs from other tabs of a browser stands first.
import { expect, it } from 'vitest';

import { NO_EDITS } from '../src/routing.js';
import { DEFAULTS } from '../src/state.js';
import { titleOf } from '../src/title.js';

it('says routing, model and place', () => {
  expect(titleOf({ ...DEFAULTS, model: 'models/first' })).toBe('as trained · first · Language · Moescope');
  const routing = { ...NO_EDITS, topK: 1, banned: [3] };
  expect(titleOf({ ...DEFAULTS, model: 'https://host.example/models/nine', routing, tab: 'lessons' })).toBe('top-1, −3 · nine · Lessons · Moescope');
});

it('cuts a long change short', () => {
  const banned = Array.from({ length: 100 }, (_, expert) => expert);
  const title = titleOf({ ...DEFAULTS, model: 'models/first', routing: { ...NO_EDITS, banned } });
  expect(title).toMatch(/^−0, −1, .*… · first · Language · Moescope$/);
  expect(title.length).toBeLessThan(100);
});
