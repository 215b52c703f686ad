// Each view as the markup it makes of one small trace, against what it was (__snapshots__/look.test.ts.snap).
// Rewritten only by `npx vitest run -u`, after one has looked at the page.
import { expect, it } from 'vitest';

import type { LayerTrace } from '../generated/engine.js';
import { DEFAULT_SPEC, VERDICTS } from '../generated/routing.js';
import { classBars } from './class-bars.js';
import { decisionAt, recordsOf } from './data.js';
import type { TokenRecord } from './data.js';
import type { ViewChild } from './element.js';
import { gaugeView } from './gauge-view.js';
import { loadView } from './load-view.js';
import { patchView } from './patch-view.js';
import { pathsView } from './paths-view.js';
import { routerTable, stageList } from './router-view.js';
import { tokenView } from './token-view.js';
import { CHINESE } from './words-zh.js';

const LAYERS = [0, 2];
const nothing = (): void => undefined;

/** Two of four experts for each of three tokens; the second token does without its second choice. */
function layerTrace(layer: number, experts: readonly number[]): LayerTrace {
  const [first = 0, second = 1, third = 2] = experts;
  const scores = [0, 1, 2].flatMap(() => [0, 1, 2, 3].map((e) => (e === first ? 0.5 : e === second ? 0.25 : e === third ? 0.15 : 0.1)));
  const verdict = (token: number, e: number): number => VERDICTS.indexOf(e === first ? 'selected' : e !== second ? 'outside_top_k' : token === 1 ? 'over_capacity' : 'selected');
  return {
    layer, n_experts: 4, logits: Float32Array.from(scores, Math.log), scores: Float32Array.from(scores), selection_scores: Float32Array.from(scores),
    verdicts: Uint8Array.from([0, 1, 2].flatMap((token) => [0, 1, 2, 3].map((e) => verdict(token, e)))),
    offsets: Uint32Array.from([0, 2, 3, 5]), experts: Uint16Array.from([first, second, first, first, second]), weights: Float32Array.from([0.625, 0.375, 1, 0.75, 0.25]),
  };
}

const records: TokenRecord[] = recordsOf({
  tokens: ['The', ' fox', '\n'].map((text, id) => ({ id, text, special: false })),
  layers: [layerTrace(0, [1, 3, 0]), layerTrace(2, [2, 1, 3])],
  routing: { default: DEFAULT_SPEC, layers: {} },
}, 'prompt');

function inspected(): NonNullable<ReturnType<typeof decisionAt>> {
  const decision = records[1] && decisionAt(records[1], 0);
  if (decision === undefined) throw new Error('the trace has no decision for its second token at layer 0');
  return decision;
}

const VIEWS: Readonly<Record<string, () => ViewChild | readonly ViewChild[]>> = {
  tokens: () => tokenView({ records, layer: 0, pinned: 1, focusable: 1, changes: new Map([[2, 'top-1']]), on: {} }),
  router: () => routerTable(inspected()),
  'router in Chinese': () => routerTable(inspected(), CHINESE),
  stages: () => stageList(inspected()),
  paths: () => pathsView({ records, layers: LAYERS, nExperts: 4, layer: 2, token: records[1], onStation: nothing }),
  loads: () => loadView({ records, layers: LAYERS, nExperts: 4, layer: 2, onBar: nothing }),
  patches: () => patchView({ records, columns: 2, layer: 0, tint: 'experts', pinned: 1, looked: 2, focusable: 1, on: {} }),
  'entropy of patches': () => patchView({ records, columns: 2, layer: 0, tint: 'entropy', pinned: undefined, looked: undefined, focusable: 0, on: {} }),
  gauge: () => gaugeView({ now: { loss: 2.5, bitsPerByte: 1.25 }, trained: { loss: 2, bitsPerByte: 1 }, note: undefined }),
  classes: () => classBars([{ label: 'cat', set: 'cifar10', now: 0.5, trained: 0.75, right: true }, { label: 'dog', set: 'cifar10', now: 0.25, trained: 0.125, right: false }]),
};

it.each(Object.keys(VIEWS))('%s look like this', (name) => {
  const view = VIEWS[name]?.() ?? [];
  const found = [view].flat().map((child) => markup(child)).join('\n');
  expect(found).not.toMatch(/NaN|Infinity|undefined/);
  expect(found).toMatchSnapshot();
});

/** Elements as indented markup: one line each, text in line where there is nothing else. */
function markup(child: ViewChild, indent = ''): string {
  if (typeof child === 'string') return `${indent}${JSON.stringify(child)}`;
  const { tag, props, children } = child;
  const attributes = Object.entries({ ...props.attrs, ...(props.style && { style: JSON.stringify(props.style) }), ...(props.checked !== undefined && { checked: props.checked }) });
  const open = [tag, ...attributes.flatMap(([key, value]) => (value === undefined || value === false ? [] : [`${key}=${String(value)}`]))].join(' ');
  const [only] = children;
  if (children.length === 1 && typeof only === 'string') return `${indent}<${open}> ${JSON.stringify(only)}`;
  return [`${indent}<${open}>`, ...children.map((each) => markup(each, `${indent}  `))].join('\n');
}
