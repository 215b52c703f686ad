// Reads what a GGUF file says of itself and its float32 tensors, by ggml's docs/gguf.md alone; for tests of the writer.

/** `{ magic, version, keys, tensors: [{ name, sizes, type, offset }], start, floats(name) }` of a file. */
export function readGguf(file) {
  const view = new DataView(file.buffer);
  let at = 0;
  const uint32 = () => view.getUint32((at += 4) - 4, true);
  const uint64 = () => Number(view.getBigUint64((at += 8) - 8, true));
  const string = () => {
    const length = uint64();
    at += length;
    return new TextDecoder().decode(file.subarray(at - length, at));
  };
  const plain = {
    4: uint32,
    5: () => view.getInt32((at += 4) - 4, true),
    6: () => view.getFloat32((at += 4) - 4, true),
    7: () => view.getUint8((at += 1) - 1) === 1,
    8: string,
    9: () => {
      const type = uint32();
      return Array.from({ length: uint64() }, () => plain[type]());
    },
  };
  const [magic, version, tensorCount, keyCount] = [uint32(), uint32(), uint64(), uint64()];
  const keys = Object.fromEntries(Array.from({ length: keyCount }, () => [string(), plain[uint32()]()]));
  const tensors = Array.from({ length: tensorCount }, () => ({
    name: string(), sizes: Array.from({ length: uint32() }, uint64), type: uint32(), offset: uint64(),
  }));
  const start = Math.ceil(at / 32) * 32;
  const floats = (wanted) => {
    const { sizes, offset } = tensors.find(({ name }) => name === wanted);
    return new Float32Array(file.buffer, start + offset, sizes.reduce((product, size) => product * size, 1));
  };
  return { magic, version, keys, tensors, start, floats };
}
