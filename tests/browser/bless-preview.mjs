// Makes the picture that messengers show of a link to the page, from the page itself with its recorded run:
// `node tests/browser/bless-preview.mjs`, after `npm run build`. Look at it before it is committed.

import path from 'node:path';
import { serve } from '../../web/tools/serve.mjs';
import { launch, needFile, openPage, root } from './harness.mjs';

/** As web/app/hosting.ts says. */
const context = { viewport: { width: 1200, height: 630 }, colorScheme: 'light', reducedMotion: 'reduce' };

needFile('dist/index.html', 'Build the page with `npm run build`.');
const browser = await launch({ webgpu: false });
const site = await serve();
const { page } = await openPage(browser, `${site.url}#auto=0&backend=cpu`, { context });
await page.locator('#text .token.generated').nth(20).waitFor();
await page.locator('.loading[data-loading="false"]').waitFor({ state: 'attached' });
const file = path.join(root, 'web/app/public/preview.png');
await page.screenshot({ path: file });
console.log(path.relative(root, file));
await browser.close();
await site.close();
