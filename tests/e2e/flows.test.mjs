// What a visitor does: generate, choose a token, turn the knobs while it writes, stop, reload. On the CPU engine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, eventually } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

async function withPage(hash, run) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, ...hash } });
  await run(moescope);
  assertQuiet(moescope.errors);
  await moescope.close();
}

test('generating streams tokens whose names give token, layer and experts', () => withPage({ max: '24' }, async (moescope) => {
  await moescope.write('Once upon a time');
  const tokens = await moescope.tokens();
  assert.equal(tokens.filter((token) => token.origin === 'generated').length, 24);
  assert.ok(tokens.some((token) => token.origin === 'prompt'));
  for (const token of tokens) {
    assert.equal(token.experts.length, 2);
    assert.match(token.name, /^Token \d+ ".*", (given|written), layer \d+: expert \d+ \d\.\d\d and expert \d+ \d\.\d\d$/s);
  }
  await moescope.screenshot('e2e-generated');
}));

test('choosing a token opens its router with a reason for every expert', () => withPage({ max: '8' }, async (moescope) => {
  await moescope.write('Once upon a time');
  await moescope.token(2).click();
  await moescope.page.locator('.inspector[data-pinned="2"]').waitFor();
  const rows = await moescope.inspector.locator('tr[data-expert]').evaluateAll((all) => all.map((row) => ({
    expert: Number(row.dataset.expert), verdict: row.dataset.verdict,
    weight: Number(row.querySelector('.weight').textContent), why: row.querySelector('.why').textContent,
  })));
  const [chosen] = (await moescope.tokens()).filter((token) => token.index === 2).map((token) => token.experts);
  const acting = rows.filter((row) => row.verdict === 'selected').map((row) => row.expert);
  assert.deepEqual(acting.toSorted(), chosen.toSorted());
  for (const row of rows) assert.match(row.why, new RegExp(`^Expert ${row.expert} .+\\.$`));
  assert.match(rows.find((row) => row.verdict === 'outside_top_k').why, /scored \d\.\d\d, .+ of .+; top-2 took \d+ and \d+\.$/);
  await moescope.screenshot('e2e-router');
  await moescope.page.keyboard.press('Escape');
  await moescope.page.locator('.inspector:not([data-pinned])').waitFor();
}));

test('arrow keys walk tokens and layers', () => withPage({ max: '6' }, async (moescope) => {
  await moescope.write('Once upon a time');
  await moescope.token(1).click();
  await moescope.page.keyboard.press('ArrowRight');
  await moescope.page.locator('.inspector[data-pinned="2"]').waitFor();
  const before = await moescope.layer.inputValue();
  await moescope.page.keyboard.press('ArrowUp');
  await eventually(() => moescope.layer.inputValue(), String(Number(before) - 1));
}));

test('a smaller top-k acts on the next token, and its cost stands beside the trained loss', () => withPage({ max: '300' }, async (moescope) => {
  await moescope.prompt.fill('Once upon a time');
  await moescope.generateButton.click();
  await moescope.generated(3);
  const loads = moescope.recordLoads();
  await moescope.topK.fill('1');
  await moescope.page.locator('#text .change').first().waitFor();
  const atChange = (await moescope.tokens()).length;
  await moescope.page.waitForFunction((n) => document.querySelectorAll('#text .token').length > n, atChange);
  await moescope.stopButton.click();
  await moescope.status('stopped');
  assert.deepEqual(loads, [], 'the change of top-k loads nothing');
  const tokens = await moescope.tokens();
  const change = tokens.findIndex((token) => token.marked);
  assert.ok(change > 0, 'the change of routing is marked before a token');
  assert.deepEqual([...new Set(tokens.slice(0, change).map((token) => token.experts.length))], [2]);
  assert.deepEqual([...new Set(tokens.slice(change).map((token) => token.experts.length))], [1]);
  const { now, trained } = await moescope.losses();
  assert.notEqual(now, trained);
  await moescope.page.getByText(/written under 2 routings/).waitFor();
  await moescope.page.keyboard.press('Control+z');
  await eventually(() => moescope.topK.inputValue(), '2');
}));

test('a banned expert never fires again, at any layer', () => withPage({ max: '300' }, async (moescope) => {
  await moescope.prompt.fill('Once upon a time');
  await moescope.generateButton.click();
  await moescope.generated(8);
  const banned = (await moescope.tokens())[5].experts[0];
  const loads = moescope.recordLoads();
  await moescope.expert(banned).click();
  await moescope.page.locator('#text .change').first().waitFor();
  const atChange = (await moescope.tokens()).length;
  await moescope.page.waitForFunction((n) => {
    const text = document.querySelector('#text');
    return text.querySelectorAll('.token').length >= n + 20 || text.dataset.status === 'done';
  }, atChange);
  await moescope.stop();
  assert.deepEqual(loads, [], 'the ban loads nothing');
  const layers = await moescope.tokensByLayer();
  const change = layers[0].findIndex((token) => token.marked);
  assert.ok(layers[0].length - change >= 10, 'too few tokens were generated after the ban');
  assert.ok(layers.some((tokens) => tokens.slice(0, change).some((token) => token.experts.includes(banned))), 'it fired before');
  for (const [layer, tokens] of layers.entries()) {
    for (const token of tokens.slice(change)) assert.ok(!token.experts.includes(banned), `layer ${layer}: ${token.name}`);
  }
  assert.equal(await moescope.expert(banned).getAttribute('aria-checked'), 'false');
  await moescope.token(layers[0].length - 1).click();
  await moescope.inspector.getByText(`Expert ${banned} is banned`).waitFor();
  await moescope.screenshot('e2e-banned');
}));

test('a switch for this layer leaves the other layers alone', () => withPage({ max: '30' }, async (moescope) => {
  await moescope.write('Once upon a time');
  const before = await moescope.tokensByLayer();
  await moescope.layer.fill('0');
  await moescope.nextFrame();
  const banned = before[0][3].experts[0];
  await moescope.page.getByRole('radio', { name: 'this layer' }).check();
  await moescope.expert(banned).click();
  await moescope.write('Once upon a time');
  const layers = await moescope.tokensByLayer();
  assert.ok(layers[0].every((token) => !token.experts.includes(banned)));
  assert.ok(layers.slice(1).some((tokens) => tokens.some((token) => token.experts.includes(banned))));
}));

test('the last expert cannot be switched off, and the page says so', () => withPage({ max: '2' }, async (moescope) => {
  const count = await moescope.page.getByRole('switch', { name: /^Expert/ }).count();
  for (let expert = 0; expert < count; expert += 1) {
    await moescope.expert(expert).click();
    await moescope.nextFrame();
  }
  await moescope.page.getByRole('alert').filter({ hasText: 'At least one expert' }).waitFor();
  assert.equal(await moescope.expert(count - 1).getAttribute('aria-checked'), 'true');
  await moescope.page.getByRole('button', { name: 'Reset routing' }).click();
  await eventually(() => moescope.page.getByRole('switch', { name: /^Expert/, checked: true }).count(), count);
}));

test('stopping keeps the text, and generating again works', () => withPage({ max: '300' }, async (moescope) => {
  await moescope.prompt.fill('Once upon a time');
  await moescope.generateButton.click();
  await moescope.generated(4);
  await moescope.stopButton.click();
  await moescope.status('stopped');
  const count = (await moescope.tokens()).length;
  await moescope.page.waitForTimeout(500);
  assert.equal((await moescope.tokens()).length, count);
  // Another prompt, because the former text stays until the first token of the next one is there.
  await moescope.prompt.fill('The king said');
  await moescope.generateButton.click();
  await eventually(() => moescope.text.locator('.token.prompt .t').allTextContents().then((words) => words.join('')), /The king said$/);
  await moescope.generated(2);
  await moescope.stopButton.click();
  await moescope.status('stopped');
}));

test('a text is written on where it was stopped, and again at its end', () => withPage({ max: '200' }, async (moescope) => {
  const { page } = moescope;
  const onward = page.getByRole('button', { name: 'Continue', exact: true });
  await moescope.prompt.fill('Once upon a time');
  await moescope.generateButton.click();
  await moescope.generated(3);
  assert.ok(await onward.isDisabled());
  await moescope.stop();
  for (const more of [3, 6]) {
    const before = (await moescope.tokens()).map(({ name }) => name);
    await page.locator('.settings').evaluate((details) => { details.open = true; });
    await page.getByRole('spinbutton', { name: 'Tokens', exact: true }).fill(String(more));
    await page.getByRole('spinbutton', { name: 'Tokens', exact: true }).blur();
    await onward.click();
    await eventually(async () => (await moescope.tokens()).length, before.length + more);
    await moescope.status('done');
    assert.deepEqual((await moescope.tokens()).slice(0, before.length).map(({ name }) => name), before);
  }
}));

test('the last token of a long text is in sight when it is done', () => withPage({ max: '200' }, async (moescope) => {
  for (let run = 0; run < 3; run += 1) {
    await moescope.write('Once upon a time');
    const below = () => moescope.text.evaluate((text) => {
      const [box, last] = [text, [...text.querySelectorAll('.token')].at(-1)].map((element) => element.getBoundingClientRect());
      return Math.max(0, last.bottom - box.bottom);
    });
    await eventually(below, 0, { timeoutMs: 5_000 });
  }
}));

test('a reload restores prompt, knobs and text byte for byte', () => withPage({ max: '16', k: '3', ban: '1' }, async (moescope) => {
  await moescope.write('The king said');
  const before = await moescope.text.locator('.token .t').allTextContents();
  await moescope.layer.fill('1');
  await moescope.page.waitForFunction(() => location.hash.includes('prompt=The+king+said') && location.hash.includes('layer='));
  await moescope.page.reload();
  await moescope.modelIsReady();
  assert.equal(await moescope.prompt.inputValue(), 'The king said');
  assert.equal(await moescope.topK.inputValue(), '3');
  assert.equal(await moescope.layer.inputValue(), '1');
  assert.equal(await moescope.expert(1).getAttribute('aria-checked'), 'false');
  await moescope.generateButton.click();
  await moescope.generated(1);
  await moescope.status('done');
  assert.deepEqual(await moescope.text.locator('.token .t').allTextContents(), before);
}));

test('what is being typed stays while the page is drawn for other reasons', () => withPage({}, async (moescope) => {
  const { page } = moescope;
  await page.getByText('Sampling').click();
  const seed = page.getByRole('spinbutton', { name: 'Seed' });
  await seed.fill('99');
  await page.evaluate(() => dispatchEvent(new Event('resize')));
  await moescope.nextFrame();
  assert.equal(await seed.inputValue(), '99');
  await seed.blur();
  await eventually(() => moescope.hash(), /seed=99/);
}));

test('the page begins to write by itself, unless asked for no motion', async () => {
  const moving = await openMoescope(browser, site, { hash: { ...CPU, auto: '1', max: '8' } });
  await moving.page.locator('#text[data-source="live"][data-status="done"]').waitFor();
  assertQuiet(moving.errors);
  await moving.close();
  // A prompt without a recorded run, so that only the live model could write.
  const hash = { ...CPU, auto: '1', max: '8', prompt: 'The bridge was' };
  const still = await openMoescope(browser, site, { hash, context: { reducedMotion: 'reduce' } });
  // Said once the model has its routing, which is when the page would begin.
  await still.gauge.getByText('needs a text').waitFor();
  await still.nextFrame();
  assert.equal(await still.text.getAttribute('data-status'), 'idle');
  assert.equal(await still.page.locator('#text .token.generated').count(), 0);
  assertQuiet(still.errors);
  await still.close();
});
