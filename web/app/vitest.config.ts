// Unit tests run in node: state, routing edits, controllers and parts of the page are plain functions there.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  define: { __RECORDED__: '[]' },
  test: { environment: 'node', include: ['test/**/*.test.ts'] },
});
