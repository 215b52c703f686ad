// Files of all formats: what is written is read again, what others write is read, and what is broken says where.
import { describe, expect, it } from 'vitest';

import { readTrace, writeTrace } from '../../src/analyses/formats/index.js';
import type { TraceFormat } from '../../src/analyses/formats/index.js';
import { joinTraces, traceOf } from '../../src/analyses/trace.js';
import type { RoutingTrace } from '../../src/analyses/trace.js';
import { MoescopeError } from '../../src/public/error.js';
import { WORDS, engineTrace, sample } from './traces.js';

const NOW = '2026-01-02T03:04:05.000Z';
const bytesOf = (content: string | Uint8Array): Uint8Array => (typeof content === 'string' ? new TextEncoder().encode(content) : content);
const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));

function again(trace: RoutingTrace, format: TraceFormat, nExperts?: number): RoutingTrace {
  const { name, content } = writeTrace(trace, format, NOW);
  return readTrace(bytesOf(content), name, { nExperts });
}

/** What all formats keep. */
const choices = ({ layers }: RoutingTrace): unknown => layers.map(({ nExperts, offsets, experts }) => ({ nExperts, offsets, experts }));

function refused(bytes: Uint8Array, name = 'file.json', nExperts?: number): string {
  try {
    readTrace(bytes, name, { nExperts });
  } catch (error) {
    if (error instanceof MoescopeError && error.code === 'trace_invalid') return error.message;
    throw error;
  }
  throw new Error('the file was read');
}

describe('a round trip', () => {
  const two = joinTraces([sample('tales'), sample('french')]);

  it('through our own form keeps everything', () => {
    expect(again(two, 'moescope')).toEqual(two);
  });

  it('through moe-routing-atlas keeps texts, tokens, choices and weights', () => {
    const read = again(two, 'atlas');
    expect({ ...read, layers: [] }).toEqual({ ...two, layers: [], texts: two.texts.map((text) => ({ ...text, label: WORDS.join('') })), predicted: undefined });
    expect(choices(read)).toEqual(choices(two));
    expect(read.layers[1]?.weights).toEqual(two.layers[1]?.weights);
    expect(read.layers[0]?.scores).toBeUndefined();
  });

  it.each(['vllm', 'llama'] as const)('through %s keeps the choices', (format) => {
    const read = again(two, format, 4);
    expect(choices(read)).toEqual(choices(two));
    expect([read.nTokens, read.ids, read.layers[0]?.weights]).toEqual([18, undefined, undefined]);
  });

  it('is refused where the format has no room, with a way out', () => {
    const uneven: RoutingTrace = { ...sample(), layers: sample().layers.map((layer) => ({
      ...layer, offsets: layer.offsets.map((offset, token) => (token === 9 ? offset - 1 : offset)), experts: layer.experts.subarray(0, 17), weights: undefined,
    })) };
    for (const format of ['vllm', 'llama'] as const) expect(() => writeTrace(uneven, format, NOW)).toThrow(/different numbers of experts.*another form/);
    expect(() => writeTrace(uneven, 'atlas', NOW)).toThrow(/no gate weights.*another form/);
    expect(again(uneven, 'moescope')).toEqual(uneven);
  });
});

describe('traces of others', () => {
  it('of moe-routing-atlas are read in any order, alone, in a list and by lines', () => {
    const record = {
      model_id: 'org/big', num_layers: 2, num_experts: 8, top_k: 2, text: 'Hi there', token_strs: ['Hi', ' there'],
      activations: [
        { layer: 1, token_idx: 1, expert_idx: 7, gate_weight: 0.25 }, { layer: 1, token_idx: 1, expert_idx: 2, gate_weight: 0.75 },
        { layer: 0, token_idx: 0, expert_idx: 3, gate_weight: 1, output_norm: 4 }, { layer: 0, token_idx: 1, expert_idx: 4, gate_weight: 1 },
        { layer: 1, token_idx: 0, expert_idx: 5, gate_weight: 1 },
      ],
    };
    const alone = readTrace(json(record), 'a.json');
    expect(alone).toMatchObject({ model: 'org/big', nTokens: 2, ids: undefined, strings: ['Hi', ' there'], texts: [{ start: 0, label: 'Hi there' }] });
    expect(Array.from(alone.layers[1]?.experts ?? [])).toEqual([5, 2, 7]);
    const lines = readTrace(bytesOf(`${JSON.stringify(record)}\n${JSON.stringify(record)}\n`), 'a.jsonl');
    expect(lines).toEqual(joinTraces([alone, alone]));
    expect(readTrace(json([record, record]), 'a.json')).toEqual(lines);
    expect(refused(json([record, { ...record, model_id: 'org/other' }]))).toMatch(/Record 1 is of org\/other with 8 experts.*one model to a file/);
  });

  it('of vLLM are read from answers, from lists and from arrays, without what they do not tell', () => {
    const [prompt, written] = [[[[0, 0], [1, 2]], [[0, 0], [3, 1]]], [[[0, 0], [5, 0]]]];
    const answer = readTrace(json({ model: 'org/big', prompt_routed_experts: prompt, choices: [{ routed_experts: written }] }), 'answer.json');
    expect(answer).toMatchObject({ model: 'org/big', nTokens: 3, ids: undefined, strings: undefined });
    expect(answer.layers.map(({ layer }) => layer)).toEqual([1]);
    expect(answer.notes).toEqual([expect.stringMatching(/6 are assumed.*expert 5/), expect.stringMatching(/Layers 0 hold nothing but zeros/)]);
    expect(readTrace(json([...prompt, ...written]), 'list.json', { nExperts: 64 }).layers[0]).toMatchObject({ nExperts: 64, layer: 1 });
    expect(refused(json([[[0, 1]], [[2, 3], [4, 5]]]))).toMatch(/token 1 has 2 entries; it must have 1/);
    expect(refused(json([[[0, 1]], [[2, 2]]]))).toMatch(/token 1: expert 2 stands there twice/);
    expect(refused(json([[[0, 9]]]), 'x.json', 8)).toMatch(/names expert 9; with 8 experts/);
  });

  it('of llama.cpp are read by order: experts per token are worked out, and a shorter last layer is left out', () => {
    const rows = ['0,1', '0,2', '0,2', '0,3', '0,1', '0,0', '1,4', '1,5', '1,5', '1,4', '1,0', '1,4', '2,1', '2,0'];
    const trace = readTrace(bytesOf(`layer,expert\r\n${rows.join('\r\n')}\r\n`), 'moe_trace.csv');
    expect([trace.nTokens, trace.layers.map(({ layer }) => layer)]).toEqual([3, [0, 1]]);
    expect(Array.from(trace.layers[0]?.experts ?? [])).toEqual([1, 2, 2, 3, 1, 0]);
    expect(trace.notes).toEqual([expect.stringMatching(/6 are assumed/), expect.stringMatching(/2 experts per token/), expect.stringMatching(/Layers 2 have fewer rows/)]);
    const told = readTrace(bytesOf('token,layer,expert\n0,3,1\n1,3,0\n1,3,2\n'), 'x.csv');
    expect(Array.from(told.layers[0]?.offsets ?? [])).toEqual([0, 1, 3]);
  });

  it('of "moescope trace" and recorded runs are read with logits, scores and predictions', () => {
    const printed = {
      tokens: [5, 6], texts: ['a', 'b'], logits: [[0, 3, 1], [2, 2, null]], loss: 1,
      layers: [{ layer: 3, router_logits: [[1, '-inf'], [0, 1]], scores: [[1, 0], [0.25, 0.75]], experts: [[0], [1, 0]], weights: [[1], [0.75, 0.25]] }],
    };
    const trace = readTrace(json(printed), 'trace.json');
    expect(trace).toMatchObject({ model: 'trace', nTokens: 2, predicted: Uint32Array.of(1, 0), strings: ['a', 'b'] });
    expect(trace.layers[0]?.logits).toEqual(Float32Array.of(1, -Infinity, 0, 1));
    const plain = (words: string[]): unknown => JSON.parse(JSON.stringify(engineTrace(words), (_, value: unknown) => (ArrayBuffer.isView(value) ? [...(value as Float32Array)] : value)));
    const run = [{ kind: 'prompt', text: '', trace: plain(['a', 'b']) }, { kind: 'token', text: 'a', trace: plain(['a']) }];
    const recorded = readTrace(json(run), 'tales.json');
    expect(recorded).toMatchObject({ nTokens: 3, texts: [{ start: 0, label: '' }] });
    expect(recorded.layers[0]?.scores?.length).toBe(12);
    expect(readTrace(json(plain(['a', 'b'])), 'models/first.json')).toEqual({ ...traceOf(engineTrace(['a', 'b']), 'models/first'), texts: [{ start: 0, label: '' }] });
  });
});

describe('broken files', () => {
  const own = JSON.parse(String(writeTrace(sample(), 'moescope', NOW).content)) as { layers: Record<string, unknown>[] } & Record<string, unknown>;
  const layer = own.layers[0] ?? {};
  const withLayer = (change: object): Uint8Array => json({ ...own, layers: [{ ...layer, ...change }] });

  it.each([
    ['nothing', new Uint8Array(), /is empty/],
    ['bytes', Uint8Array.of(0xff, 0xfe, 0), /neither text nor a numpy array/],
    ['words', bytesOf('hello'), /no JSON, and no CSV/],
    ['a cut file', bytesOf('{"format":"moescope-trace"'), /no JSON/],
    ['a line that is cut', bytesOf('{"num_experts":1,"activations":[]}\n{"num_exp'), /line 2, is no JSON/],
    ['other JSON', json({ a: 1 }), /none of the traces that can be read/],
    ['a number', json(3), /none of the traces/],
    ['another version', json({ ...own, version: 2 }), /version 2; this page reads version 1/],
    ['too few ids', json({ ...own, ids: [1] }), /ids has 1 entries; it must have 9/],
    ['an id that is none', json({ ...own, ids: Array(9).fill(-1) }), /ids\[0\] is -1; it must be a whole number/],
    ['texts out of order', json({ ...own, texts: [{ start: 4, label: '' }] }), /begin at 0/],
    ['an expert too many', withLayer({ experts: Array(18).fill(4) }), /layers\[0\]\.experts\[0\] is 4; it must be a whole number from 0 to 3/],
    ['falling offsets', withLayer({ offsets: [0, 4, 2, 6, 8, 10, 12, 14, 16, 18] }), /layers\[0\]\.offsets must go from 0/],
    ['scores of another shape', withLayer({ scores: [1, 2] }), /scores has 2 entries; it must have 36/],
    ['a weight that is none', withLayer({ weights: Array(18).fill('x') }), /weights\[0\] is "x"; it must be a number/],
    ['an atlas token beyond the end', json({ model_id: 'x', num_experts: 2, token_strs: ['a'], activations: [{ layer: 0, token_idx: 1, expert_idx: 0, gate_weight: 1 }] }), /token 1; there are 1/],
    ['an atlas expert beyond the end', json({ model_id: 'x', num_experts: 2, activations: [{ layer: 0, token_idx: 0, expert_idx: 2, gate_weight: 1 }] }), /expert_idx is 2; it must be a whole number from 0 to 1/],
    ['a CSV without rows', bytesOf('layer,expert\n'), /no rows/],
    ['a CSV with a word', bytesOf('layer,expert\n0,x\n'), /Line 2: expert is "x"/],
    ['an empty array', json([[]]), /no tokens or no layers/],
    ['zeros alone', json([[[0, 0]]]), /Every entry of the array is 0/],
  ])('with %s are refused with the place', (_, bytes, message) => {
    expect(refused(bytes)).toMatch(message);
  });

  it('of numpy are refused with the reason', () => {
    const good = writeTrace(sample(), 'vllm', NOW).content as Uint8Array;
    expect(refused(good.subarray(0, good.length - 3), 'x.npy')).toMatch(/shape \[9, 2, 2\] has 34 numbers; it must have 36/);
    expect(refused(good.subarray(0, 20), 'x.npy')).toMatch(/cut off/);
    const changed = (from: string, to: string): Uint8Array => Uint8Array.from(good, (byte, at) => {
      const place = new TextDecoder('latin1').decode(good).indexOf(from);
      return at >= place && at < place + from.length ? to.charCodeAt(at - place) : byte;
    });
    expect(refused(changed("'<i2'", "'<f2'"), 'x.npy')).toMatch(/type <f2; it must be one of/);
    expect(refused(changed('False,', 'True, '), 'x.npy')).toMatch(/columns first/);
    expect(refused(changed('(9, 2, 2)', '(9, 4)   '), 'x.npy')).toMatch(/shape \[9, 4\].*tokens, MoE layers, top_k/);
  });

  it('never end in anything but a trace or a reason, however they were damaged', () => {
    const files = (['moescope', 'atlas', 'vllm', 'llama'] as const).map((format) => bytesOf(writeTrace(sample(), format, NOW).content));
    let x = 20260102;
    const random = (below: number): number => {
      x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
      return (x >>> 0) % below;
    };
    for (let round = 0; round < 400; round += 1) {
      const damaged = Uint8Array.from(files[random(4)] ?? []);
      for (let n = random(4); n >= 0; n -= 1) damaged[random(damaged.length)] = random(2) === 0 ? random(256) : 48 + random(10);
      const cut = random(3) === 0 ? damaged.subarray(0, random(damaged.length)) : damaged;
      try {
        expect(readTrace(cut, 'damaged').nTokens).toBeGreaterThanOrEqual(0);
      } catch (error) {
        expect(error, String(error)).toMatchObject({ code: 'trace_invalid' });
      }
    }
  }, 30_000);
});
