// Rewrites web/app/public/recorded: what each model writes after the page's examples, with the routing of every token,
// by the CPU engine of the page and with the page's own settings.
// Run it by hand after training a model anew: node tests/browser/bless-recorded.mjs [model ...]
// No test and no script runs it.

import fs from 'node:fs';
import path from 'node:path';
import { runnerImport } from 'vite';
import { loadEngine } from './engine-page.mjs';
import { launch, openPage, root, serveCheckout } from './harness.mjs';

/** The first example is what the page opens with; its knob already acts on recorded runs. */
const KNOB = [1, 3, 4];

const source = async (file) => (await runnerImport(path.join(root, 'web/app', file), { root, configFile: false, logLevel: 'error' })).module;
const { listModels } = await source('model-list.ts');
globalThis.__MODELS__ = listModels(path.join(root, 'models'));
const [{ examplesFor }, { DEFAULTS }, { encodeRecorded }, { recordedName }] = await Promise.all(
  ['src/examples.ts', 'src/state.ts', 'test/encode-recorded.ts', 'src/recorded.ts'].map(source));

const browser = await launch({ webgpu: false });
const server = await serveCheckout();
const wanted = process.argv.slice(2);
for (const { folder, name, kind } of globalThis.__MODELS__) {
  if (kind !== 'language' || (wanted.length > 0 && !wanted.includes(name))) continue;
  const { page, close } = await openPage(browser, `${server.url}tests/browser/blank.html`);
  page.setDefaultTimeout(0);
  await loadEngine(page, 'cpu', `/${folder}`);
  for (const [n, { id, prompt }] of examplesFor(folder).entries()) {
    await record(page, recordedName(folder, id, undefined), prompt, undefined);
    for (const topK of n === 0 ? KNOB : []) await record(page, recordedName(folder, id, topK), prompt, topK);
  }
  await close();
}
await server.close();
await browser.close();

async function record(page, name, prompt, topK) {
  const options = { max_tokens: DEFAULTS.maxTokens, temperature: DEFAULTS.temperature, seed: DEFAULTS.seed };
  const steps = await page.evaluate(write, { prompt, options, topK });
  const file = path.join(root, 'web/app/public/recorded', `${name}.json`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(encodeRecorded(steps))}\n`);
  console.log(`${name}: ${steps.length - 1} tokens, ${Math.round(fs.statSync(file).size / 1000)} kB: ${steps.map((step) => step.text).join('').slice(0, 60)}`);
}

/** Runs in the page. */
async function write({ prompt, options, topK }) {
  const plain = (trace) => ({
    ...trace,
    layers: trace.layers.map((layer) => Object.fromEntries(Object.entries(layer).map(([field, value]) => [field, ArrayBuffer.isView(value) ? Array.from(value) : value]))),
  });
  window.trained ??= window.engine.info().trained_routing;
  const routing = structuredClone(window.trained);
  if (topK !== undefined) routing.default.select.top_k = topK;
  window.engine.set_routing(routing);
  const steps = [{ kind: 'prompt', text: '', trace: plain(await window.engine.begin(prompt, options)) }];
  for (let step = await window.engine.next(); step !== undefined; step = await window.engine.next()) {
    steps.push({ kind: 'token', text: step.token.text, token: step.token, logProb: step.log_prob, trace: plain(step.trace) });
  }
  return steps;
}
