// The phase runner of `npm test`: nothing is left out silently, and the last line adds everything up.

import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { choose, runPhases, summary } from './lib/phases.mjs';
import { duration, Reporter, StepFailed } from './lib/report.mjs';

async function runAll(phases) {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk) => { text += chunk; });
  const outcomes = await runPhases(phases, new Reporter({ total: phases.length, stream, tty: false }));
  return { outcomes, text, ...summary(outcomes, 65_000) };
}

const passing = (id, passed, needs) => ({ id, title: id, needs, run: async () => ({ passed }) });

test('counts of all phases are added up in the last line', async () => {
  const { lines, failed } = await runAll([passing('a', 3), { id: 'b', title: 'b', run: async () => ({ passed: 2, skipped: 1 }) }]);
  assert.equal(lines.at(-1), '5 passed, 0 failed');
  assert.equal(failed, 0);
  assert.ok(lines.some((line) => line.startsWith('1 skipped')));
});

test('a phase that throws is one failure and the rest still runs', async () => {
  const broken = { id: 'a', title: 'a', run: async () => { throw new StepFailed('no compiler', { remedy: 'apt-get install gcc' }); } };
  const { lines, text } = await runAll([broken, passing('b', 4)]);
  assert.equal(lines.at(-1), '4 passed, 1 failed');
  assert.match(text, /no compiler/);
  assert.match(text, /apt-get install gcc/);
});

test('what needs a failed phase is not run, and fails with that reason, through any number of steps', async () => {
  let ran = false;
  const { lines, text } = await runAll([
    { id: 'a', title: 'first', run: async () => ({ passed: 1, failed: 2, details: ['expected 1, got 2'] }) },
    { id: 'b', title: 'second', needs: ['a'], run: async () => { ran = true; } },
    { id: 'c', title: 'third', needs: ['b'], run: async () => { ran = true; } },
    passing('d', 1),
  ]);
  assert.equal(ran, false);
  assert.equal(lines.at(-1), '2 passed, 4 failed');
  assert.match(text, /NOT RUN: it needs "first", which failed/);
  assert.match(text, /expected 1, got 2/);
});

test('a phase that is no test adds nothing when it works', async () => {
  const { lines, text } = await runAll([{ id: 'a', title: 'a', run: async () => 'up to date' }, passing('b', 1)]);
  assert.equal(lines.at(-1), '1 passed, 0 failed');
  assert.match(text, /up to date/);
});

test('the time of each phase is printed', async () => {
  const { lines } = await runAll([passing('alpha', 1), passing('beta', 1)]);
  for (const title of ['alpha', 'beta', 'all']) assert.ok(lines.some((line) => line.startsWith(`  ${title}`) && / s/.test(line)), title);
  assert.ok(lines.some((line) => line.includes('1 min 5 s')));
});

test('choosing a phase brings what it needs, in order', () => {
  const phases = [passing('a', 1), passing('b', 1, ['a']), passing('c', 1), passing('d', 1, ['b'])];
  assert.deepEqual(choose(phases, ['d']).map(({ id }) => id), ['a', 'b', 'd']);
  assert.throws(() => choose(phases, ['x']), /no phase x; allowed: a, b, c, d/);
});

test('a long step says where it is, with the time, when there is no terminal', async () => {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk) => { text += chunk; });
  let now = 0;
  const reporter = new Reporter({ total: 1, stream, tty: false, everyMs: 5, now: () => now });
  await reporter.step('Engine', async (say) => {
    say('Compiling 143/329 cubecl-core');
    now = 724_000;
    for (let tries = 0; tries < 2000 && !text.includes('Compiling'); tries += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  });
  assert.match(text, /^\[1\/1\] Engine \.\.\.\n/);
  assert.match(text, /Compiling 143\/329 cubecl-core \(12 min 4 s\)/);
});

test('a quiet reporter says nothing about a quick step', async () => {
  const stream = new PassThrough();
  const reporter = new Reporter({ total: 1, stream, tty: false, quietMs: 5_000 });
  await reporter.step('Rust', async () => 'found');
  assert.equal(stream.read(), null);
});

test('durations read well', () => {
  assert.deepEqual([400, 9_940, 59_400, 724_000].map(duration), ['0.4 s', '9.9 s', '59 s', '12 min 4 s']);
});
