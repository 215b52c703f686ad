// Starts the page: state from the address, the engine from the package, everything into #app.

import { Moescope } from 'moescope';

import './styles/index.css';
import { App } from './app.js';
import { languageFor, learn } from './language.js';
import { Offline } from './offline.js';
import type { ReadFile } from './outline.js';
import { modelFolder } from './state-fields.js';
import { decode } from './state.js';
import { Store } from './store.js';
import { titleOf } from './title.js';
import { fetchSamples } from './vision/samples.js';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no element #app');

const fromHash = decode(location.hash);
// `?model=` names a folder as `#model=` does, for links that carry no other state.
const asked = modelFolder(new URLSearchParams(location.search).get('model'));
const store = new Store(asked === undefined ? fromHash : { ...fromHash, model: asked });

const tell = (): void => { document.title = titleOf(store.state); };
tell();
store.subscribe(tell);

const offline = import.meta.env.PROD ? new Offline() : undefined;

/** The engine has just read it, so that it comes from the browser's cache; null of a file that a visitor's folder lacks. */
const readFile: ReadFile = async (model, file) => (
  JSON.parse(model instanceof URL ? await (await fetch(new URL(`${file}.json`, model))).text() : await model[file]?.text() ?? 'null') as unknown);

const app = new App({
  root, store, readFile,
  recorded: __RECORDED__,
  load: async (model, options) => {
    const scope = await Moescope.load(model, options);
    offline?.opened(model, scope.backend);
    return scope;
  },
  keeping: { kept: (url) => Moescope.kept(url), forget: (url) => Moescope.forget(url) },
  vision: {
    load: async (model, options) => {
      const scope = await Moescope.loadVision(model, options);
      offline?.opened(model, scope.backend);
      return scope;
    },
    samples: (signal) => fetchSamples(document.baseURI, signal),
  },
});

// It begins in its language rather than in two, one after the other.
void learn(languageFor(store.state.language, navigator.language)).then(() => app.start());
