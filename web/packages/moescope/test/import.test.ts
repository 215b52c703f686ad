// The package can be imported where there is no browser, and its public face is what it is meant to be.

import { afterAll, expect, test } from 'vitest';

const BROWSER_GLOBALS = ['window', 'self', 'document', 'location', 'navigator', 'Worker', 'WebAssembly', 'caches', 'indexedDB', 'GPUAdapter'];
const before = new Map(BROWSER_GLOBALS.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));

afterAll(() => {
  for (const [name, descriptor] of before) {
    if (descriptor === undefined) {
      Reflect.deleteProperty(globalThis, name);
    } else {
      Object.defineProperty(globalThis, name, descriptor);
    }
  }
});

test('importing the package touches no browser global and exports only its public face', async () => {
  const touched: string[] = [];
  for (const name of BROWSER_GLOBALS) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get: () => {
        touched.push(name);
        return before.get(name)?.value;
      },
    });
  }
  const exported = await import('../src/public/index.js');
  expect(touched).toEqual([]);
  expect(Object.keys(exported).sort()).toEqual(['Analyser', 'BACKENDS', 'DEFAULT_SPEC', 'Moescope', 'MoescopeError', 'NO_LABEL', 'PRESETS', 'TRACE_FORMATS', 'VERDICTS', 'joinTraces', 'labelsOf', 'missingFor', 'readTrace', 'traceOf', 'writeTrace']);
});
