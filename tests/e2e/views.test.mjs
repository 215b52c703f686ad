// Views and what one can take away from them: tints and their legend, loads, copying and saving, two routings side by side,
// single layers, single experts. On the CPU engine.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { assertQuiet, eventually } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

async function withText(hash, run) {
  const context = { permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true };
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '12', ...hash }, context });
  await moescope.write('Once upon a time');
  await run(moescope, moescope.page);
  assertQuiet(moescope.errors);
  await moescope.close();
}

const figures = (moescope) => moescope.text.locator('.cell .n').allTextContents();

test('tokens are tinted by what is chosen, and the legend is a filter', () => withText({}, async (moescope, page) => {
  const tint = page.getByRole('combobox', { name: 'Tint by' });
  await tint.selectOption('count');
  await eventually(async () => [...new Set(await figures(moescope))], ['2']);
  await tint.selectOption('entropy');
  await eventually(() => figures(moescope), (all) => new Set(all).size > 1 && all.every((bits) => Number(bits) >= 0 && Number(bits) <= 3));
  const bins = page.getByRole('group', { name: 'Legend and filter' }).getByRole('button');
  await bins.first().click();
  const tokens = (await moescope.tokens()).length;
  await eventually(async () => ({ back: await moescope.text.locator('.cell.back').count(), tokens }), ({ back, tokens: all }) => back > 0 && back < all);
  await tint.selectOption('difference');
  await moescope.topK.fill('1');
  await moescope.losses();
  await tint.selectOption('loss');
  // Every token but the first has a loss.
  await eventually(() => figures(moescope), ([, ...losses]) => losses.every((figure) => /^\d+\.\d$/.test(figure)));
  await page.waitForFunction(() => location.hash.includes('tint=loss'));
}));

test('a character that is written in pieces shows the bytes of each until it is whole', () => withText({}, async (moescope) => {
  await moescope.write('The word 中');
  const given = () => moescope.text.locator('.token[data-origin="prompt"] .t').allTextContents();
  await eventually(async () => (await given()).slice(-3), ['⟨E4⟩', '⟨B8⟩', '中']);
  assert.match((await moescope.tokens()).find(({ name }) => name.includes('B8')).name, /^Token \d+ "⟨B8⟩", given, layer 1/);
}));

test('the data of a view is copied as CSV and JSON, and its picture saved as SVG and PNG', () => withText({ side: 'load' }, async (moescope, page) => {
  const open = async (name) => {
    await page.locator('details.keep summary').and(page.getByLabel(`Copy or save: ${name}`)).click();
    return page.getByRole('group', { name: `Copy or save: ${name}` });
  };
  const menu = await open('Text');
  await menu.getByRole('button', { name: 'Copy CSV' }).click();
  await menu.getByText(/rows copied/).waitFor();
  // It stays when the page is drawn for other reasons.
  await page.evaluate(() => dispatchEvent(new Event('resize')));
  await moescope.nextFrame();
  assert.match(await menu.getByRole('status').textContent(), /rows copied/);
  const csv = await page.evaluate(() => navigator.clipboard.readText());
  const tokens = (await moescope.tokens()).length;
  assert.match(csv, /^position,token_id,text,origin,log_prob,layer,expert,weight\r\n/);
  assert.equal(csv.trim().split('\r\n').length, 1 + tokens * 4 * 2);
  await menu.getByRole('button', { name: 'Copy JSON' }).click();
  await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith('['));
  assert.equal(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())).length, tokens * 4 * 2);
  for (const [name, view] of [['Text', menu], ['Load', undefined], ['Layers', undefined], ['Router', undefined]]) {
    const panel = view ?? await open(name);
    for (const [format, start] of [['SVG', '<svg'], ['PNG', '\x89PNG']]) {
      const [download] = await Promise.all([page.waitForEvent('download'), panel.getByRole('button', { name: `Save ${format}` }).click()]);
      const bytes = fs.readFileSync(await download.path());
      assert.equal(bytes.subarray(0, 4).toString('latin1'), start, `${name} as ${format}`);
      assert.ok(bytes.length > 500, `${name} as ${format} has ${bytes.length} bytes`);
    }
    await page.keyboard.press('Escape');
  }
}));

test('A is held while B changes; both have their loss, and each layer its divergence', () => withText({}, async (moescope, page) => {
  await page.getByRole('button', { name: 'Compare from here' }).click();
  await moescope.topK.fill('1');
  const sides = page.locator('.compare .side');
  await page.waitForFunction(() => {
    const [a, b] = [...document.querySelectorAll('.compare .side')].map((side) => side.dataset.loss);
    return a !== undefined && b !== undefined && a !== b;
  });
  const losses = await moescope.losses();
  assert.deepEqual((await sides.evaluateAll((all) => all.map((side) => Number(side.dataset.loss)))).map((loss) => loss.toFixed(3)),
    [losses.trained, losses.now].map((loss) => loss.toFixed(3)));
  const changed = await page.locator('.divergence td[data-column="changed"] .num').allTextContents();
  assert.deepEqual([...new Set(changed)], ['100 %'], 'one expert instead of two is another set for every token');
  await moescope.screenshot('e2e-compare');
  await page.getByRole('button', { name: 'Swap A and B' }).click();
  await eventually(() => moescope.topK.inputValue(), '2');
  await page.getByRole('button', { name: 'End comparison' }).click();
  await page.locator('.compare').waitFor({ state: 'detached' });
}));

test('two models read one text side by side, the second in a worker that ends with the comparison', () => withText({ model: 'models/nine', max: '8' }, async (moescope, page) => {
  const workers = page.workers().length;
  await page.getByRole('button', { name: 'Compare from here' }).click();
  await page.getByRole('combobox', { name: 'Model of A' }).selectOption('nine-collapsed');
  const models = () => page.locator('.compare .side').evaluateAll((sides) => sides.map((side) => side.dataset.model));
  await eventually(models, ['nine-collapsed', 'nine']);
  assert.equal(page.workers().length, workers + 1);
  await page.getByText('Experts of two models have numbers of their own').waitFor();
  const values = (column) => page.locator(`.divergence td[data-column="${column}"]`).evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.value)));
  assert.ok((await values('load')).every((bits) => bits > 0 && bits <= 1));
  assert.ok((await values('routers')).every((bits) => bits > 0 && bits <= 1));
  await moescope.screenshot('e2e-compare-models');
  await page.getByRole('textbox', { name: 'Text of A' }).fill('The king said');
  await page.getByText('The texts differ').waitFor();
  await eventually(() => page.locator('.compare .side[data-side="a"] .token .t').allTextContents().then((words) => words.join('')), /The king said$/);
  assert.deepEqual(await values('changed'), []);
  await eventually(() => moescope.hash(), /a\.model=models%2Fnine-collapsed&a\.text=The\+king\+said/);
  await page.getByRole('button', { name: 'End comparison' }).click();
  await eventually(() => page.workers().length, workers);
}));

test('a knob can act on one layer alone', () => withText({ layer: '1' }, async (moescope, page) => {
  await page.getByRole('radio', { name: 'this layer' }).check();
  await moescope.topK.fill('1');
  await moescope.write('Once upon a time');
  const counts = (await moescope.tokensByLayer()).map((tokens) => [...new Set(tokens.map(({ experts }) => experts.length))]);
  assert.deepEqual(counts, [[2], [1], [2], [2]]);
  await page.waitForFunction(() => location.hash.includes('k.1=1'));
}));

test('an expert has a page, and is forced and nudged from there', () => withText({ layer: '2' }, async (moescope, page) => {
  await page.getByRole('button', { name: 'About expert 5' }).click();
  const expert = page.getByRole('region', { name: 'Expert 5 at layer 2' });
  await expert.getByText(/Acts on \d+\s% of \d+ tokens/).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.expertpage .list:nth-of-type(2) .row').length === 4);
  await moescope.screenshot('e2e-expert');
  await expert.getByRole('button', { name: 'Force' }).click();
  await moescope.write('Once upon a time');
  for (const tokens of await moescope.tokensByLayer()) assert.ok(tokens.every(({ experts }) => experts.includes(5)));
  await moescope.layer.fill('2');
  await expert.getByRole('button', { name: 'Force' }).click();
  await expert.getByRole('button', { name: 'Nudge up' }).click();
  await page.waitForFunction(() => location.hash.includes('off.2=0%2C0%2C0%2C0%2C0%2C0.5'));
  await page.keyboard.press('Escape');
  await expert.waitFor({ state: 'detached' });
}));

test('the fixed sample is read under the routing that is set, beside the trained one', () => withText({}, async (moescope, page) => {
  const sample = () => page.locator('.sample').evaluate(({ dataset }) => [Number(dataset.now), Number(dataset.trained), dataset.left]);
  await page.locator('.sample[data-left="0"][data-now]').waitFor();
  const [now, trained] = await sample();
  assert.equal(now, trained);
  await moescope.topK.fill('1');
  await page.waitForFunction(() => { const { now: a, trained: b, left } = document.querySelector('.sample').dataset; return left === '0' && a !== b; });
  assert.ok((await sample())[0] > trained);
}));

test('below the loss stand experts and FLOPs of a token beside those as trained', async () => {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '8', k: '1' } });
  await moescope.write('Once upon a time');
  await moescope.losses();
  const work = moescope.page.locator('.work[data-flops]').first();
  await work.waitFor();
  const { experts, flops, trainedFlops, agreement } = await work.evaluate(({ dataset }) => ({ ...dataset }));
  assert.equal(Number(experts), 1);
  assert.ok(Number(flops) < Number(trainedFlops), `${flops} FLOPs with one expert, ${trainedFlops} with two`);
  // One of two experts is at most half of what either takes.
  assert.ok(Number(agreement) > 0 && Number(agreement) <= 0.5, `the routings agree to ${agreement}`);
  await work.getByText('How FLOPs are reckoned').click();
  await work.getByRole('rowheader', { name: 'Attention' }).waitFor();
  assertQuiet(moescope.errors);
  await moescope.close();
});
