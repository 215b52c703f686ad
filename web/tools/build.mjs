// `npm run build`: the page as a folder of static files, `dist/`, with compressed copies beside them.

import { pageSteps } from './lib/build-steps.mjs';
import { parseOptions } from './lib/options.mjs';
import { compress } from './lib/page.mjs';
import { distDir, shown } from './lib/paths.mjs';
import { runSteps } from './lib/report.mjs';

parseOptions(process.argv.slice(2), {});
await runSteps([...pageSteps(), { title: 'Compressed copies', run: compress }]);
console.log(`\nThe page is in ${shown(distDir)}/. Any static host will do; \`node web/tools/serve.mjs\` serves it here.`);
