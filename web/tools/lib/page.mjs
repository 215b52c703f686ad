// Builds the page into `dist/`: the npm package, then the app on top of it, which puts the models beside it.
//
// `dist/` is complete: it can be copied to any static host. Packed copies come from pack.mjs.

import fs from 'node:fs';
import path from 'node:path';
import { distDir, root, shown } from './paths.mjs';
import { must } from './run.mjs';
import { hashInputs, listFiles, Stamp } from './stamp.mjs';
import { VARIANTS, wasmOutputs } from './wasm.mjs';

const packageDir = path.join(root, 'web/packages/moescope');
const appDir = path.join(root, 'web/app');
const modelsDir = path.join(root, 'models');

/** Runs a script of one npm workspace, without npm's own words around its output. */
export function npmScript(runner, script, workspace, options) {
  return runner('npm', ['run', script, '--workspace', workspace, '--silent'], { timeoutMs: 10 * 60_000, ...options });
}

/** Compiles the npm package unless it is up to date; returns a note. The app's types need it. */
export async function buildPackage(say, log) {
  const stamp = new Stamp('package');
  const output = path.join(packageDir, 'dist');
  const declarations = VARIANTS.flatMap(wasmOutputs).filter((file) => file.endsWith('.d.ts'));
  const key = hashInputs({ files: [...listFiles(packageDir, notSource), ...declarations, ...lockFile()] });
  if (stamp.isFresh(key, [output])) return 'up to date';
  stamp.clear();
  say('package');
  fs.rmSync(output, { recursive: true, force: true });
  await npmScript(must, 'build', 'web/packages/moescope', { log });
  stamp.write(key);
  return 'built';
}

/** Builds package and app unless both are up to date; returns a note. */
export async function buildPage(say, log) {
  await buildPackage(say, log);
  const stamp = new Stamp('page');
  const key = pageKey();
  if (stamp.isFresh(key, [path.join(distDir, 'index.html')])) return 'up to date';
  stamp.clear();
  say('page');
  const vite = path.join(root, 'node_modules/vite/bin/vite.js');
  await must(process.execPath, [vite, 'build', '--outDir', distDir, '--emptyOutDir'], { cwd: appDir, log, timeoutMs: 10 * 60_000 });
  stamp.write(key);
  return `built into ${shown(distDir)}/ with ${modelsIn(distDir)}`;
}

/** Hash of everything the page is made from. */
function pageKey() {
  const folders = [packageDir, appDir].flatMap((folder) => listFiles(folder, notSource));
  const wasm = VARIANTS.flatMap(wasmOutputs);
  const hosting = ['policy.mjs', 'host-headers.mjs'].map((file) => path.join(root, 'web/tools/lib', file));
  const values = { node: process.versions.node, site: process.env.MOESCOPE_SITE ?? '', hosts: process.env.MOESCOPE_MODEL_HOSTS ?? '' };
  return hashInputs({ files: [...folders, ...wasm, ...hosting, ...lockFile(), ...modelFiles()], values });
}

function notSource(file) {
  return /^(dist|wasm|test|tests|artifacts)$/.test(path.basename(file));
}

function lockFile() {
  return listFiles(path.join(root, 'package-lock.json'));
}

function modelFiles() {
  return listFiles(modelsDir, (file) => path.basename(file).startsWith('.'));
}

/** How many models a built page has to run. */
export function modelsIn(folder) {
  const complete = listFiles(path.join(folder, 'models')).filter((file) => path.basename(file) === 'model.safetensors').length;
  if (complete === 0) return 'NO MODEL: models/*/model.safetensors is missing, so the page has nothing to run';
  return `${complete} ${complete === 1 ? 'model' : 'models'}`;
}
