// The page's own reading and writing of links, for tests: `encode`, `decode` and `DEFAULTS` as web/app/src/state.ts has them.

import path from 'node:path';
import { build } from 'vite';
import { root } from '../browser/harness.mjs';

/** Bundles the module as a build would and imports it; it uses nothing of a browser. */
export async function loadState() {
  const { output: [{ code }] } = await build({
    configFile: false, logLevel: 'error', root: path.join(root, 'web/app'), define: { __MODELS__: '[]' },
    build: { ssr: 'src/state.ts', write: false }, ssr: { noExternal: true },
  });
  return import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}

/** Parts of the state whose fields count one by one. */
const PARTS = ['routing', 'analyses', 'vision'];

/** Names of all fields, such as `prompt` and `routing.topK`. */
export function fieldsOf(state) {
  return Object.keys(state).flatMap((name) => (PARTS.includes(name) ? Object.keys(state[name]).map((part) => `${name}.${part}`) : [name]));
}

export function fieldOf(state, name) {
  return name.split('.').reduce((part, key) => part[key], state);
}
