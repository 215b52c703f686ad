// `npm run bench`: builds the page and measures it in Chromium; arguments go to tests/bench/bench.mjs, or with `--peers`
// to tests/bench/peers.mjs, which sets our engines beside others.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pageSteps } from './lib/build-steps.mjs';
import { root } from './lib/paths.mjs';
import { runSteps } from './lib/report.mjs';
import { checkChromium } from './lib/setup-steps.mjs';

const tools = {};
await runSteps([...pageSteps(tools), { title: 'Chromium', run: (say) => checkChromium(tools, say) }]);
const args = process.argv.slice(2);
const script = path.join(root, 'tests/bench', args.includes('--peers') ? 'peers.mjs' : 'bench.mjs');
const { status, signal, error } = spawnSync(process.execPath, [script, ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, CHROMIUM: tools.chromium },
});
if (error) throw error;
if (signal) console.error(`The bench was ended by ${signal}.`);
process.exit(status ?? 1);
