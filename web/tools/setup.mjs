// Sets up what is missing and builds nothing: `node web/tools/setup.mjs [--tests]`.
//
// The other scripts do this by themselves; this one is for preparing a machine or an image, and
// `--tests` adds what only tests need (rustfmt, clippy, Chromium).

import { parseOptions } from './lib/options.mjs';
import { runSteps } from './lib/report.mjs';
import { buildSetup, checkChromium, checkLinters } from './lib/setup-steps.mjs';

const { tests } = parseOptions(process.argv.slice(2), { tests: 'flag' });
const tools = {};
const forTests = [
  { title: 'rustfmt and clippy', run: (say) => checkLinters(say) },
  { title: 'Chromium', run: (say) => checkChromium(tools, say) },
];
await runSteps([...buildSetup(tools), ...(tests ? forTests : [])]);
