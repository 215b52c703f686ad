// Version numbers the scripts need, read from where they are written once: Cargo.toml, Cargo.lock.

import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';

/** Version of a package in the text of a Cargo.lock, or undefined. */
export function lockedVersion(lockText, name) {
  const entry = new RegExp(`^name = "${name}"\\nversion = "([^"]+)"`, 'm').exec(lockText);
  return entry?.[1];
}

/** The exact wasm-bindgen this workspace is locked to. */
export function wasmBindgenVersion() {
  const version = lockedVersion(fs.readFileSync(path.join(root, 'Cargo.lock'), 'utf8'), 'wasm-bindgen');
  if (!version) throw new Error('Cargo.lock names no wasm-bindgen; run `cargo metadata` to write it again');
  return version;
}

/** The oldest Rust the workspace builds with. */
export function minimumRust() {
  const found = /^rust-version = "([^"]+)"/m.exec(fs.readFileSync(path.join(root, 'Cargo.toml'), 'utf8'));
  if (!found) throw new Error('Cargo.toml names no rust-version');
  return found[1];
}

/** Whether version `a` is at least version `b`; both dotted numbers. */
export function atLeast(a, b) {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
