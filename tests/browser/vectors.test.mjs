// The vectors of the second implementation (tests/oracle) through both wasm files, as the Rust tests run them:
// choices and verdicts must be equal, weights within 1e-5 or what the case says. No model and no adapter is needed.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WASM } from './engine-page.mjs';
import { assertQuiet, needFile, openPage, root, withCheckout } from './harness.mjs';

const FOLDER = 'tests/vectors/routing';
const TOLERANCE = 1e-5;
const files = fs.readdirSync(path.join(root, FOLDER)).filter((name) => name.endsWith('.json')).sort();
const read = (name) => JSON.parse(fs.readFileSync(path.join(root, FOLDER, name), 'utf8'));

needFile('web/packages/moescope/wasm/moescope_gpu_bg.wasm', 'Run `npm run build`.');
const { PRESETS, VERDICTS } = await import(needFile('web/packages/moescope/dist/generated/routing.js', 'Run `npm run build`.'));

const { browser, server } = await withCheckout();

test('there are as many vectors as the other tests run', () => {
  const count = files.reduce((sum, name) => sum + read(name).length, 0);
  assert.ok(count > 800, `only ${count} cases were found in ${FOLDER}`);
});

for (const kind of ['cpu', 'webgpu-burn']) {
  describe(`routing by the ${kind} file`, () => vectors(kind));
}

function vectors(kind) {
  let opened;
  before(async () => {
    opened = await openPage(browser, `${server.url}tests/browser/blank.html`);
    await opened.page.evaluate(prepare, WASM[kind]);
  });
  after(() => opened?.close());

  for (const name of files) {
    test(`every case of ${name} agrees`, async () => {
      const cases = read(name);
      const outcomes = await opened.page.evaluate((cases) => cases.map(window.decide), cases);
      const wrong = cases.flatMap((each, i) => compare(each, outcomes[i]));
      assert.deepEqual(wrong, []);
      assert.equal(outcomes.length, cases.length);
    });
  }

  test('a preset by name and its spec as an object decide alike', async () => {
    const results = await opened.page.evaluate(({ presets, ids }) => presets.map(({ name, spec }) => {
      const input = {
        logits: Float32Array.from({ length: ids.length * 64 }, (_, i) => Math.sin(i * i)), n_tokens: ids.length, n_experts: 64, layer: 1,
        token_ids: Uint32Array.from(ids), context: { null_logits: Float32Array.from({ length: ids.length * 16 }, (_, i) => Math.cos(i)) },
      };
      const lists = (result) => Object.fromEntries(Object.entries(result).map(([key, array]) => [key, Array.from(array)]));
      return { name, byName: lists(window.route(name, input)), byObject: lists(window.route(spec, input)) };
    }), { presets: PRESETS, ids: [4, 8, 15, 16, 23] });
    assert.equal(results.length, PRESETS.length);
    for (const { name, byName, byObject } of results) {
      assert.ok(byName.experts.length > 0, `${name} chooses no expert`);
      assert.deepEqual(byObject, byName, name);
    }
  });

  test('results are typed arrays of the lengths that tokens and experts give', async () => {
    const shapes = await opened.page.evaluate(() => {
      const result = window.route('adamoe,top_k=2', { logits: new Float32Array(12), n_tokens: 3, n_experts: 4 });
      return Object.entries(result).map(([key, array]) => [key, array.constructor.name, array.length]);
    });
    const entries = shapes.find(([key]) => key === 'experts')[2];
    assert.deepEqual(shapes, [
      ['offsets', 'Uint32Array', 4], ['experts', 'Uint16Array', entries], ['weights', 'Float32Array', entries],
      ['scores', 'Float32Array', 12], ['selection_scores', 'Float32Array', 12], ['verdicts', 'Uint8Array', 12],
      ['null_picks', 'Uint16Array', 3], ['shared_weights', 'Float32Array', 3],
    ]);
  });

  test('what cannot be routed throws an error with a code that says what, got and allowed', async () => {
    const caught = await opened.page.evaluate(() => {
      const good = { logits: Float32Array.of(1, 2, 3, 4), n_tokens: 1, n_experts: 4 };
      const attempts = [
        ['mixtrall', good], ['top_k=5', good], ['top_k=x', good], ['hash', good], [{ select: { method: 'top_k', topk: 2 } }, good],
        ['mixtral', { ...good, n_tokens: 2 }], ['mixtral', { ...good, logits: Float32Array.of(1, NaN, 3, 4) }],
        ['mixtral', { ...good, logits: [1, 2, 3, 4] }], ['mixtral', { ...good, n_tokens: 0.5 }], ['mixtral', { ...good, tokens: 1 }],
        ['mixtral', { ...good, context: { positions: 1 } }], ['mixtral', { n_tokens: 1, n_experts: 4 }], ['mixtral', 7],
      ];
      return attempts.map(([spec, input]) => {
        try {
          return { message: JSON.stringify(window.route(spec, input)) };
        } catch (error) {
          return { isError: error instanceof Error, code: error.code, message: error.message };
        }
      });
    });
    const expected = [
      ['unknown_preset', /"mixtrall".*mixtral/], ['top_k_too_large', /top_k is 5.*1 to.*4/], ['field_invalid', /top_k is "x".*whole number/],
      ['need_missing', /token ids/], ['routing_invalid', /topk/],
      ['logits_shape', /4 logits for 2 tokens and 4 experts/], ['logit_nan', /token 0 for expert 1/],
      ['input_invalid', /input\.logits is of type object; it must be a Float32Array/], ['input_invalid', /input\.n_tokens is 0\.5; it must be a whole number/],
      ['input_invalid', /input has the key tokens; its keys are logits/], ['input_invalid', /input\.context has the key positions/],
      ['input_invalid', /input\.logits is missing/], ['input_invalid', /input is 7; it must be an object/],
    ];
    assert.equal(caught.length, expected.length);
    caught.forEach(({ isError, code, message }, i) => {
      assert.ok(isError, `attempt ${i} gave ${message}`);
      assert.equal(code, expected[i][0], message);
      assert.match(message, expected[i][1]);
    });
  });

  test('the console stays free of errors', () => assertQuiet(opened.errors));
}

/** What is wrong with an outcome: nothing, or one line. */
function compare({ name, expected, tolerance = TOLERANCE }, outcome) {
  if (outcome.error !== undefined) return [`${name}: ${outcome.error}`];
  const actual = { experts: outcome.experts, weights: outcome.weights };
  if (expected.verdicts) actual.verdicts = outcome.verdicts.map((row) => row.map((code) => VERDICTS[code]));
  if (expected.shared) actual.shared = outcome.shared;
  const same = Object.keys(expected).every((key) => agree(expected[key], actual[key], tolerance));
  return same ? [] : [`${name}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`];
}

function agree(expected, actual, tolerance) {
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && expected.length === actual.length && expected.every((each, i) => agree(each, actual[i], tolerance));
  }
  if (typeof expected === 'number' && typeof actual === 'number') return Math.abs(expected - actual) <= tolerance * Math.max(1, Math.abs(expected));
  return expected === actual;
}

/** Runs in the page: `window.route` of the wasm file, and `window.decide`, which takes a vector. */
async function prepare(wasm) {
  const { default: init, route } = await import(wasm);
  await init();
  const real = (value) => (typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : value);
  const floats = (rows) => rows && Float32Array.from(rows.flat(), real);
  const linkValue = (value) => (value === null ? 'none' : Array.isArray(value) ? value.map(linkValue).join('+') : String(value));
  const linkOf = ({ preset, fields }) => [
    ...(preset === undefined ? [] : [preset]), ...Object.entries(fields).map(([name, value]) => `${name}=${linkValue(value)}`),
  ].join(',');
  const planOf = (rows) => rows && {
    offsets: Uint32Array.from([0, ...rows.map((_, i) => rows.slice(0, i + 1).flat().length)]),
    experts: Uint16Array.from(rows.flat()),
    weights: new Float32Array(rows.flat().length).fill(1),
  };
  const contextOf = (given) => given && {
    first_position: given.first_position,
    null_logits: floats(given.null_logits),
    modality: given.modality && Uint8Array.from(given.modality),
    importance: floats(given.importance),
    previous_layer: planOf(given.previous_layer),
    previous_token: given.previous_token && Uint16Array.from(given.previous_token),
  };
  window.route = route;
  window.decide = (each) => {
    const input = {
      logits: floats(each.logits), n_tokens: each.logits.length, n_experts: each.logits[0].length, layer: each.layer,
      token_ids: each.token_ids && Uint32Array.from(each.token_ids), context: contextOf(each.context),
    };
    try {
      const { offsets, experts, weights, verdicts, shared_weights: shared } = route(linkOf(each), input);
      const rowsOf = (array) => each.logits.map((_, t) => Array.from(array.subarray(offsets[t], offsets[t + 1])));
      const verdictRows = each.logits.map((row, t) => Array.from(verdicts.subarray(t * row.length, (t + 1) * row.length)));
      return { experts: rowsOf(experts), weights: rowsOf(weights), verdicts: verdictRows, shared: Array.from(shared) };
    } catch (error) {
      return { error: `${error.code}: ${error.message}` };
    }
  };
}
