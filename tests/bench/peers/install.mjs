// The packages that the bench sets beside ours, in a folder of their own that only this bench fills: no other command
// needs them, and together they are larger than all that `npm ci` installs.

import fs from 'node:fs';
import path from 'node:path';
import { CommandFailed, run } from '../../../web/tools/lib/run.mjs';
import { stateDir } from '../../../web/tools/lib/paths.mjs';

/** Exact versions, so that a table says what it compares. */
export const PEERS = { '@wllama/wllama': '3.13.0', 'onnxruntime-web': '1.30.0' };

const FOLDER = path.join(stateDir, 'peers');

/** Installs what is missing; returns the folder with `node_modules`. */
export async function installPeers(say) {
  if (Object.entries(PEERS).every(([name, version]) => installedVersion(name) === version)) return FOLDER;
  say('installing the peers');
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(path.join(FOLDER, 'package.json'), `${JSON.stringify({ private: true, dependencies: PEERS }, undefined, 2)}\n`);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=warn'];
  const result = await run('npm', args, { cwd: FOLDER, timeoutMs: 10 * 60_000 });
  if (result.code !== 0) throw new CommandFailed(`npm ${args.join(' ')}`, result);
  return FOLDER;
}

function installedVersion(name) {
  const file = path.join(FOLDER, 'node_modules', name, 'package.json');
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).version : undefined;
}
