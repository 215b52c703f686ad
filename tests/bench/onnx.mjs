// Writes ONNX files: a graph of nodes with its weights, in the protocol buffers of onnx.proto (numbers of fields from there).
// Only what a network of ours needs: float32 and whole numbers, no subgraphs, no external data, no reading.

const WIRE = { varint: 0, bytes: 2, fixed32: 5 };
const IR_VERSION = 10;

/** Kinds of numbers: the code of the format, and how a typed array of them is made. */
export const ELEMENTS = {
  float: { code: 1, array: Float32Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
};

/**
 * The bytes of a model.
 *
 * `nodes` are `{ type, inputs, outputs, attributes?, domain? }`; `weights` are `{ name, element, shape, data }` with a typed
 * array of that element; `inputs` and `outputs` are `{ name, element, shape }`, whose shapes may name sizes.
 */
export function writeOnnx({ opsets, nodes, weights, inputs, outputs }) {
  const graph = message([
    ...nodes.map((node) => [1, nodeOf(node)]),
    [2, 'graph'],
    ...weights.map((weight) => [5, tensorOf(weight)]),
    ...inputs.map((value) => [11, valueOf(value)]),
    ...outputs.map((value) => [12, valueOf(value)]),
  ]);
  const operators = Object.entries(opsets).map(([domain, version]) => [8, message([[1, domain], [2, version]])]);
  return joined(message([[1, IR_VERSION], [2, 'moescope'], [7, graph], ...operators]));
}

function nodeOf({ type, inputs, outputs, attributes = {}, domain = '' }) {
  return message([
    ...inputs.map((name) => [1, name]),
    ...outputs.map((name) => [2, name]),
    [3, outputs[0]],
    [4, type],
    ...Object.entries(attributes).map(([name, value]) => [5, attributeOf(name, value)]),
    [7, domain],
  ]);
}

/** A whole number, a text, or a number in `{ float }`. */
function attributeOf(name, value) {
  if (typeof value === 'string') return message([[1, name], [4, value], [20, 3]]);
  if (Number.isInteger(value)) return message([[1, name], [3, value], [20, 2]]);
  if (typeof value?.float === 'number') return message([[1, name], [2, value], [20, 1]]);
  throw new Error(`attribute ${name} is ${JSON.stringify(value)}; allowed: a whole number, a text, { float }`);
}

function tensorOf({ name, element, shape, data }) {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length) throw new Error(`${name} has ${data.length} values; its shape ${shape} holds ${count}`);
  if (!(data instanceof ELEMENTS[element].array)) throw new Error(`${name} is no array of ${element}`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message([...shape.map((size) => [1, size]), [2, ELEMENTS[element].code], [8, name], [9, [bytes]]]);
}

function valueOf({ name, element, shape }) {
  const sizes = shape.map((size) => [1, message([typeof size === 'string' ? [2, size] : [1, size]])]);
  const tensor = message([[1, ELEMENTS[element].code], [2, message(sizes)]]);
  return message([[1, name], [2, message([[1, tensor]])]]);
}

/** A message as a list of byte arrays: fields are `[number, value]`, a value a number, a text, `{ float }` or a message. */
function message(fields) {
  return fields.flatMap(([field, value]) => {
    const tag = (wire) => varint((field << 3) | wire);
    if (typeof value === 'number') return [tag(WIRE.varint), varint(value)];
    if (value.float !== undefined) return [tag(WIRE.fixed32), new Uint8Array(Float32Array.of(value.float).buffer)];
    const parts = typeof value === 'string' ? [new TextEncoder().encode(value)] : value;
    return [tag(WIRE.bytes), varint(lengthOf(parts)), ...parts];
  });
}

/** Seven bits a byte, the lowest first; negative numbers as 64 bits. */
function varint(value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

function lengthOf(parts) {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function joined(parts) {
  const all = new Uint8Array(lengthOf(parts));
  let position = 0;
  for (const part of parts) {
    all.set(part, position);
    position += part.length;
  }
  return all;
}
