// The built page as a site of its own, with broken model folders beside the real one.
//
// The real build and the real model are needed: nothing of the engine is imitated here. The broken folders are made
// from models/first, each with one thing wrong. The tiny vision model of the tests is among them as models/vit_moe.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { needFile, withBrowser } from '../browser/harness.mjs';
import { serve } from '../../web/tools/serve.mjs';

export const BROKEN = ['truncated', 'misshapen', 'incomplete'];

/** Serves a copy of dist/, with options of `serve`; `close` ends the server and removes the copy. */
export async function openSite(options = {}) {
  needFile('dist/index.html', 'Build the page with `npm run build`.');
  const model = path.dirname(needFile('dist/models/first/model.safetensors', 'Build the page with `npm run build` once models/first is trained.'));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-e2e-'));
  fs.cpSync(path.dirname(needFile('dist/index.html', '')), folder, { recursive: true });
  const eyes = path.dirname(needFile('tests/checkpoints/vit_moe/config.json', 'It is in git.'));
  fs.cpSync(eyes, path.join(folder, 'models/vit_moe'), { recursive: true });
  for (const name of BROKEN) breakModel(model, path.join(folder, 'models', name), name);
  const server = await serve({ ...options, root: folder });
  return {
    url: server.url,
    /** The host goes away; what it served stays until `close`. */
    goAway: () => server.close(),
    close: async () => {
      await server.close();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Chromium and the built page for all tests of a file, closed after them; options are those of `launch`. */
export async function withSite(options) {
  const site = await openSite();
  const browser = await withBrowser(options);
  after(() => site.close());
  return { browser, site };
}

function breakModel(from, to, how) {
  fs.mkdirSync(to, { recursive: true });
  for (const file of ['config.json', 'tokenizer.json']) fs.copyFileSync(path.join(from, file), path.join(to, file));
  const weights = fs.readFileSync(path.join(from, 'model.safetensors'));
  const target = path.join(to, 'model.safetensors');
  if (how === 'truncated') fs.writeFileSync(target, weights.subarray(0, Math.floor(weights.length * 0.6)));
  if (how === 'misshapen') fs.writeFileSync(target, turnOneTensor(weights));
}

/** The same bytes under a header that says one tensor lies the other way round. */
function turnOneTensor(weights) {
  const headerLength = Number(weights.readBigUInt64LE(0));
  const header = JSON.parse(weights.subarray(8, 8 + headerLength).toString('utf8'));
  const oblong = Object.values(header).find(({ shape }) => shape?.length === 2 && shape[0] !== shape[1]);
  if (oblong === undefined) throw new Error('models/first has no tensor that is not square');
  oblong.shape.reverse();
  const text = Buffer.from(JSON.stringify(header).padEnd(headerLength));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, weights.subarray(8 + headerLength)]);
}
