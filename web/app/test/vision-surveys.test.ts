// What many pictures say together, and models of other kinds, without a browser.
import { MoescopeError } from 'moescope';
import { findAll, textOf } from 'moescope/views';
import { describe, expect, it, vi } from 'vitest';

import { millions } from '../src/catalogue.js';
import { messages } from '../src/messages.js';
import { MAX_PICTURES, collectionOf, foundBelow } from '../src/vision/collection.js';
import type { Found } from '../src/vision/collection.js';
import { FACTORS, PRIORITIES } from '../src/vision/survey.js';
import { accuracyOf, dependenceOf, shareOf, sharesByGroup } from '../src/vision/tally.js';
import type { Outcome } from '../src/vision/tally.js';
import { FakeEyes, VISION_INFO } from './fake-eyes.js';
import { TRAINED } from './fake-scope.js';
import { PATIENT, all, drawn, ready, withoutBrowser } from './made-vision.js';

withoutBrowser();

describe('surveys', () => {
  it('measure every sample under both routings and show them beside what guessing gives', async () => {
    const { tab } = await ready();
    tab.shown().actions.topK(1);
    tab.shown().actions.measure();
    await vi.waitFor(() => expect(tab.shown().survey).toMatchObject({ running: false, done: 20, total: 20 }), PATIENT);
    const { now, trained } = tab.shown().survey;
    expect([now.length, trained.length]).toEqual([20, 20]);
    expect(now.every(({ acts }) => acts.length === 3 && acts.every((counts) => counts.reduce((a, b) => a + b) === 64))).toBe(true);
    expect(trained.every(({ acts }) => acts.every((counts) => counts.reduce((a, b) => a + b) === 128))).toBe(true);
    const text = textOf(drawn(tab));
    expect(text).toContain('guessing 5.0 %');
    expect(text).toMatch(/95 %: \d+ % to \d+ %/);
    expect(text).toMatch(/The class tells \d\.\d{3} bits .* by lot it would be \d\.\d{3}/);
    expect(all(drawn(tab), 'map').flatMap((map) => findAll(map, ({ tag }) => tag === 'tr'))).toHaveLength(22);
    tab.shown().actions.topK(3);
    expect(textOf(drawn(tab))).toContain('Measured under another routing');
  });

  it('stop where they are and keep what they have', async () => {
    const { tab } = await ready({}, new FakeEyes(1));
    tab.shown().actions.measure();
    await vi.waitFor(() => expect(tab.shown().survey.now.length).toBeGreaterThan(2));
    tab.shown().actions.stopSurvey();
    const { length } = tab.shown().survey.now;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(tab.shown().survey).toMatchObject({ running: false });
    expect(tab.shown().survey.now).toHaveLength(length);
  });

  it('that fail say why', async () => {
    const { tab, eyes } = await ready();
    eyes.classify = () => Promise.reject(new Error('gone'));
    tab.shown().actions.measure();
    await vi.waitFor(() => expect(textOf(drawn(tab))).toContain('Not measured: gone'));
  });

  it('sweep every capacity with either order, one picture at all of them before the next', async () => {
    const { tab } = await ready();
    tab.shown().actions.sweep();
    await vi.waitFor(() => expect(tab.shown().curve).toMatchObject({ running: false }), PATIENT);
    const { points, free } = tab.shown().curve;
    expect(points.map(({ factor, priority }) => `${factor} ${priority}`)).toEqual(PRIORITIES.flatMap((p) => FACTORS.map((f) => `${f} ${p}`)));
    expect(points.every(({ outcomes }) => outcomes.length === free.length)).toBe(true);
    const dropped = points.slice(0, FACTORS.length).map(({ outcomes }) => outcomes.reduce((sum, outcome) => sum + outcome.dropped, 0));
    expect(dropped).toEqual(dropped.toSorted((a, b) => b - a));
  });
});

/** A file at a path, as a folder that was chosen has them. */
const at = (path: string): Found => ({ path, file: new File([path], path.replace(/^.*\//, '')) });

describe('pictures of one’s own', () => {
  it('are grouped by the folders below the chosen one, which take turns', () => {
    const { rows, byFolder, pictures } = collectionOf(['pets/dogs/2.png', 'pets/cats/10.png', 'pets/cats/9.png', 'pets/.DS_Store', 'pets/dogs/1.png', 'pets/own.png'].map(at));
    expect([rows, byFolder]).toEqual([['cats', 'dogs', 'pets'], true]);
    expect(pictures.map(({ name, row }) => `${row} ${name}`)).toEqual(['0 pets/cats/9.png', '1 pets/dogs/1.png', '2 pets/own.png', '0 pets/cats/10.png', '1 pets/dogs/2.png']);
  });

  it('without two folders stand for themselves, even where two have the same name', () => {
    const { rows, byFolder, pictures } = collectionOf([at('b.png'), at('a.png'), at('a.png')]);
    expect([rows, byFolder, pictures.map(({ row }) => row)]).toEqual([['a.png', 'a.png', 'b.png'], false, [0, 1, 2]]);
    expect(collectionOf([at('one/a.png'), at('one/b.png')]).rows).toEqual(['a.png', 'b.png']);
  });

  it('are bounded, with as many from each folder', () => {
    const { pictures, all: files } = collectionOf(Array.from({ length: 3 * MAX_PICTURES }, (_, n) => at(`set/${n % 2 === 0 ? 'a' : 'b'}/${n}.png`)));
    expect([pictures.length, pictures.filter(({ row }) => row === 0).length, files]).toEqual([MAX_PICTURES, MAX_PICTURES / 2, 3 * MAX_PICTURES]);
  });

  it('are found in folders that are dropped, a part at a time and however deep', async () => {
    const file = (fullPath: string) => ({ isFile: true, isDirectory: false, fullPath, file: (done: (file: File) => void) => done(at(fullPath).file) });
    const folder = (fullPath: string, ...parts: unknown[][]) => ({
      isFile: false, isDirectory: true, fullPath,
      createReader: () => ({ readEntries: (done: (part: unknown[]) => void) => done(parts.shift() ?? []) }),
    });
    const dropped = [folder('/pets', [file('/pets/1.png'), folder('/pets/cats', [file('/pets/cats/2.png')])], [file('/pets/3.png')]), file('/4.png')];
    const found = await foundBelow(dropped as unknown as FileSystemEntry[]);
    expect(found.map(({ path }) => path)).toEqual(['4.png', 'pets/1.png', 'pets/3.png', 'pets/cats/2.png']);
  });

  it('are measured together: a row for each folder, what the folder tells, and what is no picture by name', async () => {
    const { tab, eyes } = await ready();
    const look = eyes.classify.bind(eyes);
    eyes.classify = (picture, request) => (picture instanceof File && picture.name.endsWith('.txt')
      ? Promise.reject(new MoescopeError('image_unreadable', 'no image')) : look(picture, request));
    tab.shown().actions.collect(['set/a/1.png', 'set/a/2.png', 'set/b/3.png', 'set/b/notes.txt'].map(at));
    await vi.waitFor(() => expect(tab.shown().collection).toMatchObject({ running: false, done: 4, total: 4 }), PATIENT);
    expect(tab.shown().collection.outcomes.map(({ label }) => label).sort()).toEqual([0, 0, 1]);
    const [section] = all(drawn(tab), 'collection');
    const text = section === undefined ? '' : textOf(section);
    expect(text).toContain('Left out, because the browser cannot read them as pictures: set/b/notes.txt.');
    expect(text).toContain('4 files from 2 folders.');
    expect(text).toMatch(/The folder tells \d\.\d{3} bits/);
    expect(section && findAll(section, ({ tag }) => tag === 'tr')).toHaveLength(4);
    tab.shown().actions.topK(3);
    expect(textOf(drawn(tab))).toContain('Measured under another routing');
  });

  it('stop where they are, and what stops the engine is told', async () => {
    const { tab, eyes } = await ready({}, new FakeEyes(1));
    tab.shown().actions.collect(Array.from({ length: 50 }, (_, n) => at(`${n}.png`)));
    await vi.waitFor(() => expect(tab.shown().collection.outcomes.length).toBeGreaterThan(2));
    tab.shown().actions.stopSurvey();
    const { length } = tab.shown().collection.outcomes;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([tab.shown().collection.running, tab.shown().collection.outcomes.length]).toEqual([false, length]);
    eyes.classify = () => Promise.reject(new Error('gone'));
    tab.shown().actions.gather();
    await vi.waitFor(() => expect(textOf(drawn(tab))).toContain('Not measured: gone'));
  });
});

describe('tallies', () => {
  const outcome = (label: number, acts: number[], right = true): Outcome =>
    ({ label, right, loss: 0, dropped: 0, nPatches: 4, acts: [Uint16Array.from(acts)] });

  it('give shares with the interval of Wilson', () => {
    expect(shareOf(5, 10)).toMatchObject({ share: 0.5, low: expect.closeTo(0.2366, 3), high: expect.closeTo(0.7634, 3) });
    expect(shareOf(0, 10)).toMatchObject({ low: 0, high: expect.closeTo(0.2775, 3) });
    expect(shareOf(0, 0).share).toBeNaN();
    expect(accuracyOf([outcome(0, [1, 1]), outcome(0, [1, 1], false)]).share).toBe(0.5);
  });

  it('give shares of patches by group, none for a group without images', () => {
    const outcomes = [outcome(0, [4, 0]), outcome(0, [2, 2]), outcome(2, [0, 4])];
    expect(sharesByGroup(outcomes, 0, (label) => label, 3)).toEqual([[0.75, 0.25], undefined, [0, 1]]);
  });

  it('tell a group that decides from one that does not, by the bits and by lot', () => {
    const tied = Array.from({ length: 40 }, (_, i) => outcome(i % 2, i % 2 === 0 ? [4, 0] : [0, 4]));
    const loose = Array.from({ length: 40 }, (_, i) => outcome(i % 2, i % 4 < 2 ? [4, 0] : [0, 4]));
    const [strong, weak] = [tied, loose].map((outcomes) => dependenceOf(outcomes, 0, (label) => label, 2));
    expect(strong?.bits).toBeCloseTo(1);
    expect(strong?.chanceHigh).toBeLessThan(0.2);
    expect(weak?.bits).toBeCloseTo(0);
    expect(dependenceOf(tied, 0, (label) => label, 2)).toEqual(strong);
  });
});

describe('a model without experts', () => {
  const dense = (): FakeEyes => new FakeEyes(0, { ...VISION_INFO, moe_layers: [], n_experts: 0 });

  it('has an answer and an accuracy, and nothing to route', async () => {
    const { tab } = await ready({}, dense());
    tab.shown().actions.measure();
    await vi.waitFor(() => expect(tab.shown().survey).toMatchObject({ running: false, done: 20 }), PATIENT);
    const root = drawn(tab);
    expect(textOf(root)).toContain(messages.vision.dense);
    expect(textOf(root)).toContain(messages.vision.answer.factsDense('trio', millions(VISION_INFO.n_parameters)));
    expect(all(root, 'figure')).toHaveLength(2);
    expect(['knob', 'eyes', 'inspector', 'capacity', 'map'].map((part) => all(root, part).length)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('a model trained with a capacity', () => {
  const trained = { ...TRAINED, default: { ...TRAINED.default, limit: { ...TRAINED.default.limit, capacity_factor: Math.fround(1.05), priority: 'batch_priority' as const } } };

  it('shows its limit on the slider, which starts from there', async () => {
    const eyes = new FakeEyes(0, { ...VISION_INFO, trained_routing: trained });
    const { tab, store } = await ready({}, eyes);
    expect(textOf(drawn(tab))).toContain('1.05 × the even share: 17 patches');
    expect(textOf(drawn(tab))).toContain(messages.vision.capacity.given);
    tab.shown().actions.limit({ factor: 0.5, priority: 'batch_priority' });
    await vi.waitFor(() => expect(tab.vision.seen?.now.routing.default.limit.capacity_factor).toBe(0.5), PATIENT);
    expect(textOf(drawn(tab))).not.toContain(messages.vision.capacity.given);
    expect(store.state.vision.routing.limit).toEqual({ factor: 0.5, priority: 'batch_priority' });
  });

  it('is swept against the same routing without any limit', async () => {
    const eyes = new FakeEyes(0, { ...VISION_INFO, trained_routing: trained });
    const { tab } = await ready({}, eyes);
    tab.shown().actions.sweep();
    await vi.waitFor(() => expect(tab.shown().curve).toMatchObject({ running: false }), PATIENT);
    const { points, free } = tab.shown().curve;
    expect(free.length).toBe(points[0]?.outcomes.length);
    expect(free.every(({ dropped }) => dropped === 0)).toBe(true);
  });
});
