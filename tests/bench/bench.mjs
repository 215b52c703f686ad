// Measures the built page and the package in Chromium and prints what a reader wants to compare.
//
//   node tests/bench/bench.mjs [--runs 5] [--tokens 48] [--model models/first] [--out FILE]
//
// Saves everything, single values included, as JSON: FILE or bench.json among the artefacts.
// Software WebGPU (SwiftShader) runs on the CPU: its figures say nothing about a graphics card.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { artifactsDir, launch, needFile, serveCheckout } from '../browser/harness.mjs';
import { serve } from '../../web/tools/serve.mjs';
import { report } from './figures.mjs';
import { machine, wholeNumber } from './machine.mjs';
import { measureGenerate, measureLoad, measurePage, measureTracing, measureWasm } from './measure.mjs';
import { SIZES, measureRepaint } from './repaint.mjs';
import { measureStart } from './start.mjs';
import { measureWriting } from './writing.mjs';

const MIN_RUNS = 5;

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: String(MIN_RUNS) },
    tokens: { type: 'string', default: '48' },
    model: { type: 'string', default: 'models/first' },
    out: { type: 'string' },
  },
});
const runs = wholeNumber('runs', options.runs, MIN_RUNS);
const tokens = wholeNumber('tokens', options.tokens, 2);
needFile('dist/index.html', 'Run `npm run build`.');
needFile(`${options.model}/model.safetensors`, 'Give another folder with --model, or train this one.');

const bench = await measure();
const file = path.resolve(options.out ?? path.join(artifactsDir(), 'bench.json'));
fs.writeFileSync(file, `${JSON.stringify(bench, undefined, 2)}\n`);
console.log(report(bench).join('\n'));
console.log(`\nall values: ${path.relative(process.cwd(), file)}`);

async function measure() {
  const browser = await launch();
  const checkout = await serveCheckout();
  const built = await serve();
  const blank = `${checkout.url}tests/browser/blank.html`;
  const model = `/${options.model}`;
  try {
    const generate = {};
    const load = {};
    const tracing = {};
    for (const backend of ['cpu', 'webgpu', 'webgpu-burn']) {
      say(`${backend}: generating`);
      generate[backend] = await measureGenerate(browser, blank, backend, model, { runs, tokens });
      say(`${backend}: tracing`);
      tracing[backend] = await measureTracing(browser, blank, backend, model, { runs, tokens });
      say(`${backend}: loading`);
      load[backend] = await measureLoad(browser, blank, backend, model, runs);
    }
    say('page');
    const page = await measurePage(browser, built.url, runs);
    say('start');
    const start = await measureStart(browser, `${built.url}#backend=cpu`, runs);
    say('writing');
    const writing = await measureWriting(browser, built.url, options.model, runs);
    const repaint = {};
    for (const [name, size] of Object.entries(SIZES)) {
      say(`repaint: ${name}`);
      const { touches, scroll } = await measureRepaint(browser, built.url, size, runs);
      repaint[name] = { size, touches, scroll };
    }
    say('wasm');
    const wasm = await measureWasm();
    return { date: new Date().toISOString(), model: options.model, runs, tokens, machine: machine(browser, generate.webgpu.adapter), generate, tracing, load, page, start, writing, repaint, wasm };
  } finally {
    await browser.close();
    await Promise.all([checkout.close(), built.close()]);
  }
}

function say(what) {
  process.stderr.write(`measuring ${what}\n`);
}
