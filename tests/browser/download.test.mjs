// Weights from another origin: the package on one local server, the model on a second one at another port, which cuts the first
// answer off. What a host has to say so that a download goes on, and what happens where it does not.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { CONTENT_SECURITY_POLICY } from '../../web/tools/lib/policy.mjs';
import { assertQuiet, needFile, openPage, withCheckout } from './harness.mjs';

const MODEL = path.dirname(needFile('models/first/model.safetensors', 'Train this model first.'));
const CUT_AT = 1_000_000;
/** What Chromium says of an answer that was cut off. */
const BROKEN = [/net::ERR/];
needFile('web/packages/moescope/dist/public/index.js', 'Run `npm run build`.');

// The page allows the other origin, as one has to that embeds the package.
const { browser, server } = await withCheckout({
  headers: { 'Content-Security-Policy': CONTENT_SECURITY_POLICY.replace("connect-src 'self'", "connect-src 'self' http://127.0.0.1:*") },
});

/**
 * A host of the model with these headers; `asked` lists what was asked of the weights, the first of which breaks. What carries
 * `If-Range` is in `guarded` instead: the package sends none across origins, but the browser's cache may ask so on its own
 * account, and then answers the package with what both have brought.
 */
async function modelHost(t, headers) {
  const [asked, guarded] = [[], []];
  const host = http.createServer((request, response) => {
    const name = path.basename(new URL(request.url, 'http://host').pathname);
    const body = fs.readFileSync(path.join(MODEL, name));
    const isWeights = name === 'model.safetensors';
    const [range, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const part = body.subarray(Number(first ?? 0), last ? Number(last) + 1 : undefined);
    const list = request.headers['if-range'] === undefined ? asked : guarded;
    if (isWeights && request.method !== 'HEAD') list.push(`${request.method} ${range ?? 'all'}`);
    const place = range === undefined ? {} : { 'Content-Range': `bytes ${first}-${Number(first) + part.length - 1}/${body.length}` };
    response.writeHead(range === undefined ? 200 : 206, { ETag: '"one"', ...headers, ...place, 'Content-Length': part.length });
    if (isWeights && asked.length === 1 && range === undefined) response.write(part.subarray(0, CUT_AT), () => setTimeout(() => response.destroy(), 50));
    else response.end(part);
  });
  await new Promise((resolve) => { host.listen(0, '127.0.0.1', resolve); });
  t.after(() => new Promise((resolve) => {
    host.close(resolve);
    host.closeAllConnections();
  }));
  return { url: `http://127.0.0.1:${host.address().port}/first`, asked, guarded };
}

/** Loads the model in a page of the other origin; resolves to the experts of the model and the loss of a text, or to the error. */
async function load(url, expected = []) {
  const { page, errors, close } = await openPage(browser, `${server.url}tests/browser/blank.html`);
  const found = await page.evaluate(async (model) => {
    const { Moescope } = await import('/web/packages/moescope/dist/public/index.js');
    try {
      const scope = await Moescope.load(model, { backend: 'cpu' });
      return { experts: scope.model.n_experts, loss: (await scope.analyse('Once upon a time')).loss };
    } catch ({ code, message }) {
      return { code, message };
    }
  }, url);
  assertQuiet(errors, expected);
  await close();
  return found;
}

const whole = await load('/models/first');
const OPEN = { 'Access-Control-Allow-Origin': '*' };

for (const [mark, headers] of [
  ['an ETag that it exposes', { ...OPEN, 'Access-Control-Expose-Headers': 'ETag, Content-Range' }],
  ['a Last-Modified, which needs no exposing', { ...OPEN, 'Last-Modified': 'Thu, 26 Nov 2026 12:00:00 GMT', 'Access-Control-Expose-Headers': 'Content-Range' }],
]) {
  test(`a broken download from another origin goes on where it broke: its host says ${mark}`, async (t) => {
    const host = await modelHost(t, headers);
    assert.deepEqual(await load(host.url, BROKEN), whole);
    const [first, ...rest] = host.asked;
    assert.equal(first, 'GET all');
    // No preflight, which `If-Range` would need, and nothing from the start again.
    const later = [...rest, ...host.guarded];
    assert.ok(later.length > 0 && later.every((request) => /^GET bytes=[1-9]\d*-\d*$/.test(request)), [first, ...later].join());
  });
}

for (const [what, headers, again] of [
  ['keeps Content-Range to itself', { ...OPEN, 'Access-Control-Expose-Headers': 'ETag' }, /^(GET bytes=[1-9]\d*-(,GET all)?)?$/],
  ['exposes nothing and has no date', OPEN, /^(GET all)?$/],
]) {
  test(`a broken download from another origin starts anew where the host ${what}`, async (t) => {
    const host = await modelHost(t, headers);
    assert.deepEqual(await load(host.url, BROKEN), whole);
    const [first, ...rest] = host.asked;
    assert.equal(first, 'GET all');
    assert.match(rest.join(), again);
    // Where the package did not ask again, the browser's cache has mended the download before the package heard of it.
    assert.ok(rest.length + host.guarded.length > 0, 'the rest was asked for');
  });
}

test('a host that lets no other origin read is an error that names the address', async (t) => {
  const { url } = await modelHost(t, {});
  const { code, message } = await load(url, [/blocked by CORS policy/, /net::ERR/]);
  assert.equal(code, 'fetch_failed');
  assert.match(message, new RegExp(`could not be fetched from ${url}/.*Check the address and the connection`));
});
