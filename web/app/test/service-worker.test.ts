// What the service worker keeps, what it answers with a host and without one, and what it leaves alone.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Manifest } from '../offline/manifest.js';
import { FakeHost, SCOPE } from './fake-host.js';

const MANIFEST: Manifest = {
  shell: ['assets/index-1.js', 'assets/index-1.css'],
  hashed: ['assets/index-1.js', 'assets/index-1.css', 'assets/font-1.woff2', 'assets/m_cpu-1.wasm', 'assets/m_gpu-1.wasm'],
  engines: { cpu: ['assets/m_cpu-1.wasm'], threads: [], webgpu: ['assets/m_cpu-1.wasm'], 'webgpu-burn': ['assets/m_gpu-1.wasm'] },
  models: { 'models/first/': ['config.json', 'tokenizer.json'] },
};
const SHELL = ['', 'assets/index-1.css', 'assets/index-1.js'];

let host: FakeHost;
beforeEach(async () => {
  host = new FakeHost();
  const names = ['', ...MANIFEST.hashed, 'models/first/config.json', 'models/first/tokenizer.json', 'models/first/model.safetensors', 'recorded/tales.json'];
  for (const name of names) host.files.set(`${SCOPE}${name}`, `first ${name}`);
  await host.start(MANIFEST);
});
afterEach(() => vi.unstubAllGlobals());

describe('installing', () => {
  it('keeps the page with its scripts and styles, and nothing heavy', async () => {
    await host.send('install');
    expect(host.kept()).toEqual(SHELL);
  });

  it('fails where a file is missing, and does not keep a page that names it', async () => {
    host.files.delete(`${SCOPE}assets/index-1.css`);
    await expect(host.send('install')).rejects.toThrow(/index-1\.css could not be kept: the host answered 404/);
    expect(host.kept()).not.toContain('');
  });

  it('does not fetch again what never changes', async () => {
    await host.send('install');
    host.asked.length = 0;
    await host.send('install');
    expect(host.asked).toEqual([SCOPE]);
  });

  it('removes what only a former version had', async () => {
    host.files.set(`${SCOPE}assets/index-0.js`, 'former');
    await host.get(`${SCOPE}assets/index-0.js`);
    await host.get(`${SCOPE}assets/font-1.woff2`);
    await host.get(`${SCOPE}recorded/tales.json`);
    await host.send('activate');
    expect(host.kept()).toEqual(['assets/font-1.woff2', 'recorded/tales.json']);
  });
});

describe('a first visit', () => {
  it('is kept as the page tells it, with the engine that ran and without weights', async () => {
    await host.send('install');
    const files = ['recorded/tales.json', 'assets/font-1.woff2', 'models/first/model.safetensors', 'missing.json'].map((name) => SCOPE + name);
    await host.send('message', { data: { files: [...files, 'https://elsewhere.example/x'], engine: 'cpu', model: `${SCOPE}models/first/` } });
    expect(host.kept()).toEqual([...SHELL, 'assets/font-1.woff2', 'assets/m_cpu-1.wasm', 'models/first/config.json', 'models/first/tokenizer.json', 'recorded/tales.json'].toSorted());
    expect(host.asked).not.toContain('https://elsewhere.example/x');
  });

  it('with a model from elsewhere keeps its engine', async () => {
    await host.send('message', { data: { files: [], engine: 'webgpu-burn', model: 'https://host.example/models/other/' } });
    expect(host.kept()).toEqual(['assets/m_gpu-1.wasm']);
  });
});

describe('without a host', () => {
  it('what was used is answered, under any query', async () => {
    await host.send('install');
    await host.get(`${SCOPE}recorded/tales.json`);
    host.isThere = false;
    expect(await host.get(`${SCOPE}?model=models/nine`)).toBe('first ');
    expect(await host.get(`${SCOPE}index.html`)).toBe('first ');
    expect(await host.get(`${SCOPE}recorded/tales.json`)).toBe('first recorded/tales.json');
    expect(await host.get(`${SCOPE}assets/index-1.js`)).toBe('first assets/index-1.js');
  });

  it('what was never used fails as it would', async () => {
    host.isThere = false;
    await expect(host.get(`${SCOPE}recorded/french.json`)).rejects.toThrow('Failed to fetch');
  });
});

describe('with a host', () => {
  it('a new version shows at once, and stays for later', async () => {
    await host.send('install');
    host.files.set(SCOPE, 'second');
    expect(await host.get(SCOPE)).toBe('second');
    host.isThere = false;
    expect(await host.get(SCOPE)).toBe('second');
  });

  it('files with a hash come from the browser', async () => {
    await host.get(`${SCOPE}assets/m_cpu-1.wasm`);
    host.asked.length = 0;
    await host.get(`${SCOPE}assets/m_cpu-1.wasm`);
    expect(host.asked).toEqual([]);
  });

  it('an answer that is no success is passed on and not kept', async () => {
    expect(await host.get(`${SCOPE}assets/none.js`)).toBe('no such file');
    expect(host.kept()).toEqual([]);
  });

  it('weights, parts of files, other methods and other places are left to the browser', async () => {
    expect(await host.get(`${SCOPE}models/first/model.safetensors`)).toBeUndefined();
    expect(await host.get(`${SCOPE}recorded/tales.json`, { headers: { range: 'bytes=0-9' } })).toBeUndefined();
    expect(await host.get(SCOPE, { method: 'HEAD' })).toBeUndefined();
    expect(await host.get('https://host.example/a/other')).toBeUndefined();
    expect(host.asked).toEqual([]);
  });
});
