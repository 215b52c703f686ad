// Self-contrast and a routing adapted to the text, on the page with the real engine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet } from '../browser/harness.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { withSite } from './site.mjs';

const { browser, site } = await withSite({ webgpu: false });

async function withPage(hash, run) {
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, max: '24', ...hash } });
  await run(moescope, moescope.page);
  assertQuiet(moescope.errors);
  await moescope.close();
}

const words = async (moescope) => (await moescope.tokens()).map(({ name }) => name);

test('self-contrast is a switch away, says what it did to each token, and the link keeps it', () => withPage({ temp: '0' }, async (moescope, page) => {
  const toggle = page.getByRole('switch', { name: 'Push away from a weak routing' });
  const table = page.getByRole('region', { name: 'What self-contrast did' });
  await moescope.write('Once upon a time');
  const plain = await words(moescope);
  assert.equal(await table.count(), 0);
  await toggle.click();
  await page.getByRole('slider', { name: 'Push' }).fill('2');
  await page.getByRole('combobox', { name: 'Weak routing' }).selectOption({ label: 'Eighth best expert alone' });
  await page.waitForFunction(() => /[#&]c=7(&|$)/.test(location.hash) && location.hash.includes('cb=2'));
  await moescope.write('Once upon a time');
  assert.notDeepEqual(await words(moescope), plain);
  await table.waitFor();
  assert.match(await table.innerText(), /Without contrast the same draw takes/);
  assert.equal(await table.locator('tr.taken').count(), 1);
  assert.ok((await table.locator('tbody tr').count()) >= 4);
  await moescope.screenshot('e2e-contrast');
  await toggle.click();
  await moescope.write('Once upon a time');
  assert.deepEqual(await words(moescope), plain);
}));

test('a link turns self-contrast on', () => withPage({ temp: '0', c: '2', cb: '0' }, async (moescope, page) => {
  assert.equal(await page.getByRole('switch', { name: 'Push away from a weak routing' }).getAttribute('aria-checked'), 'true');
  assert.equal(await page.getByRole('slider', { name: 'Push' }).inputValue(), '0');
  await moescope.write('Once upon a time');
  const table = page.getByRole('region', { name: 'What self-contrast did' });
  await table.waitFor();
  assert.match(await table.innerText(), /Without contrast the same draw takes it too/);
}));

test('adapting lowers the loss of the shown text, the link keeps it, and there are two ways back', () => withPage({}, async (moescope, page) => {
  const adapt = page.getByRole('button', { name: 'Adapt routing' });
  const remove = page.getByRole('button', { name: 'Remove offsets' });
  const undo = page.getByRole('button', { name: 'Undo', exact: true });
  assert.equal(await remove.isDisabled(), true);
  await moescope.write('Once upon a time');
  const before = await moescope.losses();
  await adapt.click();
  const line = page.getByRole('status').filter({ hasText: /^Loss .* experts changed/ });
  await line.waitFor();
  const [, from, to] = (await line.innerText()).match(/Loss ([\d.]+) → ([\d.]+)/);
  assert.ok(Number(to) < Number(from), `${from} to ${to}`);
  assert.ok(Math.abs(Number(from) - before.now) < 0.01, `${from}, and the gauge says ${before.now}`);
  await page.waitForFunction((now) => Number(document.querySelector('.gauge')?.dataset.now) < now, before.now);
  const adapted = await moescope.losses();
  assert.ok(Math.abs(Number(to) - adapted.now) < 0.01, `${to}, and the gauge says ${adapted.now}`);
  assert.equal(adapted.trained, before.trained);
  await page.waitForFunction(() => location.hash.includes('off.'));
  await moescope.screenshot('e2e-adapt');
  const link = new URL(page.url()).hash;
  await remove.click();
  await page.waitForFunction(() => !location.hash.includes('off.'));
  await page.waitForFunction((now) => Math.abs(Number(document.querySelector('.gauge')?.dataset.now) - now) < 1e-6, before.now);
  await undo.click();
  await page.waitForFunction(() => location.hash.includes('off.'));
  await undo.click();
  await page.waitForFunction(() => !location.hash.includes('off.'));
  const again = await openMoescope(browser, site, { hash: Object.fromEntries(new URLSearchParams(link.slice(1))) });
  assert.equal(await again.page.getByRole('button', { name: 'Remove offsets' }).isDisabled(), false);
  await again.close();
}));
