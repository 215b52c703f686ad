// Builds the page into one folder that any static host serves from any sub-path: relative addresses, hashed names,
// the models beside it, and a content security policy that forbids everything foreign.

import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

import { CONTENT_SECURITY_POLICY } from '../tools/lib/policy.mjs';
import { listModels } from './model-list.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const models = join(here, '../../models');

/** What of a model folder is shipped; recipes and logs stay behind. */
const MODEL_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors', 'README.md', 'eval.json'];

/** Only in what is built: the development server injects styles, which the policy forbids. */
export function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [{
      tag: 'meta',
      injectTo: 'head-prepend',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
    }],
  };
}

export function copyModels(): Plugin {
  return {
    name: 'copy-models',
    apply: 'build',
    writeBundle({ dir }) {
      if (dir === undefined || !existsSync(models)) return;
      for (const { name } of readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
        mkdirSync(join(dir, 'models', name), { recursive: true });
        for (const file of MODEL_FILES.filter((candidate) => existsSync(join(models, name, candidate)))) {
          cpSync(join(models, name, file), join(dir, 'models', name, file));
        }
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
  define: { __RECORDED__: JSON.stringify(recordedIds()), __MODELS__: JSON.stringify(listModels(models)) },
  plugins: [contentSecurityPolicy(), copyModels()],
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
