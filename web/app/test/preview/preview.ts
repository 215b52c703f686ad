// The page on the stand-in engine, for looking at its design: `npx vite` and open /test/preview/. Never built or shipped.

import '../../src/styles/index.css';
import { App } from '../../src/app.js';
import { decode } from '../../src/state.js';
import { Store } from '../../src/store.js';
import { fetchSamples } from '../../src/vision/samples.js';
import { FakeEyes } from '../fake-eyes.js';
import { FakeScope, NOTHING_KEPT, fakeInfo, fakeLoad } from '../fake-scope.js';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no element #app');
const wanted = new URLSearchParams(location.search);
const paceMs = Number(wanted.get('pace') ?? 25);
const info = fakeInfo(Number(wanted.get('experts') ?? 8), Number(wanted.get('layers') ?? 6));
new App({
  root,
  store: new Store(decode(location.hash)),
  recorded: [],
  readFile: () => Promise.resolve(undefined),
  keeping: NOTHING_KEPT,
  vision: { load: () => Promise.resolve(new FakeEyes(paceMs)), samples: (signal) => fetchSamples(`${location.origin}/`, signal) },
  load: async (url, options) => {
    await fakeLoad(url, options, { paceMs: Number(wanted.get('load') ?? 0) });
    return new FakeScope({ info, paceMs });
  },
}).start();
