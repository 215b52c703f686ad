// Writes GGUF files: the container of llama.cpp's models, version 3, little-endian.
// The format is described in ggml's docs/gguf.md; blocks of q8_0 hold 32 weights as one float16 scale and 32 int8.
// Not here: what a model's tensors and keys are called (peers/gguf-model.mjs), other quantisations, reading.

const MAGIC = 0x46554747; // "GGUF" in the order of its bytes.
const VERSION = 3;
const ALIGNMENT = 32;
const VALUE_TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 };

/** Weights in one of the formats, as the bytes of a file. `code` is the number of the type there. */
export const TENSOR_TYPES = {
  f32: { code: 0, bytes: (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
  f16: { code: 1, bytes: halves },
  q8_0: { code: 8, bytes: blocksOf8Bits },
};

const BLOCK = 32;
const BLOCK_BYTES = 2 + BLOCK;
const LARGEST_HALF = 65504;

/**
 * The bytes of a file.
 *
 * `metadata` is a list of `[key, type, value]` with a type of `VALUE_TYPES`, arrays as `[key, 'array', [type, values]]`.
 * `tensors` is a list of `{ name, shape, type, data }`: the shape outermost first, as in safetensors, the data float32.
 */
export function writeGguf({ metadata, tensors }) {
  const bodies = tensors.map(({ name, shape, type, data }) => bodyOf(name, shape, type, data));
  const head = new Writer();
  head.uint32(MAGIC).uint32(VERSION).uint64(tensors.length).uint64(metadata.length);
  for (const [key, type, value] of metadata) head.string(key).value(type, value);
  let offset = 0;
  for (const [index, { name, shape, type }] of tensors.entries()) {
    head.string(name).uint32(shape.length);
    for (const size of [...shape].reverse()) head.uint64(size);
    head.uint32(TENSOR_TYPES[type].code).uint64(offset);
    offset += aligned(bodies[index].length);
  }
  const start = aligned(head.length);
  const file = new Uint8Array(start + offset);
  file.set(head.bytes());
  let position = start;
  for (const body of bodies) {
    file.set(body, position);
    position += aligned(body.length);
  }
  return file;
}

function bodyOf(name, shape, type, data) {
  const format = TENSOR_TYPES[type];
  if (!format) throw new Error(`${name} is to be ${type}; allowed: ${Object.keys(TENSOR_TYPES).join(', ')}`);
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length) throw new Error(`${name} has ${data.length} values; its shape ${shape} holds ${count}`);
  if (type === 'q8_0' && shape.at(-1) % BLOCK !== 0) {
    throw new Error(`${name} has rows of ${shape.at(-1)}; allowed in q8_0: multiples of ${BLOCK}`);
  }
  return format.bytes(data);
}

function aligned(length) {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function halves(data) {
  const bits = new Uint16Array(data.length);
  for (let n = 0; n < data.length; n += 1) bits[n] = halfBits(data[n]);
  return new Uint8Array(bits.buffer);
}

/** Every 32 weights share a scale, so that the one furthest from zero becomes 127 or -127. */
function blocksOf8Bits(data) {
  const bytes = new Uint8Array((data.length / BLOCK) * BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block * BLOCK < data.length; block += 1) {
    const weights = data.subarray(block * BLOCK, (block + 1) * BLOCK);
    const scale = Math.fround(weights.reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0) / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setUint16(block * BLOCK_BYTES, halfBits(scale), true);
    for (let n = 0; n < BLOCK; n += 1) {
      view.setInt8(block * BLOCK_BYTES + 2 + n, awayFromZero(Math.fround(weights[n] * inverse)));
    }
  }
  return bytes;
}

/** The nearest whole number, halves away from zero. */
function awayFromZero(value) {
  return Math.sign(value) * Math.round(Math.abs(value));
}

/** The bits of the float16 nearest to a number, ties to even; throws where float16 has none. */
export function halfBits(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (!(size <= LARGEST_HALF)) throw new Error(`${value} does not fit float16; allowed: up to ${LARGEST_HALF}`);
  // Below 2^-14 float16 counts in steps of 2^-24; above, in steps of 2^-10 of the power of two beneath.
  const exponent = Math.max(Math.floor(Math.log2(size || 1e-9)), -14);
  const steps = toEven(size * 2 ** (10 - exponent));
  // A number of 2^10 steps and more has its leading bit in the exponent, which the sum carries over as it must.
  return sign | (((exponent + 14) << 10) + steps);
}

function toEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Appends numbers and strings in the order of the file. */
class Writer {
  #parts = [];
  length = 0;

  #append(bytes) {
    this.#parts.push(bytes);
    this.length += bytes.length;
    return this;
  }

  #number(size, set) {
    const view = new DataView(new ArrayBuffer(size));
    set(view);
    return this.#append(new Uint8Array(view.buffer));
  }

  uint32(value) {
    return this.#number(4, (view) => view.setUint32(0, value, true));
  }

  uint64(value) {
    return this.#number(8, (view) => view.setBigUint64(0, BigInt(value), true));
  }

  string(text) {
    const bytes = new TextEncoder().encode(text);
    return this.uint64(bytes.length).#append(bytes);
  }

  /** A value with its type before it. */
  value(type, value) {
    const code = VALUE_TYPES[type];
    if (code === undefined) throw new Error(`a value has type ${type}; allowed: ${Object.keys(VALUE_TYPES).join(', ')}`);
    this.uint32(code);
    if (type !== 'array') return this.#plain(type, value);
    const [inner, values] = value;
    this.uint32(VALUE_TYPES[inner]).uint64(values.length);
    for (const each of values) this.#plain(inner, each);
    return this;
  }

  #plain(type, value) {
    switch (type) {
      case 'uint32': return this.uint32(value);
      case 'int32': return this.#number(4, (view) => view.setInt32(0, value, true));
      case 'float32': return this.#number(4, (view) => view.setFloat32(0, value, true));
      case 'bool': return this.#append(Uint8Array.of(value ? 1 : 0));
      case 'string': return this.string(value);
      default: throw new Error(`arrays hold no ${type}`);
    }
  }

  bytes() {
    const all = new Uint8Array(this.length);
    let position = 0;
    for (const part of this.#parts) {
      all.set(part, position);
      position += part.length;
    }
    return all;
  }
}
