// `npm run sizes`: what `dist/` weighs against its limits, and what is biggest in it. Exit code 1 where a limit is broken.
//
// Builds nothing. `-- --top N` names N of the biggest parts of each engine instead of 15.

import fs from 'node:fs';
import path from 'node:path';
import { parseOptions } from './lib/options.mjs';
import { distDir, shown } from './lib/paths.mjs';
import { complaints, judgeGroups, kilobytes, measureFiles, table } from './lib/sizes.mjs';
import { wasmParts } from './lib/wasm-sizes.mjs';
import { namedWasm, VARIANTS } from './lib/wasm.mjs';

const { top: wanted } = parseOptions(process.argv.slice(2), { top: 'text' });
const top = Number(wanted ?? 15);
if (!Number.isInteger(top) || top < 1) fail(`--top: got ${wanted}, allowed is a whole number from 1`, 2);
if (!fs.existsSync(path.join(distDir, 'index.html'))) fail(`There is no page in ${shown(distDir)}/.\nWhat to type by hand:\n    npm run build`, 1);

const files = measureFiles(distDir);
const judged = judgeGroups(files);
print(`${shown(distDir)}/ in kB`, table(['', 'files', 'raw', 'brotli', 'limit', 'goal', ''], judged.map(({ name, files: count, raw, brotli, limit, goal, verdict }) =>
  [name, count, kilobytes(raw), kilobytes(brotli), limit, goal ?? '', verdict])));
print('Biggest files', table(['', 'raw', 'brotli'], files.slice(0, top).map(({ name, raw, brotli }) => [name, kilobytes(raw), kilobytes(brotli)])));
for (const variant of VARIANTS) contributors(variant);
const wrong = complaints(judged);
for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;

/** Code by crate and by function, which only cargo's own output tells. */
function contributors(variant) {
  const file = namedWasm(variant);
  if (!fs.existsSync(file)) {
    console.log(`\nWhat is biggest in the ${variant} engine is known once it was built here: ${shown(file)} is missing.`);
    return;
  }
  const { sections, crates, functions } = wasmParts(fs.readFileSync(file));
  const rows = (list) => list.slice(0, top).map(({ name, size }) => [name.slice(0, 100), kilobytes(size)]);
  print(`${variant} engine: sections in kB, before wasm-bindgen`, table(['', 'raw'], rows(sections)));
  print(`${variant} engine: code by crate`, table(['', 'raw'], rows(crates)));
  print(`${variant} engine: biggest functions`, table(['', 'raw'], rows(functions)));
}

function print(heading, lines) {
  console.log(`\n${heading}\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}
