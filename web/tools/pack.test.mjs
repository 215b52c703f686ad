// Packed copies: they hold what they were made from, are made once, and follow their file.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import zlib from 'node:zlib';
import { compress } from './lib/pack.mjs';

let folder;
let kept;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-pack-'));
  kept = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-kept-'));
});
afterEach(() => [folder, kept].forEach((each) => fs.rmSync(each, { recursive: true, force: true })));

const file = (name) => path.join(folder, name);
const pack = () => compress(() => undefined, { folder, kept });
const packed = (name) => ({ br: zlib.brotliDecompressSync(fs.readFileSync(file(`${name}.br`))).toString(), gz: zlib.gunzipSync(fs.readFileSync(file(`${name}.gz`))).toString() });

test('text has two packed copies that hold the same, pictures have none', async () => {
  fs.writeFileSync(file('index.html'), '<p>text'.repeat(100));
  fs.writeFileSync(file('preview.png'), 'pixels');
  assert.match(await pack(), /^1 files/);
  assert.deepEqual(packed('index.html'), { br: '<p>text'.repeat(100), gz: '<p>text'.repeat(100) });
  assert.deepEqual(fs.readdirSync(folder).sort(), ['index.html', 'index.html.br', 'index.html.gz', 'preview.png']);
});

test('a copy follows its file, even to bytes with an older time', async () => {
  fs.writeFileSync(file('a.js'), 'first');
  await pack();
  fs.writeFileSync(file('a.js'), 'second');
  fs.utimesSync(file('a.js'), 1, 1);
  await pack();
  assert.deepEqual(packed('a.js'), { br: 'second', gz: 'second' });
});

test('what is packed is taken again in a new build, and forgotten with its file', async () => {
  fs.writeFileSync(file('a.js'), 'engine');
  await pack();
  for (const name of fs.readdirSync(kept)) fs.writeFileSync(path.join(kept, name), `kept ${path.extname(name)}`);
  fs.rmSync(file('a.js.br'));
  await pack();
  assert.equal(fs.readFileSync(file('a.js.br'), 'utf8'), 'kept .br');
  fs.writeFileSync(file('a.js'), 'another engine');
  await pack();
  assert.deepEqual(packed('a.js'), { br: 'another engine', gz: 'another engine' });
  assert.equal(fs.readdirSync(kept).length, 2);
});
