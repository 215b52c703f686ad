// GGUF files as ggml's docs/gguf.md describes them: header, keys, alignment, float16 and 8-bit blocks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { halfBits, TENSOR_TYPES, writeGguf } from './gguf.mjs';
import { readGguf } from './read-gguf.mjs';

const tensor = (name, shape, type, data) => ({ name, shape, type, data: Float32Array.from(data) });

test('a file tells magic, version, keys of every type and tensors with the innermost size first', () => {
  const metadata = [
    ['general.architecture', 'string', 'qwen3moe'], ['a.count', 'uint32', 7], ['a.number', 'float32', 0.5], ['a.flag', 'bool', true],
    ['a.texts', 'array', ['string', ['Ġ', 'b']]], ['a.types', 'array', ['int32', [-1, 3]]],
  ];
  const file = writeGguf({ metadata, tensors: [tensor('m.weight', [2, 3], 'f32', [1, 2, 3, 4, 5, 6])] });
  const { magic, version, keys, tensors, start } = readGguf(file);
  assert.equal(new TextDecoder().decode(file.subarray(0, 4)), 'GGUF');
  assert.deepEqual([magic, version], [0x46554747, 3]);
  assert.deepEqual(keys, { 'general.architecture': 'qwen3moe', 'a.count': 7, 'a.number': 0.5, 'a.flag': true, 'a.texts': ['Ġ', 'b'], 'a.types': [-1, 3] });
  assert.deepEqual(tensors, [{ name: 'm.weight', sizes: [3, 2], type: 0, offset: 0 }]);
  assert.deepEqual([...new Float32Array(file.buffer, start, 6)], [1, 2, 3, 4, 5, 6]);
});

test('data begins at a multiple of 32 bytes, and so does every tensor in it', () => {
  const metadata = [['general.name', 'string', 'x'.repeat(5)]];
  const file = writeGguf({ metadata, tensors: [tensor('a', [3], 'f32', [1, 2, 3]), tensor('b', [1, 1], 'f16', [2]), tensor('c', [1], 'f32', [9])] });
  const { tensors, start } = readGguf(file);
  assert.deepEqual(tensors.map(({ offset }) => offset), [0, 32, 64]);
  assert.equal(file.length, start + 96);
  assert.equal(new Float32Array(file.buffer, start + 64, 1)[0], 9);
});

test('float16 takes the nearest value, ties to even, also below the normal range', () => {
  const cases = [
    [0, 0x0000], [-0, 0x8000], [1, 0x3c00], [-2, 0xc000], [65504, 0x7bff], [2 ** -14, 0x0400], [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], [3 * 2 ** -25, 0x0002], [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [1 + 1.01 * 2 ** -11, 0x3c01],
    [2 - 2 ** -11, 0x4000], [0.333251953125, 0x3555],
  ];
  for (const [value, bits] of cases) assert.equal(halfBits(value).toString(16), bits.toString(16), `of ${value}`);
  for (const value of [65505, -Infinity, NaN]) assert.throws(() => halfBits(value), /does not fit float16; allowed: up to 65504/);
});

test('a block of 8-bit weights gives its largest 127 and rounds halves away from zero', () => {
  const weights = [127, -127, 0.5, -0.5, 1.5, 0.49, ...Array.from({ length: 26 }, (_, n) => n)];
  const bytes = TENSOR_TYPES.q8_0.bytes(Float32Array.from(weights));
  const view = new DataView(bytes.buffer);
  assert.equal(bytes.length, 34);
  assert.equal(view.getUint16(0, true), 0x3c00); // A scale of 1.
  assert.deepEqual(Array.from({ length: 8 }, (_, n) => view.getInt8(2 + n)), [127, -127, 1, -1, 2, 0, 0, 1]);
});

test('8-bit weights come back within half a step, each block by its own scale; a block of zeros stays zero', () => {
  let state = 1;
  const random = () => ((state = (state * 48271) % 2147483647) / 2147483647) - 0.5;
  const weights = Float32Array.from({ length: 96 }, (_, n) => (n < 32 ? random() : n < 64 ? random() * 1e-3 : 0));
  const view = new DataView(TENSOR_TYPES.q8_0.bytes(weights).buffer);
  for (let block = 0; block < 3; block += 1) {
    const own = weights.subarray(block * 32, block * 32 + 32);
    const step = own.reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0) / 127;
    assert.equal(view.getUint16(block * 34, true), halfBits(Math.fround(step)));
    for (const [n, weight] of own.entries()) {
      assert.ok(Math.abs(view.getInt8(block * 34 + 2 + n) * step - weight) <= step * 0.501, `weight ${n} of block ${block}`);
    }
  }
});

test('what cannot be written is refused with what, got and allowed', () => {
  const write = (...one) => writeGguf({ metadata: [], tensors: [tensor(...one)] });
  assert.throws(() => write('a', [2], 'q4_0', [1, 2]), /a is to be q4_0; allowed: f32, f16, q8_0/);
  assert.throws(() => write('a', [3], 'f32', [1, 2]), /a has 2 values; its shape 3 holds 3/);
  assert.throws(() => write('a', [2, 16], 'q8_0', Array(32).fill(1)), /a has rows of 16; allowed in q8_0: multiples of 32/);
  assert.throws(() => writeGguf({ metadata: [['k', 'float64', 1]], tensors: [] }), /type float64; allowed: uint32/);
});
