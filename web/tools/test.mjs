// `npm test`: sets up what is missing and runs every phase; the last line is `N passed, N failed`.
//
// `npm test -- --only rust,clippy` runs those phases and what they need. The exit code is 1 when
// anything failed.

import { choose, runPhases, summary } from './lib/phases.mjs';
import { parseOptions } from './lib/options.mjs';
import { explain, Reporter } from './lib/report.mjs';
import { testPhases } from './lib/test-phases.mjs';

const options = parseOptions(process.argv.slice(2), { only: 'list' });
const started = Date.now();
try {
  const all = testPhases();
  const phases = options.only ? choose(all, options.only) : all;
  if (phases.length < all.length) console.log(`Running ${phases.length} of ${all.length} phases: ${phases.map(({ id }) => id).join(', ')}`);
  const outcomes = await runPhases(phases, new Reporter({ total: phases.length }));
  const { lines, failed } = summary(outcomes, Date.now() - started);
  for (const line of lines) console.log(line);
  process.exitCode = failed > 0 ? 1 : 0;
} catch (error) {
  for (const line of explain(error)) console.log(line);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
}
