// What the built page weighs, in groups with limits. All limits are here and nowhere else.
//
// Limits are in kilobytes of brotli as `npm run build` packs it. They stand a little above what was last measured, so
// that growth is noticed when it happens; a goal that is not reached yet stands beside its limit.

import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { listFiles } from './stamp.mjs';

/** A file belongs to the first group that knows it. */
export const GROUPS = [
  { name: 'engine for the CPU', pattern: /^assets\/moescope_cpu.*\.wasm$/, limit: 1150, goal: 1000 },
  { name: 'the same with threads', pattern: /^assets\/moescope_threads.*\.wasm$/, limit: 1250 },
  { name: 'engine for WebGPU', pattern: /^assets\/moescope_gpu.*\.wasm$/, limit: 2400, goal: 2200 },
  { name: 'engine of analyses', pattern: /^assets\/moescope_analyses.*\.wasm$/, limit: 125 },
  { name: 'page: HTML, styles, first script', pattern: /^(index\.html|assets\/index-.*\.(css|js))$/, limit: 93 },
  { name: 'a tab that is fetched on use', pattern: /^assets\/part-.*\.js$/, limit: 21, each: true },
  { name: 'words of another language', pattern: /^assets\/messages-.*\.js$/, limit: 21, each: true },
  { name: 'scripts of the engine with threads', pattern: /^assets\/(moescope_threads|thread)-.*\.js$/, limit: 20 },
  { name: 'scripts on use', pattern: /^(assets\/.*|service-worker)\.js$/, limit: 47 },
  { name: 'fonts', pattern: /\.woff2$/, limit: 50 },
  { name: 'one recorded run', pattern: /^recorded\/.*\.json$/, limit: 100, each: true },
];
const COPIES = /\.(br|gz)$/;

/** Files of a built page in a group, with their sizes in bytes, biggest first. */
export function measureFiles(folder) {
  return listFiles(folder).filter((file) => !COPIES.test(file)).flatMap((file) => {
    const name = path.relative(folder, file).split(path.sep).join('/');
    const group = GROUPS.find(({ pattern }) => pattern.test(name));
    return group === undefined ? [] : [{ name, group: group.name, raw: fs.statSync(file).size, brotli: brotliSize(file) }];
  }).sort((a, b) => b.brotli - a.brotli);
}

/** From the packed copy where there is a fresh one. */
function brotliSize(file) {
  const copy = fs.statSync(`${file}.br`, { throwIfNoEntry: false });
  if (copy && copy.mtimeMs >= fs.statSync(file).mtimeMs) return copy.size;
  const content = fs.readFileSync(file);
  return zlib.brotliCompressSync(content, { params: { [zlib.constants.BROTLI_PARAM_SIZE_HINT]: content.length } }).length;
}

/** Each group with what it weighs: all its files together, or the heaviest of them. */
export function judgeGroups(files, groups = GROUPS) {
  return groups.map(({ name, limit, goal, each = false }) => {
    const own = files.filter(({ group }) => group === name);
    const weigh = (key) => own.map((file) => file[key]).reduce((a, b) => (each ? Math.max(a, b) : a + b), 0);
    const brotli = weigh('brotli');
    const verdict = own.length === 0 ? 'missing' : brotli > limit * 1000 ? 'too big' : goal !== undefined && brotli > goal * 1000 ? 'goal missed' : 'ok';
    return { name, files: own.length, raw: weigh('raw'), brotli, limit, goal, verdict };
  });
}

/** What is wrong, in words; empty where every limit is kept. */
export function complaints(judged) {
  return judged.flatMap(({ name, brotli, limit, verdict }) => {
    if (verdict === 'missing') return [`${name}: the build has no such file`];
    return verdict === 'too big' ? [`${name}: ${kilobytes(brotli)} kB as brotli, allowed are ${limit} kB (web/tools/lib/sizes.mjs)`] : [];
  });
}

/** Rows of cells as lines, numbers to the right. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ').trimEnd());
}

export function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1);
}
