// Our engines beside others, on the same weights, prompts and machine: `npm run bench -- --peers`.
//
//   node tests/bench/peers.mjs [--runs 5] [--tokens 48] [--model models/nine] [--only cpu,wllama-f32] [--adapter hardware] [--out FILE] [--write]
//   node tests/bench/peers.mjs --from FILE      shows what was measured before, or elsewhere; --write works here too
//   node tests/bench/peers.mjs --serve          only serves the page, for a browser of your own
//
// WebGPU is on a software adapter, the same on every machine, unless --adapter asks for the machine's graphics card.
// Saves everything, single values included, as JSON: FILE or peers.json among the artefacts. --write puts the tables into
// README.md beside this file, which says what is measured how, and that of the speeds into the project's README.md, each
// adapter's in its own place.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { artifactsDir, needFile, root } from '../browser/harness.mjs';
import { wholeNumber } from './machine.mjs';
import { ADAPTERS } from './peers/adapter.mjs';
import { measurePeers, servePeers } from './peers/measure.mjs';
import { peersTable, replaceBetween, speedsTable } from './peers/table.mjs';

/** Files with a place for figures, and what each shows. */
const READMES = { 'tests/bench/README.md': peersTable, 'README.md': speedsTable };

const { values: options } = parseArgs({
  options: {
    peers: { type: 'boolean' }, // Names this script to `npm run bench`; nothing else here.
    runs: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '48' },
    model: { type: 'string', default: 'models/nine' },
    only: { type: 'string' },
    adapter: { type: 'string', default: ADAPTERS[0] },
    from: { type: 'string' },
    out: { type: 'string' },
    write: { type: 'boolean', default: false },
    serve: { type: 'boolean', default: false },
  },
});
const runs = wholeNumber('runs', options.runs, 1);
const tokens = wholeNumber('tokens', options.tokens, 4);
const { model, adapter } = options;
if (!ADAPTERS.includes(adapter)) {
  console.error(`--adapter is ${adapter}; allowed: ${ADAPTERS.join(', ')}`);
  process.exit(2);
}

if (options.from !== undefined) {
  show(JSON.parse(fs.readFileSync(options.from, 'utf8')));
} else {
  needFile('web/packages/moescope/dist/public/index.js', 'Run `npm run build`.');
  needFile(`${model}/model.safetensors`, 'Give another folder with --model, or train this one.');
  if (options.serve) await servePage();
  else await measure();
}

async function measure() {
  const started = Date.now();
  const only = options.only?.split(',');
  const results = await measurePeers({ runs, tokens, model, adapter, only, say });
  const bench = { date: new Date().toISOString(), model, adapter, runs, tokens, seconds: Math.round((Date.now() - started) / 1000), ...results };
  const file = path.resolve(options.out ?? path.join(artifactsDir(), 'peers.json'));
  fs.writeFileSync(file, `${JSON.stringify(bench, undefined, 2)}\n`);
  show(bench);
  console.log(`\nall values: ${path.relative(process.cwd(), file)}; it took ${bench.seconds} s`);
}

function show(bench) {
  if (options.write) writeReadmes(bench);
  console.log(peersTable(bench).join('\n'));
}

function writeReadmes(bench) {
  for (const [name, table] of Object.entries(READMES)) {
    const file = path.join(root, name);
    fs.writeFileSync(file, replaceBetween(fs.readFileSync(file, 'utf8'), table(bench), bench.adapter));
  }
}

/** Until it is interrupted. */
async function servePage() {
  const { address } = await servePeers(model, say);
  console.log(`The page is at ${address}\nCtrl-C ends it.`);
}

function say(what) {
  process.stderr.write(`${what}\n`);
}
