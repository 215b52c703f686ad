// The graph for onnxruntime-web: every weight is in it, matrices as their operators want them.
// That the network computes the same is asked of onnxruntime itself, each time the bench runs (page/greedy.mjs).

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { readSafetensors } from '../../browser/safetensors.mjs';
import { root } from '../../browser/harness.mjs';
import { graphOf, interleaved, transposed } from './onnx-model.mjs';

const FOLDER = path.join(root, 'models/first');

test('all weights of the checkpoint are in the graph, and every name that a node reads is made before', () => {
  const { nodes, weights, inputs, outputs } = graphOf(FOLDER);
  const source = readSafetensors(path.join(FOLDER, 'model.safetensors'));
  const count = (sum, { data }) => sum + data.length;
  const tables = weights.filter(({ name, element }) => element === 'int64' || name === 'cos' || name === 'sin');
  assert.equal(weights.reduce(count, 0) - tables.reduce(count, 0), [...source.values()].reduce(count, 0));
  const made = new Set(['', ...inputs.map(({ name }) => name), ...weights.map(({ name }) => name)]);
  for (const node of nodes) {
    for (const name of node.inputs) assert.ok(made.has(name), `${node.type} reads ${name}, which nothing made`);
    for (const name of node.outputs) made.add(name);
  }
  for (const { name } of outputs) assert.ok(made.has(name), `${name} is an output that nothing made`);
});

test('a matrix is turned, and rows of gate and other projection alternate within each expert', () => {
  assert.deepEqual([...transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)], [1, 4, 2, 5, 3, 6]);
  const gates = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8)];
  const ups = gates.map((gate) => gate.map((value) => -value));
  assert.deepEqual([...interleaved(gates, ups, 2)], [1, 2, -1, -2, 3, 4, -3, -4, 5, 6, -5, -6, 7, 8, -7, -8]);
});
