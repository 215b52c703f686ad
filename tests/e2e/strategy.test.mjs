// The menu of strategies on the real engine: each that is offered runs, the impossible ones say why they are not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, eventually } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

async function withPage(hash, run) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, ...hash } });
  await run(moescope, moescope.page.getByRole('combobox', { name: 'Strategy' }));
  assertQuiet(moescope.errors);
  await moescope.close();
}

/** Experts per token, over the generated tokens at the shown layer. */
async function expertCounts(moescope) {
  return (await moescope.tokens()).filter((token) => token.origin === 'generated').map((token) => token.experts.length);
}

/** Writes to the end under the routing as it is set; only a text under another one would be called stale. */
async function write(moescope) {
  await moescope.prompt.fill('Once upon a time');
  await moescope.generateButton.click();
  await moescope.nextFrame();
  await moescope.status('done');
  await moescope.page.locator('.mixed[data-shown="false"]').waitFor({ state: 'attached' });
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

test('switch acts on the next token, as trained brings two experts back', () => withPage({ max: '300' }, async (moescope, strategy) => {
  await moescope.prompt.fill('Once upon a time');
  await moescope.generateButton.click();
  await moescope.generated(3);
  await strategy.selectOption('switch');
  const marker = moescope.text.locator('.change').first();
  await marker.waitFor();
  assert.equal(await marker.textContent(), 'strategy switch');
  const atChange = (await moescope.tokens()).length;
  await moescope.page.waitForFunction((n) => {
    const text = document.querySelector('#text');
    return text.querySelectorAll('.token').length > n || text.dataset.status === 'done';
  }, atChange);
  await strategy.selectOption({ label: 'as trained' });
  await moescope.text.locator('.change').nth(1).waitFor();
  await moescope.stopButton.click();
  await moescope.status('stopped');
  const tokens = await moescope.tokens();
  const [first, second] = tokens.flatMap((token, index) => (token.marked ? [index] : []));
  const counts = (part) => [...new Set(part.map((token) => token.experts.length))];
  assert.deepEqual([counts(tokens.slice(0, first)), counts(tokens.slice(first, second)), counts(tokens.slice(second))], [[2], [1], [2]]);
  assert.equal(await moescope.text.locator('.change').nth(1).textContent(), 'as trained');
}));

test('undo and reset bring the strategy back', () => withPage({ max: '4' }, async (moescope, strategy) => {
  await strategy.selectOption('switch');
  await eventually(() => moescope.topK.inputValue(), '1');
  await moescope.page.getByRole('button', { name: 'Undo', exact: true }).click();
  await eventually(async () => [await strategy.inputValue(), await moescope.topK.inputValue()], ['', '2']);
  await strategy.selectOption('mc_moe');
  await moescope.page.getByRole('button', { name: 'Reset routing', exact: true }).click();
  await eventually(() => strategy.inputValue(), '');
}));

test('what the model cannot meet is disabled and says why', () => withPage({}, async (moescope, strategy) => {
  const options = await strategy.locator('option').evaluateAll((all) => all.map(({ value, disabled, textContent, title }) => ({ value, disabled, textContent, title })));
  assert.deepEqual(options[0], { value: '', disabled: false, textContent: 'as trained', title: '' });
  const reasons = {
    adamoe_learned: 'needs a gate with trained null experts', soft: 'mixes all tokens into slots and cannot run token by token here',
    external: 'needs your own router, and none runs',
  };
  assert.deepEqual(options.filter(({ disabled }) => disabled), Object.entries(reasons).map(([value, title]) => (
    { value, disabled: true, textContent: `${value} (${title})`, title })));
}));

test('top-p takes as many experts as reach the share, and its slider moves the share', () => withPage({ max: '24' }, async (moescope, strategy) => {
  await strategy.selectOption('top_p');
  const share = moescope.page.getByRole('slider', { name: 'p', exact: true });
  await share.waitFor();
  assert.equal(await moescope.topK.isDisabled(), true);
  await share.fill('0.2');
  await write(moescope);
  const few = await expertCounts(moescope);
  await share.fill('0.95');
  await write(moescope);
  const many = await expertCounts(moescope);
  assert.ok(few.every((count) => count >= 1), 'a token has no expert');
  assert.ok(mean(many) > mean(few) + 1, `${mean(many)} experts at 0.95, ${mean(few)} at 0.2`);
  await share.fill('0.4');
  await write(moescope);
  await moescope.token(3).click();
  await moescope.inspector.getByText(/those before it fill what top-p asks for/).first().waitFor();
  const { now, trained } = await moescope.losses();
  assert.notEqual(now, trained);
  await moescope.screenshot('e2e-strategy-top-p');
  await strategy.selectOption({ label: 'as trained' });
  await write(moescope);
  assert.deepEqual([...new Set(await expertCounts(moescope))], [2]);
  assert.equal(await moescope.topK.isDisabled(), false);
}));

test('a number of another stage has its slider too, at one layer where changes act on one', () => withPage({ max: '12', layer: '1' }, async (moescope, strategy) => {
  const { page } = moescope;
  await strategy.selectOption('mc_moe');
  const share = page.getByRole('slider', { name: 'Skip below' });
  await share.waitFor();
  await page.getByRole('radio', { name: 'this layer' }).check();
  await share.fill('1');
  await page.waitForFunction(() => location.hash.includes('prune.ratio.1=1'));
  await share.fill('0.99');
  await write(moescope);
  const counts = (await moescope.tokensByLayer()).map((tokens) => mean(tokens.map(({ experts }) => experts.length)));
  assert.ok(counts[1] < 1.05, `at layer 1 nearly every second expert is skipped: ${counts}`);
  assert.ok(counts.every((count, layer) => layer === 1 || count > counts[1]), `the other layers skip less: ${counts}`);
}));

test('what the engine refuses is said beside the menu, and the former routing goes on', () => withPage({ max: '6', s: 'top_p' }, async (moescope, strategy) => {
  await moescope.page.getByRole('slider', { name: 'At most' }).fill('2');
  await moescope.nextFrame();
  await moescope.page.getByRole('slider', { name: 'At least' }).fill('3');
  const refused = moescope.page.getByRole('alert').filter({ hasText: 'Not taken' });
  await refused.waitFor();
  assert.match(await refused.innerText(), /min_experts is 3; it must be at most max_experts, 2/);
  await eventually(() => moescope.page.getByRole('slider', { name: 'At least' }).inputValue(), '1');
  await write(moescope);
  assert.ok((await expertCounts(moescope)).every((count) => count >= 1 && count <= 2));
  await strategy.selectOption('switch');
  await refused.waitFor({ state: 'hidden' });
}));

test('every strategy that is offered writes, gives its reasons and is measured', async (context) => {
  await withPage({ max: '6' }, async (moescope, strategy) => {
    const names = await strategy.locator('option:enabled').evaluateAll((all) => all.map(({ value }) => value).filter((value) => value !== ''));
    assert.ok(names.length > 15, `${names.length} strategies are offered`);
    for (const name of names) {
      await context.test(name, async () => {
        await strategy.selectOption(name);
        await write(moescope);
        assert.equal((await expertCounts(moescope)).length, 6);
        await moescope.losses();
        assert.equal(await moescope.page.getByRole('alert').filter({ hasText: 'Not taken' }).count(), 0);
        for (const why of await moescope.inspector.locator('tr[data-expert] .why').allTextContents()) assert.match(why, /^Expert \d+ [^_]+\.$/);
      });
    }
  });
});

test('a link restores the strategy, its numbers and the knobs on top', () => (
  withPage({ s: 'top_p', top_p: '0.65', rt: '0.5', ban: '1' }, async (moescope, strategy) => {
    assert.equal(await strategy.inputValue(), 'top_p');
    assert.equal(await moescope.page.getByRole('slider', { name: 'p', exact: true }).inputValue(), '0.65');
    assert.equal(await moescope.expert(1).getAttribute('aria-checked'), 'false');
    await strategy.selectOption('hash');
    await moescope.page.waitForFunction(() => location.hash.includes('s=hash') && !location.hash.includes('top_p') && location.hash.includes('ban=1'));
  })
));
