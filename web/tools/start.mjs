// `npm start`: sets up what is missing, builds what changed, serves the page and prints its URL.
//
// The port is 5173 or the next free one; `npm start -- --port N` insists on N.

import { pageSteps } from './lib/build-steps.mjs';
import { parseOptions } from './lib/options.mjs';
import { runSteps } from './lib/report.mjs';
import { serve } from './serve.mjs';

const DEFAULT_PORT = 5173;
const TRIES = 50;

const { port } = parseOptions(process.argv.slice(2), { port: 'port' });
await runSteps(pageSteps());
try {
  const server = await serve({ port: port ?? DEFAULT_PORT, tries: port ? 1 : TRIES });
  console.log(`\nMoescope is at ${server.url}\nCtrl-C ends it.`);
} catch (error) {
  if (error.code !== 'EADDRINUSE') throw error;
  console.error(port
    ? `Port ${port} is in use.\nWhat to type by hand:\n    npm start -- --port ${port + 1}`
    : `Ports ${DEFAULT_PORT} to ${DEFAULT_PORT + TRIES - 1} are all in use.\nWhat to type by hand:\n    npm start -- --port N`);
  process.exit(1);
}
