// Packed copies beside the files of the built page, for hosts that send those as they are: brotli and gzip at their best.
//
// That is a minute of one core for an engine, whose bytes seldom change. So packed bytes are kept by the hash of what they
// were made from, and as many files are packed at once as there are cores. A local server needs no packed copies.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { distDir, stateDir } from './paths.mjs';
import { listFiles } from './stamp.mjs';

const COMPRESSIBLE = new Set(['.html', '.js', '.mjs', '.css', '.json', '.svg', '.wasm', '.txt', '.md', '.webmanifest']);
const FORMATS = {
  br: (content) => promisify(zlib.brotliCompress)(content, { params: { [zlib.constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
  gz: (content) => promisify(zlib.gzip)(content, { level: 9 }),
};

/** Writes .br and .gz beside every text and wasm file of a folder, `dist/` unless given; returns a note. */
export async function compress(say, { folder = distDir, kept = path.join(stateDir, 'packed') } = {}) {
  fs.mkdirSync(kept, { recursive: true });
  const files = listFiles(folder).filter((file) => COMPRESSIBLE.has(path.extname(file)));
  const used = new Set();
  let done = 0;
  // The biggest first, so that no core is left alone with one at the end.
  const waiting = files.map((file) => ({ file, size: fs.statSync(file).size })).sort((a, b) => a.size - b.size);
  const worker = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const name of await pack(next.file, kept)) used.add(name);
      say(`${++done}/${files.length} ${path.basename(next.file)}`);
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  for (const name of fs.readdirSync(kept)) if (!used.has(name)) fs.rmSync(path.join(kept, name));
  return `${files.length} files, ${megabytes(files)} MB, ${megabytes(files.map((file) => `${file}.br`))} MB as brotli`;
}

/** Puts both copies beside a file; returns the names under which they are kept. */
async function pack(file, kept) {
  const content = fs.readFileSync(file);
  const hash = createHash('sha256').update(content).digest('hex');
  const names = [];
  for (const [ending, packer] of Object.entries(FORMATS)) {
    const name = `${hash}.${ending}`;
    const known = path.join(kept, name);
    if (!fs.existsSync(known)) replace(known, await packer(content));
    fs.copyFileSync(known, `${file}.${ending}`);
    names.push(name);
  }
  return names;
}

/** What ends in the middle leaves no half of a file. */
function replace(file, content) {
  const half = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(half, content);
  fs.renameSync(half, file);
}

function megabytes(files) {
  return (files.reduce((sum, file) => sum + fs.statSync(file).size, 0) / 1e6).toFixed(1);
}
