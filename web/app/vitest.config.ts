// Unit tests run in node: state, routing edits, controllers and parts of the page are plain functions there.
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

import { listModels } from './model-list.js';

export default defineConfig({
  define: { __RECORDED__: '[]', __MODELS__: JSON.stringify(listModels(fileURLToPath(new URL('../../models', import.meta.url)))), __MODEL_HOSTS__: '[]' },
  test: { environment: 'node', include: ['test/**/*.test.ts'] },
});
