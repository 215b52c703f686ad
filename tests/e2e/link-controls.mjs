// For every field of the state: the control that sets it, and where the page shows it. Groups share one page.
//
// A field is `[set, shown, wanted]`: what a visitor does, what is read of the page afterwards, and what that must be, a
// value or a pattern. `read` gets what tests/e2e/moescope-page.mjs offers, and `page`. Fields that only a link sets do
// nothing first; each says why it has no control.

import { eventually } from '../browser/harness.mjs';

const FIRST = { model: 'models/first' };
const EYES = { tab: 'vision', 'v.model': 'models/vit_moe' };

const valueOf = (selector) => ({ page }) => page.locator(selector).inputValue();
const chosen = (name) => ({ page }) => page.locator(`input[name="${name}"]:checked`).inputValue();
const data = (name) => ({ page }) => page.locator('html').getAttribute(`data-${name}`);
const summary = ({ page }) => page.locator('.routing .summary').textContent();
const onlyByLink = () => {};

/** Settings of sampling are folded away. */
const unfold = (page) => page.locator('.settings').evaluate((details) => { details.open = true; });
const sampling = (name, place, value) => [async ({ page }) => {
  await unfold(page);
  await page.getByRole('spinbutton', { name, exact: true }).fill(value);
  await page.getByRole('spinbutton', { name, exact: true }).blur();
}, ({ page }) => page.locator('.settings input').nth(place).inputValue(), value];

const draw = (name, selector, value) => [async ({ page }) => {
  await unfold(page);
  await page.getByRole('slider', { name, exact: true }).fill(value);
}, valueOf(selector), value];

const slide = (name, value) => ({ page }) => page.getByRole('slider', { name, exact: true }).fill(value);
const press = (name, role = 'button') => ({ page }) => page.getByRole(role, { name, exact: true }).click();
const check = (name) => ({ page }) => page.getByRole('radio', { name, exact: true }).check();
const select = (name, option) => ({ page }) => page.getByRole('combobox', { name, exact: true }).selectOption(option);

async function useModel({ page }, name) {
  await page.getByRole('button', { name: /^Model:/ }).click();
  await page.getByRole('button', { name: `Use ${name}`, exact: true }).click();
}

async function onPageOfExpert({ page }, expert, button) {
  await page.getByRole('button', { name: `About expert ${expert}`, exact: true }).click();
  await page.getByRole('region', { name: new RegExp(`^Expert ${expert} at`) }).getByRole('button', { name: button, exact: true }).click();
}

export const GROUPS = {
  'the text and how it looks': { at: FIRST, fields: {
    prompt: [({ prompt }) => prompt.fill('A fox & a crow = “friends”?'), valueOf('#prompt'), 'A fox & a crow = “friends”?'],
    temperature: sampling('Temperature', 0, '0.4'),
    seed: sampling('Seed', 1, '4294967295'),
    maxTokens: sampling('Tokens', 2, '33'),
    samplerTopK: draw('Likeliest tokens to draw from', '#draw-top-k', '40'),
    samplerTopP: draw('Share of probability to draw from', '#draw-top-p', '0.9'),
    contrast: [async ({ page }) => {
      await page.getByRole('switch', { name: 'Push away from a weak routing' }).click();
      await page.getByRole('slider', { name: 'Push' }).fill('1.5');
    }, valueOf('#contrast-beta'), '1.5'],
    tint: [select('Tint by', 'margin'), valueOf('#tint'), 'margin'],
    side: [check('Load'), chosen('side'), 'load'],
    theme: [select('Theme', 'dark'), data('theme'), 'dark'],
    size: [press('A+ larger text'), ({ page }) => page.evaluate(() => document.documentElement.style.getPropertyValue('--size')), '1.2'],
    // The last: from then on controls have other names.
    language: [select('Language of the page', 'zh'), ({ page }) => page.locator('html').getAttribute('lang'), 'zh'],
  } },
  'knobs and what is looked at': { at: FIRST, fields: {
    'routing.topK': [slide('Top-k', '3'), summary, /top-3/],
    'routing.banned': [press('Expert 3', 'switch'), summary, /−3/],
    'routing.forced': [(read) => onPageOfExpert(read, 5, 'Force'), summary, /\+5 forced/],
    'routing.offsets': [(read) => onPageOfExpert(read, 4, 'Nudge up'), summary, /adapted/],
    layer: [slide('Layer', '0'), ({ layer }) => layer.inputValue(), '0'],
    scope: [check('this layer'), chosen('scope'), 'layer'],
    'routing.bannedAt': [press('Expert 2', 'switch'), summary, /−2[^,]* at layer 0/],
    'routing.at': [slide('Router temperature', '0.3'), summary, /T 2[^,]* at layer 0/],
    'routing.forcedAt': [(read) => onPageOfExpert(read, 6, 'Force'), summary, /\+6 forced at layer 0/],
    expert: [press('About expert 1'), ({ page }) => page.locator('.expertpage').getAttribute('data-expert'), '1'],
    rival: [press('Compare from here'), ({ page }) => page.locator('section.compare').count(), 1],
    token: [(moescope) => moescope.token(2).click(), ({ page }) => page.locator('.inspector').getAttribute('data-pinned'), '2'],
  } },
  'a strategy': { at: FIRST, fields: {
    'routing.strategy': [select('Strategy', 'top_p'), valueOf('#strategy'), 'top_p'],
    'routing.settings': [slide('p', '0.65'), valueOf('#setting-top_p'), '0.65'],
    'routing.temperature': [slide('Router temperature', '-0.3'), summary, /T 0\.501/],
    code: [async ({ page }) => {
      await page.getByText('Write your own router', { exact: true }).click();
      await page.getByRole('textbox', { name: 'Your router' }).fill('function route() { return []; }');
    }, valueOf('#own-router'), 'function route() { return []; }'],
  } },
  'a model and where it runs': { at: { model: 'models/nowhere' }, ready: false, expected: [/404/], fields: {
    model: [(read) => useModel(read, 'first'), ({ page }) => page.getByRole('button', { name: /^Model: first/ }).count(), 1],
    backend: [(read) => read.chooseBackend('CPU'), chosenBackend, 'cpu'],
  } },
  'an analysis': { at: FIRST, fields: {
    tab: [press('Analyses', 'tab'), ({ page }) => page.locator('#tab-analyses').getAttribute('aria-selected'), 'true'],
    'analyses.texts': [select('Text', 'domains'), valueOf('#analysis-texts'), 'domains'],
    'analyses.without': [press('Maths'), ({ page }) => page.locator('.domains [aria-pressed="false"]').allTextContents(), ['Maths']],
  } },
  'an analysis of two routings': { at: { ...FIRST, tab: 'analyses', texts: 'own' }, fields: {
    'analyses.own': [async ({ page }) => {
      await page.getByRole('textbox', { name: 'Your text' }).fill('The fox & the crow.');
      await page.getByRole('textbox', { name: 'Your text' }).blur();
    }, valueOf('.own-text textarea'), 'The fox & the crow.'],
    'analyses.analysis': [check('Two routings'), chosen('analysis'), 'agreement'],
    'analyses.variant': [select('Look at', 'divergence'), valueOf('#analysis-variant'), 'divergence'],
    'analyses.against': [select('Second routing', 'switch'), valueOf('#analysis-against'), 'switch'],
  } },
  'a lesson': { at: { ...FIRST, tab: 'lessons' }, fields: {
    lesson: [({ page }) => page.getByRole('button', { name: /^The k knob/ }).click(), ({ page }) => page.locator('.lesson').getAttribute('data-lesson'), 'topk'],
    step: [press('Next'), ({ page }) => page.locator('.lesson').getAttribute('data-step'), '1'],
  } },
  'a presenter': { at: FIRST, fields: {
    present: [async ({ page }) => {
      await page.getByRole('button', { name: 'Present', exact: true }).click();
      await page.locator('#menu-present').getByRole('button', { name: 'Text', exact: true }).click();
    }, data('present'), 'text'],
  } },
  'a picture': { at: EYES, fields: {
    'vision.source': [async ({ page }) => {
      await page.getByRole('radio', { name: 'MNIST', exact: true }).check();
      await page.getByRole('button', { name: '7, sample 2', exact: true }).click();
    }, ({ page }) => page.locator('.tile[aria-pressed="true"]').getAttribute('aria-label'), '7, sample 2'],
    'vision.routing': [slide('Top-k', '1'), summary, /top-1/],
    'vision.tint': [check('Entropy'), chosen('patch-tint'), 'entropy'],
    'vision.layer': [press('Show layer 0 in inspector and map'), ({ page }) => page.locator('.panel.here').getAttribute('data-layer'), '0'],
    'vision.patch': [({ page }) => page.locator('.patch[data-layer="0"]').nth(9).click(), ({ page }) => page.locator('.inspector').getAttribute('data-pinned'), '9'],
    'vision.map': [async ({ page }) => {
      await measured({ page });
      await page.getByRole('radio', { name: 'Image sets' }).check();
    }, async ({ page }) => { await measured({ page }); return chosen('map-rows')({ page }); }, 'set'],
  } },
  'two pictures': { at: EYES, fields: {
    'vision.rival': [async ({ page }) => {
      await page.getByRole('button', { name: 'Compare from here' }).click();
      await page.getByRole('button', { name: 'Hold this picture' }).click();
      // The address follows a moment later, and the first click has changed it already.
      await page.waitForFunction(() => location.hash.includes('v.a.image='));
    }, ({ page }) => page.locator('.compare .side').count(), 2],
  } },
  'a model of pictures': { at: EYES, fields: {
    'vision.model': [(read) => useModel(read, 'trio-small'), ({ page }) => page.getByRole('button', { name: /^Model: trio-small/ }).count(), 1],
  } },
  'what only a link says': { at: { ...FIRST, auto: '0', hide: 'strategy', cf: '0.5' }, fields: {
    // A visitor who is there to press something has no use for it.
    auto: [onlyByLink, ({ text }) => text.getAttribute('data-source'), 'recorded'],
    // A teacher writes it into a link.
    hide: [onlyByLink, ({ page }) => page.getByRole('combobox', { name: 'Strategy' }).count(), 0],
    // The tab Vision has its control; of a text a lesson or a link says it.
    'routing.limit': [onlyByLink, summary, /capacity 0\.5/],
  } },
};

async function chosenBackend({ page }) {
  return page.locator('input[name="backend"]:checked').evaluate((radio) => radio.value);
}

/** The map of classes and experts is there once some samples were measured. */
async function measured({ page }) {
  if (await page.locator('.survey .map').count() > 0) return;
  await page.getByRole('button', { name: 'Measure on the samples' }).click();
  await eventually(() => page.locator('.survey .map').count(), 1);
  await page.evaluate(() => document.querySelector('.survey[data-running="true"] .head button')?.click());
}
