// The static server: types, policy, caching, compressed copies, and nothing outside its folder.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { headersFile, hostHeaders } from './lib/host-headers.mjs';
import { CONTENT_SECURITY_POLICY, contentSecurityPolicy, modelHosts } from './lib/policy.mjs';
import { serve } from './serve.mjs';

let outer;
let server;

before(async () => {
  outer = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-serve-'));
  const root = path.join(outer, 'dist');
  fs.mkdirSync(path.join(root, 'models/first'), { recursive: true });
  fs.writeFileSync(path.join(outer, 'secret.txt'), 'secret');
  fs.mkdirSync(path.join(outer, 'dist-other'));
  fs.writeFileSync(path.join(outer, 'dist-other/secret.txt'), 'secret');
  fs.symlinkSync(path.join(outer, 'secret.txt'), path.join(root, 'link.txt'));
  fs.writeFileSync(path.join(root, 'index.html'), '<!doctype html>');
  fs.writeFileSync(path.join(root, 'models/first/config.json'), '{}');
  fs.writeFileSync(path.join(root, 'a b.css'), 'body{}');
  fs.mkdirSync(path.join(root, 'assets'));
  fs.writeFileSync(path.join(root, 'assets/index-Ab12.js'), 'let page;');
  fs.writeFileSync(path.join(root, 'engine.wasm'), 'raw bytes of wasm');
  fs.writeFileSync(path.join(root, 'engine.wasm.br'), 'br');
  fs.writeFileSync(path.join(root, 'engine.wasm.gz'), 'gzip');
  fs.writeFileSync(path.join(root, 'old.js.br'), 'stale');
  fs.utimesSync(path.join(root, 'old.js.br'), 1, 1);
  fs.writeFileSync(path.join(root, 'old.js'), 'let fresh;');
  server = await serve({ root });
});

after(async () => {
  await server.close();
  fs.rmSync(outer, { recursive: true, force: true });
});

/** A request with its path sent exactly as written, which `fetch` would tidy up. */
function get(target, { method = 'GET', headers = {}, port = server.port } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: target, method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => { body += chunk; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    request.on('error', reject);
    request.end();
  });
}

test('a folder answers with its index, with the policy', async () => {
  const { status, headers, body } = await get('/');
  assert.deepEqual([status, body], [200, '<!doctype html>']);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(headers['content-security-policy'], CONTENT_SECURITY_POLICY);
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('the policy allows no inline code and no other host', () => {
  assert.doesNotMatch(CONTENT_SECURITY_POLICY, /unsafe-inline|'unsafe-eval'|https?:|\*/);
  assert.match(CONTENT_SECURITY_POLICY, /^default-src 'none'/);
});

test('hosts of models that a build names may be asked for data, and for nothing else', () => {
  const hosts = modelHosts({ MOESCOPE_MODEL_HOSTS: 'https://a.example,https://*.b.example' });
  const more = contentSecurityPolicy(hosts).split('; ').filter((rule) => !CONTENT_SECURITY_POLICY.split('; ').includes(rule));
  assert.deepEqual(more, ["connect-src 'self' https://a.example https://*.b.example"]);
  assert.deepEqual(modelHosts({}), []);
});

test('wasm has its type and its length', async () => {
  const { headers, body } = await get('/engine.wasm?v=1');
  assert.equal(headers['content-type'], 'application/wasm');
  assert.equal(headers['content-length'], String(body.length));
  assert.equal(body, 'raw bytes of wasm');
});

test('a compressed copy is sent to those who take it', async () => {
  const br = await get('/engine.wasm', { headers: { 'Accept-Encoding': 'gzip, br' } });
  assert.deepEqual([br.headers['content-encoding'], br.headers['content-type'], br.body], ['br', 'application/wasm', 'br']);
  const gz = await get('/engine.wasm', { headers: { 'Accept-Encoding': 'gzip, br;q=0' } });
  assert.deepEqual([gz.headers['content-encoding'], gz.body], ['gzip', 'gzip']);
  assert.equal(gz.headers.vary, 'Accept-Encoding');
});

test('a compressed copy older than its file is not sent', async () => {
  const { headers, body } = await get('/old.js', { headers: { 'Accept-Encoding': 'br' } });
  assert.deepEqual([headers['content-encoding'], body], [undefined, 'let fresh;']);
});

test('a known version is answered with 304 and no body', async () => {
  const first = await get('/models/first/config.json');
  const again = await get('/models/first/config.json', { headers: { 'If-None-Match': first.headers.etag } });
  assert.deepEqual([again.status, again.body], [304, '']);
  const packed = await get('/engine.wasm', { headers: { 'Accept-Encoding': 'br' } });
  assert.notEqual(packed.headers.etag, (await get('/engine.wasm')).headers.etag);
});

test('HEAD has the length and no body; other methods are refused', async () => {
  const head = await get('/engine.wasm', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '17']);
  assert.equal((await get('/', { method: 'POST' })).status, 405);
});

test('a range of a file is sent, of the file itself and only of the version that is meant', async () => {
  const { headers: { etag } } = await get('/engine.wasm');
  const range = async (wanted, headers = {}) => {
    const answer = await get('/engine.wasm', { headers: { Range: wanted, 'Accept-Encoding': 'br', ...headers } });
    return [answer.status, answer.headers['content-range'], answer.body];
  };
  assert.deepEqual(await range('bytes=4-'), [206, 'bytes 4-16/17', 'bytes of wasm']);
  assert.deepEqual(await range('bytes=0-2'), [206, 'bytes 0-2/17', 'raw']);
  assert.deepEqual(await range('bytes=-4'), [206, 'bytes 13-16/17', 'wasm']);
  assert.deepEqual(await range('bytes=4-', { 'If-Range': etag }), [206, 'bytes 4-16/17', 'bytes of wasm']);
  assert.deepEqual(await range('bytes=4-', { 'If-Range': '"another"' }), [200, undefined, 'raw bytes of wasm']);
  assert.deepEqual(await range('bytes=1-2,4-5'), [200, undefined, 'raw bytes of wasm']);
  assert.deepEqual((await range('bytes=17-')).slice(0, 2), [416, 'bytes */17']);
  const head = await get('/engine.wasm', { method: 'HEAD', headers: { Range: 'bytes=4-' } });
  assert.deepEqual([head.status, head.headers['accept-ranges'], head.body], [200, 'bytes', '']);
});

test('names are decoded', async () => {
  assert.equal((await get('/a%20b.css')).body, 'body{}');
});

test('nothing outside the folder is served', async () => {
  const attempts = [
    '/../secret.txt', '/%2e%2e/secret.txt', '/models/%2e%2e/%2e%2e/secret.txt', '/..%2fsecret.txt', '/..%5csecret.txt',
    '/../dist-other/secret.txt', '//../secret.txt', '/link.txt', '/index.html%00.txt', '/%zz', '/missing.js', '/models/first',
  ];
  for (const target of attempts) {
    const { status, body } = await get(target);
    assert.equal(status, 404, target);
    assert.doesNotMatch(body, /secret/, target);
  }
});

test('a folder is served below a path and nowhere else', async () => {
  const below = await serve({ root: path.join(outer, 'dist'), base: '/a/b' });
  const ask = (target) => get(target, { port: below.port });
  assert.match(below.url, /^http:\/\/127\.0\.0\.1:\d+\/a\/b\/$/);
  assert.equal((await ask('/a/b/models/first/config.json')).body, '{}');
  for (const target of ['/a/b', '/a/b?model=x']) {
    const { status, headers } = await ask(target);
    assert.deepEqual([status, headers.location], [308, '/a/b/'], target);
  }
  for (const target of ['/', '/index.html', '/a/', '/a/bc', '/a/b/../../secret.txt']) assert.equal((await ask(target)).status, 404, target);
  await below.close();
});

test('cross-origin isolation is sent with every file, and only when asked for', async () => {
  const isolated = await serve({ root: path.join(outer, 'dist'), isolated: true });
  for (const target of ['/', '/engine.wasm', '/assets/index-Ab12.js', '/missing']) {
    const { headers } = await get(target, { port: isolated.port });
    assert.deepEqual([headers['cross-origin-opener-policy'], headers['cross-origin-embedder-policy']], ['same-origin', 'require-corp'], target);
    assert.equal((await get(target)).headers['cross-origin-opener-policy'], undefined, target);
  }
  await isolated.close();
});

test('files whose name has a hash are kept, others are asked for again', async () => {
  assert.match((await get('/assets/index-Ab12.js')).headers['cache-control'], /immutable/);
  for (const target of ['/', '/engine.wasm', '/models/first/config.json', '/assets/missing.js']) {
    assert.equal((await get(target)).headers['cache-control'], 'no-cache', target);
  }
});

test('the file for hosts says what the local server sends', () => {
  const rules = Object.fromEntries(headersFile({ isolated: true }).split('\n\n').map((rule) => {
    const [pattern, ...lines] = rule.trimEnd().split('\n');
    return [pattern, Object.fromEntries(lines.map((line) => line.trim().split(/: (.*)/).slice(0, 2)))];
  }));
  assert.deepEqual(rules['/*'], hostHeaders('index.html', { isolated: true }));
  assert.deepEqual({ ...rules['/*'], ...rules['/assets/*'] }, hostHeaders('assets/index-Ab12.js', { isolated: true }));
});

test('the next port is taken when one is in use, and only when asked', async () => {
  const root = path.join(outer, 'dist');
  await assert.rejects(serve({ root, port: server.port }), { code: 'EADDRINUSE' });
  const second = await serve({ root, port: server.port, tries: 20 });
  assert.ok(second.port > server.port);
  await second.close();
});
