// Stamps: what a build step was made from, so that it can be skipped when nothing changed.
//
// A stamp is a hash over the contents of source files and over versions and flags. File times are
// not used: a fresh clone or a branch switch changes them without changing anything.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { root, stateDir } from './paths.mjs';

const NEVER = new Set(['node_modules', '.git', '.moescope', 'target', '.vite']);

/** All files under a folder (or the file itself), sorted, without dependencies and build outputs. */
export function listFiles(start, ignore = () => false) {
  if (!fs.existsSync(start)) return [];
  if (fs.statSync(start).isFile()) return [start];
  const files = [];
  for (const entry of fs.readdirSync(start, { withFileTypes: true })) {
    const file = path.join(start, entry.name);
    if (NEVER.has(entry.name) || ignore(file)) continue;
    if (entry.isDirectory()) files.push(...listFiles(file, ignore));
    else if (entry.isFile()) files.push(file);
  }
  return files.sort();
}

/** Hash of named values and of the names and contents of files. Order of either does not matter. */
export function hashInputs({ values = {}, files = [], base = root }) {
  const hash = createHash('sha256');
  for (const key of Object.keys(values).sort()) hash.update(`${key}=${JSON.stringify(values[key])}\n`);
  for (const file of [...new Set(files)].sort()) {
    const content = fs.readFileSync(file);
    hash.update(`${path.relative(base, file)}\0${content.length}\0`);
    hash.update(content);
  }
  return hash.digest('hex');
}

/** One stamp on disk. */
export class Stamp {
  constructor(name, folder = path.join(stateDir, 'stamps')) {
    this.file = path.join(folder, name);
  }

  /** Whether the step was made from exactly this, and everything it made is still there. */
  isFresh(key, outputs = []) {
    if (!fs.existsSync(this.file) || !outputs.every((output) => fs.existsSync(output))) return false;
    return fs.readFileSync(this.file, 'utf8').trim() === key;
  }

  /** Records that the step was made from this. */
  write(key) {
    fs.mkdirSync(path.dirname(this.file), { recursive: true });
    fs.writeFileSync(this.file, `${key}\n`);
  }

  /** Forgets the step: called before it runs, so that a half-finished one is never fresh. */
  clear() {
    fs.rmSync(this.file, { force: true });
  }
}
