// A second language proves that no word stands anywhere but in the messages.
import { MoescopeError } from 'moescope';
import { h, textOf } from 'moescope/views';
import { afterEach, beforeAll, expect, it } from 'vitest';

import { explain } from '../src/errors.js';
import { languageFor, learn, use } from '../src/language.js';
import { LESSONS } from '../src/lessons.js';
import { analysesMessages } from '../src/messages-analyses.js';
import { messages } from '../src/messages.js';
import { chinese } from '../src/messages-zh.js';
import { lessons } from '../src/page/lessons.js';
import { page } from '../src/page/page.js';
import { LANGUAGES } from '../src/state.js';
import { drawn } from './drawn.js';

/** Sections that are the same in every language. */
const SHARED = ['title', 'language'];

beforeAll(() => learn('zh'));
afterEach(() => void use('en'));

it('every section is translated, but for those listed here', () => {
  const missing = Object.keys(messages).filter((section) => !(section in chinese));
  expect(missing.toSorted()).toEqual(SHARED.toSorted());
  expect(Object.keys(chinese.analyses?.(analysesMessages) ?? {})).toEqual(expect.arrayContaining(Object.keys(analysesMessages)));
});

it('the page speaks it as soon as it is chosen, and English again', async () => {
  const { shown } = await drawn({});
  const text = (): string => textOf(h('div', {}, page(shown, {})));
  use('zh');
  expect(text()).toMatch(/生成.*每个词元的专家数.*训练时/s);
  expect(text()).not.toMatch(/Generate|experts per token|Router temperature/);
  use('en');
  expect(text()).toContain('experts per token');
});

it('what went wrong follows when another is chosen', async () => {
  const { shown } = await drawn({ state: { model: 'folder:mine' } });
  const ui = { ...shown.ui, menu: 'model' as const, switchError: () => messages.errors.lastExpert, folderError: () => messages.model.missing(['config.json']) };
  await shown.engine.open({ model: 'folder:mine', backend: 'auto' });
  shown.runner.refuse(explain(new MoescopeError('text_too_short', 'the text is 1 token long')));
  const text = (): string => textOf(h('div', {}, page({ ...shown, ui }, {})));
  for (const language of ['en', 'zh', 'en'] as const) {
    use(language);
    const { errors, model } = messages;
    for (const said of [errors.lastExpert, model.missing(['config.json']), model.elsewhere('mine'), errors.said('text_too_short', 'the text is 1 token long')]) {
      expect(text(), language).toContain(said);
    }
  }
  expect(text()).not.toContain('至少');
});

it('every lesson has the same number of options in both', () => {
  for (const { id } of LESSONS) {
    expect(chinese.lessons?.each[id].options.length, id).toBe(messages.lessons.each[id].options.length);
    expect(chinese.lessons?.each[id].look.length, id).toBe(messages.lessons.each[id].look.length);
  }
});

it('a lesson is told in it', async () => {
  const { shown } = await drawn({ state: { tab: 'lessons', lesson: 'topk' } });
  use('zh');
  expect(textOf(h('div', {}, lessons(shown, {})))).toContain('旋钮 k');
});

it('the browser decides where nobody says otherwise', () => {
  expect([languageFor('auto', 'zh-CN'), languageFor('auto', 'de'), languageFor('zh', 'de'), languageFor('en', 'zh')]).toEqual(['zh', 'en', 'zh', 'en']);
  expect(LANGUAGES).toHaveLength(3);
});
