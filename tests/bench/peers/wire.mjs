// What a visitor downloads for an engine: every file that its page and workers asked for, once each.
// Code counts as a good host sends it, compressed with brotli; weights count as they are, which is how hosts send them.

import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

const COMPRESSIBLE = /\.(m?js|json|wasm|html|css)$/;
/** The highest takes half a minute for ten megabytes and saves a few per cent. */
const QUALITY = 9;

/** Collects the paths that are asked for from now on. */
export function listenForFiles(page) {
  const paths = new Set();
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol === 'http:') paths.add(decodeURIComponent(url.pathname));
  });
  return paths;
}

/** Bytes of code and of weights behind the paths below a folder. */
export async function weigh(paths, folder) {
  const bytes = { code: 0, weights: 0 };
  for (const name of paths) {
    const file = path.join(folder, name);
    if (COMPRESSIBLE.test(name)) bytes.code += await brotliSize(file);
    else bytes.weights += fs.statSync(file).size;
  }
  return { ...bytes, all: bytes.code + bytes.weights };
}

const known = new Map();

async function brotliSize(file) {
  if (!known.has(file)) {
    const bytes = fs.readFileSync(file);
    const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: QUALITY, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    known.set(file, (await promisify(zlib.brotliCompress)(bytes, { params })).length);
  }
  return known.get(file);
}
