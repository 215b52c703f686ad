// The constructor trap: a module whose exports are wrapped runs all static constructors on every call,
// which makes each operation thirty to fifty times slower. No wasm file may have such exports.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { needFile } from './harness.mjs';
import { constructorTraps, inspectWasm } from '../../web/tools/lib/wasm-binary.mjs';

for (const [kind, least] of [['cpu', 11], ['gpu', 11], ['analyses', 2]]) {
  test(`the ${kind} module does not run its constructors on every call`, () => {
    const file = needFile(`web/packages/moescope/wasm/moescope_${kind}_bg.wasm`, 'Run `npm run build`.');
    const bytes = fs.readFileSync(file);
    assert.deepEqual(constructorTraps(bytes), []);
    assert.ok(inspectWasm(bytes).exports.length >= least, 'the module exports what it is for');
  });
}

/** A module of functions without parameters; function 0 stands for the constructors. */
function moduleOf(exportedBodies, names = []) {
  const bodies = [[0x0b], ...exportedBodies];
  const text = (string) => [string.length, ...Buffer.from(string)];
  const vector = (items) => [items.length, ...items.flat()];
  const section = (id, content) => [id, content.length, ...content];
  const nameMap = vector(names.map((name, i) => [i, ...text(name)]));
  const bytes = Buffer.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector([[0x60, 0, 0]])),
    ...section(3, vector(bodies.map(() => [0]))),
    ...section(7, vector(exportedBodies.map((_, i) => [...text(`e${i}`), 0, i + 1]))),
    ...section(10, vector(bodies.map((body) => [body.length + 1, 0, ...body]))),
    ...(names.length > 0 ? section(0, [...text('name'), 1, nameMap.length, ...nameMap]) : []),
  ]);
  assert.ok(WebAssembly.validate(bytes), 'the module of this test is valid');
  return bytes;
}

const CALLS_CONSTRUCTORS = [0x10, 0, 0x0b];
const PLAIN = [0x01, 0x0b];

test('wrapped exports are recognised by what they call, without any names', () => {
  const traps = constructorTraps(moduleOf([CALLS_CONSTRUCTORS, CALLS_CONSTRUCTORS, CALLS_CONSTRUCTORS, PLAIN]));
  assert.deepEqual(traps, ['3 of 4 exports begin by calling function 0']);
});

test('wrapped exports are recognised by name', () => {
  const traps = constructorTraps(moduleOf([PLAIN, PLAIN], ['ctors', 'e0.command_export', 'e1']));
  assert.deepEqual(traps, ['e0.command_export is a wrapped export']);
});

test('one start function that calls the constructors is how it should be', () => {
  assert.deepEqual(constructorTraps(moduleOf([CALLS_CONSTRUCTORS, PLAIN, PLAIN], ['ctors', 'start', 'e1', 'e2'])), []);
});
