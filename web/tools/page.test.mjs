// What the build says of the models in a page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { modelsIn } from './lib/page.mjs';

test('the models that a built page can run are counted, and that there is none is said', (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-page-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const put = (file) => {
    fs.mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), '');
  };
  assert.match(modelsIn(folder), /^NO MODEL/);
  put('models/a/config.json');
  assert.match(modelsIn(folder), /^NO MODEL/);
  put('models/a/model.safetensors');
  assert.equal(modelsIn(folder), '1 model');
  put('models/b/model.safetensors');
  assert.equal(modelsIn(folder), '2 models');
});
