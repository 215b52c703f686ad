// The page as a person meets it: controls by role and name, and what the page shows of tokens and experts.
// A page is opened with `auto=0`, so that nothing starts before a test wants it.

import assert from 'node:assert/strict';
import { openPage } from '../browser/harness.mjs';

/** Longer than any step takes on a software adapter with two cores. */
export const PATIENCE_MS = 60_000;

export const CPU = { backend: 'cpu' };

/** Opens the page with this state in the link and waits until the model is there. */
export async function openMoescope(browser, site, { hash = {}, ready = true, ...options } = {}) {
  const state = new URLSearchParams({ v: '1', auto: '0', seed: '7', ...hash });
  const opened = await openPage(browser, `${site.url}#${state}`, options);
  opened.page.setDefaultTimeout(PATIENCE_MS);
  const moescope = new MoescopePage(opened);
  if (ready) await moescope.modelIsReady();
  return moescope;
}

export class MoescopePage {
  constructor({ page, errors, screenshot, close }) {
    Object.assign(this, { page, errors, screenshot, close });
    this.prompt = page.getByRole('textbox', { name: 'Prompt' });
    this.generateButton = page.getByRole('button', { name: 'Generate', exact: true });
    this.stopButton = page.getByRole('button', { name: 'Stop', exact: true });
    this.topK = page.getByRole('slider', { name: 'Top-k' });
    this.layer = page.getByRole('slider', { name: 'Layer' });
    this.temperature = page.getByRole('slider', { name: 'Router temperature' });
    this.inspector = page.getByRole('region', { name: 'Router' });
    this.gauge = page.getByRole('group', { name: 'Loss of the shown text' });
    this.text = page.locator('#text');
  }

  async modelIsReady() {
    await this.page.locator('.reason[data-backend="cpu"], .reason[data-backend="webgpu"]').waitFor({ state: 'attached' });
    await this.page.locator('.loading[data-loading="false"]').waitFor({ state: 'attached' });
  }

  expert(number) {
    return this.page.getByRole('switch', { name: `Expert ${number}`, exact: true });
  }

  token(index) {
    return this.text.locator(`.token[data-index="${index}"]`);
  }

  status(...wanted) {
    return this.text.and(this.page.locator(wanted.map((status) => `[data-status="${status}"]`).join(','))).waitFor();
  }

  /** Stops what is being written, unless it came to its end by then. */
  async stop() {
    await this.page.evaluate(() => document.querySelector('button.stop')?.click());
    await this.status('stopped', 'done');
  }

  /** What the address says of the state; it follows a moment later. */
  hash() {
    return this.page.evaluate(() => location.hash);
  }

  /** Waits until so many tokens are generated. */
  async generated(count) {
    await this.page.waitForFunction((n) => document.querySelectorAll('#text .token.generated').length >= n, count);
  }

  /** Writes from a prompt to the end. */
  async write(prompt) {
    await this.prompt.fill(prompt);
    await this.generateButton.click();
    await this.nextFrame();
    await this.generated(1);
    await this.status('done');
  }

  /** What the page loads from now on, and workers it starts; fonts come when their first letter is shown. */
  recordLoads() {
    const loads = [];
    this.page.on('request', (request) => {
      // The browser asks for the icon, and for a font when a glyph first needs it, at times of its own.
      const isOwn = request.resourceType() === 'font' || request.url().endsWith('/favicon.svg');
      if (!isOwn) loads.push(`${request.resourceType()} ${request.url()}`);
    });
    this.page.on('worker', (worker) => loads.push(`worker ${worker.url()}`));
    return loads;
  }

  /** The tokens as the page shows them at the shown layer. */
  tokens() {
    return this.text.locator('.token').evaluateAll((buttons) => buttons.map((button) => ({
      index: Number(button.dataset.index),
      origin: button.dataset.origin,
      experts: button.dataset.experts.split(',').filter((part) => part !== '').map(Number),
      name: button.getAttribute('aria-label'),
      marked: button.closest('.cell').previousElementSibling?.classList.contains('change') ?? false,
    })));
  }

  /** What `tokens` gives, for each layer in turn. */
  async tokensByLayer() {
    const last = Number(await this.layer.getAttribute('max'));
    const found = [];
    for (let position = 0; position <= last; position += 1) {
      await this.layer.fill(String(position));
      await this.nextFrame();
      found.push(await this.tokens());
    }
    return found;
  }

  /** What a control changed is drawn after this; what a worker has to answer may not be. */
  async nextFrame() {
    await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }

  /** Both losses, once they are final. */
  async losses() {
    await this.nextFrame();
    await this.page.waitForFunction(() => {
      const gauge = document.querySelector('.gauge');
      return gauge?.dataset.now !== undefined && gauge.dataset.trained !== undefined && !gauge.classList.contains('pending');
    });
    return this.gauge.evaluate((gauge) => ({ now: Number(gauge.dataset.now), trained: Number(gauge.dataset.trained) }));
  }

  /** Opens another model folder through the menu. */
  async openModel(folder) {
    await this.page.getByRole('button', { name: /^Model:/ }).click();
    await this.page.getByRole('textbox', { name: 'Model folder' }).fill(folder);
    await this.page.getByRole('button', { name: 'Open', exact: true }).click();
  }

  /** Chooses where the engine runs, through the chip. */
  async chooseBackend(name) {
    await this.page.getByRole('button', { name: /^Backend:/ }).click();
    await this.page.getByRole('radio', { name, exact: true }).check();
  }

  backend() {
    return this.page.locator('.reason[data-backend]').evaluate((reason) => ({ kind: reason.dataset.backend, reason: reason.textContent }));
  }

  async stillWrites() {
    await this.write('Once upon a time');
    assert.ok((await this.tokens()).some((token) => token.origin === 'generated'), 'the model in use writes no tokens');
  }
}
