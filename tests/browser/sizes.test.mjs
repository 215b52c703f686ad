// The size gate: the built page as it is packed for hosts, against the limits of web/tools/lib/sizes.mjs.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { compress } from '../../web/tools/lib/pack.mjs';
import { complaints, judgeGroups, kilobytes, measureFiles } from '../../web/tools/lib/sizes.mjs';
import { needFile } from './harness.mjs';

test('the built page keeps its limits of size', async (t) => {
  const folder = path.dirname(needFile('dist/index.html', 'Build the page with `npm run build`.'));
  await compress(() => {});
  const judged = judgeGroups(measureFiles(folder));
  for (const { name, brotli, limit, verdict } of judged) t.diagnostic(`${name}: ${kilobytes(brotli)} of ${limit} kB, ${verdict}`);
  assert.deepEqual(complaints(judged), []);
});
