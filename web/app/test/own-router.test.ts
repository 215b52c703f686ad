// The visitor's own router: what runs and when, what an error does, and what a link may and may not.
import { findAll, textOf } from 'moescope/views';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Engine } from '../src/engine.js';
import { OwnRouter } from '../src/own-router.js';
import { EXAMPLE_ROUTERS } from '../src/router-examples.js';
import { NO_EDITS, applyEdits, hasOwn, withBan, withStrategy, withoutOwn } from '../src/routing.js';
import type { Where } from '../src/routing.js';
import { RoutingSender } from '../src/sender.js';
import { DEFAULTS, LIMITS, decode, encode } from '../src/state.js';
import { Store } from '../src/store.js';
import { OWN } from '../src/strategy.js';
import { byId, drawn } from './drawn.js';
import { FakeScope, TRAINED } from './fake-scope.js';

const EVERYWHERE: Where = { layer: 0, scope: 'all' };
const FIRST = 'function route({ nExperts }) { return [{ expert: nExperts - 1, weight: 1 }, { expert: 0, weight: 0.5 }]; }';
const QUESTION = { layer: 1, nTokens: 2, nExperts: 8, logits: new Float32Array(16), tokenIds: new Uint32Array([4, 5]) };

interface Bench {
  readonly own: OwnRouter;
  readonly store: Store;
  readonly scope: FakeScope;
  readonly engine: Engine;
  readonly decides: ReturnType<typeof vi.fn>;
}

async function bench(code?: string): Promise<Bench> {
  const scope = new FakeScope();
  const engine = new Engine(() => Promise.resolve(scope), () => undefined, () => 0);
  const store = new Store({ ...DEFAULTS, code });
  const decides = vi.fn();
  await engine.open({ model: 'models/first', backend: 'auto' });
  const sender = new RoutingSender(engine, store, () => undefined);
  const own = new OwnRouter({ engine, store, of: 'language', send: () => sender.send(), decides, changed: () => undefined, now: () => performance.now() });
  return { own, store, scope, engine, decides };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
});

describe('running', () => {
  it('hands the router to the engine and puts its strategy in force', async () => {
    const { own, store, scope, decides } = await bench();
    own.write(FIRST);
    expect(scope.router).toBeUndefined();
    await own.run(EVERYWHERE);
    await settled();
    expect(own.shown).toMatchObject({ status: 'running', changed: false, problem: undefined });
    expect(store.state.routing.strategy).toBe(OWN);
    expect(scope.routing.default.select).toEqual({ method: 'external' });
    expect(await scope.router?.(QUESTION)).toEqual(Array(2).fill([{ expert: 7, weight: 1 }, { expert: 0, weight: 0.5 }]));
    expect(decides).toHaveBeenCalledOnce();
  });

  it('acts at one layer where changes act on one', async () => {
    const { own, scope } = await bench(FIRST);
    await own.run({ layer: 3, scope: 'layer' });
    await settled();
    expect(scope.routing.default.select.method).toBe('top_k');
    expect(scope.routing.layers['3']?.select.method).toBe('external');
  });

  it('leaves out experts that are switched off, and shows their logits as minus infinity', async () => {
    const { own, store, scope, engine } = await bench('function route({ logits }) { return [{ expert: 0, weight: 1 }, { expert: logits.indexOf(-Infinity), weight: 2 }]; }');
    await own.run(EVERYWHERE);
    const banned = engine.opened && withBan(engine.opened.info, store.state.routing, 5, { ban: true, ...EVERYWHERE });
    if (banned === undefined) throw new Error('the ban was not taken');
    store.set({ routing: banned });
    expect(await scope.router?.(QUESTION)).toEqual(Array(2).fill([{ expert: 0, weight: 1 }]));
  });

  it('goes on with the former source while another is written, until that is run', async () => {
    const { own, scope, decides } = await bench(FIRST);
    await own.run(EVERYWHERE);
    own.write('function route() { return []; }');
    expect(own.shown).toMatchObject({ status: 'running', changed: true });
    expect(await scope.router?.(QUESTION)).not.toEqual([[], []]);
    await own.run(EVERYWHERE);
    expect(await scope.router?.(QUESTION)).toEqual([[], []]);
    expect(decides).toHaveBeenCalledTimes(2);
  });

  it('is told to a model that is opened later', async () => {
    const { own, engine } = await bench(FIRST);
    await own.run(EVERYWHERE);
    await engine.open({ model: 'models/second', backend: 'auto' });
    expect(engine.opened?.info.external).toBeUndefined();
    await own.modelOpened();
    expect(engine.opened?.info.external).toBe(1);
  });
});

describe('an error', () => {
  const LATE = 'function route({ layer }) {\n  if (layer === 1) return layer.expert;\n  return [];\n}';

  it('in what is written is shown and runs nothing', async () => {
    const { own, scope } = await bench();
    own.write('function route( {');
    await vi.waitFor(() => expect(own.shown.problem?.problem.kind).toBe('unexpected'));
    await own.run(EVERYWHERE);
    expect(own.shown.status).toBe('failed');
    expect(scope.router).toBeUndefined();
  });

  it('while it runs stops the router, and the trained strategy decides until it is run again', async () => {
    const { own, store, scope } = await bench(LATE);
    await own.run(EVERYWHERE);
    await settled();
    await expect(Promise.resolve(scope.router?.(QUESTION))).rejects.toThrow(/^Line 2: “.expert” is nothing that a number has/);
    await settled();
    expect(own.shown).toMatchObject({ status: 'failed', problem: { at: { line: 2 } } });
    expect(scope.routing).toEqual(TRAINED);
    expect(store.state.routing.strategy).toBe(OWN);
    own.write(FIRST);
    expect(own.shown).toMatchObject({ status: 'failed', problem: undefined });
    await own.run(EVERYWHERE);
    expect(own.shown.status).toBe('running');
    expect(scope.routing.default.select.method).toBe('external');
  });

  it('is gone with the button that brings the trained routing back, and undo keeps what else was changed', async () => {
    const { own, store, scope, engine } = await bench(LATE);
    store.set({ routing: { ...NO_EDITS, topK: 1 } });
    await own.run(EVERYWHERE);
    await expect(Promise.resolve(scope.router?.(QUESTION))).rejects.toThrow();
    own.stop();
    await settled();
    expect(own.shown.status).toBe('idle');
    expect(store.state.routing).toEqual({ ...NO_EDITS, topK: 1 });
    expect(engine.opened?.info.external).toBeUndefined();
  });
});

describe('a link', () => {
  it('brings a router and does not run it', async () => {
    const state = decode(encode({ ...DEFAULTS, code: FIRST, routing: withStrategy(NO_EDITS, OWN) }));
    expect(state).toMatchObject({ code: FIRST, routing: { strategy: OWN } });
    const { own, store, scope, engine } = await bench(state.code);
    store.set({ routing: state.routing });
    await settled();
    expect(own.shown).toMatchObject({ foreign: true, status: 'idle' });
    expect(scope.router).toBeUndefined();
    expect(engine.opened && applyEdits(engine.opened.info, store.state.routing)).toEqual(TRAINED);
    await own.run(EVERYWHERE);
    expect(own.shown).toMatchObject({ foreign: false, status: 'running' });
  });

  it('leaves a long router out, and every example is short enough', () => {
    expect(decode(encode({ ...DEFAULTS, code: 'x'.repeat(LIMITS.codeInLink + 1) })).code).toBeUndefined();
    for (const source of Object.values(EXAMPLE_ROUTERS)) {
      const link = encode({ ...DEFAULTS, code: source, routing: withStrategy(NO_EDITS, OWN) });
      expect(decode(link).code).toBe(source);
      expect(link.length).toBeLessThan(2000);
    }
  });
});

it('without the own router the edits are those without its strategy', () => {
  const edits = withStrategy(withStrategy(NO_EDITS, 'switch'), OWN, { layer: 2, scope: 'layer' });
  expect(hasOwn(edits)).toBe(true);
  expect(withoutOwn(edits)).toEqual(withStrategy(NO_EDITS, 'switch'));
  expect(hasOwn(withoutOwn(edits))).toBe(false);
});

describe('the panel', () => {
  const shownRouter = { source: FIRST, status: 'idle', problem: undefined, changed: false, foreign: true } as const;

  it('opens by itself for a router from a link and says that it does not run', async () => {
    const { root } = await drawn({ own: shownRouter });
    const [details] = findAll(root, ({ props }) => props.attrs?.['class'] === 'ownrouter');
    expect(details?.props.open).toBe(true);
    expect(byId(root, 'own-router').props.value).toBe(FIRST);
    expect(textOf(root)).toContain('Read it before you run it');
  });

  it('offers the strategy in the menu only while a router runs', async () => {
    const option = async (external: number | undefined): Promise<unknown> => {
      const { root } = await drawn({ own: shownRouter, external });
      return findAll(byId(root, 'strategy'), ({ props }) => props.attrs?.['value'] === OWN)[0]?.props.attrs?.['disabled'];
    };
    expect(await option(undefined)).toBe(true);
    expect(await option(3)).toBe(false);
  });
});
