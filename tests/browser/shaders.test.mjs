// Every kernel of the crate shaders through the browser's own WGSL compiler, which is stricter than naga: it holds to the
// grammar and proves that all invocations reach the same barriers.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { assertQuiet, openPage, withCheckout } from './harness.mjs';

const { browser, server } = await withCheckout();
const shaders = fileURLToPath(new URL('../../shaders', import.meta.url));

/** Sources by name, joined as the table in `kernel.rs` says. */
function kernels() {
  const table = fs.readFileSync(path.join(shaders, 'src/kernel.rs'), 'utf8');
  const entries = [...table.matchAll(/: Kernel =\s*kernel!\(([^;]*)\);/g)].map(([, entry]) => {
    const [name, ...parts] = [...entry.matchAll(/"([a-z_/]+)"/g)].map(([, file]) => file);
    const read = (file) => fs.readFileSync(path.join(shaders, 'wgsl', `${file}.wgsl`), 'utf8');
    return [name, ['lib/run', ...parts, name].map(read).join('')];
  });
  return Object.fromEntries(entries);
}

test('every kernel compiles without a message', async () => {
  const sources = kernels();
  const files = fs.readdirSync(path.join(shaders, 'wgsl')).filter((file) => file.endsWith('.wgsl'));
  assert.deepEqual(Object.keys(sources).map((name) => `${name}.wgsl`).sort(), files.sort());
  const { page, errors, close } = await openPage(browser, `${server.url}tests/browser/blank.html`);
  const messages = await page.evaluate(async (sources) => {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter.requestDevice();
    const all = [];
    for (const [name, code] of Object.entries(sources)) {
      const info = await device.createShaderModule({ code }).getCompilationInfo();
      all.push(...info.messages.map(({ type, lineNum, message }) => `${name}, line ${lineNum}: ${type}: ${message}`));
    }
    return all;
  }, sources);
  assert.deepEqual(messages, []);
  assertQuiet(errors);
  await close();
});
