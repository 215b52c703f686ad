// The measurements of engines side by side, on the same weights, prompts and machine.
//
// First, whether the exported weights are the same network: greedy tokens of all. Then visits: each engine alone in a new
// browser, for the time to load, the bytes over the wire and the peak of memory. Then rounds: all engines in one page,
// taking turns after a warm-up, for the speeds. What an engine is lies in page/, which a person can open too.

import { launch, openPage, root } from '../../browser/harness.mjs';
import { serve } from '../../../web/tools/serve.mjs';
import { summary } from '../figures.mjs';
import { machine } from '../machine.mjs';
import { writeForms } from './files.mjs';
import { installPeers, PEERS } from './install.mjs';
import { takeTurns } from './page/rounds.mjs';
import { peakMemory } from './process-memory.mjs';
import { listenForFiles, weigh } from './wire.mjs';

const PAGE = 'tests/bench/peers/page/index.html';
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

/** Everything measured, as one value; `only` names the engines to measure, all unless given. */
export async function measurePeers({ runs, tokens, model, only, say }) {
  const { address, files, close } = await servePeers(model, say);
  try {
    const { engines, ...before } = await withPage(address, (page, browser) => look(page, browser, files, say));
    const wanted = choose(engines, only);
    const given = { files, prompts: before.prompts };
    const visits = await visitAll({ address, given, engines: wanted.filter(({ costsAs }) => costsAs === undefined), runs, say });
    const started = wanted.map(({ id }) => id).filter((id) => visits[id]?.reason === undefined);
    const rounds = await withPage(address, async (page) => {
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
async function look(page, browser, files, say) {
  const prompts = await ask(page, 'cutPrompts', files);
  await ask(page, 'setUp', { files, prompts });
  say('greedy tokens of all');
  return {
    machine: machine(browser, await ask(page, 'adapter')),
    engines: await ask(page, 'list'),
    prompts,
    greedy: await ask(page, 'compareGreedy'),
  };
}

/** Opens the bench page in a browser of its own. */
async function withPage(address, use) {
  const browser = await launch();
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
async function visitAll({ address, given, engines, runs, say }) {
  const seen = Object.fromEntries(engines.map(({ id }) => [id, { loadMs: [], coldFirstMs: [], peakBytes: [] }]));
  const reasons = {};
  for (let run = 0; run < runs; run += 1) {
    const blank = await withPage(address, (_, browser) => peakMemory(browser));
    for (const { id } of engines) {
      if (reasons[id] !== undefined) continue;
      say(`visit ${run + 1}: ${id}`);
      const { reason, loadMs, coldFirstMs, peak, paths } = await visitOnce(address, given, id);
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

function visitOnce(address, given, id) {
  return withPage(address, async (page, browser) => {
    await ask(page, 'setUp', given);
    const paths = listenForFiles(page);
    const result = await ask(page, 'visit', id);
    return { ...result, peak: await peakMemory(browser), paths };
  });
}
