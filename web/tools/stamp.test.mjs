// Stamps decide whether a build step may be skipped: what must change a hash, and what must not.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { hashInputs, listFiles, Stamp } from './lib/stamp.mjs';
import { crateClosure } from './lib/wasm.mjs';

let folder;
beforeEach(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-stamp-')); });
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function write(name, text) {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return file;
}

const hash = (values = {}) => hashInputs({ files: listFiles(folder), values, base: folder });

test('the hash follows contents, names and values', () => {
  write('a.rs', 'one');
  const before = hash({ flag: 1 });
  assert.notEqual(hash({ flag: 2 }), before);
  write('a.rs', 'two');
  assert.notEqual(hash({ flag: 1 }), before);
  write('a.rs', 'one');
  assert.equal(hash({ flag: 1 }), before);
  fs.renameSync(path.join(folder, 'a.rs'), path.join(folder, 'b.rs'));
  assert.notEqual(hash({ flag: 1 }), before);
});

test('the hash does not follow file times or the order of files', () => {
  const files = [write('a.rs', 'one'), write('b.rs', 'two')];
  const before = hashInputs({ files, base: folder });
  fs.utimesSync(files[0], 1, 1);
  assert.equal(hashInputs({ files: files.reverse(), base: folder }), before);
});

test('moving text from one file to the next changes the hash', () => {
  write('a', 'xy');
  write('b', '');
  const before = hash();
  write('a', 'x');
  write('b', 'y');
  assert.notEqual(hash(), before);
});

test('dependencies and ignored folders are not listed', () => {
  const kept = write('src/lib.rs', '');
  write('node_modules/x/index.js', '');
  write('tests/behaviour.rs', '');
  assert.deepEqual(listFiles(folder, (file) => path.basename(file) === 'tests'), [kept]);
  assert.deepEqual(listFiles(path.join(folder, 'missing')), []);
});

test('a stamp is fresh only with the same key and all outputs in place', () => {
  const stamp = new Stamp('step', path.join(folder, 'stamps'));
  const output = write('out.wasm', '');
  assert.equal(stamp.isFresh('k', [output]), false);
  stamp.write('k');
  assert.equal(stamp.isFresh('k', [output]), true);
  assert.equal(stamp.isFresh('other', [output]), false);
  assert.equal(stamp.isFresh('k', [output, path.join(folder, 'missing')]), false);
  stamp.clear();
  assert.equal(stamp.isFresh('k', [output]), false);
});

test('the crates behind a crate are found through workspace and path dependencies', () => {
  write('Cargo.toml', '[workspace.dependencies]\nx-routing = { path = "crate/routing" }\nx-model = { path = "crate/model", features = ["a"] }\nserde = "1"\n');
  write('crate/wasm/Cargo.toml', '[dependencies]\nx-model.workspace = true\nserde.workspace = true\n');
  write('crate/model/Cargo.toml', '[dependencies]\nx-routing = { workspace = true, features = ["ts"] }\nkernels = { path = "../../shaders" }\n');
  write('crate/routing/Cargo.toml', '[dependencies]\nserde.workspace = true\n');
  write('crate/train/Cargo.toml', '');
  write('shaders/Cargo.toml', '');
  assert.deepEqual(crateClosure('crate/wasm', folder), ['crate/model', 'crate/routing', 'crate/wasm', 'shaders']);
});

test('the engine for the browser is made from routing and model', () => {
  const crates = crateClosure('crate/wasm');
  for (const crate of ['crate/wasm', 'crate/model', 'crate/routing']) assert.ok(crates.includes(crate), `${crate} is missing in ${crates}`);
});
