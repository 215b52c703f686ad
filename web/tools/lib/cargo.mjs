// Every call to cargo goes through here: one target folder, one profile, one set of features.
//
// Native tests and the command-line tool are compiled by calls that select the same packages with
// the same profile and features. Cargo unifies features over the selected packages, so this is what
// makes both share one build of the dependencies instead of compiling them twice.

import path from 'node:path';
import { CargoProgress, progressEnv } from './cargo-progress.mjs';
import { cargoBin, findRust } from './find.mjs';
import { targetDir } from './paths.mjs';
import { must, run } from './run.mjs';

const NATIVE_SELECTION = ['--release', '--workspace', '--exclude', 'moescope-wasm'];
const NATIVE_FEATURES = 'moescope-routing/ts,moescope-routing/schema';
const WASM_RUSTFLAGS = wasmRustflags('+simd128');
/** Memory that threads share, of at most 4 GiB, and what wasm-bindgen needs to give each thread its own part of it. */
const THREADS_RUSTFLAGS = wasmRustflags('+simd128,+atomics,+bulk-memory', [
  '--shared-memory', '--import-memory', '--max-memory=4294967296',
  ...['__wasm_init_tls', '__tls_size', '__tls_align', '__tls_base'].map((name) => `--export=${name}`),
]);

function wasmRustflags(features, linkArgs = []) {
  return ['--cfg getrandom_backend="wasm_js"', `-C target-feature=${features}`, ...linkArgs.map((arg) => `-C link-arg=${arg}`)].join(' ');
}

/** Arguments of the native tests. */
export const testArgs = ['test', ...NATIVE_SELECTION, '--features', NATIVE_FEATURES, '--no-fail-fast'];

/** Arguments that build the command-line tool for a backend. */
export function cliArgs(backend) {
  const features = backend === 'gpu' ? `${NATIVE_FEATURES},moescope-cli/gpu` : NATIVE_FEATURES;
  return ['build', ...NATIVE_SELECTION, '--features', features, '--bin', 'moescope'];
}

/**
 * Arguments of clippy: our crates with every target, warnings denied.
 *
 * It includes the wasm surface, checked for this machine with the CPU engine and its threads: clippy needs no linker.
 */
export const clippyArgs = [
  'clippy', '--release', '--workspace', '--all-targets',
  '--features', `${NATIVE_FEATURES},moescope-wasm/threads`, '--', '-D', 'warnings',
];

/** The environment of every cargo call. */
export function cargoEnv(env = process.env) {
  return {
    ...env,
    ...progressEnv,
    CARGO_TARGET_DIR: targetDir(env),
    PATH: `${cargoBin(env)}${path.delimiter}${env.PATH ?? ''}`,
  };
}

/** The crate of each wasm file, and what selects the file where one crate makes two. */
export const WASM_FILES = {
  analyses: { folder: 'crate/wasm-analyses', args: ['-p', 'moescope-wasm-analyses'], output: 'moescope_wasm_analyses.wasm' },
  cpu: { folder: 'crate/wasm', args: ['-p', 'moescope-wasm', '--features', 'cpu'], output: 'moescope_wasm.wasm' },
  threads: { folder: 'crate/wasm', args: ['-p', 'moescope-wasm', '--features', 'threads'], output: 'moescope_wasm.wasm', threaded: true },
  gpu: { folder: 'crate/wasm', args: ['-p', 'moescope-wasm', '--features', 'gpu'], output: 'moescope_wasm.wasm' },
};

/** Program, arguments and environment of the build of one wasm file. */
export function wasmBuildCommand(variant, toolchainKind, env = process.env) {
  const { args: own, threaded } = WASM_FILES[variant];
  const args = ['build', ...own, '--profile', 'web', '--target', 'wasm32-unknown-unknown'];
  const full = { ...cargoEnv(env), CARGO_TARGET_DIR: wasmTargetDir(variant, env), RUSTFLAGS: threaded ? THREADS_RUSTFLAGS : WASM_RUSTFLAGS };
  delete full.CARGO_ENCODED_RUSTFLAGS;
  const withStd = { args: [...args, '-Z', 'build-std=std,panic_abort'], env: { ...full, RUSTC_BOOTSTRAP: '1' } };
  if (toolchainKind === 'debian') return { command: '/usr/bin/cargo', args: withStd.args, env: { ...withStd.env, RUSTC: '/usr/bin/rustc' } };
  // The std that rustup brings is made for one thread.
  return { command: findRust('cargo', env), ...(threaded ? withStd : { args, env: full }) };
}

/** Where cargo builds a variant; that with other flags for everything has a folder of its own. */
function wasmTargetDir(variant, env) {
  return WASM_FILES[variant].threaded ? path.join(targetDir(env), 'threads') : targetDir(env);
}

/** Where the wasm build leaves its file. */
export function wasmBuildOutput(variant, env = process.env) {
  return path.join(wasmTargetDir(variant, env), 'wasm32-unknown-unknown/web', WASM_FILES[variant].output);
}

/** Runs cargo, reporting progress through `say`; throws when it fails. */
export function mustCargo(args, say, options = {}) {
  return callCargo(must, args, say, options);
}

/** Runs cargo, reporting progress through `say`; the result says how it went. */
export function runCargo(args, say, options = {}) {
  return callCargo(run, args, say, options);
}

function callCargo(runner, args, say, { command = findRust('cargo') ?? 'cargo', env = cargoEnv(), ...options }) {
  const progress = new CargoProgress();
  const onOutput = (text, stream) => {
    if (stream !== 'stderr') return;
    progress.feed(text);
    if (progress.status !== '') say(progress.status);
  };
  return runner(command, args, { ...options, env, onOutput });
}

/** A command line a person can paste, with the variables that matter. */
export function pasteable({ command, args, env }) {
  const names = ['CARGO_TARGET_DIR', 'RUSTC', 'RUSTC_BOOTSTRAP', 'RUSTFLAGS'];
  const variables = names.filter((name) => env[name] && env[name] !== process.env[name]).map((name) => `${name}='${env[name]}'`);
  return [...variables, command, ...args].join(' ');
}
