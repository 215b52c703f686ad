// The link is the state: every control survives the round trip, and no hash, however odd, throws.
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { generator } from '../src/random.js';
import { NO_EDITS } from '../src/routing.js';
import { DEFAULTS, HIDEABLE, LIMITS, decode, encode } from '../src/state.js';
import type { State } from '../src/state.js';

const CHANGES: { readonly [K in keyof State]: State[K] } = {
  model: 'models/other one',
  backend: 'cpu',
  prompt: 'a & b = c # d\n\té <script>',
  temperature: 0,
  samplerTopK: 40,
  samplerTopP: 0.95,
  seed: 4294967295,
  maxTokens: 7,
  code: 'function route() { return []; }',
  routing: { strategy: 'top_p', topK: 1, temperature: 0.25, settings: { top_p: 0.65, max_experts: 3 }, banned: [0, 5], bannedAt: { 2: [1], 11: [3, 4] }, limit: { factor: 0.625, priority: 'batch_priority' },
    forced: [2], forcedAt: { 3: [4] }, at: { 1: { strategy: '', topK: 3 }, 2: { strategy: 'top_p', temperature: 0.5, settings: { top_p: 0.25, 'prune.ratio': 0.5 } } },
    offsets: { 0: [0.125, -0.05, 0], 3: [1, 2, -3] } },
  contrast: { rank: 1, alpha: 0.25, beta: 1.5 },
  layer: 3,
  token: 12,
  scope: 'layer',
  theme: 'dark',
  size: 140,
  auto: false,
  tab: 'lessons',
  analyses: { analysis: 'co_activation', texts: 'own', without: ['math'], own: 'a & b\n', variant: 'jaccard', against: 'switch' },
  rival: { model: 'models/other', input: 'A & B', routing: { ...NO_EDITS, topK: 3, banned: [1], at: { 0: { topK: 1 } } } },
  expert: 5,
  tint: 'entropy',
  side: 'load',
  language: 'zh',
  lesson: 'balance',
  step: 2,
  hide: ['strategy', 'experts'],
  present: 'text',
  vision: {
    model: 'models/other eyes', source: { kind: 'drawing', strokes: [[{ x: 0, y: 63 }, { x: 31, y: 2 }], [{ x: 62, y: 5 }]] }, tint: 'entropy', layer: 1, patch: 63,
    map: 'set', rival: { model: undefined, input: { kind: 'sample', set: 'mnist', label: 7, index: 1 }, routing: { ...NO_EDITS, topK: 1 } }, routing: { ...NO_EDITS, strategy: 'switch', topK: 1, banned: [2], limit: { factor: 0.5, priority: 'order' } },
  },
};

describe('the hash', () => {
  it.each(Object.keys(CHANGES) as (keyof State)[])('restores %s', (name) => {
    const state: State = { ...DEFAULTS, [name]: CHANGES[name] };
    expect(decode(`#${encode(state)}`)).toEqual(state);
  });

  it('restores everything at once, in under 2,000 characters', () => {
    const hash = encode(CHANGES);
    expect(decode(hash)).toEqual(CHANGES);
    expect(hash.length).toBeLessThan(2000);
  });

  it('says only the version by default', () => {
    expect(encode(DEFAULTS)).toBe('v=3');
    expect(decode('')).toEqual(DEFAULTS);
  });

  it('samples at temperature 0.7 unless the link says otherwise, as links that name 0.8 do', () => {
    expect(decode('#v=1').temperature).toBe(0.7);
    const state = decode('#v=1&temp=0.8');
    expect([state.temperature, encode(state)]).toEqual([0.8, 'v=3&model=models%2Ffirst&temp=0.8&v.model=models%2Ftrio-small']);
    expect(encode(decode('#v=3&temp=0.7'))).toBe('v=3');
  });

  it('draws from all tokens unless the link names how many or what share, which are not the router\'s', () => {
    for (const old of ['#v=1&k=2', '#v=2&k=2&s=top_p']) expect(decode(old)).toMatchObject({ samplerTopK: 0, samplerTopP: 1 });
    const state = decode('#v=3&tk=40&tp=0.9');
    expect([state.samplerTopK, state.samplerTopP, state.routing]).toEqual([40, 0.9, NO_EDITS]);
    expect(encode(state)).toBe('v=3&tk=40&tp=0.9');
    expect(decode('#tk=-3&tp=0')).toMatchObject({ samplerTopK: 0, samplerTopP: LIMITS.samplerTopP.min });
    expect(decode('#tk=1e9&tp=7')).toMatchObject({ samplerTopK: LIMITS.samplerTopK.max, samplerTopP: 1 });
  });

  it('keeps an empty prompt apart from the default one', () => {
    expect(decode(encode({ ...DEFAULTS, prompt: '' })).prompt).toBe('');
  });

  it('leaves out a prompt that no link should carry', () => {
    expect(encode({ ...DEFAULTS, prompt: 'x'.repeat(LIMITS.promptInLink + 1) })).toBe('v=3');
  });

  it('ignores links of a version to come', () => {
    for (const version of ['4', 'constructor']) expect(decode(`#v=${version}&k=3`)).toEqual(DEFAULTS);
  });

  it('keeps the model of pictures that links of versions 1 and 2 meant', () => {
    for (const version of ['1', '2']) expect(decode(`#v=${version}&tab=vision`).vision.model).toBe('models/trio-small');
    expect(decode('#v=2&v.model=models/trio').vision.model).toBe('models/trio');
    expect(decode('#v=3&tab=vision').vision.model).toBe('models/trio');
  });

  it('keeps the meaning of links of version 1, whose model was models/first', () => {
    expect(decode('#v=1&k=1')).toMatchObject({ model: 'models/first', prompt: 'Once upon a time there was a', routing: { topK: 1 } });
    expect(decode('#v=1&model=models/other').model).toBe('models/other');
    expect(decode(encode(decode('#v=1&k=1')))).toEqual(decode('#v=1&k=1'));
  });

  it('tells a comparison with the trained routing from none', () => {
    const trained = { model: undefined, input: undefined, routing: NO_EDITS };
    expect([decode('#a=trained').rival, decode('#v=3').rival]).toEqual([trained, undefined]);
    expect(decode(encode({ ...DEFAULTS, rival: trained })).rival).toEqual(trained);
    expect(decode('#v.a=trained').vision.rival).toEqual(trained);
  });

  it('keeps the meaning of links in which A differs in its routing alone', () => {
    expect(decode('#v=3&a.k=1&a.ban.2=3').rival).toEqual({ model: undefined, input: undefined, routing: { ...NO_EDITS, topK: 1, bannedAt: { 2: [3] } } });
  });

  it('says in what A differs and nothing else', () => {
    expect(encode({ ...DEFAULTS, rival: { model: 'models/nine-collapsed', input: undefined, routing: NO_EDITS } })).toBe('v=3&a.model=models%2Fnine-collapsed');
    expect(encode({ ...DEFAULTS, rival: { model: undefined, input: 'x'.repeat(LIMITS.rivalInLink + 1), routing: NO_EDITS } })).toBe('v=3&a=trained');
    const own = { ...DEFAULTS, vision: { ...DEFAULTS.vision, rival: { model: undefined, input: { kind: 'own' }, routing: NO_EDITS } } } as const;
    expect(encode(own)).toBe('v=3&v.a=trained');
  });

  it('keeps numbers within their limits', () => {
    const state = decode('#temp=99&seed=-4&max=1e9&k=0&rt=0&size=1&layer=-2');
    expect(state).toMatchObject({ temperature: 2, seed: 0, maxTokens: LIMITS.maxTokens.max, size: LIMITS.size.min, layer: 0 });
    expect(state.routing).toMatchObject({ topK: 1, temperature: 0.1 });
  });

  it('turns self-contrast on where its rank is said, with the usual numbers for the rest', () => {
    expect(decode('#v=1&c=2').contrast).toEqual({ rank: 2, alpha: 0.1, beta: 0.5 });
    expect(encode({ ...DEFAULTS, contrast: { rank: 2, alpha: 0.1, beta: 0.5 } })).toBe('v=3&c=2');
    expect(decode('#c=1.2&ca=9&cb=-1').contrast).toEqual({ rank: 1, alpha: 1, beta: 0 });
    expect(decode('#ca=0.5&cb=1').contrast).toBeUndefined();
  });

  it('leaves out offsets that are no list of numbers', () => {
    expect(decode('#off.1=0.5,x&off.2=&off.3=1,,2&off.4=0.5,-0.5&off.5.6=1').routing.offsets).toEqual({ 4: [0.5, -0.5] });
  });

  it('survives nonsense', () => {
    expect(decode('#k=NaN&ban=a,,-1,2,2,99999999&ban.x=1&ban.__proto__=1&rt=Infinity&backend=quantum&theme=9').routing)
      .toEqual({ ...NO_EDITS, banned: [2] });
  });
});

describe('fuzzed hashes', () => {
  it('never throw and give a state that is stable from then on', () => {
    // Seeded, so that a failure can be seen again.
    const random = generator(20260101);
    for (let i = 0; i < 5000; i += 1) {
      const hash = fuzzed(random);
      const state = decode(hash);
      expect(decode(encode(state)), JSON.stringify(hash)).toEqual({
        ...state, prompt: state.prompt.length > LIMITS.promptInLink ? DEFAULTS.prompt : state.prompt,
      });
    }
  }, 60_000);
});

/** Every field of a link that says everything, and some that no link should have. */
const NAMES = [...new URLSearchParams(encode(CHANGES)).keys(), 'v.ban.1', 'off.x', 'threshold', 'ban.x', 'a', 'a.s.1', 'rt.x', 'v.off.1', 'constructor', ''];
const VALUES = ['flow', 'own', 'jaccard', 'switch', 'math,french', 'cifar10.3.0', '~AB.', '~\u{1F600}', 'batch_priority', '1', '0', '-1', '1e309', 'NaN', '', '%', '%00', '%ff', '\ud800', '💥', '1,2,3', ',,,', '999999999999', 'auto', 'dark', 'soft', 'hash', '../..', '=', '&', '#', '+', '0x10', ' 7 '];

function fuzzed(random: () => number): string {
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const length = Math.floor(random() * 8);
  const parts = Array.from({ length }, () => `${pick(NAMES)}${random() < 0.9 ? '=' : ''}${pick(VALUES)}${random() < 0.3 ? pick(VALUES) : ''}`);
  return `#${parts.join(random() < 0.9 ? '&' : ';')}`;
}

describe('what a link hides', () => {
  const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

  it.each(HIDEABLE)('%s is hidden by the style sheet', (name) => {
    expect(read('web/app/src/styles/lessons.css')).toContain(`:root[data-hide~='${name}'] `);
  });

  it('is listed in the README, name by name', () => {
    const list = /`hide=`[^]*?(?=\n- `)/.exec(read('README.md'))?.[0] ?? '';
    expect([...list.matchAll(/`([a-z]+)`/g)].map(([, name]) => name).sort()).toEqual([...HIDEABLE].sort());
  });
});
