// The measurements of engines side by side, on the same weights, prompts and machine.
//
// First, whether the exported weights are the same network: greedy tokens of all. Then visits: each engine alone in a new
// browser, for the time to load, the bytes over the wire and the peak of memory. Then rounds: all engines in one page,
// taking turns after a warm-up, for the speeds. What an engine is lies in page/, which a person can open too.

import { setTimeout as pause } from 'node:timers/promises';
import { launch, openPage, root } from '../../browser/harness.mjs';
import { serve } from '../../../web/tools/serve.mjs';
import { summary } from '../figures.mjs';
import { machine } from '../machine.mjs';
import { adapterName, checkAdapter } from './adapter.mjs';
import { writeForms } from './files.mjs';
import { installPeers, PEERS } from './install.mjs';
import { takeTurns } from './page/rounds.mjs';
import { peakMemory } from './process-memory.mjs';
import { listenForFiles, weigh } from './wire.mjs';

const PAGE = 'tests/bench/peers/page/index.html';
/** A driver can hang on what an engine asks of it. */
const VISIT_PATIENCE_MS = 120_000;
/** wllama starts its worker from a blob and evaluates code in it; our own page forbids both. */
const POLICY = [
  "default-src 'self'", "script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval' blob:", "worker-src 'self' blob:",
  "img-src 'self' data:", "connect-src 'self' blob: data:",
].join('; ');

/** Installs the peers, writes the weights in their forms and serves the page, isolated, so that threads may run. */
export async function servePeers(model, say) {
  const folder = await installPeers(say);
  const files = writeForms(model, folder, say);
  const server = await serve({ root, isolated: true, headers: { 'Content-Security-Policy': POLICY } });
  const address = `${server.url}${PAGE}?files=${encodeURIComponent(JSON.stringify(files))}`;
  return { address, files, close: server.close };
}

/** Everything measured on an adapter, as one value; `only` names the engines to measure, all unless given. */
export async function measurePeers({ runs, tokens, model, adapter, only, say }) {
  const { address, files, close } = await servePeers(model, say);
  const open = (use) => withPage(address, adapter, use);
  try {
    const { engines, ...before } = await open((page, browser) => look({ page, browser, adapter, files, say }));
    const wanted = choose(engines, only);
    const given = { files, prompts: before.prompts };
    const visits = await visitAll({ open, given, engines: wanted.filter(({ costsAs }) => costsAs === undefined), runs, say });
    const started = wanted.map(({ id }) => id).filter((id) => visits[id]?.reason === undefined);
    const rounds = await open(async (page) => {
      await ask(page, 'setUp', given);
      return takeTurns(started, { runs, tokens, say, load: (...args) => ask(page, 'load', ...args), turn: (...args) => ask(page, 'turn', ...args) });
    });
    return { ...before, versions: PEERS, engines: wanted.map((engine) => ({ ...engine, ...visits[engine.id], ...rounds[engine.id] })) };
  } finally {
    await close();
  }
}

function choose(engines, only = engines.map(({ id }) => id)) {
  const unknown = only.filter((name) => !engines.some(({ id }) => id === name));
  if (unknown.length > 0) throw new Error(`there is no engine ${unknown.join(', ')}; allowed: ${engines.map(({ id }) => id).join(', ')}`);
  return engines.filter(({ id }) => only.includes(id));
}

/** What is known before anything is timed: machine, engines, prompts, and whether the networks are the same. */
async function look({ page, browser, adapter, files, say }) {
  const info = await ask(page, 'adapter');
  say(`WebGPU adapter: ${adapterName(info)}`);
  checkAdapter(adapter, info);
  const prompts = await ask(page, 'cutPrompts', files);
  await ask(page, 'setUp', { files, prompts });
  say('greedy tokens of all');
  return {
    machine: { ...machine(browser, adapterName(info)), features: info?.features },
    engines: await ask(page, 'list'),
    prompts,
    greedy: await ask(page, 'compareGreedy'),
  };
}

/** Opens the bench page in a browser of its own. */
async function withPage(address, adapter, use) {
  const browser = await launch({ adapter });
  try {
    const { page } = await openPage(browser, address);
    page.setDefaultTimeout(0);
    await page.waitForFunction(() => window.peers !== undefined);
    return await use(page, browser);
  } finally {
    await browser.close();
  }
}

function ask(page, name, ...args) {
  return page.evaluate(({ name, args }) => window.peers[name](...args), { name, args });
}

/** Loads each engine in new browsers, in turns; a first browser without an engine tells what is the page's own. */
async function visitAll({ open, given, engines, runs, say }) {
  const seen = Object.fromEntries(engines.map(({ id }) => [id, { loadMs: [], coldFirstMs: [], peakBytes: [] }]));
  const reasons = {};
  for (let run = 0; run < runs; run += 1) {
    const blank = await open((_, browser) => peakMemory(browser));
    for (const { id } of engines) {
      if (reasons[id] !== undefined) continue;
      say(`visit ${run + 1}: ${id}`);
      const { reason, loadMs, coldFirstMs, peak, paths } = await visitOnce(open, given, id);
      if (reason !== undefined) {
        reasons[id] = reason;
        continue;
      }
      seen[id].loadMs.push(loadMs);
      seen[id].coldFirstMs.push(coldFirstMs);
      if (peak !== undefined) seen[id].peakBytes.push(peak - blank);
      seen[id].paths = paths;
    }
  }
  const results = {};
  for (const { id } of engines) results[id] = reasons[id] === undefined ? await visitFigures(seen[id]) : { reason: reasons[id] };
  return results;
}

async function visitFigures({ loadMs, coldFirstMs, peakBytes, paths }) {
  return {
    loadMs: summary(loadMs),
    coldFirstMs: summary(coldFirstMs),
    wire: await weigh(paths, root),
    ...(peakBytes.length > 0 && { peakBytes: summary(peakBytes) }),
  };
}

/** A browser that breaks, or an engine that does not answer in time, is a reason too. */
function visitOnce(open, given, id) {
  return open(async (page, browser) => {
    await ask(page, 'setUp', given);
    const paths = listenForFiles(page);
    const patience = pause(VISIT_PATIENCE_MS, { reason: `no token came within ${VISIT_PATIENCE_MS / 1000} s` }, { ref: false });
    const result = await Promise.race([ask(page, 'visit', id), patience]);
    return { ...result, peak: await peakMemory(browser), paths };
  }).catch((error) => ({ reason: String(error?.message ?? error) }));
}
