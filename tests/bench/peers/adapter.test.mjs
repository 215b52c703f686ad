// Which adapter a measurement got: a software one must not pass for a graphics card.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adapterName, checkAdapter } from './adapter.mjs';

const CARD = { vendor: 'nvidia', architecture: 'hopper', description: '', isFallbackAdapter: false };
const SOFTWARE = [
  { vendor: 'google', architecture: 'swiftshader', description: '', isFallbackAdapter: true },
  { vendor: 'google', architecture: 'swiftshader', description: 'a name', isFallbackAdapter: false },
  { vendor: 'mesa', architecture: '', description: 'llvmpipe (LLVM 15.0.6, 256 bits)', isFallbackAdapter: false },
  { ...CARD, isFallbackAdapter: true },
  undefined,
];

test('an adapter is called by its description, or by vendor and architecture', () => {
  assert.equal(adapterName({ ...CARD, description: 'NVIDIA H100' }), 'NVIDIA H100');
  assert.equal(adapterName(CARD), 'nvidia hopper');
  assert.equal(adapterName(undefined), 'none');
});

test('a graphics card passes where hardware was asked for, and software and nothing fail by name', () => {
  checkAdapter('hardware', CARD);
  for (const info of SOFTWARE) assert.throws(() => checkAdapter('hardware', info), { message: new RegExp(`hardware was asked for, and .* is ${adapterName(info).replace(/[()]/g, '.')};`) });
});

test('where software was asked for, any adapter will do', () => {
  for (const info of [CARD, ...SOFTWARE]) checkAdapter('software', info);
});
