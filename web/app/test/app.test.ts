// The whole page without a browser: what a click leads to when the model is missing, late or replaced.
import { MoescopeError } from 'moescope';
import { findAll, h, textOf } from 'moescope/views';
import type { ViewElement } from 'moescope/views';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { App } from '../src/app.js';
import type { Load } from '../src/engine.js';
import { messages } from '../src/messages.js';
import { compose } from '../src/page/compose.js';
import { stage } from '../src/page/stage.js';
import { DEFAULTS } from '../src/state.js';
import { Store } from '../src/store.js';
import { FAKE_VISION } from './fake-eyes.js';
import { FakeScope, FreedScope, NOTHING_KEPT } from './fake-scope.js';

const WISH = { model: 'models/first', backend: 'auto' } as const;
const broken: Load = () => Promise.reject(new MoescopeError('weights_truncated', 'model.safetensors ends early'));

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/page/' });
  // No frame is ever drawn: what the page would show is read from its parts.
  vi.stubGlobal('requestAnimationFrame', () => 1);
});

function appWith(load: Load, state: Partial<typeof DEFAULTS> = {}): App {
  return new App({ root: {} as HTMLElement, load, store: new Store({ ...DEFAULTS, auto: false, maxTokens: 4, ...state }), recorded: [], readFile: () => Promise.resolve(undefined), keeping: NOTHING_KEPT, vision: FAKE_VISION });
}

function form(app: App): ViewElement {
  return h('div', {}, compose(app.shown()));
}

function alert(app: App): { code: unknown; text: string } {
  const [found] = findAll(form(app), (e) => e.props.attrs?.['id'] === 'prompt-error' && e.props.attrs['hidden'] !== true);
  return { code: found?.props.attrs?.['data-code'], text: found === undefined ? '' : textOf(found) };
}

const button = (app: App): string => textOf(findAll(form(app), (e) => e.props.attrs?.['type'] === 'submit')[0] ?? '');

/** What a click on the button does: a form is submitted. */
function click(app: App): void {
  const [found] = findAll(form(app), (e) => e.tag === 'form');
  found?.props.on?.['submit']?.(new Event('submit', { cancelable: true }));
}

describe('generate', () => {
  it('without a model says so and what to do', async () => {
    const app = appWith(broken);
    await app.openModel(WISH);
    click(app);
    await vi.waitFor(() => expect(alert(app)).toEqual({ code: 'no_model', text: messages.errors.noModel }));
    expect(alert(app).text).toMatch(/^No model is loaded.*: open one/);
    expect(app.runner.status).toBe('failed');
  });

  it('while a model loads that then cannot be opened says so too', async () => {
    const app = appWith(broken);
    const opening = app.openModel(WISH);
    click(app);
    expect(app.runner.status).toBe('waiting');
    await opening;
    await vi.waitFor(() => expect(alert(app).code).toBe('no_model'));
  });

  it('while a model loads waits for the one that is asked for instead', async () => {
    const app = appWith((url, { signal }) => String(url).includes('slow')
      ? new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))) : Promise.resolve(new FakeScope()));
    const opening = app.openModel({ ...WISH, model: 'models/slow' });
    click(app);
    await app.openModel(WISH);
    await opening;
    await vi.waitFor(() => expect([app.runner.status, alert(app).text]).toEqual(['done', '']));
    expect(app.runner.records.length).toBeGreaterThan(4);
  });
});

describe('stop', () => {
  it('ends the wait for the model, also after a recorded run', async () => {
    let arrive = (_: FakeScope): void => undefined;
    const app = appWith(() => new Promise((resolve) => { arrive = resolve; }));
    const opening = app.openModel(WISH);
    app.runner.source = 'recorded';
    expect(button(app)).toContain(messages.prompt.generate);
    click(app);
    expect([button(app), app.runner.status]).toEqual([expect.stringContaining(messages.prompt.stop), 'waiting']);
    click(app);
    expect([button(app), app.runner.status]).toEqual([expect.stringContaining(messages.prompt.generate), 'stopped']);
    arrive(new FakeScope());
    await opening;
    expect([app.runner.status, app.runner.records]).toEqual(['stopped', []]);
  });

  it('comes with cancelling the first model', () => {
    const app = appWith(() => new Promise(() => undefined));
    void app.openModel(WISH);
    click(app);
    app.shown().actions.cancelLoading();
    expect([app.runner.status, app.engine.loading]).toEqual(['stopped', undefined]);
  });
});

describe('another model', () => {
  it('ends the text of the former one without an error', async () => {
    const former = new FreedScope();
    const scopes = [former, new FakeScope()];
    // The routing as trained is taken, or nothing would be written.
    vi.spyOn(former, 'setRouting').mockResolvedValue();
    const app = appWith(() => Promise.resolve(scopes.shift() ?? new FakeScope()));
    await app.openModel(WISH);
    click(app);
    await vi.waitFor(() => expect(app.runner.records.length).toBeGreaterThan(0));
    const whenFreed: unknown[] = [];
    const { free } = former;
    vi.spyOn(former, 'free').mockImplementation(() => {
      whenFreed.push(app.runner.status, app.measuring.gauge.data.note);
      free.call(former);
    });
    await app.openModel(WISH);
    await new Promise((resolve) => setTimeout(resolve));
    expect(whenFreed).toEqual(['stopped', messages.gauge.computing]);
    expect([app.runner.status, app.runner.failure]).toEqual(['stopped', undefined]);
  });
});

describe('a text', () => {
  it('that another model wrote says which, until it is written anew', async () => {
    const models = ['nine', 'nine-collapsed'].map((name) => new FakeScope({ info: { ...new FakeScope().model, name } }));
    const app = appWith(() => Promise.resolve(models.shift() ?? new FakeScope()));
    const notice = (): boolean => textOf(stage(app.shown(), {})).includes(messages.mixed.byAnother('nine'));
    await app.openModel(WISH);
    click(app);
    await vi.waitFor(() => expect(app.runner.status).toBe('done'));
    expect(notice()).toBe(false);
    await app.openModel(WISH);
    expect(notice()).toBe(true);
    click(app);
    await vi.waitFor(() => expect([app.runner.status, notice()]).toEqual(['done', false]));
  });
});

describe('a prompt that is too long', () => {
  it('is refused with what the engine says and by how much to shorten it, one sentence each', async () => {
    const app = appWith(() => Promise.resolve(new FakeScope()), { prompt: 'word '.repeat(1000) });
    await app.openModel(WISH);
    click(app);
    await vi.waitFor(() => expect(alert(app).code).toBe('prompt_too_long'));
    expect(alert(app).text).toMatch(
      /^The text is \d{4} tokens long, but first reads at most 512\. Shorten the prompt by about \d\d %, or keep only its last part\.$/);
  });

  it('has a full stop between two sentences whatever the engine says', () => {
    expect(messages.errors.promptTooLong('too long, 9 of 8.')).toBe('Too long, 9 of 8. Shorten the prompt, or keep only its last part.');
  });
});
