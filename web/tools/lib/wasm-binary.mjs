// A look inside a wasm file: which functions it exports, what they are called, what each one calls first.
// Only the sections that this needs (WebAssembly core specification, chapter 5); it validates nothing.

const SECTION = { custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9, code: 10, data: 11 };
const FUNCTION_KIND = 0;
const CALL = 0x10;

/**
 * What a module exports and names.
 *
 * `exports`: exported functions as { name, index, firstCall }, where firstCall is the index of the function
 * that the body calls before anything else, if it does. `names`: function names by index, where they are kept.
 * `functions`: every function of the module's own as { name, size }, size in bytes of code.
 */
export function inspectWasm(bytes) {
  if (bytes.toString('latin1', 0, 4) !== '\0asm') throw new Error('not a wasm file: it does not start with \\0asm');
  const sections = readSections(bytes);
  const imported = sections.has(SECTION.import) ? countImportedFunctions(sections.get(SECTION.import)) : 0;
  const bodies = sections.has(SECTION.code) ? readBodies(sections.get(SECTION.code)) : [];
  const names = readNames(sections.get('name'));
  const exported = readExports(sections.get(SECTION.export) ?? Buffer.of(0)).filter(({ kind }) => kind === FUNCTION_KIND);
  const exports = exported.map(({ name, index }) => ({ name, index, firstCall: firstCall(bodies[index - imported]) }));
  const functions = bodies.map((body, index) => ({ name: names.get(index + imported), size: body.length }));
  return { exports, names, functions };
}

/** Bytes of each section by its name. */
export function sectionSizes(bytes) {
  const known = new Map(Object.entries(SECTION).map(([name, id]) => [id, name]));
  return new Map([...readSections(bytes)].map(([id, content]) => [known.get(id) ?? (typeof id === 'number' ? `section ${id}` : `${id} (custom)`), content.length]));
}

/**
 * Signs that a module runs its static constructors on every call: wrapped names, or several exports that begin
 * by calling one and the same function (the wrapper calls `__wasm_call_ctors` first, whatever it is named).
 */
export function constructorTraps(bytes) {
  const { exports, names } = inspectWasm(bytes);
  const wrapped = [...names.values(), ...exports.map(({ name }) => name)].filter((name) => name.endsWith('.command_export'));
  const callers = new Map();
  for (const { firstCall: callee } of exports) {
    if (callee !== undefined) callers.set(callee, (callers.get(callee) ?? 0) + 1);
  }
  const shared = [...callers].filter(([, count]) => count > 1 && count > exports.length / 2);
  return [
    ...wrapped.map((name) => `${name} is a wrapped export`),
    ...shared.map(([callee, count]) => `${count} of ${exports.length} exports begin by calling function ${names.get(callee) ?? callee}`),
  ];
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get done() {
    return this.at >= this.bytes.length;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** An unsigned LEB128 number. */
  number() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name() {
    return this.take(this.number()).toString('utf8');
  }

  list(item) {
    return Array.from({ length: this.number() }, () => item(this));
  }
}

function readSections(bytes) {
  const reader = new Reader(bytes.subarray(8));
  const sections = new Map();
  while (!reader.done) {
    const id = reader.byte();
    const content = reader.take(reader.number());
    if (id !== SECTION.custom) {
      sections.set(id, content);
      continue;
    }
    const custom = new Reader(content);
    sections.set(custom.name(), content.subarray(custom.at));
  }
  return sections;
}

function countImportedFunctions(section) {
  const kinds = new Reader(section).list((reader) => {
    reader.name();
    reader.name();
    const kind = reader.byte();
    skipImport(reader, kind);
    return kind;
  });
  return kinds.filter((kind) => kind === FUNCTION_KIND).length;
}

function skipImport(reader, kind) {
  const limits = () => {
    const hasMaximum = reader.byte() & 1;
    reader.number();
    if (hasMaximum) reader.number();
  };
  if (kind === FUNCTION_KIND) reader.number();
  else if (kind === 1) reader.byte(), limits();
  else if (kind === 2) limits();
  else if (kind === 3) reader.take(2);
  else throw new Error(`unknown kind of import: ${kind}`);
}

function readExports(section) {
  return new Reader(section).list((reader) => ({ name: reader.name(), kind: reader.byte(), index: reader.number() }));
}

function readBodies(section) {
  return new Reader(section).list((reader) => reader.take(reader.number()));
}

function firstCall(body) {
  if (body === undefined) return undefined;
  const reader = new Reader(body);
  reader.list(() => [reader.number(), reader.byte()]);
  return reader.byte() === CALL ? reader.number() : undefined;
}

function readNames(section) {
  const names = new Map();
  if (section === undefined) return names;
  const reader = new Reader(section);
  while (!reader.done) {
    const id = reader.byte();
    const content = new Reader(reader.take(reader.number()));
    if (id === 1) content.list(() => names.set(content.number(), content.name()));
  }
  return names;
}
