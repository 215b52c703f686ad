// Builds the engine and the analyses for the browser: cargo, then wasm-bindgen, once per variant.
//
// `cpu` and `gpu` are two files so that the small one can start first, and `threads` is `cpu` on memory that threads
// share. All come from the same crate and leave the same file name behind, so each goes through wasm-bindgen right
// after its build.
// `analyses` needs no engine and is smaller still.
// Changing the profile, the flags or the toolchain compiles every dependency again.

import fs from 'node:fs';
import path from 'node:path';
import { WASM_FILES, mustCargo, pasteable, wasmBuildCommand, wasmBuildOutput } from './cargo.mjs';
import { root, stateDir, wasmDir } from './paths.mjs';
import { StepFailed } from './report.mjs';
import { must } from './run.mjs';
import { hashInputs, listFiles, Stamp } from './stamp.mjs';
import { wasmBindgenVersion } from './versions.mjs';

export const VARIANTS = Object.keys(WASM_FILES);

/** Files of one variant. */
export function wasmOutputs(variant) {
  const name = `moescope_${variant}`;
  return [`${name}.js`, `${name}.d.ts`, `${name}_bg.wasm`, `${name}_bg.wasm.d.ts`].map((file) => path.join(wasmDir, file));
}

/** What cargo made of a variant, with the names of its functions, which the shipped file lacks. */
export function namedWasm(variant) {
  return path.join(stateDir, 'wasm', `moescope_${variant}.wasm`);
}

/** Folders of a crate and of every workspace crate it depends on, from the manifests. */
export function crateClosure(start, base = root) {
  const workspace = fs.readFileSync(path.join(base, 'Cargo.toml'), 'utf8');
  const folders = new Set();
  const visit = (folder) => {
    if (folders.has(folder)) return;
    folders.add(folder);
    const manifest = fs.readFileSync(path.join(base, folder, 'Cargo.toml'), 'utf8');
    for (const [, name] of manifest.matchAll(/^([\w-]+)(?:\.workspace\s*=|\s*=\s*\{[^}]*workspace\s*=)\s*true/gm)) {
      const found = new RegExp(`^${name}\\s*=\\s*\\{[^}]*path\\s*=\\s*"([^"]+)"`, 'm').exec(workspace);
      if (found) visit(found[1]);
    }
    for (const [, relative] of manifest.matchAll(/\bpath\s*=\s*"(\.\.?\/[^"]+)"/g)) {
      const target = path.join(folder, relative);
      if (fs.existsSync(path.join(base, target, 'Cargo.toml'))) visit(target);
    }
  };
  visit(start);
  return [...folders].sort();
}

/** Hash of everything a variant is made from. */
export function wasmKey(variant, toolchain) {
  const { args, env } = wasmBuildCommand(variant, toolchain.kind);
  const tests = new Set(['tests', 'benches', 'examples']);
  const files = crateClosure(WASM_FILES[variant].folder).flatMap((folder) =>
    listFiles(path.join(root, folder), (file) => tests.has(path.relative(path.join(root, folder), file))));
  return hashInputs({
    files: [...files, path.join(root, 'Cargo.toml'), path.join(root, 'Cargo.lock')],
    values: { args, rustflags: env.RUSTFLAGS, toolchain, bindgen: wasmBindgenVersion() },
  });
}

/** Builds one variant unless it is up to date; returns a note. */
export async function buildWasm(variant, { toolchain, bindgen }, say, log) {
  const stamp = new Stamp(`wasm-${variant}`);
  const key = wasmKey(variant, toolchain);
  if (stamp.isFresh(key, wasmOutputs(variant))) return 'up to date';
  stamp.clear();
  const call = wasmBuildCommand(variant, toolchain.kind);
  try {
    await mustCargo(call.args, say, { command: call.command, env: call.env, log });
  } catch (error) {
    error.byHand = pasteable(call);
    throw error;
  }
  say('wasm-bindgen');
  await bind(variant, bindgen, log);
  stamp.write(key);
  const bytes = fs.statSync(path.join(wasmDir, `moescope_${variant}_bg.wasm`)).size;
  return `built, ${(bytes / 1e6).toFixed(1)} MB`;
}

/** Runs wasm-bindgen into a folder of its own and moves the files into place when all are there. */
async function bind(variant, bindgen, log) {
  const input = wasmBuildOutput(variant);
  if (!fs.existsSync(input)) throw new StepFailed(`cargo finished but left no ${input}.`);
  fs.mkdirSync(wasmDir, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(wasmDir, `.${variant}-`));
  try {
    await must(bindgen, ['--target', 'web', '--out-name', `moescope_${variant}`, '--remove-name-section', '--out-dir', scratch, input], { log });
    for (const output of wasmOutputs(variant)) fs.renameSync(path.join(scratch, path.basename(output)), output);
    fs.mkdirSync(path.dirname(namedWasm(variant)), { recursive: true });
    fs.copyFileSync(input, namedWasm(variant));
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}
