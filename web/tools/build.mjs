// `npm run build`: the page as a folder of static files, `dist/`, with compressed copies beside them.
//
// The folder runs from any address. `-- --site https://host.example/moescope/` names the one it will have, which only
// the preview of a link needs. `-- --models-from https://a.example,https://*.b.example` lets visitors open models that
// lie there; without it the page asks no other host for anything.

import { pageSteps } from './lib/build-steps.mjs';
import { parseOptions } from './lib/options.mjs';
import { compress } from './lib/pack.mjs';
import { distDir, shown } from './lib/paths.mjs';
import { runSteps } from './lib/report.mjs';

const { site, 'models-from': hosts } = parseOptions(process.argv.slice(2), { site: 'url', 'models-from': 'hosts' });
if (site) process.env.MOESCOPE_SITE = site;
if (hosts) process.env.MOESCOPE_MODEL_HOSTS = hosts.join();
await runSteps([...pageSteps(), { title: 'Compressed copies', run: compress }]);
console.log(`\nThe page is in ${shown(distDir)}/. Any static host will do; \`npm run preview\` serves it here as one would.`);
