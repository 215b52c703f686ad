// Counts read from test runners: what is summed, and what counts as a failure without saying so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureSections, outcome, parseCargoTest, parseNodeTest, parseVitestJson, sum } from './lib/counts.mjs';

test('cargo results of all test binaries are summed', () => {
  const text = [
    'running 3 tests', 'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s', '',
    'test result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.20s',
  ].join('\n');
  assert.deepEqual(parseCargoTest(text), { passed: 7, failed: 2, skipped: 1 });
});

test('cargo output without results has no counts', () => {
  assert.equal(parseCargoTest('error[E0425]: cannot find value `x`\n'), undefined);
});

test('node counts are read in spec and in TAP form, cancelled tests as failures', () => {
  const lines = ['tests 9', 'suites 0', 'pass 4', 'fail 1', 'cancelled 2', 'skipped 1', 'todo 1', 'duration_ms 12.3'];
  const expected = { passed: 4, failed: 3, skipped: 2 };
  assert.deepEqual(parseNodeTest(lines.map((line) => `ℹ ${line}`).join('\n')), expected);
  assert.deepEqual(parseNodeTest(lines.map((line) => `# ${line}`).join('\n')), expected);
});

test('a count that a test prints itself does not replace the closing summary', () => {
  assert.deepEqual(parseNodeTest('ℹ pass 100\nℹ fail 0\nℹ pass 1\nℹ fail 2\n'), { passed: 1, failed: 2, skipped: 0 });
});

test('vitest files that do not load are failures', () => {
  const report = {
    numPassedTests: 5, numFailedTests: 1, numPendingTests: 1, numTodoTests: 1,
    testResults: [
      { status: 'failed', assertionResults: [{ status: 'failed' }] },
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{ status: 'passed' }] },
    ],
  };
  assert.deepEqual(parseVitestJson(JSON.stringify(report)), { passed: 5, failed: 2, skipped: 2 });
  assert.equal(parseVitestJson('no report'), undefined);
});

test('a runner that fails without counts is one failure', () => {
  assert.equal(outcome(101, undefined).failed, 1);
  assert.match(outcome(101, undefined).reason, /exit code 101/);
});

test('a runner that fails although every test passed is one failure', () => {
  assert.equal(outcome(1, { passed: 9, failed: 0, skipped: 0 }).failed, 1);
});

test('a runner that finds no test is one failure', () => {
  assert.equal(outcome(0, { passed: 0, failed: 0, skipped: 0 }).failed, 1);
  assert.equal(outcome(0, undefined).failed, 1);
});

test('a clean run stays clean', () => {
  assert.deepEqual(outcome(0, { passed: 3, failed: 0, skipped: 1 }), { passed: 3, failed: 0, skipped: 1 });
});

test('sums leave out what an outcome does not name', () => {
  assert.deepEqual(sum([{ passed: 2 }, { failed: 1, skipped: 4 }, {}]), { passed: 2, failed: 1, skipped: 4 });
});

test('failures are found in the middle of the output of cargo', () => {
  const text = [
    'running 2 tests', 'test a ... ok', 'test b ... FAILED', '', 'failures:', '', '---- b stdout ----',
    "thread 'b' panicked at src/lib.rs:3:5:", 'expected 1, got 2', '', '', 'failures:', '    b', '',
    'test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s', '', 'running 0 tests',
  ].join('\n');
  assert.match(failureSections(text), /^---- b stdout ----\n.*\nexpected 1, got 2$/);
  assert.equal(failureSections('test result: ok. 1 passed;'), '');
});

test('failures of node are what follows its list of failing tests', () => {
  assert.equal(failureSections('✖ b (1ms)\nℹ fail 1\n\n✖ failing tests:\n\ntest at a.mjs:1:1\n✖ b (1ms)\n'), 'test at a.mjs:1:1\n✖ b (1ms)');
});
