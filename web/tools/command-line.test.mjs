// Options of the scripts, the backend a command-line call asks for, and version numbers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cliArgs, testArgs } from './lib/cargo.mjs';
import { backendOf } from './lib/cli.mjs';
import { readOptions } from './lib/options.mjs';
import { targetDir } from './lib/paths.mjs';
import { must, run } from './lib/run.mjs';
import { atLeast, lockedVersion, minimumRust, wasmBindgenVersion } from './lib/versions.mjs';

test('options are read in both forms', () => {
  assert.deepEqual(readOptions(['--port', '8080', '--only=a,b'], { port: 'port', only: 'list' }), { port: 8080, only: ['a', 'b'] });
  assert.deepEqual(readOptions(['--from', 'https://a.example:81, https://*.b.example'], { from: 'hosts' }), { from: ['https://a.example:81', 'https://*.b.example'] });
});

test('mistakes in options say what is allowed', () => {
  assert.throws(() => readOptions(['--prot', '1'], { port: 'port' }), /unknown option --prot; allowed: --port/);
  assert.throws(() => readOptions(['--port', '70000'], { port: 'port' }), /got 70000, allowed is a port from 1 to 65535/);
  assert.throws(() => readOptions(['--site', 'host.example'], { site: 'url' }), /got host\.example, allowed is an address such as https/);
  assert.throws(() => readOptions(['--from', 'https://a.example,https://b.example; x'], { from: 'hosts' }), /--from: got https:\/\/b\.example; x, allowed are hosts such as/);
  assert.throws(() => readOptions(['--port'], { port: 'port' }), /--port needs a value/);
  assert.throws(() => readOptions(['x'], {}), /allowed: no options/);
});

test('the backend is read from the arguments of the tool', () => {
  assert.equal(backendOf(['trace', '--backend', 'gpu']), 'gpu');
  assert.equal(backendOf(['trace', '--backend=gpu']), 'gpu');
  assert.equal(backendOf(['trace', '--backend', 'cpu', '--text', 'gpu']), 'cpu');
  assert.equal(backendOf(['generate', '--', '--backend', 'gpu']), 'cpu');
});

test('native tests and the tool select the same packages, profile and features', () => {
  const shared = (args) => args.slice(1, args.indexOf('--features') + 2);
  assert.deepEqual(shared(testArgs), shared(cliArgs('cpu')));
  assert.match(cliArgs('gpu').join(' '), /moescope-cli\/gpu/);
});

test('the target folder follows its variables and is never in the checkout', () => {
  assert.equal(targetDir({ MOESCOPE_TARGET: '/big/target', HOME: '/home/a' }), '/big/target');
  assert.equal(targetDir({ XDG_CACHE_HOME: '/cache', HOME: '/home/a' }), '/cache/moescope/target');
  assert.equal(targetDir({ HOME: '/home/a' }), '/home/a/.cache/moescope/target');
});

test('versions compare as numbers', () => {
  assert.ok(atLeast('1.100.0', '1.95'));
  assert.ok(atLeast('1.95.0', '1.95'));
  assert.ok(!atLeast('1.9.9', '1.95'));
});

test('a locked version is found by exact name', () => {
  const lock = '[[package]]\nname = "wasm-bindgen-futures"\nversion = "0.4.9"\n\n[[package]]\nname = "wasm-bindgen"\nversion = "0.2.130"\n';
  assert.equal(lockedVersion(lock, 'wasm-bindgen'), '0.2.130');
  assert.equal(lockedVersion(lock, 'wasm'), undefined);
  assert.match(wasmBindgenVersion(), /^\d+\.\d+\.\d+$/);
  assert.match(minimumRust(), /^\d+\.\d+/);
});

test('a command that fails reports its code and its output', async () => {
  await assert.rejects(must('sh', ['-c', 'echo why >&2; exit 3']), (error) => error.result.code === 3 && error.result.stderr === 'why\n');
  assert.equal((await run('there-is-no-such-program')).code, 127);
});

test('a command that hangs is ended with everything it started', async () => {
  const { timedOut, code } = await run('sh', ['-c', 'sleep 60 & sleep 60'], { timeoutMs: 200 });
  assert.equal(timedOut, true);
  assert.notEqual(code, 0);
});
