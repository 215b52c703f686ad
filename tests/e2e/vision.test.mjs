// The tab Vision on the CPU engine: pictures of every kind, patches by layer, knobs that act on them, surveys, the link.
// The model is the tiny random one of the tests, whose answers mean nothing but whose routing is as real as any.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { assertQuiet, eventually, launch, needFile, openPage } from '../browser/harness.mjs';
import { withSite } from './site.mjs';

const PATIENCE_MS = 60_000;
const MODEL = { tab: 'vision', 'v.model': 'models/vit_moe' };
const { browser, site } = await withSite({ webgpu: false, args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] });

/** The page with this state in the link, once the model has looked at the picture; no error may reach the console. */
async function withVision(hash, run, { on = browser, expected, ...options } = {}) {
  const opened = await openPage(on, `${site.url}#${new URLSearchParams({ v: '3', ...MODEL, ...hash })}`, options);
  opened.page.setDefaultTimeout(PATIENCE_MS);
  await answered(opened.page);
  await run(opened.page, opened);
  assertQuiet(opened.errors, expected);
  await opened.close();
}

const answered = (page) => page.locator('.verdict[data-answer]').waitFor();
const patches = (page, layer = 0) => page.locator(`.patch[data-layer="${layer}"]`);
/** What the address says of the state; it follows a moment later. */
const hash = (page) => page.evaluate(() => location.hash);
const slider = (page, name) => page.getByRole('slider', { name, exact: true });

/** Experts of each patch at each layer, and what the model answers, as the page shows them. */
function shown(page) {
  return page.evaluate(() => ({
    experts: [...document.querySelectorAll('.patch')].map(({ dataset }) => `${dataset.layer}:${dataset.index}:${dataset.experts}`),
    bars: [...document.querySelectorAll('.classes li')].map(({ dataset, textContent }) => `${textContent} ${dataset.now}`),
  }));
}

/** Waits until the page shows something else than before. */
async function changed(page, before) {
  await page.waitForFunction((former) => {
    const experts = [...document.querySelectorAll('.patch')].map(({ dataset }) => `${dataset.layer}:${dataset.index}:${dataset.experts}`);
    return JSON.stringify(experts) !== former;
  }, JSON.stringify(before.experts));
}

test('two pictures under two routings stand side by side, with the patches whose experts changed', () => withVision({ 'v.image': 'cifar10.1.0', 'v.k': '1', 'v.a.image': 'cifar10.3.0', 'v.a.k': '2' }, async (page, { screenshot }) => {
  const compare = page.getByRole('region', { name: 'Compare A and B' });
  await compare.getByText('patches are compared place by place').waitFor();
  assert.deepEqual(await compare.locator('.side').evaluateAll((sides) => sides.map((side) => side.querySelectorAll('.patch.marked').length)), [64, 64]);
  const [a, b] = await compare.locator('.side').evaluateAll((sides) => sides.map((side) => [...side.querySelectorAll('.classes li')].map(({ dataset }) => [dataset.now, dataset.trained])));
  assert.deepEqual(a, b.map(([mine, other]) => [other, mine]));
  const loads = await compare.locator('td[data-column="load"]').evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.value)));
  assert.ok(loads.length === 3 && loads.every((bits) => bits > 0 && bits <= 1), String(loads));
  // Each side has its own pixels.
  const ink = () => compare.locator('canvas.pixels').evaluateAll((all) => all.map((canvas) => canvas.toDataURL()));
  assert.equal(new Set(await ink()).size, 2);
  await screenshot('e2e-vision-compare');
  await compare.getByRole('button', { name: 'Swap A and B' }).click();
  // What is as by default, such as the picture, no link says.
  await eventually(() => hash(page), /v\.k=2&v\.a\.image=cifar10\.1\.0&v\.a\.k=1$/);
}));

describe('a sample', () => {
  test('is shown with its classes, and each patch has a name at every layer', () => withVision({}, async (page, { screenshot }) => {
    const names = await page.locator('.patch').evaluateAll((all) => all.map((patch) => patch.getAttribute('aria-label')));
    assert.equal(names.length, 3 * 64);
    for (const name of names) assert.match(name, /^Patch row \d, column \d, layer [0-2]: expert \d \d\.\d\d and expert \d \d\.\d\d$/);
    assert.equal(new Set(names).size, names.length);
    assert.equal(await page.locator('.classes li.right .name').textContent(), 'cat ✓');
    assert.equal(await page.getByRole('tab', { name: 'Vision' }).getAttribute('aria-selected'), 'true');
    const painted = await page.locator('canvas.pixels').evaluateAll((all) => all.map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, 32, 32);
      return data.some((byte, i) => i % 4 !== 3 && byte > 0);
    }));
    assert.deepEqual(painted, [true, true, true, true]);
    await screenshot('e2e-vision');
  }));

  test('is chosen by its name, and the licence of its set stands below', () => withVision({}, async (page) => {
    const before = await shown(page);
    await page.getByRole('radio', { name: 'MNIST', exact: true }).check();
    await page.getByText(/LeCun, Cortes and Burges 1998/).waitFor();
    await page.getByRole('button', { name: '7, sample 2', exact: true }).click();
    await changed(page, before);
    assert.equal(await page.locator('.classes li.right .name').textContent(), '7 ✓');
    await eventually(() => hash(page), /v\.image=mnist\.7\.1/);
  }));
});

describe('knobs', () => {
  test('act on the picture at once, and undo brings the former routing back', () => withVision({}, async (page) => {
    const before = await shown(page);
    await slider(page, 'Top-k').fill('1');
    await changed(page, before);
    assert.deepEqual([...new Set((await shown(page)).experts.map((line) => line.split(':')[2].length))], [1]);
    await page.getByRole('switch', { name: 'Expert 3', exact: true }).click();
    await page.waitForFunction(() => ![...document.querySelectorAll('.patch')].some(({ dataset }) => dataset.experts === '3'));
    await page.getByRole('button', { name: 'Undo', exact: true }).click();
    await page.getByRole('button', { name: 'Undo', exact: true }).click();
    await page.waitForFunction((wanted) => {
      const experts = [...document.querySelectorAll('.patch')].map(({ dataset }) => `${dataset.layer}:${dataset.index}:${dataset.experts}`);
      return JSON.stringify(experts) === wanted;
    }, JSON.stringify(before.experts));
  }));

  test('leave the routing of the text alone', () => withVision({ 'v.k': '1' }, async (page) => {
    await page.getByRole('tab', { name: 'Language' }).click();
    await page.getByRole('textbox', { name: 'Prompt' }).waitFor();
    assert.match(await page.locator('.routing .summary').textContent(), /as trained/);
    await page.getByRole('tab', { name: 'Vision' }).click();
    await answered(page);
    assert.equal(await slider(page, 'Top-k').inputValue(), '1');
  }));

  test('a capacity turns patches away, in order from the end of the picture, by priority elsewhere', () => withVision({}, async (page, { screenshot }) => {
    assert.equal(await page.locator('.patch[data-dropped]').count(), 0);
    await page.getByRole('checkbox', { name: 'Limit the experts' }).check();
    await slider(page, 'Patches per expert').fill('0.5');
    // 64 patches of top-2 over eight experts are 16 for each; half of that is what one takes.
    const busiest = () => patches(page).evaluateAll((all) => {
      const counts = new Map();
      for (const expert of all.flatMap(({ dataset }) => dataset.experts.split(',').filter((part) => part !== ''))) counts.set(expert, (counts.get(expert) ?? 0) + 1);
      return Math.max(...counts.values());
    });
    await eventually(busiest, (most) => most <= 8);
    const places = () => patches(page).evaluateAll((all) => all.filter(({ dataset }) => dataset.dropped !== undefined).map(({ dataset }) => Number(dataset.index)));
    const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    const inOrder = await places();
    assert.ok(mean(inOrder) > 31.5, `in order the mean place of those turned away is ${mean(inOrder)}, that of all is 31.5`);
    await screenshot('e2e-vision-capacity');
    await page.getByRole('radio', { name: 'by priority' }).check();
    // By priority it is not the end of the picture that is turned away.
    await eventually(async () => ({ now: mean(await places()), inOrder: mean(inOrder) }), ({ now, inOrder: former }) => now < former);
    await page.getByText(/choices turned away \(\d+ %\)/).first().waitFor();
    await eventually(() => hash(page), /v\.cf=0\.5&v\.cp=batch_priority/);
  }));
});

test('a router of the visitor’s own decides about patches until it is stopped', () => withVision({}, async (page, { screenshot }) => {
  const before = (await shown(page)).experts;
  const byPlace = before.map((line) => line.replace(/^(\d+):(\d+):.*$/, (_, layer, patch) => `${layer}:${patch}:${Number(patch) % 8}`));
  const experts = async () => (await shown(page)).experts;
  await page.getByText('Write your own router', { exact: true }).click();
  await page.getByRole('textbox', { name: 'Your router' }).fill('function route({ tokenId, nExperts }) {\n  return [{ expert: tokenId % nExperts, weight: 1 }];\n}');
  await page.getByRole('button', { name: 'Run this router', exact: true }).click();
  await page.getByText('It decides at every layer.').waitFor();
  await eventually(experts, byPlace);
  await screenshot('e2e-vision-own-router');
  await page.getByRole('button', { name: 'Back to trained routing', exact: true }).click();
  await eventually(experts, before);
}));

describe('a patch', () => {
  test('is walked by keys, opens its router, and Escape lets it go', () => withVision({}, async (page) => {
    await patches(page, 1).nth(9).click();
    const inspector = page.getByRole('region', { name: 'Router', exact: true });
    await inspector.getByText('row 2, column 2, layer 1').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await inspector.getByText('row 3, column 3, layer 1').waitFor();
    await eventually(() => page.evaluate(() => document.activeElement.dataset.index), '18');
    await eventually(() => inspector.locator('tr[data-expert]').count(), 8);
    await inspector.getByText(/top-2 took it with weight/).first().waitFor();
    await page.keyboard.press('Escape');
    await inspector.getByText('Choose a patch').waitFor();
  }));
});

describe('pictures of one’s own', () => {
  test('are seen as their middle square, and what is no picture is refused in place', () => withVision({}, async (page) => {
    await page.getByRole('radio', { name: 'Your own' }).check();
    const upload = page.getByLabel('Upload a picture');
    const before = await shown(page);
    await upload.setInputFiles(needFile('web/app/public/screenshot.png', 'It is in git.'));
    await changed(page, before);
    assert.equal(await page.locator('.verdict[data-label]').count(), 0);
    await upload.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
    await page.getByRole('alert').filter({ hasText: 'cannot read this as an image' }).waitFor();
    assert.doesNotMatch(page.url(), /v\.image/);
  }));

  test('are drawn, and the link holds the drawing', () => withVision({}, async (page) => {
    await page.getByRole('radio', { name: 'Draw' }).check();
    const pad = await page.getByRole('img', { name: /^Drawing pad/ }).boundingBox();
    const before = await shown(page);
    const at = (x, y) => [pad.x + x * pad.width, pad.y + y * pad.height];
    await page.mouse.move(...at(0.3, 0.2));
    await page.mouse.down();
    await page.mouse.move(...at(0.7, 0.2), { steps: 8 });
    await page.mouse.move(...at(0.4, 0.9), { steps: 8 });
    await page.mouse.up();
    await changed(page, before);
    await eventually(() => hash(page), /v\.image=%7E/);
    // The pad is drawn on while the model looks, and the address follows the last stroke.
    const settled = () => page.evaluate(() => new Promise((resolve) => { setTimeout(() => resolve(location.hash), 400); }));
    await eventually(async () => await hash(page) === await settled(), true);
    const again = await page.context().newPage();
    await again.goto(page.url());
    await answered(again);
    await eventually(() => shown(page), await shown(again));
  }));

  test('come from the camera frame by frame, until it is stopped', () => withVision({}, async (page) => {
    await page.getByRole('radio', { name: 'Your own' }).check();
    const before = await shown(page);
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await changed(page, before);
    const first = await shown(page);
    await changed(page, first);
    await page.getByRole('button', { name: 'Stop the camera' }).click();
    await page.getByRole('button', { name: 'Use the camera' }).waitFor();
    // A frame that was on its way may still be looked at.
    await eventually(async () => {
      const before = await shown(page);
      await page.waitForTimeout(1000);
      return isDeepStrictEqual(await shown(page), before);
    }, true);
  }));
});

describe('over all samples', () => {
  test('accuracy and map stand beside what guessing gives; a survey stops where it is', () => withVision({ 'v.map': 'set' }, async (page, { screenshot }) => {
    await page.getByRole('button', { name: 'Measure on the samples' }).click();
    // Classes take turns: after the first thirty pictures each was seen once.
    await page.waitForFunction(() => Number(document.querySelector('.survey').dataset.done) >= 30);
    await page.locator('.survey').getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Measure again' }).waitFor();
    const figures = await page.locator('.survey .figure').evaluateAll((all) => all.map(({ dataset }) => Number(dataset.count)));
    assert.ok(figures[0] >= 30 && figures[0] === figures[1], `${figures} pictures were measured`);
    await page.getByText('guessing 3.3 %').first().waitFor();
    const map = page.getByRole('table', { name: /Share of patches on which each expert acts, layer 2/ });
    assert.equal(await map.getByRole('row').count(), 5);
    const sums = await map.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].reduce((sum, cell) => sum + Number(cell.dataset.share), 0)));
    for (const sum of sums) assert.ok(Math.abs(sum - 2) < 0.01, `shares of top-2 add up to ${sum}`);
    await page.getByRole('radio', { name: 'Classes' }).check();
    await map.getByRole('row').nth(31).waitFor();
    assert.equal(await map.getByRole('row').count(), 32);
    await screenshot('e2e-vision-map');
    await page.getByRole('button', { name: 'Sweep capacities' }).click();
    await page.locator('.curve:not([data-images="0"])').waitFor();
    await page.locator('.curve').getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('img', { name: /Accuracy by capacity factor/ }).waitFor();
  }));
});

describe('several pictures of one’s own', () => {
  test('a folder of folders has a row for each, and names what is no picture', async (context) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'moescope-pictures-'));
    context.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const put = (name, from) => {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.copyFileSync(needFile(from, 'It is in git.'), path.join(folder, name));
    };
    put('pages/1.png', 'web/app/public/screenshot.png');
    put('pages/notes.txt', 'LICENSE');
    put('previews/2.png', 'web/app/public/preview.png');
    await withVision({}, async (page, { screenshot }) => {
      await page.getByLabel('Choose a folder', { exact: true }).setInputFiles(folder);
      const section = page.getByRole('region', { name: 'Over your own pictures' });
      await section.and(page.locator('[data-done="3"][data-running="false"]')).waitFor();
      await section.getByText('3 files from 2 folders.').waitFor();
      await section.getByRole('alert').filter({ hasText: /Left out, .*pages\/notes\.txt\. Use PNG/ }).waitFor();
      assert.deepEqual(await section.locator('tbody th').allTextContents(), ['pages', 'previews', 'all']);
      const sums = await section.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].reduce((sum, cell) => sum + Number(cell.dataset.share), 0)));
      for (const sum of sums) assert.ok(Math.abs(sum - 2) < 0.01, `shares of top-2 add up to ${sum}`);
      await screenshot('e2e-vision-collection');
    });
  });

  test('pictures that are dropped together stand for themselves, one each', () => withVision({}, async (page) => {
    await page.evaluate(async () => {
      const data = new DataTransfer();
      for (const colour of ['red', 'blue']) {
        const canvas = new OffscreenCanvas(40, 40);
        const context = canvas.getContext('2d');
        context.fillStyle = colour;
        context.fillRect(0, 0, 40, 40);
        data.items.add(new File([await canvas.convertToBlob()], `${colour}.png`, { type: 'image/png' }));
      }
      window.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    });
    await page.locator('.collection[data-done="2"][data-running="false"]').waitFor();
    await eventually(() => page.locator('.collection tbody th').allTextContents(), ['blue.png', 'red.png', 'all']);
  }));
});

describe('the link', () => {
  test('restores picture, routing, tint, layer and patch', () => withVision({
    'v.image': 'fashion_mnist.8.2', 'v.k': '3', 'v.ban': '1', 'v.tint': 'entropy', 'v.layer': '0', 'v.patch': '12', 'v.map': 'set', 'v.cf': '0.75',
  }, async (page) => {
    assert.equal(await slider(page, 'Top-k').inputValue(), '3');
    assert.equal(await page.getByRole('switch', { name: 'Expert 1', exact: true }).getAttribute('aria-checked'), 'false');
    assert.equal(await page.getByRole('radio', { name: 'Entropy' }).isChecked(), true);
    assert.equal(await slider(page, 'Patches per expert').inputValue(), '0.75');
    await page.getByText('row 2, column 5, layer 0').waitFor();
    assert.equal(await page.locator('.classes li.right .name').textContent(), 'Bag ✓');
    await page.getByRole('radio', { name: 'None', exact: true }).check();
    await page.waitForFunction(() => location.hash.includes('v.tint=none'));
    const before = await shown(page);
    await page.reload();
    await answered(page);
    assert.deepEqual(await shown(page), before);
  }));
});

test('a vision model that is not there says so, and the page goes on', async () => {
  const { page, errors, close } = await openPage(browser, `${site.url}#v=3&tab=vision&v.model=models/nowhere`);
  await page.getByRole('alert').filter({ hasText: 'models/nowhere could not be opened' }).waitFor({ timeout: PATIENCE_MS });
  await page.getByRole('tab', { name: 'Language' }).click();
  await page.getByRole('textbox', { name: 'Prompt' }).waitFor();
  assertQuiet(errors, [/404/]);
  await close();
});

test('without a camera that is allowed the page says what to do', async () => {
  const plain = await launch({ webgpu: false });
  await withVision({}, async (page) => {
    await page.getByRole('radio', { name: 'Your own' }).check();
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.getByRole('alert').filter({ hasText: /upload a picture/ }).waitFor();
  }, { on: plain });
  await plain.close();
});
