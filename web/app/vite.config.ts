// Builds the page into one folder that any static host serves from any sub-path: relative addresses, hashed names,
// the models beside it, and what hosting.ts adds.

import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

import { contentSecurityPolicy, hostHeaders, offline, socialPreview } from './hosting.js';
import { modelHosts } from '../tools/lib/policy.mjs';
import { listModels } from './model-list.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const models = join(here, '../../models');

/** What of a model folder is shipped; recipes and logs stay behind. */
const MODEL_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors', 'README.md', 'eval.json', 'experts.svg', 'saturation.svg'];

/** Files of every model folder that has any; a recipe alone is not shipped. */
function shippedFiles(): Record<string, string[]> {
  if (!existsSync(models)) return {};
  const folders = readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const shipped = folders.map(({ name }) => [name, MODEL_FILES.filter((file) => existsSync(join(models, name, file)))] as const);
  return Object.fromEntries(shipped.filter(([, files]) => files.length > 0));
}

/** What a model needs besides its weights, by its folder. */
function smallFiles(): Record<string, string[]> {
  const small = (file: string): boolean => file.endsWith('.json') && file !== 'eval.json';
  return Object.fromEntries(Object.entries(shippedFiles()).flatMap(([name, files]) =>
    (files.some(small) ? [[`models/${name}/`, files.filter(small)]] : [])));
}

export function copyModels(): Plugin {
  return {
    name: 'copy-models',
    apply: 'build',
    writeBundle({ dir }) {
      if (dir === undefined) return;
      for (const [name, files] of Object.entries(shippedFiles())) {
        mkdirSync(join(dir, 'models', name), { recursive: true });
        for (const file of files) cpSync(join(models, name, file), join(dir, 'models', name, file));
      }
    },
  };
}

function recordedIds(): string[] {
  const folder = join(here, 'public/recorded');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length).replaceAll('\\', '/'));
}

export default defineConfig({
  root: here,
  base: './',
  define: { __RECORDED__: JSON.stringify(recordedIds()), __MODELS__: JSON.stringify(listModels(models)), __MODEL_HOSTS__: JSON.stringify(modelHosts()) },
  plugins: [contentSecurityPolicy(), hostHeaders(), socialPreview(process.env['MOESCOPE_SITE']), offline(smallFiles()), copyModels()],
  worker: { format: 'es' },
  build: {
    outDir: 'dist',
    target: 'es2022',
    // Browsers that know light-dark() and oklch(); those with WebAssembly SIMD and WebGPU are newer.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Nothing becomes a data: URL, which the policy would refuse for scripts and wasm.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
});
