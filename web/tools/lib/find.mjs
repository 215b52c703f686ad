// Finds programs: on PATH, in the places where their installers put them, or named by a variable.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { firstLine } from './run.mjs';

/** Absolute path of a program in the given folders (default: PATH), or undefined. */
export function findExecutable(name, folders = (process.env.PATH ?? '').split(path.delimiter)) {
  for (const folder of folders) {
    if (folder === '') continue;
    const file = path.join(folder, name);
    if (isExecutable(file)) return file;
  }
  return undefined;
}

/** Where rustup puts cargo. */
export function cargoBin(env = process.env) {
  return path.join(env.CARGO_HOME || path.join(env.HOME || os.homedir(), '.cargo'), 'bin');
}

/** A program of the Rust toolchain: rustup's own first, then PATH. */
export function findRust(name, env = process.env) {
  return findExecutable(name, [cargoBin(env), ...(env.PATH ?? '').split(path.delimiter)]);
}

/** Chromium or Chrome: `$CHROMIUM`, then PATH, then the usual place on macOS. */
export async function findChromium(env = process.env) {
  if (env.CHROMIUM) {
    const version = await firstLine(env.CHROMIUM, ['--version']);
    return version ? { file: env.CHROMIUM, version } : { file: env.CHROMIUM, version: undefined };
  }
  const folders = (env.PATH ?? '').split(path.delimiter);
  const candidates = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
    .map((name) => findExecutable(name, folders))
    .concat('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium');
  for (const file of candidates) {
    if (!file || !isExecutable(file)) continue;
    const version = await firstLine(file, ['--version']);
    if (version) return { file, version };
  }
  return undefined;
}

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
