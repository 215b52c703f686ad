// Both wasm engines against the reference implementation on tiny checkpoints: logits, expert choices, greedy tokens.
// Tolerances are those of the checkpoints' own description: float32 differs from the goldens by a few 1e-5.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { forward, greedy, loadEngine } from './engine-page.mjs';
import { assertQuiet, needFile, openPage, root, withCheckout } from './harness.mjs';
import { generator } from './random.mjs';
import { readSafetensors } from './safetensors.mjs';

const RELATIVE = 1e-3;
const ABSOLUTE_CPU = 5e-4;
const WEIGHT = 5e-4;
/** Rows whose k-th and next score are closer than this may go either way. */
const NEAR_TIE = 1e-4;

needFile('web/packages/moescope/wasm/moescope_gpu_bg.wasm', 'Run `npm run build`.');
const { browser, server } = await withCheckout();

for (const kind of ['cpu', 'webgpu', 'webgpu-burn']) {
  for (const arch of ['olmoe', 'qwen3_moe']) {
    describe(`${arch} on the ${kind} engine`, () => parity(kind, arch));
  }
}

test('a text of 150 tokens, more than attention takes at a time, has the same logits on the CPU and on WebGPU', async () => {
  const random = generator(11);
  const ids = Array.from({ length: 150 }, () => Math.floor(random() * 320));
  const logits = {};
  for (const kind of ['cpu', 'webgpu']) {
    const { page, errors, close } = await openPage(browser, `${server.url}tests/browser/blank.html`);
    // Without experts, so that no near tie of a router can part the two.
    await loadEngine(page, kind, '/tests/checkpoints/qwen3', { hasTokenizer: fs.existsSync(path.join(root, 'tests/checkpoints/qwen3/tokenizer.json')) });
    logits[kind] = (await forward(page, ids)).logits;
    assertQuiet(errors);
    await close();
  }
  assert.equal(logits.webgpu.length, logits.cpu.length);
  const largest = logits.cpu.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const apart = logits.cpu.reduce((max, value, at) => Math.max(max, Math.abs(value - logits.webgpu[at])), 0);
  assert.ok(apart <= RELATIVE * largest, `${apart} apart, the largest logit is ${largest}`);
});

function parity(kind, arch) {
  const folder = path.join(root, 'tests/checkpoints', arch);
  const golden = JSON.parse(fs.readFileSync(path.join(folder, 'golden.json'), 'utf8'));
  const tensors = readSafetensors(path.join(folder, 'golden.safetensors'));
  let opened;
  before(async () => {
    opened = await openPage(browser, `${server.url}tests/browser/blank.html`);
    const hasTokenizer = fs.existsSync(path.join(folder, 'tokenizer.json'));
    await loadEngine(opened.page, kind, `/tests/checkpoints/${arch}`, { hasTokenizer });
  });
  after(() => opened?.close());

  golden.prompts.forEach(({ ids }, prompt) => {
    test(`prompt ${prompt} of ${ids.length} tokens gives the golden logits and expert choices`, async (t) => {
      const got = await forward(opened.page, ids);
      compareLogits(t, kind, got.logits, tensors.get(`p${prompt}.logits`).data);
      for (const layer of golden.moe_layers) {
        compareChoices(t, got.layers.find((each) => each.layer === layer.layer), (name) => tensors.get(`p${prompt}.${layer.key}.${name}`), layer);
      }
      assert.equal(got.layers.length, golden.moe_layers.length);
    });
  });

  test('greedy decoding gives the golden tokens', async () => {
    const { prompt, ids } = golden.greedy;
    assert.deepEqual(await greedy(opened.page, golden.prompts[prompt].ids, ids.length), ids);
  });

  test('the console stays free of errors', () => assertQuiet(opened.errors));
}

function compareLogits(t, kind, got, golden) {
  assert.equal(got.length, golden.length);
  const largest = golden.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const difference = golden.reduce((max, value, i) => Math.max(max, Math.abs(value - got[i])), 0);
  const allowed = kind === 'cpu' ? Math.min(ABSOLUTE_CPU, RELATIVE * largest) : RELATIVE * largest;
  t.diagnostic(`largest logit difference ${difference.toExponential(1)}, allowed ${allowed.toExponential(1)}`);
  assert.ok(difference <= allowed, `logits differ by ${difference}, allowed ${allowed}`);
}

function compareChoices(t, got, golden, { key, top_k: topK }) {
  const margins = golden('margin').data;
  assert.equal(got.tokens.length, margins.length, `${key}: tokens`);
  let nearTies = 0;
  got.tokens.forEach(({ experts, weights }, token) => {
    if (margins[token] < NEAR_TIE) {
      nearTies += 1;
      return;
    }
    const row = (name) => Array.from(golden(name).data.subarray(token * topK, (token + 1) * topK));
    const expected = new Map(row('selected').map((expert, i) => [expert, row('weights')[i]]));
    assert.deepEqual([...experts].sort(byNumber), [...expected.keys()].sort(byNumber), `${key}, token ${token}: experts`);
    experts.forEach((expert, i) => {
      const difference = Math.abs(weights[i] - expected.get(expert));
      assert.ok(difference <= WEIGHT, `${key}, token ${token}, expert ${expert}: weight ${weights[i]}, expected ${expected.get(expert)}`);
    });
  });
  t.diagnostic(`${key}: ${nearTies} of ${margins.length} tokens left out as near-ties`);
  assert.ok(nearTies < margins.length, `${key}: every token is a near-tie, so nothing was compared`);
}

function byNumber(a, b) {
  return a - b;
}
