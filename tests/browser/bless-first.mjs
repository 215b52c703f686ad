// Rewrites fixtures/first-greedy.json: what the native command-line tool writes after a fixed prompt.
// Run it by hand after training models/first anew: node tests/browser/bless-first.mjs
// No test and no script runs it.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { root } from './harness.mjs';

const PROMPT = 'Once upon a time there was a';
const TOKENS = 32;

const options = ['--model', 'models/first', '--prompt', PROMPT, '--max-tokens', String(TOKENS), '--temperature', '0', '--ids'];
const { status, stdout } = spawnSync('npm', ['run', '--silent', 'moescope', '--', 'generate', ...options], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['inherit', 'pipe', 'inherit'],
});
if (status !== 0) throw new Error(`moescope generate ended with ${status}`);

const ids = JSON.parse(stdout.trim().split('\n').at(-1));
if (ids.length !== TOKENS) throw new Error(`expected ${TOKENS} tokens, got ${ids.length}: choose a prompt that goes on for longer`);
const target = path.join(root, 'tests/browser/fixtures/first-greedy.json');
fs.mkdirSync(path.dirname(target), { recursive: true });
fs.writeFileSync(target, `${JSON.stringify({ prompt: PROMPT, ids })}\n`);
console.log(`wrote ${path.relative(root, target)}`);
