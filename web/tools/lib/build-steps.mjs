// The steps from nothing to a built page, shared by `start`, `build` and `bench`.

import path from 'node:path';
import { logDir } from './paths.mjs';
import { buildPage } from './page.mjs';
import { buildSetup } from './setup-steps.mjs';
import { buildWasm } from './wasm.mjs';

/** Setup, analyses, both engines, the page. `tools` is filled in on the way. */
export function pageSteps(tools = {}) {
  const log = path.join(logDir, 'build.log');
  return [
    ...buildSetup(tools),
    { title: 'Analyses for the browser', run: (say) => buildWasm('analyses', tools, say, log) },
    { title: 'Browser engine for the CPU', run: (say) => buildWasm('cpu', tools, say, log) },
    { title: 'Browser engine with threads', run: (say) => buildWasm('threads', tools, say, log) },
    { title: 'Browser engine for WebGPU', run: (say) => buildWasm('gpu', tools, say, log) },
    { title: 'Page', run: (say) => buildPage(say, log) },
  ];
}
