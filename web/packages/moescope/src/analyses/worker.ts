// The worker of the analyses: loads their wasm file when the first question comes, and answers one call after another.
// Specifier and address are literal, because that is how bundlers find the files.

import { fetchCounted } from '../internal/fetch.js';
import { serve } from './protocol.js';
import type { AnalysesModule, ToAnalyses } from './protocol.js';

let module: Promise<AnalysesModule> | undefined;

function load(): Promise<AnalysesModule> {
  module ??= start().catch((error: unknown) => {
    module = undefined; // The next question tries again.
    throw error;
  });
  return module;
}

async function start(): Promise<AnalysesModule> {
  const address = new URL('../../wasm/moescope_analyses_bg.wasm', import.meta.url);
  const [glue, response] = await Promise.all([import('../../wasm/moescope_analyses.js'), fetchCounted(address.href, { what: 'The analyses' })]);
  await glue.default({ module_or_path: new Response(response.body, { headers: { 'content-type': 'application/wasm' } }) });
  return glue;
}

let last: Promise<void> = Promise.resolve();

globalThis.addEventListener('message', (event: MessageEvent<ToAnalyses>) => {
  last = last.then(async () => globalThis.postMessage(await serve(event.data, load)));
});
