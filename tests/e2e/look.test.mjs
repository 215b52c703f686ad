// The page looks as it did, on three screens and in both themes: regions and colours against tests/e2e/snapshots/look.json.
// That file is rewritten only by `node tests/e2e/bless-look.mjs`, after one has looked at the page.

import fs from 'node:fs';
import { test } from 'node:test';
import { assertQuiet, eventually, needFile } from '../browser/harness.mjs';
import { PLACES, SCREENS, THEMES, colours, differences, goTo, openToLook, regions } from './look.mjs';
import { withSite } from './site.mjs';

const EDGE_PX = 4;
const COLOUR_BYTES = 4;
const was = JSON.parse(fs.readFileSync(needFile('tests/e2e/snapshots/look.json', 'Write it with `node tests/e2e/bless-look.mjs`.'), 'utf8'));

const { browser, site } = await withSite({ webgpu: false });
const moescope = await openToLook(browser, site);

for (const screen of Object.keys(SCREENS)) {
  test(`regions stand where they stood on a ${screen} screen`, async () => {
    for (const place of Object.keys(PLACES)) {
      await goTo(moescope, place, screen);
      await eventually(async () => differences(was.regions[screen][place], await regions(moescope, place), EDGE_PX, place), []);
    }
    assertQuiet(moescope.errors);
  });
}

for (const theme of THEMES) {
  test(`colours are as they were in the ${theme} theme`, async () => {
    await goTo(moescope, 'language', 'wide');
    await eventually(async () => differences(was.colours[theme], await colours(moescope, theme), COLOUR_BYTES), []);
  });
}
