// Addresses of model folders.

import { afterEach, expect, test, vi } from 'vitest';
import { folderName, folderUrl } from '../src/internal/model-url.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

test('a relative folder is resolved against the page and ends in a slash', () => {
  vi.stubGlobal('document', { baseURI: 'https://example.org/moescope/index.html#a' });
  expect(folderUrl('models/first')).toBe('https://example.org/moescope/models/first/');
  expect(folderUrl('/models/first/')).toBe('https://example.org/models/first/');
  expect(folderUrl(new URL('https://other.org/m'))).toBe('https://other.org/m/');
});

test('the name of a model is the last folder of its address', () => {
  expect(folderName('https://example.org/models/first/?v=1')).toBe('first');
  expect(folderName('https://example.org/models/a%20b/')).toBe('a b');
  expect(folderName('https://example.org/')).toBe('');
});
