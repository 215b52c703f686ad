// What the build adds to the page: the policy of the local server, and the models with the files that they need.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

import { CONTENT_SECURITY_POLICY } from '../../tools/lib/policy.mjs';
import { contentSecurityPolicy, copyModels } from '../vite.config.js';

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

it('every model is shipped with its weights and tokenizer, and without its recipe', () => {
  call(copyModels().writeBundle, { dir: folder });
  const source = join(import.meta.dirname, '../../../models');
  const names = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(names).toContain('first');
  expect(readdirSync(join(folder, 'models')).toSorted()).toEqual(names.toSorted());
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']) {
    expect(existsSync(join(folder, 'models/first', file)), file).toBe(existsSync(join(source, 'first', file)));
  }
  expect(existsSync(join(folder, 'models/first/recipe.toml'))).toBe(false);
});
