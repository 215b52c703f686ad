// `npm run moescope -- ARGS`: the native command-line tool, built first when it is not up to date.
//
// Building speaks on standard error, and only when it takes longer than two seconds or fails, so that
// standard output is the tool's own. Paths in ARGS are relative to where the command was typed.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { backendOf, buildCli, findCli } from './lib/cli.mjs';
import { logDir } from './lib/paths.mjs';
import { runSteps } from './lib/report.mjs';
import { checkRust } from './lib/setup-steps.mjs';

const args = process.argv.slice(2);
const backend = backendOf(args);
const cli = await findCli(backend);
if (!cli.fresh) {
  const log = path.join(logDir, 'cli.log');
  await runSteps([
    { title: 'Rust', run: (say) => checkRust(say) },
    { title: `Command-line tool (${backend})`, run: (say) => buildCli(backend, cli, say, log) },
  ], { stream: process.stderr, quietMs: 2_000 });
}
// Training allocates the same megabytes again and again: keeping freed pages saves an eighth of its processor time.
const env = { MIMALLOC_PURGE_DELAY: '-1', ...process.env };
const child = spawn(cli.binary, args, { cwd: process.env.INIT_CWD ?? process.cwd(), env, stdio: 'inherit' });
// Ctrl-C reaches the tool by itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.removeAllListeners(signal);
  process.on(signal, () => { if (signal !== 'SIGINT') child.kill(signal); });
}
child.on('error', (error) => {
  console.error(`${cli.binary} could not be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
