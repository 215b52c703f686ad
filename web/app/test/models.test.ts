// The picker of models: what the build knows of them, files of the visitor's own, and what the browser keeps.
import { join } from 'node:path';

import { MoescopeError } from 'moescope';
import { findAll, textOf } from 'moescope/views';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { countParameters, listModels } from '../model-list.js';
import { MODELS, cardFor } from '../src/catalogue.js';
import { Engine } from '../src/engine.js';
import { examplesFor } from '../src/examples.js';
import { modelMenu } from '../src/page/models.js';
import { Shelf, addressOf, folderFrom } from '../src/shelf.js';
import { drawn } from './drawn.js';
import { FakeScope } from './fake-scope.js';

const folder = join(import.meta.dirname, '../../../models');
const FILES = ['config.json', 'tokenizer.json', 'model.safetensors'].map((name) =>
  Object.assign(new File(['{}'], name), { webkitRelativePath: `mine/${name}` }));

beforeAll(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
});

describe('the list of models', () => {
  it('says of models/first what its evaluation says', () => {
    expect(cardFor('models/first')).toMatchObject({
      name: 'first', kind: 'language', parameters: 3_609_984, active: 1_250_688, experts: 8, topK: 2, layers: 4, bytes: 7_235_072, hasCard: true,
      domains: ['tales', 'french', 'python', 'math'],
    });
    expect(cardFor('models/first')?.bitsPerByte).toBeCloseTo((1.6523 + 1.834 + 1.739 + 1.137) / 4, 2);
  });

  it('has only folders with weights, and counts experts apart', () => {
    expect(listModels(folder)).toEqual(MODELS);
    expect(listModels(join(folder, 'nowhere'))).toEqual([]);
    const { total, inExperts } = countParameters(join(folder, 'first/model.safetensors'));
    expect([total, inExperts]).toEqual([3_609_984, 4 * 8 * 3 * 128 * 256]);
  });

  it('offers examples of what a model has read, and all for one that does not say', () => {
    expect(examplesFor('models/first').map(({ id }) => id)).toEqual(['tales', 'french', 'python', 'math']);
    expect(examplesFor('folder:mine')).toHaveLength(9);
  });
});

describe('a folder of the visitor', () => {
  it('is three files, and says which are not there', () => {
    expect(folderFrom(FILES, 'language')).toMatchObject({ name: 'mine', weights: FILES[2] });
    expect(folderFrom(FILES.slice(0, 1), 'language')).toEqual({ missing: ['tokenizer.json', 'model.safetensors'] });
  });

  it('needs no tokenizer where it looks at pictures', () => {
    const files = FILES.filter(({ name }) => name !== 'tokenizer.json');
    expect(folderFrom(files, 'vision')).toEqual({ name: 'mine', config: files[0], tokenizer: undefined, weights: files[1] });
    expect(folderFrom(files, 'language')).toEqual({ missing: ['tokenizer.json'] });
    expect(folderFrom(files.slice(0, 1), 'vision')).toEqual({ missing: ['model.safetensors'] });
  });

  it('opens under its own name, and not where a link alone brings the name', async () => {
    const load = vi.fn(() => Promise.resolve(new FakeScope()));
    const engine = new Engine(load, () => undefined, () => 0);
    expect(await engine.open({ model: 'folder:mine', backend: 'auto' })).toBe(false);
    expect(engine.failure).toMatchObject({ problem: { code: 'folder_elsewhere', message: expect.stringContaining('mine') as string } });
    const files = folderFrom(FILES, 'language');
    if ('missing' in files) throw new MoescopeError('missing', 'files');
    expect(await engine.open({ model: engine.lend(files), backend: 'auto' })).toBe(true);
    expect(load).toHaveBeenCalledWith(files, expect.anything());
  });
});

describe('a model on another host', () => {
  it('is not asked for: the reason says what to do instead', async () => {
    const load = vi.fn(() => Promise.resolve(new FakeScope()));
    const engine = new Engine(load, () => undefined, () => 0);
    for (const model of ['https://hub.example/someone/model', '//hub.example/model', 'http://localhost:81/model']) {
      expect(await engine.open({ model, backend: 'auto' }), model).toBe(false);
      expect(engine.failure?.problem.code, model).toBe('other_host');
    }
    expect(engine.failure?.problem.message).toMatch(/not allowed to ask localhost:81 for anything\. Download config\.json.*A folder of yours/);
    expect(load).not.toHaveBeenCalled();
    expect(await engine.open({ model: 'http://localhost/elsewhere/model', backend: 'auto' })).toBe(true);
  });
});

describe('a model on a host that the page was built for', () => {
  const hosts = ['https://huggingface.co', 'https://*.models.example', 'http://localhost:81'];

  it('is asked for there, and a page of the hub stands for the files of the model', () => {
    expect(String(addressOf('http://localhost:81/model', hosts))).toBe('http://localhost:81/model/');
    expect(String(addressOf('https://eu.models.example/a', hosts))).toBe('https://eu.models.example/a/');
    expect(String(addressOf('https://huggingface.co/someone/a-model', hosts))).toBe('https://huggingface.co/someone/a-model/resolve/main/');
    expect(String(addressOf('https://huggingface.co/someone/a-model/resolve/v2', hosts))).toBe('https://huggingface.co/someone/a-model/resolve/v2/');
  });

  it('has to be of that host: of no other scheme, port or ending', () => {
    for (const folder of ['http://huggingface.co/a/b', 'https://models.example/a', 'https://badmodels.example/a', 'http://localhost:82/a']) {
      expect(() => addressOf(folder, hosts), folder).toThrow(/not allowed to ask/);
    }
  });
});

describe('the picker', () => {
  it('shows a card for each model, with what the browser keeps', async () => {
    const kept = new Set(['http://localhost/page/models/first/']);
    const shelf = new Shelf({
      kept: (url) => Promise.resolve(kept.has(String(url)) ? 7 : undefined),
      forget: (url) => Promise.resolve(kept.delete(String(url))),
    }, () => undefined);
    await shelf.look();
    const { shown } = await drawn({});
    const card = (): string => textOf(findAll(modelMenu({ ...shown, shelf, kind: 'language' }), (e) => e.props.attrs?.['data-model'] === 'first')[0] ?? '');
    expect(card()).toContain('4 layers of 8 experts, top-2');
    expect(card()).toContain('kept in this browser');
    await shelf.forget('models/first');
    expect(card()).toContain('not downloaded yet');
  });
});
