// The tab Vision made with a stand-in for the engine, and what is asked of its drawing.

import { findAll, h } from 'moescope/views';
import type { ViewElement } from 'moescope/views';
import { afterEach, beforeEach, expect, vi } from 'vitest';

import { DEFAULTS } from '../src/state.js';
import type { State } from '../src/state.js';
import { Store } from '../src/store.js';
import { vision as place } from '../src/vision/page/place.js';
import { VisionTab } from '../src/vision/tab.js';
import { FakeEyes, fakeSamples } from './fake-eyes.js';

/** Two cores may be busy. */
export const PATIENT = { timeout: 30_000 };
export const SAMPLE = { kind: 'sample', set: 'mnist', label: 3, index: 0 } as const;

/** Lets the tests of a file run without a page, and take their time. */
export function withoutBrowser(): void {
  vi.setConfig({ testTimeout: 60_000 });
  beforeEach(() => {
    vi.stubGlobal('document', { baseURI: 'http://localhost/page/', querySelectorAll: () => [] });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });
}

export function made(state: Partial<State> = {}, eyes = new FakeEyes()): { tab: VisionTab; store: Store; eyes: FakeEyes } {
  const store = new Store({ ...DEFAULTS, tab: 'vision', vision: { ...DEFAULTS.vision, source: SAMPLE }, ...state });
  const options = { load: () => Promise.resolve(eyes), samples: () => Promise.resolve(fakeSamples()), store, changed: () => undefined, now: () => 0 };
  return { tab: new VisionTab(options), store, eyes };
}

/** The tab once it has looked at its first picture. */
export async function ready(state: Partial<State> = {}, eyes = new FakeEyes()): Promise<ReturnType<typeof made>> {
  const all = made(state, eyes);
  await all.tab.vision.begin();
  await vi.waitFor(() => expect(all.tab.vision.seen).toBeDefined());
  return all;
}

export const drawn = (tab: VisionTab): ViewElement => h('div', {}, place(tab.shown()));
export const all = (root: ViewElement, selector: string): ViewElement[] =>
  findAll(root, (element) => String(element.props.attrs?.['class'] ?? '').split(' ').includes(selector));
