// The link is the state: every field is set by its control, written into the address, and there again after a reload. And
// whatever a link says, the page opens and goes on working.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertQuiet, eventually } from '../browser/harness.mjs';
import { generator } from '../browser/random.mjs';
import { GROUPS } from './link-controls.mjs';
import { CPU, openMoescope } from './moescope-page.mjs';
import { NONSENSE, oddLink } from './odd-links.mjs';
import { withSite } from './site.mjs';
import { fieldOf, fieldsOf, loadState } from './state.mjs';

const { DEFAULTS, decode } = await loadState();
const { browser, site } = await withSite({ webgpu: false });

test('every field of the state has its control in these tests', () => {
  const held = Object.values(GROUPS).flatMap(({ fields }) => Object.keys(fields));
  assert.deepEqual(held.toSorted(), fieldsOf(DEFAULTS).toSorted());
});

for (const [name, { at, fields, ready, expected }] of Object.entries(GROUPS)) {
  test(`the link keeps ${name}: ${Object.keys(fields).join(', ')}`, async () => {
    const hash = { v: '3', ...at };
    const start = decode(new URLSearchParams(hash).toString());
    const moescope = await openMoescope(browser, site, { hash, ready });
    for (const [field, [set, shown, wanted]] of Object.entries(fields)) {
      const before = JSON.stringify(fieldOf(set.length > 0 ? start : DEFAULTS, field));
      await set(moescope);
      await saying(field, eventually(() => shown(moescope), wanted));
      await saying(field, eventually(async () => JSON.stringify(fieldOf(decode(await moescope.hash()), field)), (now) => now !== before));
    }
    await moescope.modelIsReady();
    const said = decode(await moescope.hash());
    await moescope.page.reload();
    await moescope.modelIsReady();
    for (const [field, [, shown, wanted]] of Object.entries(fields)) await saying(`${field} after a reload`, eventually(() => shown(moescope), wanted));
    assert.deepEqual(decode(await moescope.hash()), said);
    assertQuiet(moescope.errors, expected);
    await moescope.close();
  });
}

/** A failure names what it is about. */
async function saying(what, promise) {
  await promise.catch((error) => { throw new Error(`${what}: ${error.message}`, { cause: error }); });
}

test('odd links never break the page', async () => {
  const random = generator(20261126);
  const moescope = await openMoescope(browser, site, { hash: { ...CPU, model: 'models/first' } });
  const { page } = moescope;
  const links = [...NONSENSE, ...Array.from({ length: 48 }, () => oddLink(random))];
  for (const [n, link] of links.entries()) {
    // One in six is opened anew, the others are followed on the open page.
    if (n % 6 === 0) await page.goto('about:blank');
    await page.goto(`${site.url}#${link}`);
    await saying(link, page.getByRole('tablist').waitFor());
    assertQuiet(moescope.errors.map((error) => `${link}: ${error}`));
  }
  await page.goto(`${site.url}#v=3&backend=cpu&model=models/first&auto=0&lang=en&max=4`);
  await page.getByRole('tab', { name: 'Language' }).waitFor();
  await moescope.modelIsReady();
  await moescope.stillWrites();
  assertQuiet(moescope.errors);
  await moescope.close();
});
