// The package in a real browser: worker, wasm, model files, both backends, and what it says when something is wrong.
// The model is the tiny qwen3_moe checkpoint, whose text means nothing but whose routing is as real as any.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertQuiet, launch, needFile, openPage, withCheckout, workerPreludes } from './harness.mjs';

const MODEL = '/tests/checkpoints/qwen3_moe';
needFile('web/packages/moescope/dist/public/index.js', 'Run `npm run build`.');
needFile('web/packages/moescope/wasm/moescope_gpu_bg.wasm', 'Run `npm run build`.');
const { browser, server } = await withCheckout();

/** Runs `body` in a fresh page with the package imported as `window.moescope`; no error may reach the console. */
async function inPage(body, { prepare, expected, ...options } = {}) {
  const opened = await openPage(browser, `${server.url}tests/browser/blank.html`, options);
  try {
    await prepare?.(opened.page);
    await importPackage(opened.page);
    await body(opened.page);
    assertQuiet(opened.errors, expected);
  } finally {
    await opened.close();
  }
}

function importPackage(page) {
  return page.evaluate(async () => {
    window.moescope = await import('/web/packages/moescope/dist/public/index.js');
  });
}

/** One page with the model for each backend: what an engine compiles for the GPU, which takes it longest, is compiled once. */
const pages = new Map();

/** Runs `body` in a page with the model loaded as `window.scope` and routing as trained; no error may reach the console. */
async function withModel(backend, body) {
  if (!pages.has(backend)) {
    const opened = await openPage(browser, `${server.url}tests/browser/blank.html`);
    await importPackage(opened.page);
    assert.equal((await load(opened.page, backend)).kind, backend);
    pages.set(backend, opened);
  }
  const { page, errors, close } = pages.get(backend);
  try {
    await page.evaluate(() => window.scope.setRouting(window.scope.model.trained_routing));
    await body(page);
    assertQuiet(errors);
  } catch (error) {
    // The next test begins anew.
    pages.delete(backend);
    await close();
    throw error;
  }
}

/** Loads the model in the page as `window.scope`; resolves to its backend, or to the error as { code, message }. */
function load(page, backend, url = MODEL) {
  return page.evaluate(async ({ url, backend }) => {
    try {
      window.phases = new Set();
      window.scope = await window.moescope.Moescope.load(url, { backend, onProgress: ({ phase }) => window.phases.add(phase) });
      return window.scope.backend;
    } catch ({ name, code, message, status }) {
      return { name, code, message, status };
    }
  }, { url, backend });
}

for (const backend of ['cpu', 'webgpu']) {
  describe(`on ${backend}`, () => {
    test('loads with progress and fetches no other engine', async () => {
      const fetched = [];
      const prepare = (page) => page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
      await inPage(async (page) => {
        const chosen = await load(page, backend);
        assert.equal(chosen.kind, backend);
        assert.equal(chosen.reason, 'chosen by the caller');
        const phases = ['backend', ...(backend === 'webgpu' ? ['kernels'] : []), 'load', 'wasm', 'weights'];
        assert.deepEqual(await page.evaluate(() => [...window.phases].sort()), phases);
        const own = 'moescope_cpu';
        const engines = new Set(fetched.filter((path) => path.includes('/moescope_')).map((path) => path.match(/moescope_[cg]pu/)[0]));
        assert.deepEqual([...engines], [own]);
      }, { prepare });
    });

    test('a banned expert never acts again in the running generation', async () => {
      await withModel(backend, async (page) => {
        const fired = await page.evaluate(async () => {
          const { scope } = window;
          const trained = scope.model.trained_routing;
          const seen = { before: [], after: [] };
          let banned;
          for await (const step of scope.generate('Hello', { maxTokens: 16, temperature: 1, seed: 3 })) {
            const experts = step.trace.layers.flatMap((layer) => [...layer.experts]);
            (banned === undefined ? seen.before : seen.after).push(...experts);
            if (banned === undefined && step.kind === 'token') {
              banned = experts[0];
              await scope.setRouting({ ...trained, default: { ...trained.default, restrict: { disabled: [banned] } } });
            }
          }
          return { banned, before: seen.before.includes(banned), after: seen.after.includes(banned), count: seen.after.length };
        });
        assert.equal(fired.before, true);
        assert.equal(fired.after, false);
        assert.ok(fired.count > 0);
      });
    });

    test('analysing does not disturb a generation, and the seed decides the text', async () => {
      await withModel(backend, async (page) => {
        const { quiet, disturbed, losses } = await page.evaluate(async () => {
          const { scope } = window;
          const run = async (each) => {
            let text = '';
            for await (const step of scope.generate('Hello', { maxTokens: 8, temperature: 1, seed: 5 })) {
              text += step.text;
              await each();
            }
            return text;
          };
          const quiet = await run(() => undefined);
          const disturbed = await run(() => scope.analyse('Something else', { routing: { select: { method: 'top_k', top_k: 1 } } }));
          const { losses } = await scope.analyse('Hello there');
          return { quiet, disturbed, losses: [...losses] };
        });
        assert.equal(disturbed, quiet);
        assert.ok(Number.isNaN(losses[0]));
        assert.ok(losses.slice(1).every((loss) => loss > 0));
      });
    });

    test('cancelling in the middle rejects with an AbortError, and the model goes on working', async () => {
      await withModel(backend, async (page) => {
        const result = await page.evaluate(async () => {
          const { scope } = window;
          const abort = new AbortController();
          let tokens = 0;
          let name;
          try {
            for await (const step of scope.generate('Hello', { maxTokens: 1000, signal: abort.signal })) {
              if (step.kind === 'token' && ++tokens === 3) abort.abort();
            }
          } catch (error) {
            name = error.name;
          }
          const { loss } = await scope.analyse('still here');
          return { tokens, name, loss };
        });
        assert.equal(result.tokens, 3);
        assert.equal(result.name, 'AbortError');
        assert.ok(result.loss > 0);
      });
    });

    test('bad input is refused with a code, and the model goes on working', async () => {
      await withModel(backend, async (page) => {
        const codes = await page.evaluate(async () => {
          const { scope } = window;
          const codeOf = (promise) => promise.then(() => 'no error', (error) => error.code);
          return [
            await codeOf(scope.generate('').next()),
            await codeOf(scope.generate('x'.repeat(10_000)).next()),
            await codeOf(scope.setRouting({ select: { method: 'top_k', top_k: scope.model.n_experts + 1 } })),
            await codeOf(scope.analyse('fine')),
          ];
        });
        assert.deepEqual(codes, ['prompt_empty', 'prompt_too_long', 'top_k_too_large', 'no error']);
      });
    });
  });
}

describe('the choice of the backend', () => {
  test('auto takes WebGPU where there is one', () =>
    inPage(async (page) => {
      const backend = await load(page, 'auto');
      assert.equal(backend.kind, 'webgpu');
      assert.equal(backend.reason, 'WebGPU gave an adapter');
      assert.match(backend.adapter, /\w/);
    }));

  for (const [prelude, reason] of [
    ['noWebGpu', 'This browser offers no WebGPU'],
    ['noAdapter', 'WebGPU gave no adapter'],
  ]) {
    test(`${prelude}: auto takes the CPU and says why, a forced GPU is refused`, () =>
      inPage(async (page) => {
        assert.deepEqual(await load(page, 'auto'), { kind: 'cpu', reason, weights: 'f32' });
        const refused = await load(page, 'webgpu');
        assert.equal(refused.code, 'no_gpu');
        assert.ok(refused.message.includes(reason));
      }, { workerPrelude: workerPreludes[prelude] }));
  }

  test('an adapter without timestamp-query is enough for WebGPU, and too little for stock Burn, which says why', () =>
    inPage(async (page) => {
      assert.equal((await load(page, 'auto')).kind, 'webgpu');
      const refused = await load(page, 'webgpu-burn');
      assert.equal(refused.code, 'no_gpu');
      assert.match(refused.message, /timestamp-query/);
    }, { workerPrelude: workerPreludes.noTimestampQuery }));

  test('a GPU engine that fails to start gives way to the CPU with the reason', () =>
    inPage(async (page) => {
      const backend = await load(page, 'auto');
      assert.equal(backend.kind, 'cpu');
      assert.match(backend.reason, /^the GPU engine failed to start: ./);
      assert.equal((await load(page, 'webgpu')).code, 'no_gpu');
    }, {
      workerPrelude: "GPUAdapter.prototype.requestDevice = async () => { throw new Error('no device today'); };",
      expected: [/panicked/, /no device today/],
    }));
});

describe('files that are not as they should be', () => {
  const cases = [
    ['a missing file', 'model.safetensors', { status: 404, body: 'no' }, 'fetch_failed', [/404/]],
    ['a web page in place of JSON', 'config.json', { contentType: 'text/html', body: '<!doctype html>' }, 'fetch_failed'],
    ['a config that is not JSON', 'config.json', { contentType: 'application/json', body: '{"model_type"' }, 'config_invalid'],
    ['weights that end early', 'model.safetensors', { truncate: 5000 }, 'weights_truncated'],
  ];
  for (const [what, file, answer, code, expected] of cases) {
    test(`${what} is an error of its own, and a good model loads after it`, () =>
      inPage(async (page) => {
        const { truncate, ...fixed } = answer;
        await page.route(`**${MODEL}/${file}`, async (route) => {
          if (truncate === undefined) return route.fulfill(fixed);
          const body = await (await route.fetch()).body();
          return route.fulfill({ body: body.subarray(0, truncate), contentType: 'application/octet-stream' });
        });
        const refused = await load(page, 'cpu');
        assert.equal(refused.name, 'MoescopeError');
        assert.equal(refused.code, code);
        await page.unroute(`**${MODEL}/${file}`);
        assert.equal((await load(page, 'cpu')).kind, 'cpu');
      }, { expected }));
  }

  test('loading can be cancelled', () =>
    inPage(async (page) => {
      const name = await page.evaluate(async (url) => {
        const abort = new AbortController();
        const onProgress = ({ phase }) => phase === 'weights' && abort.abort();
        return window.moescope.Moescope.load(url, { signal: abort.signal, onProgress }).then(() => 'loaded', (error) => error.name);
      }, MODEL);
      assert.equal(name, 'AbortError');
    }));
});

test('a panic outside any promise loses the engine, and the next call starts it anew', () =>
  inPage(async (page) => {
    await load(page, 'cpu');
    const result = await page.evaluate(async () => {
      const lost = await window.scope.analyse('a').then(() => 'no error', ({ code, message }) => ({ code, message }));
      const { value } = await window.scope.generate('still here').next();
      return { lost, kind: value.kind };
    });
    assert.equal(result.lost.code, 'engine_lost');
    assert.match(result.lost.message, /panicked for this test/);
    assert.equal(result.kind, 'prompt');
  }, {
    workerPrelude: `addEventListener('message', ({ data }) => {
      if (data.call?.name === 'analyse') queueMicrotask(() => { throw new Error('panicked for this test'); });
    });`,
  }));

test('a GPU process that dies loses the engine, and the next call starts it anew', async () => {
  const own = await launch();
  try {
    const { page } = await openPage(own, `${server.url}tests/browser/blank.html`);
    await importPackage(page);
    assert.equal((await load(page, 'auto')).kind, 'webgpu');
    const running = page.evaluate(async () => {
      try {
        for await (const step of window.scope.generate('Hello', { maxTokens: 100_000 })) window.last = step.kind;
        return 'ended';
      } catch (error) {
        return error.code;
      }
    });
    await page.waitForFunction(() => window.last === 'token');
    const devtools = await own.newBrowserCDPSession();
    await devtools.send('Browser.crashGpuProcess');
    assert.equal(await running, 'engine_lost');
    assert.ok((await page.evaluate(async () => (await window.scope.analyse('again')).loss)) > 0);
  } finally {
    await own.close();
  }
});
