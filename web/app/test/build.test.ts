// What the build adds to the page: the policy of the local server, and the models with the files that they need.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

import { CONTENT_SECURITY_POLICY } from '../../tools/lib/policy.mjs';
import { PICTURE, contentSecurityPolicy, hostHeaders, manifestOf, socialPreview } from '../hosting.js';
import { copyModels } from '../vite.config.js';

const folder = mkdtempSync(join(tmpdir(), 'moescope-build-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A hook of a plugin, called as the build would. */
function call(hook: unknown, ...values: readonly unknown[]): unknown {
  if (typeof hook !== 'function') throw new Error('the plugin has no such hook');
  return hook(...values) as unknown;
}

it('the page states the policy that the local server sends', () => {
  expect(call(contentSecurityPolicy().transformIndexHtml)).toEqual([
    { tag: 'meta', injectTo: 'head-prepend', attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY } },
  ]);
});

it('headers for hosts lie beside the page', () => {
  call(hostHeaders().writeBundle, { dir: folder });
  expect(readFileSync(join(folder, '_headers'), 'utf8')).toContain(`Content-Security-Policy: ${CONTENT_SECURITY_POLICY}\n`);
});

it('the preview has a whole address where the address of the page is known', () => {
  const pictures = (site?: string): string => JSON.stringify(call(socialPreview(site).transformIndexHtml));
  expect(pictures()).toContain('"og:image","content":"./preview.png"');
  expect(pictures()).not.toContain('canonical');
  expect(pictures('https://host.example/a')).toContain('"og:image","content":"https://host.example/a/preview.png"');
  expect(() => pictures('host.example')).toThrow(/Invalid URL/);
});

it('the picture of the preview has the size that the page says', () => {
  const png = readFileSync(join(import.meta.dirname, '../public', PICTURE.file));
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([PICTURE.width, PICTURE.height]);
});

it('the service worker is told what is light and which engine is which', () => {
  const names = ['index.html', 'assets/a-1.js', 'assets/a-1.css', 'assets/f-1.woff2', 'assets/moescope_analyses_bg-1.wasm', 'assets/moescope_cpu_bg-1.wasm', 'assets/moescope_gpu_bg-1.wasm', 'assets/moescope_threads_bg-1.wasm'];
  expect(manifestOf(names, {})).toMatchObject({
    shell: ['assets/a-1.css', 'assets/a-1.js', 'assets/moescope_analyses_bg-1.wasm'],
    engines: {
      cpu: ['assets/moescope_cpu_bg-1.wasm'],
      threads: ['assets/moescope_threads_bg-1.wasm'],
      webgpu: ['assets/moescope_cpu_bg-1.wasm'],
      'webgpu-burn': ['assets/moescope_gpu_bg-1.wasm'],
    },
  });
  expect(manifestOf(names, {}).hashed).toEqual(names.slice(1).toSorted());
  expect(() => manifestOf(['assets/other-1.wasm'], {})).toThrow(/other-1\.wasm is the engine of no known backend/);
});

it('every trained model is shipped with its weights and tokenizer, and without its recipe', () => {
  call(copyModels().writeBundle, { dir: folder });
  const source = join(import.meta.dirname, '../../../models');
  const names = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const trained = names.filter((name) => existsSync(join(source, name, 'model.safetensors')));
  expect(trained).toContain('first');
  expect(readdirSync(join(folder, 'models')).toSorted()).toEqual(trained.toSorted());
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']) {
    expect(existsSync(join(folder, 'models/first', file)), file).toBe(existsSync(join(source, 'first', file)));
  }
  expect(existsSync(join(folder, 'models/first/recipe.toml'))).toBe(false);
});
