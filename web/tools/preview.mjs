// `npm run preview`: serves what `npm run build` left in `dist/` as a static host would: below a path, compressed, with
// the types and headers of a host. Builds nothing, so that what is seen is what would be copied.
//
// `-- --isolated` adds cross-origin isolation, `-- --base /a/b/` takes another path, `-- --port N` insists on a port.

import fs from 'node:fs';
import path from 'node:path';
import { parseOptions } from './lib/options.mjs';
import { distDir, shown } from './lib/paths.mjs';
import { serve } from './serve.mjs';

const DEFAULT_PORT = 4173;
const TRIES = 50;

const { port, base, isolated } = parseOptions(process.argv.slice(2), { port: 'port', base: 'text', isolated: 'flag' });
if (!fs.existsSync(path.join(distDir, 'index.html.br'))) {
  console.error(`There is no finished page in ${shown(distDir)}/.\nWhat to type by hand:\n    npm run build`);
  process.exit(1);
}
try {
  // The policy of the build, which may name hosts of models.
  const [, policy] = /Content-Security-Policy: (.*)/.exec(fs.readFileSync(path.join(distDir, '_headers'), 'utf8'));
  const headers = { 'Content-Security-Policy': policy };
  const server = await serve({ port: port ?? DEFAULT_PORT, tries: port ? 1 : TRIES, base: base ?? '/moescope/', isolated, headers });
  console.log(`${shown(distDir)}/ is at ${server.url} ${isolated ? 'with' : 'without'} cross-origin isolation.\nCtrl-C ends it.`);
} catch (error) {
  if (error.code !== 'EADDRINUSE') throw error;
  console.error(`Port ${port ?? DEFAULT_PORT} is in use.\nWhat to type by hand:\n    npm run preview -- --port N`);
  process.exit(1);
}
