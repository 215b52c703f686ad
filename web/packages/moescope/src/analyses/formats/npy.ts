// Numpy's .npy files of whole numbers, as far as traces need them (numpy.org, numpy.lib.format, versions 1 to 3):
// little-endian or single bytes, rows first.

import { invalid } from './check.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Where the data begin is a multiple of this. */
const ALIGNMENT = 64;

export interface NpyArray {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, at) => bytes[at] === byte);
}

const TYPES: Readonly<Record<string, { readonly size: number; readonly get: (view: DataView, at: number) => number }>> = {
  '|u1': { size: 1, get: (view, at) => view.getUint8(at) },
  '|i1': { size: 1, get: (view, at) => view.getInt8(at) },
  '<u2': { size: 2, get: (view, at) => view.getUint16(at, true) },
  '<i2': { size: 2, get: (view, at) => view.getInt16(at, true) },
  '<u4': { size: 4, get: (view, at) => view.getUint32(at, true) },
  '<i4': { size: 4, get: (view, at) => view.getInt32(at, true) },
  '<i8': { size: 8, get: (view, at) => Number(view.getBigInt64(at, true)) },
  '<u8': { size: 8, get: (view, at) => Number(view.getBigUint64(at, true)) },
};

export function readNpy(bytes: Uint8Array): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isNpy(bytes) || bytes.length < 12) throw invalid('The file is no numpy array: it does not begin like one.');
  const wide = view.getUint8(6) >= 2;
  const [length, start] = wide ? [view.getUint32(8, true), 12] : [view.getUint16(8, true), 10];
  if (start + length > bytes.length) throw invalid('The numpy array ends within its header; it was cut off.');
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const type = TYPES[descr];
  if (type === undefined) throw invalid(`The numpy array is of type ${descr || 'unknown'}; it must be one of ${Object.keys(TYPES).join(', ')}.`);
  if (/'fortran_order':\s*True/.test(header)) throw invalid('The numpy array has columns first; save it with np.save(file, np.ascontiguousarray(array)).');
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '').map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const found = Math.floor((bytes.length - start - length) / type.size);
  if (found !== count) throw invalid(`The numpy array of shape [${shape.join(', ')}] has ${found} numbers; it must have ${count}.`);
  return { shape, values: Array.from({ length: count }, (_, at) => entry(type.get(view, start + length + at * type.size), at)) };
}

function entry(value: number, at: number): number {
  if (value < 0) throw invalid(`Entry ${at} of the numpy array is ${value}; experts are counted from 0.`);
  return value;
}

/** Version 1, in 16 bits where the values fit, as vLLM has them. */
export function writeNpy(shape: readonly number[], values: Int32Array): Uint8Array<ArrayBuffer> {
  const short = values.every((value) => value < 2 ** 15);
  const said = `{'descr': '${short ? '<i2' : '<i4'}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const start = Math.ceil((10 + said.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${said.padEnd(start - 11)}\n`;
  const size = short ? 2 : 4;
  const bytes = new Uint8Array(start + values.length * size);
  const view = new DataView(bytes.buffer);
  bytes.set([...MAGIC, 1, 0]);
  view.setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), 10);
  values.forEach((value, at) => (short ? view.setInt16(start + at * 2, value, true) : view.setInt32(start + at * 4, value, true)));
  return bytes;
}
