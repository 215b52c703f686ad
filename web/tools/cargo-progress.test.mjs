// The progress line made from cargo's standard error, in the form cargo 1.95 writes it into a pipe.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CargoProgress } from './lib/cargo-progress.mjs';
import { tail } from './lib/run.mjs';

const RECORDED =
  '   Compiling proc-macro2 v1.0.107\n' +
  '    Building [                            ] 0/20: proc-macro2(build.rs)                         \r' +
  '   Compiling quote v1.0.47\n' +
  '    Building [=>                          ] 2/20: proc-macro2(build), quote                     \r' +
  '    Building [===========>                ] 9/20: quote, serde(build.rs)                        \r';

function statusAfter(...texts) {
  const progress = new CargoProgress();
  for (const text of texts) progress.feed(text);
  return progress.status;
}

test('the bar gives the count and what has been compiling longest', () => {
  assert.equal(statusAfter(RECORDED), 'Compiling 9/20 quote');
});

test('chunks may end anywhere', () => {
  const progress = new CargoProgress();
  for (const character of RECORDED) progress.feed(character);
  assert.equal(progress.status, 'Compiling 9/20 quote');
});

test('a line about one crate does not hide the count', () => {
  assert.equal(statusAfter(RECORDED, '   Compiling syn v3.0.9\n'), 'Compiling 9/20 quote');
});

test('without a bar the crate is shown', () => {
  assert.equal(statusAfter('    Checking burn-flex v0.22.1\n'), 'Checking burn-flex');
});

test('waiting for another cargo is said', () => {
  assert.match(statusAfter('    Blocking waiting for file lock on build directory\n'), /another cargo/);
});

test('running tests replaces compiling', () => {
  const running = '     Running unittests src/lib.rs (/target/release/deps/moescope_routing-0123)\n';
  assert.equal(statusAfter(RECORDED, running), 'Running unittests src/lib.rs');
});

test('downloads are shown', () => {
  assert.equal(statusAfter(' Downloading crates ...\n  Downloaded libc v0.2.183\n'), 'Downloading libc');
});

test('the tail of a failure has no progress bars in it', () => {
  assert.deepEqual(tail(`${RECORDED}error: linking with \`cc\` failed\n\n`, 2), ['   Compiling quote v1.0.47', 'error: linking with `cc` failed']);
});
