// Lessons: every one has words, a preset and an answer that follows from what was measured and from nothing else.
import { choicesAt, findAll, h, loadAt, textOf } from 'moescope/views';
import type { TokenRecord } from 'moescope/views';
import { describe, expect, it, vi } from 'vitest';

import { LESSONS, lessonOf, missingFor, showsPictures } from '../src/lessons.js';
import type { Evidence, LessonId } from '../src/lessons.js';
import { messages } from '../src/messages.js';
import { lessons } from '../src/page/lessons.js';
import { NO_EDITS, applyEdits } from '../src/routing.js';
import type { RoutingEdits } from '../src/routing.js';
import { DEFAULTS, decode, encode } from '../src/state.js';
import { patchRecords } from '../src/vision/records.js';
import { MODEL, drawn } from './drawn.js';
import { FakeEyes, VISION_INFO } from './fake-eyes.js';
import { FakeScope } from './fake-scope.js';

const TEXT = 'Once upon a time there was a little fox who lived at the edge of the great forest, and every morning it went to the river.';
const scope = new FakeScope({ info: MODEL });
const read = (edits: RoutingEdits) => scope.analyse(TEXT, { routing: applyEdits(MODEL, edits) });

async function evidence(edits: RoutingEdits, more: Partial<Evidence> = {}): Promise<Evidence> {
  return {
    state: { ...DEFAULTS, routing: edits }, folder: 'models/nine', model: MODEL, layer: 1, routing: applyEdits(MODEL, edits),
    now: await read(edits), trained: await read(NO_EDITS), control: undefined, sampleLosses: new Map(), ...more,
  };
}

const find = async (id: LessonId, edits: RoutingEdits, more?: Partial<Evidence>) => lessonOf(id)?.find?.(await evidence(edits, more));

describe('an answer', () => {
  it.each(LESSONS.filter(({ find: finds }) => finds !== undefined).map(({ id }) => id))('of %s is not known before the knob is turned', async (id) => {
    expect(await find(id, NO_EDITS)).toBeUndefined();
  });

  it('about top-k is the range that the difference of the losses falls in', async () => {
    expect(await find('topk', { ...NO_EDITS, topK: 1 })).toEqual({ answer: 1, figures: ['2.31', '2.66', '+0.35'] });
    const trained = { ...(await read(NO_EDITS)), loss: 2.6 };
    expect((await find('topk', { ...NO_EDITS, topK: 1 }, { trained }))?.answer).toBe(0);
    expect((await find('topk', { ...NO_EDITS, topK: 1 }, { trained: { ...trained, loss: 1 } }))?.answer).toBe(2);
  });

  it('about switching off stands against a control as busy, and only for the busiest expert', async () => {
    const lesson = lessonOf('ablation');
    const found: (number | undefined)[] = [];
    for (let expert = 0; expert < 8; expert += 1) {
      const known = await evidence({ ...NO_EDITS, banned: [expert] });
      const control = lesson?.control?.(known);
      const banned = control?.default.restrict.disabled ?? [];
      if (control !== undefined) expect(banned).not.toContain(expert);
      found.push(lesson?.find?.({ ...known, control: control === undefined ? undefined : await scope.analyse(TEXT, { routing: control }) })?.answer);
    }
    expect(found.filter((answer) => answer !== undefined)).toEqual([1]);
  });

  it('about two models needs both of them to have been read', async () => {
    expect(await find('dense', NO_EDITS, { sampleLosses: new Map([['models/nine', 3]]) })).toBeUndefined();
    expect(await find('dense', NO_EDITS, { sampleLosses: new Map([['models/nine', 3], ['models/nine-dense', 3.2]]) }))
      .toEqual({ answer: 2, figures: ['3.00', '3.20', '+0.20'] });
  });

  it('is one of the options of the lesson', async () => {
    for (const id of ['expert', 'topk', 'hard', 'nulls', 'cache'] as const) {
      const edits: RoutingEdits[] = [{ ...NO_EDITS, topK: 1 }, { ...NO_EDITS, strategy: 'top_p' }, { ...NO_EDITS, strategy: 'adamoe' }, { ...NO_EDITS, banned: [0, 1, 2, 3, 4, 5, 6] }];
      const answers = (await Promise.all(edits.map((edit) => find(id, edit)))).flatMap((finding) => (finding === undefined ? [] : [finding]));
      expect(answers.length, id).toBeGreaterThan(0);
      for (const { answer, figures } of answers) {
        expect(messages.lessons.each[id].options[answer], id).toBeDefined();
        expect(messages.lessons.each[id].found(figures)).not.toMatch(/undefined|NaN/);
      }
    }
  });
});

describe('the lesson about patches', () => {
  const eyes = new FakeEyes();
  const picture = { data: new Uint8ClampedArray(4).fill(9), width: 1, height: 1 } as ImageData;
  const see = async (edits: RoutingEdits) => ({
    routing: edits, model: VISION_INFO, layer: 1, label: 3,
    now: await eyes.classify(picture, { routing: applyEdits(VISION_INFO, edits) }), trained: await eyes.classify(picture, { routing: applyEdits(VISION_INFO, NO_EDITS) }),
  });
  const answer = async (edits: RoutingEdits) => lessonOf('patches')?.findInPicture?.(await see(edits));

  it('waits for the busiest expert to be switched off, and counts where its patches went', async () => {
    const { trained } = await see(NO_EDITS);
    const loads = loadAt(patchRecords(trained), 1, 8);
    const busiest = loads.indexOf(Math.max(...loads));
    expect(await answer(NO_EDITS)).toBeUndefined();
    for (const expert of loads.keys()) if (expert !== busiest) expect(await answer({ ...NO_EDITS, banned: [expert] })).toBeUndefined();
    const found = await answer({ ...NO_EDITS, bannedAt: { 1: [busiest] } });
    const { now } = await see({ ...NO_EDITS, bannedAt: { 1: [busiest] } });
    const patches = patchRecords(trained).filter((record) => choicesAt(record, 1).some(({ expert }) => expert === busiest));
    const heir = Number(found?.figures[2]);
    const acts = (record: TokenRecord | undefined): boolean => record !== undefined && choicesAt(record, 1).some(({ expert }) => expert === heir);
    const taken = patches.filter((patch) => !acts(patch) && acts(patchRecords(now)[patch.index]));
    expect(found?.figures.slice(0, 2)).toEqual([String(busiest), String(patches.length)]);
    expect(found?.figures[3]).toBe(`${Math.round((100 * taken.length) / patches.length)} %`);
    expect(messages.lessons.each.patches.options[found?.answer ?? -1]).toBeDefined();
  });

  it('shows pictures in place of text, where its model is on the site', () => {
    expect(showsPictures({ tab: 'vision', lesson: undefined })).toBe(true);
    expect(showsPictures({ tab: 'lessons', lesson: 'topk' })).toBe(false);
    expect(showsPictures({ tab: 'lessons', lesson: 'patches' })).toBe(LESSONS.some((lesson) => lesson.id === 'patches' && missingFor(lesson).length === 0));
    expect(showsPictures({ tab: 'language', lesson: 'patches' })).toBe(false);
  });
});

describe('a link to a lesson', () => {
  const presets = (lesson: (typeof LESSONS)[number]) => (missingFor(lesson).length === 0 ? lesson.preset : {});

  it.each(LESSONS)('such as lesson=$id opens it with what it presets, and says nothing more', (lesson) => {
    for (const link of [`lesson=${lesson.id}`, `#v=3&lesson=${lesson.id}`]) {
      expect(decode(link)).toEqual({ ...DEFAULTS, tab: 'lessons', lesson: lesson.id, ...presets(lesson) });
      expect(encode(decode(link))).toBe(`v=3&lesson=${lesson.id}`);
    }
  });

  it.each(LESSONS)('$id leads back to whatever was changed of that', ({ id }) => {
    for (const change of [{ tab: 'language' }, { tint: 'expert' }, { tint: 'loss' }, { side: 'yard' }, { scope: 'all' }, { model: 'models/nine' }] as const) {
      const state = { ...decode(`lesson=${id}`), ...change };
      expect(decode(encode(state))).toEqual(state);
    }
  });

  it('of a former version means what it meant', () => {
    expect(decode('v=2&lesson=nulls')).toEqual({ ...decode('v=2'), lesson: 'nulls' });
  });
});

describe('the page of a lesson', () => {
  it('asks for a prediction before it goes on', async () => {
    const { shown } = await drawn({ state: { tab: 'lessons', lesson: 'topk', step: 1 } });
    const next = (guess: number | undefined) => findAll(h('div', {}, lessons({ ...shown, ui: { ...shown.ui, guess } }, {})), (e) => textOf(e) === messages.lessons.next && e.tag === 'button')[0];
    expect([next(undefined)?.props.attrs?.['disabled'], next(1)?.props.attrs?.['disabled']]).toEqual([true, false]);
  });

  it('says whether the prediction came true, with the figures', async () => {
    const { shown } = await drawn({ state: { tab: 'lessons', lesson: 'topk', step: 2 } });
    const said = (guess: number): string => textOf(h('div', {}, lessons({ ...shown, ui: { ...shown.ui, guess }, finding: { answer: 1, figures: ['1', '2', '+1'] } }, {})));
    expect(said(1)).toContain(messages.lessons.right);
    expect(said(0)).toMatch(/You said “Less than 0\.1.*From 1 to 2: \+1 nats/s);
  });

  it('names the model that is not there', async () => {
    const absent = LESSONS.find((lesson) => missingFor(lesson).length > 0);
    if (absent === undefined) return;
    const { shown } = await drawn({ state: { tab: 'lessons', lesson: absent.id } });
    expect(textOf(h('div', {}, lessons(shown, {})))).toContain('which this site does not have yet');
  });

  it('is opened from the list, and by a link to its step', async () => {
    const lesson = vi.fn();
    const { shown } = await drawn({ state: { tab: 'lessons' }, actions: { lesson } });
    const root = h('div', {}, lessons(shown, {}));
    expect(findAll(root, (e) => e.tag === 'li')).toHaveLength(10);
    findAll(root, (e) => e.tag === 'button')[1]?.props.on?.['click']?.(new Event('click'));
    expect(lesson).toHaveBeenCalledWith('topk');
    expect(decode('#v=3&tab=lessons&lesson=topk&step=2&hide=strategy,router')).toMatchObject({ lesson: 'topk', step: 2, hide: ['strategy', 'router'] });
    expect(encode(decode('#v=3&lesson=<b>&hide=nothing'))).toBe('v=3');
  });
});
