// Builds the native command-line tool and keeps a copy of it in the checkout, one per backend.
//
// The copy is what makes a second call instant: cargo is not asked again while nothing changed.

import fs from 'node:fs';
import path from 'node:path';
import { cliArgs, mustCargo } from './cargo.mjs';
import { findRust } from './find.mjs';
import { root, stateDir, targetDir } from './paths.mjs';
import { firstLine } from './run.mjs';
import { hashInputs, listFiles, Stamp } from './stamp.mjs';
import { crateClosure } from './wasm.mjs';

/** Which build the arguments of the tool ask for: `gpu` after `--backend gpu`, otherwise `cpu`. */
export function backendOf(args) {
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  const asked = own.some((arg, i) => arg === '--backend=gpu' || (arg === '--backend' && own[i + 1] === 'gpu'));
  return asked ? 'gpu' : 'cpu';
}

/** The tool for a backend, if an up-to-date one is there, and the key it would be built under. */
export async function findCli(backend) {
  const rustc = await firstLine(findRust('rustc') ?? 'rustc', ['--version']);
  const files = crateClosure('crate/cli').flatMap((folder) => listFiles(path.join(root, folder)));
  const key = hashInputs({
    files: [...files, path.join(root, 'Cargo.toml'), path.join(root, 'Cargo.lock')],
    values: { args: cliArgs(backend), rustc },
  });
  const binary = path.join(stateDir, 'bin', backend, 'moescope');
  return { binary, key, fresh: new Stamp(`cli-${backend}`).isFresh(key, [binary]) };
}

/** Builds the tool for a backend. */
export async function buildCli(backend, { binary, key }, say, log) {
  const stamp = new Stamp(`cli-${backend}`);
  stamp.clear();
  await mustCargo(cliArgs(backend), say, { log });
  fs.mkdirSync(path.dirname(binary), { recursive: true });
  // A running copy cannot be written over, but its name can be taken by a new file.
  fs.rmSync(binary, { force: true });
  fs.copyFileSync(path.join(targetDir(), 'release/moescope'), binary);
  stamp.write(key);
}

