// The page without a network: a service worker that keeps what a visit has used and answers with it when the host cannot.
//
// Three kinds of files. Those with a hash in their name never change: the kept one is the answer. All others are asked
// of the host first, so that a new version shows at once. Weights are left alone: the package keeps them itself.
// The first visit runs before this worker does, so the page says afterwards what it has used (see src/offline.ts).
// A script of its own without imports, because not every browser takes modules here.

import type { Manifest, Used } from './manifest.js';

/** Written in by the build. */
declare const __MANIFEST__: Manifest;
declare const self: ServiceWorkerGlobalScope;

const { shell, hashed, engines, models } = __MANIFEST__;
const { scope } = self.registration;
/** Other pages of this host have caches of their own. */
const CACHE = `moescope-page ${scope}`;
const HASHED = `${scope}assets/`;
const WEIGHTS = '.safetensors';

self.addEventListener('install', (event) => {
  event.waitUntil(install());
});

self.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([removeFormer(), self.clients.claim()]));
});

self.addEventListener('message', (event: ExtendableMessageEvent) => {
  event.waitUntil(keepUsed(event.data as Used));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = plain(request.url);
  if (request.method !== 'GET' || !url.startsWith(scope) || url.endsWith(WEIGHTS) || request.headers.has('range')) return;
  event.respondWith(url.startsWith(HASHED) ? keptFirst(event, url) : hostFirst(event, url));
});

/** The page itself comes last: it must not name files that are not there. */
async function install(): Promise<void> {
  await Promise.all(shell.map((name) => keep(absolute(name))));
  await keep(scope);
  await self.skipWaiting();
}

/** Removes files with a hash that only a former version of the page had. */
async function removeFormer(): Promise<void> {
  const cache = await open();
  const current = new Set(hashed.map(absolute));
  const former = (await cache.keys()).filter(({ url }) => url.startsWith(HASHED) && !current.has(url));
  await Promise.all(former.map(({ url }) => cache.delete(url)));
}

/** Keeping is an extra: what cannot be kept now is kept when it is used next. */
async function keepUsed({ files, engine, model }: Used): Promise<void> {
  const folder = model?.startsWith(scope) === true ? model.slice(scope.length) : '';
  const names = [...(engine === undefined ? [] : engines[engine]), ...(models[folder] ?? []).map((name) => folder + name)];
  const used = files.map(plain).filter((url) => url.startsWith(scope) && !url.endsWith(WEIGHTS));
  await Promise.allSettled([...used, ...names.map(absolute)].map(keep));
}

/** Puts a file into the cache, one with a hash only once. */
async function keep(url: string): Promise<void> {
  const cache = await open();
  const constant = url.startsWith(HASHED);
  if (constant && (await cache.match(url)) !== undefined) return;
  const answer = await fetch(url, { cache: constant ? 'default' : 'no-cache' });
  if (!isWorthKeeping(answer)) throw new Error(`${url} could not be kept: the host answered ${answer.status}`);
  await cache.put(url, answer);
}

async function keptFirst(event: FetchEvent, url: string): Promise<Response> {
  return (await (await open()).match(url)) ?? fromHost(event, url);
}

async function hostFirst(event: FetchEvent, url: string): Promise<Response> {
  try {
    return await fromHost(event, url);
  } catch (error) {
    const kept = await (await open()).match(url);
    if (kept === undefined) throw error;
    return kept;
  }
}

async function fromHost(event: FetchEvent, url: string): Promise<Response> {
  const answer = await fetch(event.request);
  if (isWorthKeeping(answer)) {
    const copy = answer.clone();
    // Where there is no room the page runs all the same.
    event.waitUntil(open().then((cache) => cache.put(url, copy)).catch(() => undefined));
  }
  return answer;
}

/** A redirected answer would be refused for the page itself. */
function isWorthKeeping({ status, redirected, type }: Response): boolean {
  return status === 200 && !redirected && type === 'basic';
}

function open(): Promise<Cache> {
  return caches.open(CACHE);
}

function absolute(name: string): string {
  return new URL(name, scope).href;
}

/** An address without query and hash, which a static host does not read; the page goes by the name of its folder. */
function plain(url: string): string {
  const bare = url.replace(/[?#].*$/, '');
  return bare === `${scope}index.html` ? scope : bare;
}
