// The tables of engines side by side, and the prompts that both tokenizers must cut alike.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { summary } from '../figures.mjs';
import { PROSE } from './page/texts.mjs';
import { takeTurns } from './page/rounds.mjs';
import { cell, peersTable, replaceBetween, share, speedsTable } from './table.mjs';

function engine(id, device, decode, more = {}) {
  return {
    id, device, name: id.startsWith('w') ? 'wllama' : 'Moescope', weights: 'f32', detail: '',
    decode: summary(decode), firstMs: summary([10, 30, 20]), prompt: { 128: summary([400]), 511: summary([500, 600]) },
    loadMs: summary([100, 300]), coldFirstMs: summary([50, 10]), ids: [1, 2], text: 'ab', wire: { code: 1e6, weights: 2.5e6, all: 3.5e6 }, peakBytes: summary([2e8]), ...more,
  };
}

const BENCH = {
  date: '2026-01-02T03:04:05Z', model: 'models/x', runs: 3, tokens: 48, versions: { a: '1.0.0' }, prompts: { 16: '', 128: '', 511: '' },
  machine: { browser: 'Chromium 1', cpu: 'a CPU', cores: 2, adapter: 'none' },
  greedy: { 'llama.cpp': { tales: { agreed: 32, of: 32 }, math: { agreed: 3, of: 32, margin: 0.00271 } } },
  engines: [
    engine('own', 'CPU', [100, 200, 110]), engine('w', 'CPU', [55, 55, 80]), engine('w-gpu', 'WebGPU', [1]),
    { id: 'w-no', name: 'wllama', device: 'WebGPU', weights: 'f32', detail: 'fast', reason: 'no adapter' },
  ],
};

test('a cell holds median, range and share of ours', () => {
  assert.equal(cell({ ...summary([3, 1, 2]), digits: 1 }, summary([4])), '2.0 (1.0 to 3.0), 0.50x');
  assert.equal(cell({ ...summary([3]), digits: 0 }, undefined), '3 (once)');
  assert.equal(cell(undefined, summary([4])), 'not measured');
});

test('shares have two digits that count', () => {
  assert.deepEqual([0.0342, 0.818, 1.26, 25.4].map(share), ['0.034x', '0.82x', '1.3x', '25x']);
});

test('every engine is compared with ours on its device, and with none where ours was not measured there', () => {
  const lines = peersTable(BENCH);
  const rows = lines.filter((line) => line.startsWith('| wllama, CPU'));
  assert.match(rows[0], /\| 55\.0 \(55\.0 to 80\.0\), 0\.50x \| 400 \(once\), 1\.0x \| 550 \(500 to 600\), 1\.0x \|/);
  assert.match(rows[1], /\| 200 \(100 to 300\), 1\.0x \| 230 \(150 to 310\), 1\.0x \| 3\.5 \(1\.0, 2\.5\), 1\.0x \|/);
  const alone = lines.find((line) => line.startsWith('| wllama, WebGPU'));
  assert.match(alone, /\| 1\.0 \(once\) \|/);
});

test('the short table is the beginning of the long one, and says nothing of loading', () => {
  const short = speedsTable(BENCH);
  assert.deepEqual(peersTable(BENCH).slice(0, short.length), short);
  assert.ok(!short.join('\n').includes('load, ms'));
});

test('an engine that costs the same as another is in the table of speeds only', () => {
  const engines = [engine('own', 'CPU', [1]), engine('own-b', 'CPU', [2], { detail: 'bare', costsAs: 'own', loadMs: undefined })];
  assert.equal(peersTable({ ...BENCH, engines }).filter((line) => line.startsWith('| Moescope, CPU, f32, bare')).length, 1);
});

test('what did not run is named with its reason, and tokens that part with their margin', () => {
  const text = peersTable(BENCH).join('\n');
  assert.match(text, /- Not measured: wllama, WebGPU, f32, fast: no adapter\./);
  assert.match(text, /1 of 2 beginnings agree to the end; they part in math after 3, where our best two tokens are 0\.0027 apart/);
});

test('an engine in float32 that wrote something else than ours is named; a longer run or packed weights are not', () => {
  const engines = [
    engine('own', 'CPU', [1]), engine('w', 'CPU', [1], { ids: undefined, text: 'abc' }), engine('w-b', 'CPU', [1], { ids: [1, 3], detail: 'bad' }),
    engine('w-c', 'CPU', [1], { ids: undefined, text: 'x', weights: 'q8_0' }),
  ];
  const strays = peersTable({ ...BENCH, engines }).filter((line) => line.startsWith('- Wrote other'));
  assert.deepEqual(strays, ['- Wrote other tokens than ours while it was timed: wllama, CPU, f32, bad.']);
});

test('a table replaces what stood between its markers, and nothing else', () => {
  const text = 'a\n<!-- peers: written by `npm run bench -- --peers --write` -->\nold\n<!-- end of peers -->\nb\n';
  const once = replaceBetween(text, ['new'], 'software');
  assert.match(once, /^a\n<!--.*-->\n\nnew\n\n<!-- end of peers -->\nb\n$/);
  assert.equal(replaceBetween(once, ['new'], 'software'), once);
  assert.throws(() => replaceBetween('a', ['new'], 'software'), /the text has no <!-- peers/);
});

test('both READMEs have a place for each adapter, and a table of one leaves that of the other', () => {
  for (const file of ['../README.md', '../../../README.md']) {
    const text = fs.readFileSync(new URL(file, import.meta.url), 'utf8');
    const both = replaceBetween(replaceBetween(text, ['by software'], 'software'), ['by a card'], 'hardware');
    assert.ok(both.includes('by software') && both.includes('by a card'), file);
    assert.equal(replaceBetween(both, ['by software'], 'software'), both);
  }
});

test('the timed prose is words, spaces, commas and full stops, which llama.cpp cuts as we do', () => {
  assert.match(PROSE, /^[A-Za-z]+(?:[,.]? [A-Za-z]+)*\.$/);
});

test('an engine that fails in a later turn has its reason, and the others go on', async () => {
  let turns = 0;
  const turn = async (id) => {
    if (id === 'a' && (turns += 1) === 3) throw new Error('device lost');
    return { decode: 1, firstMs: 1, prompt: { 128: 100 }, written: 2 };
  };
  const results = await takeTurns(['a', 'b'], { runs: 3, tokens: 2, say: () => undefined, load: async () => ({ ms: 1 }), turn });
  assert.deepEqual(results.a, { reason: 'device lost' });
  assert.equal(results.b.decode.values.length, 3);
});

test('engines take turns after warming up; a prompt that is slow is read once, and one that does not load has its reason', async () => {
  const order = [];
  const results = await takeTurns(['a', 'b', 'c'], {
    runs: 2, tokens: 8, say: () => undefined,
    load: async (id) => (id === 'c' ? { reason: 'too big' } : { ms: 1 }),
    turn: async (id, tokens, lengths = [128, 511]) => {
      order.push(`${id} ${lengths.join(' ')}`);
      const speeds = { 128: 100, 511: id === 'b' ? 10 : 100 };
      return { decode: order.length, firstMs: 1, prompt: Object.fromEntries(lengths.map((count) => [count, speeds[count]])), written: tokens, text: 'x' };
    },
  });
  assert.deepEqual(order, ['a 128 511', 'b 128 511', 'a 128 511', 'b 128', 'a 128 511', 'b 128']);
  assert.deepEqual(results.c, { reason: 'too big' });
  assert.deepEqual(results.a.decode.values, [3, 5]);
  assert.deepEqual(results.b.prompt[511].values, [10]);
  assert.deepEqual(results.b.prompt[128].values, [100, 100]);
});
