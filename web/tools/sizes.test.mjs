// The size gate: which files belong together, when a limit is broken, and what a wasm file is made of.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { complaints, GROUPS, judgeGroups, measureFiles, table } from './lib/sizes.mjs';
import { crateOf, readable, wasmParts } from './lib/wasm-sizes.mjs';

test('files of a build are grouped, packed copies and models left out', (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-sizes-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const put = (name, content) => {
    fs.mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), content);
  };
  put('index.html', 'a'.repeat(5000));
  put('assets/index-1.js', 'b');
  put('assets/worker-1.js', 'c');
  put('assets/moescope_cpu_bg-1.wasm', 'd'.repeat(100));
  put('assets/moescope_cpu_bg-1.wasm.br', 'packed');
  put('models/first/model.safetensors', 'e');
  const files = measureFiles(folder);
  assert.deepEqual(Object.fromEntries(files.map(({ name, group }) => [name, group])), {
    'index.html': 'page: HTML, styles, first script', 'assets/index-1.js': 'page: HTML, styles, first script',
    'assets/worker-1.js': 'scripts on use', 'assets/moescope_cpu_bg-1.wasm': 'engine for the CPU',
  });
  assert.deepEqual(files.find(({ raw }) => raw === 100).brotli, 'packed'.length);
  assert.ok(files.find(({ raw }) => raw === 5000).brotli < 50, 'without a packed copy the size is computed');
});

test('a limit is broken by the sum of a group, or by one file where each counts', () => {
  const groups = [{ name: 'a', limit: 1, goal: 0.5 }, { name: 'b', limit: 1, each: true }, { name: 'c', limit: 1 }];
  const files = [['a', 600], ['a', 300], ['b', 900], ['b', 900], ['c', 1001]].map(([group, brotli]) => ({ group, brotli, raw: 2 * brotli }));
  const judged = judgeGroups(files, groups);
  assert.deepEqual(judged.map(({ brotli, verdict }) => [brotli, verdict]), [[900, 'goal missed'], [900, 'ok'], [1001, 'too big']]);
  assert.match(complaints(judged).join(), /^c: 1\.0 kB as brotli, allowed are 1 kB/);
});

test('a group without a file is a mistake and not a small one', () => {
  assert.deepEqual(complaints(judgeGroups([], [{ name: 'a', limit: 1 }])), ['a: the build has no such file']);
});

test('no limit lies below its goal', () => {
  for (const { name, limit, goal = 0 } of GROUPS) assert.ok(limit >= goal, name);
});

test('functions belong to the crate they were written in, under both manglings', () => {
  assert.equal(crateOf('_ZN9burn_flex3ops14gather_scatter17scatter_update_2d17h1a52e0a45f810fa9E'), 'burn_flex');
  assert.equal(crateOf('_ZN106_$LT$serde..private..de..content..ContentDeserializer$LT$E$GT$$u20$as$u20$serde_core..de..Deserializer$GT$15deserialize_seq17hec9ac3ed53bb4b06E'), 'serde');
  assert.equal(crateOf('_RINvNtCsgXGp5Oqx2Ny_4core3ptr13drop_in_placeNtNvNtCsebHcaeoSrxy_3std9panicking'), 'core');
  assert.equal(crateOf('__wbindgen_malloc'), '(other)');
  assert.equal(readable('_ZN9burn_flex3ops14gather_scatter17scatter_update_2d17h1a52e0a45f810fa9E'), 'burn_flex::ops::gather_scatter::scatter_update_2d');
});

test('code is summed by crate, with what has no name', () => {
  const text = (string) => [string.length, ...Buffer.from(string)];
  const section = (id, ...content) => [id, content.length, ...content];
  const names = [1, 0, ...text('_ZN1a1f17h0123456789abcdefE')];
  const bytes = Buffer.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section(1, 1, 0x60, 0, 0), ...section(3, 2, 0, 0),
    ...section(10, 2, 2, 0, 0x0b, 3, 0, 1, 0x0b), ...section(0, ...text('name'), 1, names.length, ...names),
  ]);
  assert.ok(WebAssembly.validate(bytes), 'the module of this test is valid');
  const { crates, sections, functions } = wasmParts(bytes);
  assert.deepEqual(crates, [{ name: '(no name)', size: 3 }, { name: 'a', size: 2 }]);
  assert.deepEqual(functions.map(({ name }) => name), ['(no name)', 'a::f']);
  assert.deepEqual(sections.find(({ name }) => name === 'code'), { name: 'code', size: 8 });
});

test('columns of a table stand under each other', () => {
  assert.deepEqual(table(['', 'kB'], [['a', 1.5], ['long', 100]]), ['       kB', 'a     1.5', 'long  100']);
});
