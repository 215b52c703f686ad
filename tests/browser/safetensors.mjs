// Reads safetensors files: an 8-byte length, a JSON header, then the tensors row by row, little-endian.
// Only the types that golden files and trained models use; bfloat16 widens to float32, exactly. No writing.

import fs from 'node:fs';

const DECODERS = { F32: (buffer) => new Float32Array(buffer), I32: (buffer) => new Int32Array(buffer), BF16: widenBfloat16 };

/** Tensors by name: { shape, data }. */
export function readSafetensors(file) {
  const bytes = fs.readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength));
  const start = 8 + headerLength;
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const decode = DECODERS[entry.dtype];
    if (!decode) throw new Error(`${file}: ${name} has type ${entry.dtype}; allowed: ${Object.keys(DECODERS).join(', ')}`);
    const [from, to] = entry.data_offsets;
    const data = decode(bytes.buffer.slice(bytes.byteOffset + start + from, bytes.byteOffset + start + to));
    tensors.set(name, { shape: entry.shape, data });
  }
  return tensors;
}

/** A bfloat16 is the upper half of a float32. */
function widenBfloat16(buffer) {
  const halves = new Uint16Array(buffer);
  const bits = new Uint32Array(halves.length);
  for (let n = 0; n < halves.length; n += 1) bits[n] = halves[n] << 16;
  return new Float32Array(bits.buffer);
}
