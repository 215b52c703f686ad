import { expect, it } from 'vitest';

import { kept } from './kept.js';

it('a part is made again when one of its inputs is another object, or there are more of them', () => {
  const part = kept<object>();
  const list: number[] = [];
  const first = part([list, 1], () => ({}));
  expect(part([list, 1], () => ({}))).toBe(first);
  const second = part([[], 1], () => ({}));
  expect(second).not.toBe(first);
  expect(part([list, 1, undefined], () => ({}))).not.toBe(second);
});
