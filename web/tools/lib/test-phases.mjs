// What `npm test` consists of: setup, lints, Rust, wasm, TypeScript, the page in a browser.
//
// Each phase has a time limit of its own, so that something that hangs ends as a failure with a name.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { clippyArgs, runCargo, testArgs } from './cargo.mjs';
import { failureSections, outcome, parseCargoTest, parseNodeTest, parseVitestJson } from './counts.mjs';
import { logDir, root, shown } from './paths.mjs';
import { buildPackage, buildPage, npmScript } from './page.mjs';
import { run, tail } from './run.mjs';
import { checkBindgen, checkChromium, checkLinters, checkNpm, checkRust, checkVulkan, checkWasmTarget } from './setup-steps.mjs';
import { listFiles } from './stamp.mjs';
import { buildWasm } from './wasm.mjs';

const MINUTE = 60_000;
const WORKSPACES = ['web/packages/moescope', 'web/app'];

/** All phases, in the order they run. */
export function testPhases() {
  const tools = {};
  return [
    { id: 'setup-rust', title: 'Set up: Rust', run: checkRust },
    { id: 'setup-linters', title: 'Set up: rustfmt and clippy', needs: ['setup-rust'], run: checkLinters },
    { id: 'setup-wasm', title: 'Set up: Rust for the browser', needs: ['setup-rust'], run: (say) => setupWasm(tools, say) },
    { id: 'setup-npm', title: 'Set up: npm packages', run: checkNpm },
    { id: 'setup-vulkan', title: 'Set up: a GPU for the shaders', run: checkVulkan },
    { id: 'setup-chromium', title: 'Set up: Chromium', run: (say) => checkChromium(tools, say) },
    { id: 'tools', title: 'Tests of the build scripts', run: (say) => nodeTests('tools', 'web/tools', {}, say) },
    { id: 'bench', title: 'Tests of the bench', needs: ['setup-npm'], run: (say) => nodeTests('bench', 'tests/bench', {}, say) },
    { id: 'format', title: 'Formatting of the Rust code', needs: ['setup-linters'], run: (say) => cargoCheck('format', ['fmt', '--all', '--check'], say) },
    { id: 'clippy', title: 'Clippy', needs: ['setup-linters'], run: (say) => cargoCheck('clippy', clippyArgs, say) },
    { id: 'rust', title: 'Rust tests', needs: ['setup-rust', 'setup-vulkan'], run: rustTests },
    { id: 'wasm-analyses', title: 'Analyses for the browser', needs: ['setup-wasm'], run: (say) => buildWasm('analyses', tools, say, freshLog('wasm-analyses')) },
    { id: 'wasm-cpu', title: 'Browser engine for the CPU', needs: ['setup-wasm'], run: (say) => buildWasm('cpu', tools, say, freshLog('wasm-cpu')) },
    { id: 'wasm-threads', title: 'Browser engine with threads', needs: ['setup-wasm'], run: (say) => buildWasm('threads', tools, say, freshLog('wasm-threads')) },
    { id: 'wasm-gpu', title: 'Browser engine for WebGPU', needs: ['setup-wasm'], run: (say) => buildWasm('gpu', tools, say, freshLog('wasm-gpu')) },
    { id: 'package', title: 'npm package', needs: ['setup-npm', 'wasm-analyses', 'wasm-cpu', 'wasm-threads', 'wasm-gpu'], run: (say) => buildPackage(say, freshLog('package')) },
    { id: 'types', title: 'TypeScript types', needs: ['package'], run: typeChecks },
    { id: 'unit', title: 'TypeScript unit tests', needs: ['package'], run: unitTests },
    { id: 'page', title: 'Page', needs: ['package'], run: (say) => buildPage(say, freshLog('page')) },
    { id: 'browser', title: 'Package in the browser', needs: ['page', 'setup-chromium'], run: (say) => browserTests('browser', tools, say) },
    { id: 'e2e', title: 'Page in the browser', needs: ['page', 'setup-chromium'], run: (say) => browserTests('e2e', tools, say) },
  ];
}

async function setupWasm(tools, say) {
  const notes = [await checkWasmTarget(tools, say), `wasm-bindgen ${await checkBindgen(tools, say)}`];
  return notes.join(', ');
}

async function rustTests(say) {
  const log = freshLog('rust');
  const result = await runCargo(testArgs, say, { log, timeoutMs: 60 * MINUTE });
  return judge(result, parseCargoTest(result.stdout), log);
}

/** A check without counts of its own: one test that passes or fails. */
async function cargoCheck(id, args, say) {
  const log = freshLog(id);
  const result = await runCargo(args, say, { log, timeoutMs: 40 * MINUTE });
  return judge(result, { passed: result.code === 0 ? 1 : 0, failed: result.code === 0 ? 0 : 1, skipped: 0 }, log);
}

async function typeChecks(say) {
  const log = freshLog('types');
  const total = { passed: 0, failed: 0, skipped: 0, details: [] };
  for (const workspace of WORKSPACES) {
    say(workspace);
    const result = await npmScript(run, 'typecheck', workspace, { log, env: plainEnv() });
    if (result.code === 0) total.passed += 1;
    else total.failed += 1;
    if (result.code !== 0) total.details.push(...failureDetails(result, log));
  }
  return total;
}

async function unitTests(say) {
  const log = freshLog('unit');
  const total = { passed: 0, failed: 0, skipped: 0, details: [] };
  for (const workspace of WORKSPACES) {
    say(workspace);
    const report = path.join(logDir, `vitest-${path.basename(workspace)}.json`);
    fs.rmSync(report, { force: true });
    const args = [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const result = await run(process.execPath, args, { cwd: path.join(root, workspace), log, env: plainEnv(), timeoutMs: 15 * MINUTE });
    const counts = fs.existsSync(report) ? parseVitestJson(fs.readFileSync(report, 'utf8')) : undefined;
    const judged = judge(result, counts, log);
    for (const key of ['passed', 'failed', 'skipped']) total[key] += judged[key];
    if (judged.reason) total.reason = [total.reason, `${workspace}: ${judged.reason}`].filter(Boolean).join('; ');
    total.details.push(...(judged.details ?? []));
  }
  return total;
}

function browserTests(name, tools, say) {
  return nodeTests(name, `tests/${name}`, { CHROMIUM: tools.chromium }, say);
}

/** Runs every `*.test.mjs` of a folder with node's own runner, a file for every two cores: a page has a thread, and its engine another. */
async function nodeTests(id, folder, env, say) {
  const log = freshLog(id);
  const files = listFiles(path.join(root, folder)).filter((file) => file.endsWith('.test.mjs'));
  if (files.length === 0) return { failed: 1, reason: `there is no *.test.mjs under ${folder}/` };
  let done = 0;
  const onOutput = (text) => {
    done += text.match(/^\s*[✔✖] /gm)?.length ?? 0;
    if (done > 0) say(`${done} done`);
  };
  const atOnce = Math.max(1, Math.floor(os.availableParallelism() / 2));
  const args = ['--test', '--test-reporter=spec', `--test-concurrency=${atOnce}`, ...files];
  const result = await run(process.execPath, args, { log, onOutput, env: { ...plainEnv(), ...env }, timeoutMs: 45 * MINUTE });
  return judge(result, parseNodeTest(result.stdout), log);
}

function judge(result, counts, log) {
  const judged = outcome(result.code, counts);
  if (result.timedOut) judged.reason = `ended after ${result.timeoutMs / MINUTE} minutes without finishing`;
  return judged.failed > 0 ? { ...judged, details: failureDetails(result, log) } : judged;
}

function failureDetails(result, log) {
  const lines = failureSections(result.stdout).split('\n');
  const shownLines = lines.length > 1 ? lines.slice(0, 200) : tail(result.output, 60);
  return [...shownLines, `(all of it: ${shown(log)})`];
}

/** A log file for this run, emptied. */
function freshLog(id) {
  const file = path.join(logDir, `${id}.log`);
  fs.rmSync(file, { force: true });
  return file;
}

/** The environment without colour, which would stand between a count and its parser. */
function plainEnv() {
  const env = { ...process.env, NO_COLOR: '1' };
  delete env.FORCE_COLOR;
  delete env.NODE_TEST_CONTEXT;
  return env;
}
