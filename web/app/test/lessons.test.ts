// Lessons: every one has words, a preset and an answer that follows from what was measured and from nothing else.
import { findAll, h, textOf } from 'moescope/views';
import { describe, expect, it, vi } from 'vitest';

import { LESSONS, lessonOf, missingFor } from '../src/lessons.js';
import type { Evidence, LessonId } from '../src/lessons.js';
import { messages } from '../src/messages.js';
import { lessons } from '../src/page/lessons.js';
import { NO_EDITS, applyEdits } from '../src/routing.js';
import type { RoutingEdits } from '../src/routing.js';
import { DEFAULTS, decode, encode } from '../src/state.js';
import { MODEL, drawn } from './drawn.js';
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
    expect(decode('#v=2&tab=lessons&lesson=topk&step=2&hide=strategy,router')).toMatchObject({ lesson: 'topk', step: 2, hide: ['strategy', 'router'] });
    expect(encode(decode('#v=2&lesson=<b>&hide=nothing'))).toBe('v=2');
  });
});
