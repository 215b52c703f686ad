// What sits above and beside the router, in a real browser and a real worker: a router of the page's own, self-contrast
// and rerouting, on both backends.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertQuiet, needFile, openPage, withCheckout } from './harness.mjs';

const MODEL = '/tests/checkpoints/qwen3_moe';
needFile('web/packages/moescope/dist/public/index.js', 'Run `npm run build`.');
needFile('web/packages/moescope/wasm/moescope_gpu_bg.wasm', 'Run `npm run build`.');
const { browser, server } = await withCheckout();

/** One page with the model for each backend: what an engine compiles for the GPU, which takes it longest, is compiled once. */
const pages = new Map();

/** Runs `body` in a page with the model loaded as `window.scope` and routing as trained; no error may reach the console. */
async function withModel(backend, body) {
  if (!pages.has(backend)) pages.set(backend, await openModel(backend));
  const opened = pages.get(backend);
  try {
    await opened.page.evaluate(async () => {
      await window.scope.setRouting(window.scope.model.trained_routing);
      await window.scope.setExternalRouter(undefined);
    });
    await body(opened.page);
    assertQuiet(opened.errors);
  } catch (error) {
    // The next test begins anew.
    pages.delete(backend);
    await opened.close();
    throw error;
  }
}

async function openModel(backend) {
  const opened = await openPage(browser, `${server.url}tests/browser/blank.html`);
  await opened.page.evaluate(async ({ model, backend }) => {
    const { Moescope } = await import('/web/packages/moescope/dist/public/index.js');
    window.scope = await Moescope.load(model, { backend });
    /** Token ids of a continuation, and the error that ended it, if one did. */
    window.write = async (options) => {
      const ids = [];
      try {
        for await (const step of window.scope.generate('Hello', { maxTokens: 6, temperature: 0, ...options })) {
          if (step.kind === 'token') ids.push(step.token.id);
        }
        return { ids };
      } catch ({ name, code, message }) {
        return { ids, name, code, message };
      }
    };
    /** A router that takes the best k experts, weighed by a softmax over them. */
    window.topK = (k) => ({ nTokens, nExperts, logits }) => Array.from({ length: nTokens }, (_, t) => {
      const row = Array.from(logits.subarray(t * nExperts, (t + 1) * nExperts));
      const best = row.map((_, e) => e).sort((a, b) => row[b] - row[a] || a - b).slice(0, k);
      const exp = best.map((e) => Math.exp(row[e] - row[best[0]]));
      const sum = exp.reduce((a, b) => a + b, 0);
      return best.map((expert, i) => ({ expert, weight: exp[i] / sum }));
    });
  }, { model: MODEL, backend });
  return opened;
}

for (const backend of ['cpu', 'webgpu']) {
  describe(`on ${backend}`, () => {
    test('a router of the page decides as the engine does when it follows the same rule', () =>
      withModel(backend, async (page) => {
        const { own, engine, asked } = await page.evaluate(async () => {
          const { scope, write, topK } = window;
          const asked = [];
          await scope.setExternalRouter((question) => {
            asked.push({ ...question, logits: question.logits.length, tokenIds: question.tokenIds.length });
            return topK(2)(question);
          });
          await scope.setRouting({ select: { method: 'external' } });
          const own = await write();
          await scope.setRouting({ select: { method: 'top_k', top_k: 2 } });
          return { own, engine: await write(), asked };
        });
        assert.deepEqual(own, engine);
        assert.equal(own.ids.length, 6);
        // Two MoE layers: the prompt and six tokens.
        assert.deepEqual(asked.map(({ layer }) => layer), Array(7).fill([0, 2]).flat());
        for (const { nTokens, nExperts, logits, tokenIds } of asked) {
          assert.deepEqual([nExperts, logits, tokenIds], [8, nTokens * 8, nTokens]);
        }
      }));

    test('a router that answers later, in arrays, is waited for', () =>
      withModel(backend, async (page) => {
        const experts = await page.evaluate(async () => {
          const { scope } = window;
          await scope.setExternalRouter(async ({ nTokens }) => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            const tokens = Array.from({ length: nTokens }, (_, t) => t);
            return { offsets: [...tokens, nTokens], experts: new Uint16Array(nTokens).fill(5), weights: new Float32Array(nTokens).fill(1) };
          });
          const { trace } = await scope.setRouting({ select: { method: 'external' } }).then(() => scope.analyse('Hello there'));
          return trace.layers.map((layer) => [...layer.experts]);
        });
        for (const layer of experts) assert.ok(layer.length > 1 && layer.every((expert) => expert === 5), `${layer}`);
      }));

    test('a bad plan is an error of its own, and the generation goes on under another routing', () =>
      withModel(backend, async (page) => {
        const results = await page.evaluate(async () => {
          const { scope } = window;
          const routers = {
            thrown: () => { throw new Error('no opinion'); },
            rejected: () => Promise.reject(new Error('no opinion later')),
            nothing: () => undefined,
            range: ({ nTokens }) => Array(nTokens).fill([{ expert: 8, weight: 1 }]),
            negative: ({ nTokens }) => Array(nTokens).fill([{ expert: -1, weight: 1 }]),
            twice: ({ nTokens }) => Array(nTokens).fill([{ expert: 1, weight: 1 }, { expert: 1, weight: 1 }]),
            tokens: () => [[], [], [], [], [], [], []],
            nan: ({ nTokens }) => Array(nTokens).fill([{ expert: 1, weight: NaN }]),
          };
          const found = {};
          for (const [name, router] of Object.entries(routers)) {
            await scope.setRouting(scope.model.trained_routing);
            await scope.setExternalRouter(router);
            const steps = scope.generate('Hello', { maxTokens: 3, temperature: 0 });
            await steps.next();
            await scope.setRouting({ select: { method: 'external' } });
            const { code, message } = await steps.next().then(() => ({ code: 'none' }), (error) => error);
            await scope.setRouting(scope.model.trained_routing);
            let tokens = 0;
            for await (const step of scope.generate('Hello', { maxTokens: 3, temperature: 0 })) tokens += step.kind === 'token' ? 1 : 0;
            found[name] = { code, message, tokens };
          }
          return found;
        });
        const expected = {
          thrown: ['external_failed', /the external router failed: no opinion/],
          rejected: ['external_failed', /no opinion later/],
          nothing: ['external_failed', /it answered nothing/],
          range: ['plan_invalid', /expert 8; there are 8/],
          negative: ['external_failed', /experts\[0\] is -1/],
          twice: ['plan_invalid', /expert 1 twice/],
          tokens: ['plan_invalid', /7 tokens; there are 1/],
          nan: ['plan_invalid', /weight of NaN/],
        };
        for (const [name, [code, message]] of Object.entries(expected)) {
          assert.equal(results[name].code, code, name);
          assert.match(results[name].message, message);
          assert.match(results[name].message, /MoE layer 0/);
          assert.equal(results[name].tokens, 3, name);
        }
      }));

    test('cancelling while the page decides works, and the model goes on', () =>
      withModel(backend, async (page) => {
        const result = await page.evaluate(async () => {
          const { scope, write } = window;
          const abort = new AbortController();
          await scope.setExternalRouter(() => {
            setTimeout(() => abort.abort(), 10);
            return new Promise(() => undefined);
          });
          await scope.setRouting({ select: { method: 'external' } });
          const cancelled = await write({ signal: abort.signal });
          await scope.setRouting(scope.model.trained_routing);
          return { cancelled, after: await write() };
        });
        assert.equal(result.cancelled.name, 'AbortError');
        assert.equal(result.after.ids.length, 6);
      }));

    test('without a router the method external is refused', () =>
      withModel(backend, async (page) => {
        const { code, message } = await page.evaluate(() =>
          window.scope.setRouting({ select: { method: 'external' } }).then(() => ({ code: 'none' }), ({ code, message }) => ({ code, message })));
        assert.equal(code, 'no_external_router');
        assert.match(message, /none is set/);
      }));

    test('self-contrast reports on every token, and beta 0 is the greedy text', () =>
      withModel(backend, async (page) => {
        const { plain, still, pushed, reports } = await page.evaluate(async () => {
          const { scope, write } = window;
          const plain = await write();
          const still = await write({ contrast: { beta: 0 } });
          const pushed = await write({ contrast: { alpha: 0.01, beta: 2, weak: { select: { method: 'rank', ranks: [7] } } } });
          const reports = [];
          for await (const step of scope.generate('Hello', { maxTokens: 3, temperature: 0, contrast: {} })) {
            if (step.kind === 'token') reports.push({ taken: step.token.id, ...step.contrast });
          }
          return { plain, still, pushed, reports };
        });
        assert.deepEqual(still, plain);
        assert.notDeepEqual(pushed, plain);
        assert.equal(reports.length, 3);
        for (const { taken, divergence, strong_token: alone, candidates } of reports) {
          assert.ok(divergence > 0);
          const best = candidates.filter(({ valid }) => valid).reduce((a, b) => (b.score > a.score ? b : a));
          assert.equal(best.token.id, taken);
          assert.equal(candidates[0].token.id, alone.id);
          for (const { strong, weak, score } of candidates) assert.ok(Math.abs(1.5 * strong - 0.5 * weak - score) < 1e-4);
        }
      }));

    test('rerouting lowers the loss, tells its steps, and stops when it is cancelled', () =>
      withModel(backend, async (page) => {
        const result = await page.evaluate(async () => {
          const { scope } = window;
          const text = 'Once upon a time there was a little girl.';
          const heard = [];
          const rerouted = await scope.reroute(text, { steps: 8, rate: 0.1, onLoss: (loss) => heard.push(loss) });
          const before = (await scope.analyse(text)).loss;
          await scope.setRouting(rerouted.routing);
          const after = (await scope.analyse(text)).loss;
          const abort = new AbortController();
          let steps = 0;
          const cancelled = await scope.reroute(text, {
            steps: 100_000, signal: abort.signal, onLoss: () => (steps += 1) === 3 && abort.abort(),
          }).then(() => 'ended', ({ name }) => name);
          const { loss } = await scope.analyse('still here');
          return { ...rerouted, heard, before, after, cancelled, loss };
        });
        const { losses, kept, heard, before, after } = result;
        assert.deepEqual(heard, losses);
        assert.equal(losses.length, 9);
        assert.ok(Math.abs(losses[0] - before) < 1e-3, `${losses[0]}, not ${before}`);
        assert.ok(kept > 0 && after < before, `${before} to ${after}`);
        assert.ok(Math.abs(losses[kept] - after) < 1e-3, `${losses[kept]}, not ${after}`);
        assert.equal(result.cancelled, 'AbortError');
        assert.ok(result.loss > 0);
      }));
  });
}
