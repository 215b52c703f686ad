// A small static server for the built page, which says of its files what a good host would say.
//
// Not for the open internet and not for development with reloading: it serves files of one folder to
// this machine, answers `If-None-Match` and `Range`, and prefers .br and .gz files where `npm run build` left them.
// Tests use `serve`; by hand: `node web/tools/serve.mjs [--root DIR] [--port N]`, or `npm run preview`.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostHeaders } from './lib/host-headers.mjs';
import { parseOptions } from './lib/options.mjs';
import { distDir } from './lib/paths.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8', '.json': 'application/json; charset=utf-8', '.map': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm', '.safetensors': 'application/octet-stream', '.svg': 'image/svg+xml', '.png': 'image/png',
  '.jpg': 'image/jpeg', '.webp': 'image/webp', '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8', '.md': 'text/markdown; charset=utf-8', '.toml': 'text/plain; charset=utf-8',
  '.ts': 'text/plain; charset=utf-8',
};
const ENCODINGS = [['br', '.br'], ['gzip', '.gz']];

/**
 * Serves a folder on this machine.
 *
 * `port: 0` takes any free port. With `tries` above 1 the ports after `port` are tried too when it is
 * taken. `base` is the path under which the folder lies, `isolated` asks for cross-origin isolation.
 * Returns the address and a function that ends the server and its open connections.
 */
export async function serve({ root = distDir, port = 0, host = '127.0.0.1', tries = 1, base = '/', isolated = false, headers = {} } = {}) {
  const site = { folder: fs.realpathSync(root), base: `/${base}/`.replace(/\/+/g, '/'), isolated, headers };
  for (let attempt = 0; ; attempt += 1) {
    const server = http.createServer((request, response) => answer(site, request, response));
    try {
      await listen(server, port === 0 ? 0 : port + attempt, host);
    } catch (error) {
      if (error.code === 'EADDRINUSE' && attempt + 1 < tries) continue;
      throw error;
    }
    const actual = server.address().port;
    return { url: `http://${host}:${actual}${site.base}`, port: actual, close: () => close(server) };
  }
}

function listen(server, port, host) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => { server.off('error', reject); resolve(); });
  });
}

function close(server) {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function answer(site, request, response) {
  const common = { 'Cache-Control': 'no-cache', ...hostHeaders('', site), ...site.headers };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(response, 405, `${request.method} is not allowed here: GET and HEAD are`, { ...common, Allow: 'GET, HEAD' });
  }
  const url = request.url ?? '/';
  if (url.split('?')[0] === site.base.slice(0, -1)) return response.writeHead(308, { ...common, Location: site.base }).end();
  const file = url.startsWith(site.base) ? resolveFile(site.folder, url.slice(site.base.length - 1)) : undefined;
  if (!file) return refuse(response, 404, `there is no such file below ${site.base}`, common);
  const name = path.relative(site.folder, file).split(path.sep).join('/');
  return sendFile(file, { ...common, ...hostHeaders(name, site), ...site.headers }, request, response);
}

/** The file a request means, or undefined: never one outside the folder, also not through a link. */
export function resolveFile(folder, url) {
  let name;
  try {
    name = decodeURIComponent(url.split(/[?#]/)[0]);
  } catch {
    return undefined;
  }
  if (name.includes('\0') || name.includes('\\')) return undefined;
  const wanted = path.join(folder, path.posix.normalize(`/${name}`));
  try {
    let file = fs.realpathSync(wanted);
    if (fs.statSync(file).isDirectory()) file = fs.realpathSync(path.join(file, 'index.html'));
    const relative = path.relative(folder, file);
    const inside = relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
    return inside && fs.statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

function sendFile(file, common, request, response) {
  // A range is one of the file itself.
  const accepted = request.headers.range === undefined ? String(request.headers['accept-encoding'] ?? '') : '';
  const [encoding, extension] = ENCODINGS.find(([name, ending]) => accepts(accepted, name) && isFreshCopy(file + ending, file)) ?? [undefined, ''];
  const body = file + extension;
  const { size, mtimeMs } = fs.statSync(body);
  const etag = `"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}${extension}"`;
  const headers = {
    ...common,
    'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    ETag: etag,
    'Accept-Ranges': 'bytes',
    Vary: 'Accept-Encoding',
    ...(encoding ? { 'Content-Encoding': encoding } : {}),
  };
  if (String(request.headers['if-none-match'] ?? '').split(/\s*,\s*/).includes(etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = request.method === 'GET' ? rangeOf(request.headers, size, etag) : undefined;
  if (range === 'none') {
    return refuse(response, 416, `the file has ${size} bytes`, { ...headers, 'Content-Range': `bytes */${size}` });
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, { ...headers, ...(range ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}), 'Content-Length': end - start + 1 });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const stream = fs.createReadStream(body, range ? { start, end } : {});
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.destroy());
  stream.pipe(response);
}

/** The bytes that a request asks for, first and last; undefined for all of them, 'none' where the file has no such bytes. */
function rangeOf(headers, size, etag) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? [];
  if (first === undefined || first + last === '' || ![undefined, etag].includes(headers['if-range'])) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last));
  return start <= end ? { start, end } : 'none';
}

/** Whether an Accept-Encoding header takes an encoding (`br;q=0` does not). */
function accepts(header, encoding) {
  return header.split(',').some((part) => {
    const [name, ...parameters] = part.trim().split(/\s*;\s*/);
    return name.toLowerCase() === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

function isFreshCopy(copy, file) {
  const stat = fs.statSync(copy, { throwIfNoEntry: false });
  return stat !== undefined && stat.isFile() && stat.mtimeMs >= fs.statSync(file).mtimeMs;
}

function refuse(response, status, why, headers) {
  const text = `${status}: ${why}\n`;
  response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = parseOptions(process.argv.slice(2), { root: 'path', port: 'port' });
  const server = await serve({ root: options.root ?? distDir, port: options.port ?? 5173, tries: options.port ? 1 : 20 });
  console.log(server.url);
}
