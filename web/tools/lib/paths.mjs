// Where everything lies: the checkout, the caches outside it, and what is built inside it.
//
// Nothing here creates a folder or reads a file; scripts do that where they need it.
// Cargo's target folder is outside the checkout and shared by every script, because a cold build of
// the tensor library takes minutes and must happen once per machine, not once per checkout.

import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** Moescope's cache folder: `$XDG_CACHE_HOME/moescope` or `~/.cache/moescope`. */
export function cacheDir(env = process.env) {
  const base = env.XDG_CACHE_HOME || path.join(env.HOME || os.homedir(), '.cache');
  return path.join(base, 'moescope');
}

/** Cargo's target folder: `$MOESCOPE_TARGET`, or `target` in the cache folder. */
export function targetDir(env = process.env) {
  return env.MOESCOPE_TARGET ? path.resolve(env.MOESCOPE_TARGET) : path.join(cacheDir(env), 'target');
}

/** What wasm-bindgen writes: `moescope_analyses.*`, `moescope_cpu.*`, `moescope_threads.*` and `moescope_gpu.*`. Not in git. */
export const wasmDir = path.join(root, 'web/packages/moescope/wasm');

/** The built page, ready to be served from any static host. Not in git. */
export const distDir = path.join(root, 'dist');

/** Stamps, logs and the native binary of this checkout. Not in git. */
export const stateDir = path.join(root, '.moescope');
export const logDir = path.join(stateDir, 'logs');

/** A path as a person wants to read it: relative to the checkout when inside it. */
export function shown(file) {
  const relative = path.relative(root, file);
  return relative.startsWith('..') ? file : relative || '.';
}
