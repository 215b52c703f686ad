// Chromium for tests: launch it, open pages that must stay free of errors, keep pictures.
//
//   const { browser, server } = await withCheckout();     // withSite() of tests/e2e/site.mjs for the built page
//   test('...', async () => {
//     const { page, errors, screenshot, close } = await openPage(browser, server.url + 'tests/browser/blank.html');
//     ... await screenshot('first-light'); assertQuiet(errors); await close();
//   });
//
// Chromium is $CHROMIUM or /usr/bin/chromium; artefacts go to $MOESCOPE_ARTIFACTS or web/artifacts (not in git).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from '../../web/tools/serve.mjs';

/** Root of the checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const QUIET_FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const WEBGPU_FLAGS = ['--enable-unsafe-webgpu', '--ignore-gpu-blocklist'];
/** Headless on Linux, Chromium takes a graphics card only through Vulkan, without a surface to draw on. */
const VULKAN_FLAGS = [
  '--enable-features=Vulkan,VulkanFromANGLE,DefaultANGLEVulkan', '--use-angle=vulkan', '--disable-vulkan-surface', '--use-webgpu-adapter=default',
];
const ADAPTER_FLAGS = {
  software: ['--use-webgpu-adapter=swiftshader'],
  hardware: process.platform === 'linux' ? VULKAN_FLAGS : [],
};

/** Starts Chromium with WebGPU unless told otherwise, on a software adapter or on the machine's own (`hardware`). */
export async function launch({ webgpu = true, adapter = 'software', args = [] } = {}) {
  const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
  if (!fs.existsSync(executablePath)) {
    throw new Error(`There is no Chromium at ${executablePath}. Install it (apt-get install chromium) or set CHROMIUM to its path.`);
  }
  return chromium.launch({ executablePath, args: [...QUIET_FLAGS, ...(webgpu ? [...WEBGPU_FLAGS, ...ADAPTER_FLAGS[adapter]] : []), ...args] });
}

/** Serves the whole checkout, so that tests reach package, checkpoints and models. */
export function serveCheckout(options = {}) {
  return serve({ ...options, root });
}

/** Chromium for all tests of a file, closed after them; options are those of `launch`. */
export async function withBrowser(options) {
  const browser = await launch(options);
  after(() => browser.close());
  return browser;
}

/** Chromium with WebGPU and the checkout, served with options of `serve`, for all tests of a file. */
export async function withCheckout(options) {
  const server = await serveCheckout(options);
  const browser = await withBrowser();
  after(() => server.close());
  return { browser, server };
}

/** Where pictures and measurements go. */
export function artifactsDir() {
  const folder = path.resolve(process.env.MOESCOPE_ARTIFACTS || path.join(root, 'web/artifacts'));
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Opens a page in a context of its own and listens for errors from then on.
 *
 * `context` are options of Playwright's newContext (viewport, colorScheme, reducedMotion, ...). Service workers are
 * blocked unless it allows them: they answer requests behind a test's back.
 * `workerPrelude` is JavaScript that runs at the top of every worker of the page, see `workerPreludes`.
 */
export async function openPage(browser, url, { context: options = {}, workerPrelude } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: 'block', ...options });
  const page = await context.newPage();
  const errors = collectErrors(page);
  if (workerPrelude) await preludeWorkers(page, workerPrelude);
  await page.goto(url);
  const screenshot = async (name) => {
    const file = path.join(artifactsDir(), `${name}.png`);
    await page.screenshot({ path: file, fullPage: true });
    return file;
  };
  return { page, errors, screenshot, close: () => context.close() };
}

/** Errors of a page and its workers as they come: console errors, uncaught exceptions, a crash. */
export function collectErrors(page) {
  const errors = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => errors.push(`uncaught: ${error.stack ?? error.message}`));
  page.on('crash', () => errors.push('the page crashed'));
  return errors;
}

/** Fails with the errors collected, except those that a test expects. */
export function assertQuiet(errors, expected = []) {
  assert.deepEqual(errors.filter((error) => !expected.some((pattern) => pattern.test(error))), []);
}

/**
 * Reads until the reading is as expected, and returns it; in the end it fails with both.
 *
 * The page draws with its next frame and hears of its workers later still, so that what is read right after a click may
 * be of before it. `expected` is a value, a pattern, or a function that judges the reading.
 */
export async function eventually(read, expected, { timeoutMs = 60_000 } = {}) {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await read();
    try {
      agrees(found, expected);
      return found;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await pause(50);
  }
}

function agrees(found, expected) {
  if (expected instanceof RegExp) assert.match(found, expected);
  else if (typeof expected === 'function') assert.ok(expected(found), `found ${JSON.stringify(found)}, which is not as ${expected} asks`);
  else assert.deepEqual(found, expected);
}

/** Ready-made code for `workerPrelude`: what the browser offers to the engine's worker. */
export const workerPreludes = {
  noWebGpu: "Object.defineProperty(WorkerNavigator.prototype, 'gpu', { get: () => undefined });",
  noAdapter: 'GPU.prototype.requestAdapter = async () => null;',
  noTimestampQuery: `
    const features = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'features').get;
    Object.defineProperty(GPUAdapter.prototype, 'features', {
      get() { return new Set([...features.call(this)].filter((feature) => feature !== 'timestamp-query')); },
    });`,
};

/** Puts code before the script of every worker; imports are evaluated earlier, so it must not be their concern. */
async function preludeWorkers(page, code) {
  await page.route(/\/worker[^/]*\.js(\?.*)?$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${code}\n${await response.text()}` });
  });
}

/** The file at this path of the checkout, or an error that says what makes it. */
export function needFile(relative, remedy) {
  const file = path.join(root, relative);
  if (!fs.existsSync(file)) throw new Error(`${relative} is missing. ${remedy}`);
  return file;
}
