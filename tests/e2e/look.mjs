// How the page looks, as far as that is the same on every machine: where its regions stand, and in which colours.
//
// No pictures are compared: fonts, hinting and the smoothing of edges differ between machines and versions of Chromium, and a
// picture that changes with them proves nothing. What remains of a picture without its letters is held: left and right edge
// of every region and the order in which they follow (columns come from the layout, heights from the text), and colours as
// the bytes that a canvas paints for them, with pixels of the grid of layers read off beside its figures.

import { CPU, openMoescope } from './moescope-page.mjs';

export const SCREENS = { phone: [360, 740], tablet: [800, 1100], wide: [1440, 1000] };
export const THEMES = ['light', 'dark'];

/** Regions of each place, and what is there once everything is drawn. */
export const PLACES = {
  language: { regions: ['.topbar', '.compose', '.yard', '.stage', '.inspector', '.routing'], drawn: '#text .token.generated' },
  vision: { regions: ['.topbar', '.picture', '.answer', '.eyes', '.inspector', '.survey', '.curve', '.routing'], drawn: '.verdict[data-answer]' },
  analyses: { regions: ['.topbar', '.texts', '.result'], drawn: '.result[data-status="done"]' },
  lessons: { regions: ['.topbar', '.overview'], drawn: '.overview' },
};

/** The page with a recorded run that stands, and a vision model that is in git. */
export function openToLook(browser, site) {
  const hash = { ...CPU, v: '3', model: 'models/first', 'v.model': 'models/vit_moe' };
  return openMoescope(browser, site, { hash, context: { reducedMotion: 'reduce' } });
}

/** Goes to a place on a screen of this size. */
export async function goTo({ page }, place, screen) {
  const [width, height] = SCREENS[screen];
  await page.setViewportSize({ width, height });
  await page.locator(`#tab-${place}`).click();
  await page.locator(PLACES[place].drawn).first().waitFor();
}

/** Regions by column and from top to bottom, each with its left and right edge in CSS pixels. */
export function regions({ page }, place) {
  return page.evaluate((selectors) => selectors.map((name) => ({ name, box: document.querySelector(name)?.getBoundingClientRect() }))
    .filter(({ box }) => box !== undefined && box.width > 0 && box.height > 0)
    .map(({ name, box: { left, right, top } }) => ({ name, left: Math.round(left), right: Math.round(right), top }))
    .sort((a, b) => a.left - b.left || a.top - b.top)
    .map(({ name, left, right }) => ({ name, left, right })), PLACES[place].regions);
}

/** Colours of a theme on the tab Language, as [red, green, blue, alpha]. */
export async function colours({ page }, theme) {
  await page.emulateMedia({ colorScheme: theme });
  return page.evaluate(() => {
    const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d');
    const bytes = (colour) => {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data];
    };
    const of = (selector, property) => [...document.querySelectorAll(selector)].slice(0, 8).map((element) => bytes(getComputedStyle(element)[property]));
    const grid = document.querySelector('#grid');
    const [width, height] = [17, 18];
    const cell = (column, row) => [...grid.getContext('2d').getImageData(column * width + 3, row * height + 3, 1, 1).data];
    return {
      paper: of('body', 'backgroundColor'), ink: of('body', 'color'), quiet: of('.note', 'color').slice(0, 1), hairline: of('#prompt', 'borderTopColor'),
      button: of('.compose button.primary', 'backgroundColor'), words: of('.compose button.primary', 'color'),
      tokens: of('#text .cell', 'backgroundColor'), experts: of('.routing .badge', 'backgroundColor'),
      grid: [0, 1, 2, 3].flatMap((row) => [0, 1, 2, 3, 4, 5].map((column) => cell(column, row))),
    };
  });
}

/** What is not as it was, in words. Edges may differ by a few pixels, colours by what no eye sees. */
export function differences(was, now, tolerance, where = '') {
  if (typeof was === 'number' && typeof now === 'number') return Math.abs(was - now) <= tolerance ? [] : [`${where}: was ${was}, is ${now}`];
  if (typeof was !== 'object' || typeof now !== 'object' || now === null) return was === now ? [] : [`${where}: was ${was}, is ${now}`];
  const keys = [...new Set([...Object.keys(was), ...Object.keys(now)])];
  return keys.flatMap((key) => differences(was[key], now[key], tolerance, where === '' ? key : `${where}.${key}`));
}
