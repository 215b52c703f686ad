// ONNX files as onnx.proto describes them: what is written reads back field by field.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeOnnx } from './onnx.mjs';

/** Fields of a protocol buffer as `[number, value]`: a bigint, or the bytes of a text, a message or a float. */
function fieldsOf(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++]);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return BigInt.asIntN(64, value);
    }
  };
  const take = (length) => bytes.subarray((at += length) - length, at);
  const fields = [];
  while (at < bytes.length) {
    const tag = Number(varint());
    const read = { 0: varint, 2: () => take(Number(varint())), 5: () => take(4) }[tag & 7];
    fields.push([tag >> 3, read()]);
  }
  return fields;
}

const all = (bytes, number) => fieldsOf(bytes).filter(([field]) => field === number).map(([, value]) => value);
const one = (bytes, ...path) => path.reduce((inner, number) => all(inner, number)[0], bytes);
const text = (bytes) => new TextDecoder().decode(bytes);

const SUM = { type: 'Add', inputs: ['a', 'w'], outputs: ['b'], attributes: { axis: -1, epsilon: { float: 0.5 }, mode: 'x' }, domain: 'd' };
const MODEL = {
  opsets: { '': 21, d: 1 },
  nodes: [SUM],
  weights: [{ name: 'w', element: 'float', shape: [1, 300], data: new Float32Array(300).fill(2) }],
  inputs: [{ name: 'a', element: 'int64', shape: [1, 'T'] }],
  outputs: [{ name: 'b', element: 'float', shape: [] }],
};

test('a model names its operator sets, and its graph its nodes with attributes of three kinds', () => {
  const file = writeOnnx(MODEL);
  assert.equal(one(file, 1), 10n);
  assert.deepEqual(all(file, 8).map((set) => [text(one(set, 1)), one(set, 2)]), [['', 21n], ['d', 1n]]);
  const node = one(file, 7, 1);
  assert.deepEqual([all(node, 1).map(text), all(node, 2).map(text), text(one(node, 4)), text(one(node, 7))], [['a', 'w'], ['b'], 'Add', 'd']);
  const [axis, epsilon, mode] = all(node, 5);
  assert.deepEqual([text(one(axis, 1)), one(axis, 3), one(axis, 20)], ['axis', -1n, 2n]);
  assert.deepEqual([[...one(epsilon, 2)], one(epsilon, 20)], [[0, 0, 0, 0x3f], 1n]);
  assert.deepEqual([text(one(mode, 4)), one(mode, 20)], ['x', 3n]);
});

test('weights carry shape, kind and their bytes, also past lengths of one byte', () => {
  const weight = one(writeOnnx(MODEL), 7, 5);
  assert.deepEqual([all(weight, 1), one(weight, 2), text(one(weight, 8))], [[1n, 300n], 1n, 'w']);
  assert.deepEqual(new Float32Array(one(weight, 9).slice().buffer), new Float32Array(300).fill(2));
});

test('inputs and outputs have sizes that are numbers or names', () => {
  const graph = one(writeOnnx(MODEL), 7);
  const tensor = one(graph, 11, 2, 1);
  assert.equal(one(tensor, 1), 7n);
  const [first, second] = all(one(tensor, 2), 1);
  assert.deepEqual([one(first, 1), text(one(second, 2))], [1n, 'T']);
  assert.deepEqual([text(one(graph, 12, 1)), all(one(graph, 12, 2, 1, 2), 1)], ['b', []]);
});

test('weights that do not fit and attributes of other kinds are refused', () => {
  const weights = (more) => [{ ...MODEL.weights[0], ...more }];
  assert.throws(() => writeOnnx({ ...MODEL, weights: weights({ shape: [2] }) }), /w has 300 values; its shape 2 holds 2/);
  assert.throws(() => writeOnnx({ ...MODEL, weights: weights({ element: 'int64' }) }), /w is no array of int64/);
  assert.throws(() => writeOnnx({ ...MODEL, nodes: [{ ...SUM, attributes: { scale: 0.5 } }] }), /attribute scale is 0.5; allowed/);
});
