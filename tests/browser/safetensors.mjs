// Reads safetensors files: an 8-byte length, a JSON header, then the tensors row by row, little-endian.
// Only the types that the golden files use; no writing.

import fs from 'node:fs';

const ARRAYS = { F32: Float32Array, I32: Int32Array };

/** Tensors by name: { shape, data }. */
export function readSafetensors(file) {
  const bytes = fs.readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength));
  const start = 8 + headerLength;
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const ArrayType = ARRAYS[entry.dtype];
    if (!ArrayType) throw new Error(`${file}: ${name} has type ${entry.dtype}; allowed: ${Object.keys(ARRAYS).join(', ')}`);
    const [from, to] = entry.data_offsets;
    const data = new ArrayType(bytes.buffer.slice(bytes.byteOffset + start + from, bytes.byteOffset + start + to));
    tensors.set(name, { shape: entry.shape, data });
  }
  return tensors;
}
