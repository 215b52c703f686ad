// What a host says with the files of the page, in one place: the local server sends it, and the build writes it into
// `dist/_headers`, which hosts such as Netlify and Cloudflare Pages read and others can be given.
//
// Nothing here is needed to run the page: it states its policy itself, and without isolation it runs on one thread.

import { contentSecurityPolicy } from './policy.mjs';

/** Sent with every file, beside the policy. */
const EVERYWHERE = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };

/** Make `crossOriginIsolated` true, which shared memory and with it threads need. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** Files whose names change with their contents; the build puts nothing else into this folder. */
export const HASHED = 'assets/';
const FOREVER = { 'Cache-Control': 'public, max-age=31536000, immutable' };

/** Headers of a file, by its path inside the folder. */
export function hostHeaders(name, { isolated = false } = {}) {
  const policy = { 'Content-Security-Policy': contentSecurityPolicy() };
  return { ...policy, ...EVERYWHERE, ...(isolated ? ISOLATION : {}), ...(name.startsWith(HASHED) ? FOREVER : {}) };
}

/** The same as a `_headers` file. */
export function headersFile(options) {
  const rule = (pattern, headers) => [pattern, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`), ''];
  return [...rule('/*', hostHeaders('', options)), ...rule(`/${HASHED}*`, FOREVER)].join('\n');
}
