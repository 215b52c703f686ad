// The tab Analyses on the page with the real engine and the real analyses: run, look, take along, open what others saved.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { assertQuiet, eventually } from '../browser/harness.mjs';
import { CPU, PATIENCE_MS, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-traces-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

async function withAnalyses(hash, run, { ready = true } = {}) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, v: '3', model: 'models/first', tab: 'analyses', ...hash }, ready, context: { reducedMotion: 'reduce' } });
  await run(new Analyses(moescope));
  assertQuiet(moescope.errors);
  await moescope.close();
}

class Analyses {
  constructor(moescope) {
    this.moescope = moescope;
    this.page = moescope.page;
    this.result = this.page.getByRole('region', { name: 'Result' });
    this.runButton = this.page.getByRole('button', { name: /^Run( again)?$/ });
    this.picture = this.page.locator('#analysis-picture svg');
  }

  choose(name) {
    return this.page.getByRole('radio', { name, exact: true }).check();
  }

  texts(name) {
    return this.page.getByRole('combobox', { name: 'Text', exact: true }).selectOption({ label: name });
  }

  async done() {
    await this.moescope.nextFrame();
    await this.page.locator('.result[data-status="done"], .result[data-status="failed"]').waitFor({ timeout: 4 * PATIENCE_MS });
    assert.equal(await this.result.getAttribute('data-status'), 'done', await this.result.innerText());
  }

  /** The figures as rows of texts. */
  rows() {
    return this.page.locator('.figure-table tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  }

  open(file, button = 'Open a trace') {
    return this.page.getByLabel(button, { exact: true }).setInputFiles(file);
  }

  /** Saves the trace in a format and returns the file. */
  async save(format) {
    await this.page.getByRole('combobox', { name: 'Trace format' }).selectOption({ label: format });
    const [download] = await Promise.all([this.page.waitForEvent('download'), this.page.getByRole('button', { name: 'Save trace' }).click()]);
    const file = path.join(folder, download.suggestedFilename());
    await download.saveAs(file);
    return file;
  }
}

test('the recorded run is analysed before any model is there, and each analysis that fits it has a picture and figures', () => withAnalyses({}, async (analyses) => {
  await analyses.done();
  assert.match(await analyses.result.innerText(), /Layer \d+: expert \d+ is the busiest with [\d.]+\s% of the tokens, where an even share is [\d.]+\s%/);
  for (const name of ['Balance', 'Co-activation', 'Router certainty', 'Layer to layer', 'Repetition', 'Locality (SRP)', 'Expert caches (SCH)', 'Capacity']) {
    await analyses.choose(name);
    await analyses.page.getByRole('heading', { name, exact: true }).waitFor();
    await analyses.done();
    assert.equal(await analyses.picture.getAttribute('role'), 'img');
    assert.ok((await analyses.rows()).length > 0, name);
    assert.doesNotMatch(await analyses.result.innerText(), /NaN|undefined|Infinity/);
  }
  await analyses.choose('Vocabulary by expert');
  await analyses.page.getByText(/No token occurs 10 times|token ids occur 10 times or more/).waitFor();
  assert.match(await analyses.page.getByRole('radio', { name: 'Domain by expert' }).locator('xpath=..').innerText(), /It needs texts of at least two kinds/);
}, { ready: false }));

test('figures stand beside chance and an interval, agree with the trace, and go to the clipboard', () => withAnalyses({}, async (analyses) => {
  await analyses.done();
  const rows = await analyses.rows();
  const percent = (text) => Number(text.replace(' %', ''));
  for (const [layer, expert, value, low, high, chance, standing] of rows) {
    assert.ok(percent(low) <= percent(value) && percent(value) <= percent(high), `layer ${layer}, expert ${expert}`);
    assert.equal(standing, percent(low) > percent(chance) ? 'above' : percent(high) < percent(chance) ? 'below' : 'like chance');
  }
  const sum = rows.filter(([layer]) => layer === '0').reduce((all, [, , value]) => all + percent(value), 0);
  assert.ok(Math.abs(sum - 200) < 1, `two experts per token make ${sum} %`);
  await analyses.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await analyses.page.locator('.take details.keep summary').click();
  await analyses.page.locator('.take').getByRole('button', { name: 'CSV' }).click();
  const csv = await analyses.page.waitForFunction(async () => (await navigator.clipboard.readText()) || undefined).then((handle) => handle.jsonValue());
  assert.match(csv, /^layer,expert,figure,from,to \(95 %\),chance,against chance\r\n0,0,0\.\d+,/);
  assert.equal(csv.trim().split('\r\n').length, rows.length + 1);
}));

test('examples of every domain run through the model, can be cancelled, and show who takes what', () => withAnalyses({ texts: 'domains', analysis: 'domains', without: 'novels,shakespeare,german,rust,wordproblems' }, async (analyses) => {
  const { page } = analyses;
  await analyses.runButton.click();
  await page.getByRole('progressbar', { name: 'Running the analysis' }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await analyses.runButton.waitFor();
  assert.equal(await analyses.result.getAttribute('data-status'), 'idle');
  await analyses.runButton.click();
  await analyses.done();
  assert.deepEqual([...new Set((await analyses.rows()).map(([, domain]) => domain))], ['Tale', 'French', 'Python', 'Maths']);
  assert.ok((await analyses.rows()).some(([, , , , , , , , standing]) => standing === 'above'));
  await analyses.moescope.screenshot('e2e-analyses-domains');
  await page.getByRole('combobox', { name: 'Look at' }).selectOption({ label: 'Distance from all' });
  await page.getByText(/is routed least like the rest/).waitFor();
}));

test('the link keeps analysis, texts, way of looking and layer', () => withAnalyses({ analysis: 'co_activation', view: 'jaccard', layer: '1' }, async (analyses) => {
  await analyses.done();
  const { page } = analyses;
  assert.equal(await page.getByRole('combobox', { name: 'Look at' }).inputValue(), 'jaccard');
  assert.match(await analyses.picture.getAttribute('aria-label'), /layer 1$/);
  await page.getByRole('slider', { name: 'Layer' }).fill('0');
  await page.waitForFunction(() => location.hash.includes('layer=0'));
  await analyses.texts('Your own text');
  await page.getByRole('textbox', { name: 'Your text' }).fill('The fox & the crow.');
  await page.getByRole('textbox', { name: 'Your text' }).blur();
  await page.waitForFunction(() => location.hash.includes('own=The+fox+%26+the+crow.'));
  await analyses.runButton.click();
  await analyses.done();
  const rows = await analyses.rows();
  await page.reload();
  await analyses.moescope.modelIsReady();
  assert.equal(await page.getByRole('textbox', { name: 'Your text' }).inputValue(), 'The fox & the crow.');
  await analyses.runButton.click();
  await analyses.done();
  assert.deepEqual(await analyses.rows(), rows);
}));

test('two routings of one text are compared, and switching experts off has a control', () => withAnalyses({ analysis: 'agreement', k: '1' }, async (analyses) => {
  const { page } = analyses;
  await page.locator('#analysis-texts').waitFor();
  await page.getByText(/Once upon a time/).first().waitFor();
  await analyses.runButton.click();
  await analyses.done();
  assert.match(await analyses.result.innerText(), /the two routings share [\d.]+\s% of a token’s experts .* random choices share [\d.]+\s%/s);
  await analyses.choose('Switch one off');
  await analyses.runButton.click();
  await analyses.done();
  assert.equal((await analyses.rows()).length, 8);
  assert.match(await analyses.result.innerText(), /banning one of three experts of like load costs/);
}));

test('a trace goes out in every format and comes back without the model', () => withAnalyses({}, async (analyses) => {
  await analyses.done();
  const shares = (await analyses.rows()).map(([layer, expert, value]) => [layer, expert, value]);
  const files = [];
  for (const format of ['Moescope JSON', 'moe-routing-atlas JSON lines', 'vLLM array (.npy)', 'llama.cpp CSV']) files.push(await analyses.save(format));
  await analyses.texts('A trace from a file');
  await analyses.page.getByRole('spinbutton', { name: 'Experts per layer' }).fill('8');
  await analyses.page.getByRole('spinbutton', { name: 'Experts per layer' }).blur();
  for (const file of files) {
    await analyses.open(file);
    await analyses.page.getByText(`Opened: ${path.basename(file)}`).waitFor();
    await analyses.done();
    assert.deepEqual((await analyses.rows()).map(([layer, expert, value]) => [layer, expert, value]), shares, file);
  }
  const certainty = analyses.page.getByRole('radio', { name: 'Router certainty' });
  assert.match(await certainty.locator('xpath=..').innerText(), /It needs the router’s scores; this trace has only the choices/);
  await certainty.check();
  await eventually(() => analyses.runButton.isDisabled(), true);
}));

test('a big model’s trace opens where no model can be loaded', async () => {
  const record = (token) => Array.from({ length: 48 }, (_, layer) => Array.from({ length: 8 }, (__, slot) => (Math.floor(Math.abs(Math.sin(token * 127 + layer * 311)) * 1e4) + slot * 16) % 128));
  const file = path.join(folder, 'big.json');
  fs.writeFileSync(file, JSON.stringify({ model: 'org/big-30b', prompt_routed_experts: Array.from({ length: 64 }, (_, token) => record(token)) }));
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, v: '3', model: 'models/truncated', tab: 'analyses', texts: 'import' }, ready: false });
  const analyses = new Analyses(moescope);
  await analyses.open(file);
  await analyses.done();
  assert.match(await analyses.result.innerText(), /org\/big-30b: 64 tokens, 48 MoE layers of 128 experts/);
  assert.match(await analyses.result.innerText(), /128 are assumed, because expert 127 is the highest that acts/);
  await analyses.choose('Co-activation');
  await analyses.done();
  await analyses.page.getByRole('slider', { name: 'Layer' }).fill('5');
  await analyses.page.getByRole('img', { name: 'Experts that act together, layer 5' }).waitFor();
  await moescope.screenshot('e2e-analyses-big');
  await moescope.close();
});

test('a file that is no trace is refused with the place, and the former one stays', () => withAnalyses({ texts: 'import' }, async (analyses) => {
  const good = path.join(folder, 'good.csv');
  const bad = path.join(folder, 'bad.csv');
  fs.writeFileSync(good, 'layer,expert\n0,1\n0,2\n0,2\n0,0\n');
  fs.writeFileSync(bad, 'layer,expert\n0,1\n0,two\n');
  await analyses.open(good);
  await analyses.done();
  await analyses.open(bad);
  await analyses.page.getByRole('alert').filter({ hasText: 'Line 3: expert is "two"; it must be a whole number' }).waitFor();
  assert.match(await analyses.result.innerText(), /llama\.cpp: 2 tokens/);
}));
