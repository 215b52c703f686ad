// `npm run bench`: builds the page and measures it in Chromium; arguments go to tests/bench/bench.mjs.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pageSteps } from './lib/build-steps.mjs';
import { root } from './lib/paths.mjs';
import { runSteps } from './lib/report.mjs';
import { checkChromium } from './lib/setup-steps.mjs';

const tools = {};
await runSteps([...pageSteps(tools), { title: 'Chromium', run: (say) => checkChromium(tools, say) }]);
const script = path.join(root, 'tests/bench/bench.mjs');
const { status, signal, error } = spawnSync(process.execPath, [script, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, CHROMIUM: tools.chromium },
});
if (error) throw error;
if (signal) console.error(`The bench was ended by ${signal}.`);
process.exit(status ?? 1);
