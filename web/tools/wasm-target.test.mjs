// Which Rust compiles for the browser: the decision itself, and the whole step on faked machines.
//
// A faked machine is a folder of small shell scripts that is the only PATH the step sees.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { wasmBuildCommand } from './lib/cargo.mjs';
import { DEBIAN_PACKAGES, decide, WASM_TARGET } from './lib/wasm-target.mjs';

const bare = { rustupTargets: ['x86_64-unknown-linux-gnu'], rustupSource: false, debianMissing: DEBIAN_PACKAGES, hasApt: true, canInstall: true, addFailure: undefined };

test("rustup's target is used when it is installed with the source of std, which is added where it is missing", () => {
  assert.deepEqual(decide({ ...bare, rustupTargets: [WASM_TARGET], rustupSource: true, debianMissing: [] }), { use: 'rustup' });
  assert.deepEqual(decide({ ...bare, rustupTargets: [WASM_TARGET] }), { run: 'rustup' });
});

test("Debian's packages are used when they are installed and rustup's target is not", () => {
  assert.deepEqual(decide({ ...bare, debianMissing: [] }), { use: 'debian' });
});

test('rustup is tried before packages are installed', () => {
  assert.deepEqual(decide(bare), { run: 'rustup' });
  assert.deepEqual(decide({ ...bare, addFailure: 'offline', debianMissing: ['lld-22'] }), { run: 'apt', packages: ['lld-22'] });
  assert.deepEqual(decide({ ...bare, rustupTargets: undefined }), { run: 'apt', packages: DEBIAN_PACKAGES });
});

test('without rights or without apt it stops', () => {
  assert.deepEqual(decide({ ...bare, addFailure: 'offline', canInstall: false }), { stop: 'no_rights' });
  assert.deepEqual(decide({ ...bare, addFailure: 'offline', canInstall: false, hasApt: false }), { stop: 'no_source' });
});

test('the two toolchains are called with the same flags, Debian with its own compiler and std from source', () => {
  const rustup = wasmBuildCommand('cpu', 'rustup');
  const debian = wasmBuildCommand('cpu', 'debian');
  assert.equal(rustup.env.RUSTFLAGS, debian.env.RUSTFLAGS);
  assert.deepEqual(debian.args, [...rustup.args, '-Z', 'build-std=std,panic_abort']);
  assert.deepEqual([debian.command, debian.env.RUSTC, debian.env.RUSTC_BOOTSTRAP], ['/usr/bin/cargo', '/usr/bin/rustc', '1']);
  assert.equal(rustup.env.RUSTC_BOOTSTRAP, process.env.RUSTC_BOOTSTRAP);
});

test('the engine with threads is built with a std made for them, in a folder of its own, by either toolchain', () => {
  const [rustup, debian] = ['rustup', 'debian'].map((kind) => wasmBuildCommand('threads', kind));
  const single = wasmBuildCommand('cpu', 'rustup');
  for (const { args, env } of [rustup, debian]) {
    assert.deepEqual(args.slice(-2), ['-Z', 'build-std=std,panic_abort']);
    assert.equal(env.RUSTC_BOOTSTRAP, '1');
    assert.match(env.RUSTFLAGS, /\+atomics.*--shared-memory/);
    assert.equal(env.CARGO_TARGET_DIR, path.join(single.env.CARGO_TARGET_DIR, 'threads'));
  }
  assert.equal(rustup.env.RUSTC, process.env.RUSTC);
});

/** Runs the step where only these programs exist; returns what it did and what it said. */
function onMachine(programs, { root = true } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-machine-'));
  try {
    for (const [name, body] of Object.entries({ rustc: 'echo "rustc 1.95.0 (fake)"', ...programs })) {
      fs.writeFileSync(path.join(folder, name), `#!/bin/sh\necho "${name} $*" >> "${folder}/calls"\n${body}\n`, { mode: 0o755 });
    }
    const library = pathToFileURL(path.join(path.dirname(fileURLToPath(import.meta.url)), 'lib/'));
    const script = `
      process.getuid = () => ${root ? 0 : 1000};
      const { prepareWasmTarget } = await import('${library}wasm-target.mjs');
      const { explain } = await import('${library}report.mjs');
      try { console.log(JSON.stringify(await prepareWasmTarget(() => {}, undefined, ${JSON.stringify(folder)}))); }
      catch (error) { console.log(explain(error).join('\\n')); process.exitCode = 1; }`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { PATH: folder, HOME: folder, MACHINE: folder }, encoding: 'utf8', timeout: 60_000,
    });
    const calls = fs.readFileSync(path.join(folder, 'calls'), 'utf8');
    return { text: stdout + stderr, status, calls };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const rustupOffline = 'case "$1 $2" in "target list") echo x86_64-unknown-linux-gnu;; *) echo "error: could not download file" >&2; exit 1;; esac';
const rustupOnline = `case "$1 $2" in "target list") if [ -e "$MACHINE/added" ]; then echo ${WASM_TARGET}; fi;; "component list") if [ -e "$MACHINE/source" ]; then echo rust-src; fi;; "target add") : > "$MACHINE/added";; "component add") : > "$MACHINE/source";; esac`;
const dpkg = `if [ -e "$MACHINE/apt-done" ]; then for p in ${DEBIAN_PACKAGES.join(' ')}; do echo "$p installed"; done; else exit 1; fi`;

test('a machine where rustup can download takes the target from rustup', () => {
  const { text, calls } = onMachine({ rustup: rustupOnline, 'apt-get': 'exit 9', 'dpkg-query': dpkg });
  assert.match(text, /"kind":"rustup"/);
  assert.match(calls, /rustup target add wasm32-unknown-unknown/);
  assert.match(calls, /rustup component add rust-src/);
  assert.doesNotMatch(calls, /apt-get/);
});

test('a machine where rustup cannot download gets the packages, with package lists fetched when needed', () => {
  const apt = 'case "$1" in update) : > "$MACHINE/updated";; install) [ -e "$MACHINE/updated" ] || { echo "E: Unable to locate package" >&2; exit 100; }; : > "$MACHINE/apt-done";; esac';
  const { text, calls } = onMachine({ rustup: rustupOffline, 'apt-get': apt, 'dpkg-query': dpkg });
  assert.match(text, /"kind":"debian"/);
  const aptCalls = calls.split('\n').filter((line) => line.startsWith('apt-get'));
  assert.deepEqual(aptCalls.map((line) => line.split(' ')[1]), ['install', 'update', 'install']);
  assert.match(aptCalls[0], /--no-install-recommends -y rustc-web cargo-web rust-web-src rust-web-llvm lld-22$/);
});

test('a machine where neither works is told both reasons and both commands', () => {
  const { text, status } = onMachine({ rustup: rustupOffline, 'apt-get': 'echo "E: Unable to locate package rustc-web" >&2; exit 100', 'dpkg-query': dpkg });
  assert.equal(status, 1);
  assert.match(text, /could not download file/);
  assert.match(text, /Unable to locate package rustc-web/);
  assert.match(text, /rustup target add wasm32-unknown-unknown/);
  assert.match(text, /apt-get install/);
});

test('an account without rights is told the apt line and nothing is installed', () => {
  const programs = { rustup: rustupOffline, 'apt-get': 'exit 0', 'dpkg-query': dpkg, sudo: 'exit 1' };
  const { text, status, calls } = onMachine(programs, { root: false });
  assert.equal(status, 1);
  assert.match(text, /sudo apt-get install --no-install-recommends -y rustc-web cargo-web rust-web-src rust-web-llvm lld-22/);
  assert.doesNotMatch(calls, /^apt-get/m);
});

test('a sudo that asks no password is used', () => {
  const apt = ': > "$MACHINE/apt-done"';
  const programs = { rustup: rustupOffline, 'apt-get': apt, 'dpkg-query': dpkg, sudo: 'shift; [ "$1" = true ] && exit 0; shift; shift; exec "$MACHINE/$@"' };
  const { text, calls } = onMachine(programs, { root: false });
  assert.match(text, /"kind":"debian"/);
  assert.match(calls, /sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install/);
});
