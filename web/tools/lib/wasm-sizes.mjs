// What a wasm file is made of: bytes of code by crate, from the names that cargo leaves in its output, and of the rest.
// The shipped file has no names; its code is the same up to what wasm-bindgen removes.

import { inspectWasm, sectionSizes } from './wasm-binary.mjs';

const LEGACY = /^_ZN\d+(.*)17h[0-9a-f]{16}E$/;
/** A crate in Rust's own mangling: `C`, its hash, the length of its name, the name. */
const CRATE = /C(?:s[0-9a-zA-Z]*_)(\d+)_?([a-zA-Z_]\w*)/;
const WORDS = new Set(['as', 'dyn', 'impl', 'for', 'mut', 'const', 'LT', 'GT', 'RF', 'BP', 'u20', 'u7b', 'u7d', 'C', 'LP', 'RP']);

/** Parts with their bytes, biggest first; `crates` are those parts of the code that have names. */
export function wasmParts(bytes) {
  const { functions } = inspectWasm(bytes);
  const crates = new Map();
  for (const { name, size } of functions) {
    const crate = name === undefined ? '(no name)' : crateOf(name);
    crates.set(crate, (crates.get(crate) ?? 0) + size);
  }
  const bySize = (entries) => [...entries].map(([name, size]) => ({ name, size })).sort((a, b) => b.size - a.size);
  const biggest = functions.map(({ name, size }) => ({ name: name === undefined ? '(no name)' : readable(name), size })).sort((a, b) => b.size - a.size);
  return { sections: bySize(sectionSizes(bytes)), crates: bySize(crates), functions: biggest };
}

/** The crate that a function stands in; for `<A as B>::f` that of A. */
export function crateOf(name) {
  if (name.startsWith('_R')) {
    const [, length, rest] = CRATE.exec(name) ?? [];
    return length === undefined ? '(other)' : rest.slice(0, Number(length));
  }
  const path = readable(name).match(/[a-zA-Z_]\w*(?=::)/g) ?? [];
  return path.find((word) => !WORDS.has(word)) ?? '(other)';
}

/** A name without its mangling where that is the older one. */
export function readable(name) {
  if (!LEGACY.test(name)) return name;
  const parts = [];
  for (let at = 3; name[at] !== 'E' && at < name.length;) {
    const length = /^\d+/.exec(name.slice(at))?.[0] ?? '0';
    at += length.length;
    parts.push(name.slice(at, at + Number(length)));
    at += Number(length);
  }
  const plain = parts.slice(0, -1).map((part) => part.replace(/^_(?=\$)/, '').replaceAll('$LT$', '<').replaceAll('$GT$', '>').replaceAll('$u20$', ' ')
    .replaceAll('$RF$', '&').replaceAll('$BP$', '*').replaceAll('$C$', ',').replaceAll('$LP$', '(').replaceAll('$RP$', ')')
    .replaceAll('$u7b$', '{').replaceAll('$u7d$', '}').replaceAll('$u5b$', '[').replaceAll('$u5d$', ']').replaceAll('..', '::'));
  return plain.join('::');
}
