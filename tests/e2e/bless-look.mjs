// Rewrites tests/e2e/snapshots/look.json from the built page: `node tests/e2e/bless-look.mjs`. Look at the page first.

import fs from 'node:fs';
import path from 'node:path';
import { launch, root } from '../browser/harness.mjs';
import { PLACES, SCREENS, THEMES, colours, goTo, openToLook, regions } from './look.mjs';
import { openSite } from './site.mjs';

/** Long enough that nothing moves any more. */
const SETTLE_MS = 2000;
const site = await openSite();
const browser = await launch({ webgpu: false });
const moescope = await openToLook(browser, site);
const look = { regions: {}, colours: {} };
for (const screen of Object.keys(SCREENS)) {
  look.regions[screen] = {};
  for (const place of Object.keys(PLACES)) {
    await goTo(moescope, place, screen);
    await moescope.page.waitForTimeout(SETTLE_MS);
    look.regions[screen][place] = await regions(moescope, place);
  }
}
await goTo(moescope, 'language', 'wide');
for (const theme of THEMES) {
  await colours(moescope, theme);
  await moescope.page.waitForTimeout(SETTLE_MS);
  look.colours[theme] = await colours(moescope, theme);
}
await browser.close();
await site.close();
const short = JSON.stringify(look, undefined, 1).replaceAll(/\{[^{}]*\}|\[[\d,\s]*\]/g, (part) => part.replaceAll(/\s+/g, ' '));
fs.writeFileSync(path.join(root, 'tests/e2e/snapshots/look.json'), `${short}\n`);
