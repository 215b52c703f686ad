// Our own form: JSON with one object for each layer and one list for each column, and `moescope trace --json`, which has
// rows instead, and the recorded runs of the page.

import { joinTraces } from '../trace.js';
import type { RoutingTrace, TraceLayer } from '../trace.js';
import { expectLength, fields, ids, invalid, isFields, list, matrix, realOrInfinite, strings, text, whole } from './check.js';
import type { Fields } from './check.js';
import { MAX_EXPERTS, layerFrom } from './columns.js';

export const OWN_FORMAT = 'moescope-trace';
const VERSION = 1;

export function writeOwn(trace: RoutingTrace): string {
  const floats = (column: Float32Array | undefined): (number | null)[] | undefined =>
    column && Array.from(column, (value) => (Number.isFinite(value) ? Number(value.toPrecision(9)) : null));
  return JSON.stringify({
    format: OWN_FORMAT, version: VERSION, model: trace.model, n_tokens: trace.nTokens,
    ids: trace.ids && Array.from(trace.ids), strings: trace.strings, predicted: trace.predicted && Array.from(trace.predicted),
    texts: trace.texts,
    layers: trace.layers.map(({ layer, nExperts, offsets, experts, weights, logits, scores }) => ({
      layer, n_experts: nExperts, offsets: Array.from(offsets), experts: Array.from(experts),
      weights: floats(weights), logits: floats(logits), scores: floats(scores),
    })),
  });
}

export function readOwn(file: Fields): RoutingTrace {
  if (file['version'] !== VERSION) throw invalid(`The trace is of version ${String(file['version'])}; this page reads version ${VERSION}.`);
  const nTokens = whole(file['n_tokens'], 'n_tokens');
  const perToken = <T extends ArrayLike<unknown>>(name: string, read: (value: unknown, what: string) => T): T | undefined => {
    if (file[name] === undefined || file[name] === null) return undefined;
    const column = read(file[name], name);
    expectLength(column, name, nTokens);
    return column;
  };
  return {
    model: text(file['model'], 'model'), nTokens,
    ids: perToken('ids', ids), strings: perToken('strings', strings), predicted: perToken('predicted', ids),
    texts: readTexts(file['texts'], nTokens),
    layers: list(file['layers'], 'layers').map((layer, at) => readLayer(fields(layer, `layers[${at}]`), `layers[${at}]`, nTokens)),
    notes: [],
  };
}

function readTexts(value: unknown, nTokens: number): RoutingTrace['texts'] {
  let before = -1;
  const texts = list(value, 'texts').map((entry, at) => {
    const { start, label } = fields(entry, `texts[${at}]`);
    const place = whole(start, `texts[${at}].start`, Math.max(1, nTokens));
    if (place <= before || (at === 0 && place !== 0)) throw invalid(`texts[${at}].start is ${place}; texts begin at 0 and stand in ascending order.`);
    before = place;
    return { start: place, label: text(label, `texts[${at}].label`) };
  });
  if (texts.length === 0 && nTokens > 0) throw invalid('texts is empty; there is at least one text.');
  return texts;
}

/** A layer in columns, as in a trace of the engine. */
function readLayer(layer: Fields, what: string, nTokens: number): TraceLayer {
  const nExperts = whole(layer['n_experts'], `${what}.n_experts`, MAX_EXPERTS + 1);
  const offsets = ids(layer['offsets'], `${what}.offsets`);
  expectLength(offsets, `${what}.offsets`, nTokens + 1);
  const experts = Uint16Array.from(list(layer['experts'], `${what}.experts`), (expert, at) => whole(expert, `${what}.experts[${at}]`, nExperts));
  const column = (name: string, length: number): Float32Array | undefined => {
    if (layer[name] === undefined || layer[name] === null) return undefined;
    const values = list(layer[name], `${what}.${name}`);
    expectLength(values, `${what}.${name}`, length);
    return Float32Array.from(values, (value, at) => realOrInfinite(value, `${what}.${name}[${at}]`));
  };
  if (offsets[0] !== 0 || offsets.some((offset, at) => offset < (offsets[at - 1] ?? 0)) || offsets[nTokens] !== experts.length) {
    throw invalid(`${what}.offsets must go from 0 to the number of entries, ${experts.length}, and never fall.`);
  }
  return {
    layer: whole(layer['layer'], `${what}.layer`), nExperts, offsets, experts,
    weights: column('weights', experts.length), logits: column('logits', nTokens * nExperts), scores: column('scores', nTokens * nExperts),
  };
}

/** Whether this is a trace of the engine, with tokens as objects. */
export function isEngineTrace(file: Fields): boolean {
  return Array.isArray(file['tokens']) && Array.isArray(file['layers']) && isFields(file['tokens'][0]) && isFields(file['layers'][0]) && 'offsets' in file['layers'][0];
}

/** A trace of the engine as JSON. */
export function readEngineTrace(file: Fields, model: string): RoutingTrace {
  const tokens = list(file['tokens'], 'tokens').map((token, at) => fields(token, `tokens[${at}]`));
  return {
    model, nTokens: tokens.length,
    ids: Uint32Array.from(tokens, (token, at) => whole(token['id'], `tokens[${at}].id`)),
    strings: tokens.map((token, at) => text(token['text'], `tokens[${at}].text`)),
    texts: [{ start: 0, label: '' }],
    layers: list(file['layers'], 'layers').map((layer, at) => readLayer(fields(layer, `layers[${at}]`), `layers[${at}]`, tokens.length)),
    notes: [],
  };
}

/** A recorded run: the prompt's trace, then that of every token; one text. */
export function readRecorded(steps: readonly unknown[], model: string): RoutingTrace {
  const traces = steps.map((step, at) => readEngineTrace(fields(fields(step, `step ${at}`)['trace'], `the trace of step ${at}`), model));
  return { ...joinTraces(traces), texts: [{ start: 0, label: '' }] };
}

/** What `moescope trace --json` writes. */
export function readCommandLine(file: Fields, model: string): RoutingTrace {
  const tokens = ids(file['tokens'], 'tokens');
  const nTokens = tokens.length;
  if (nTokens === 0) throw invalid('tokens is empty; a trace has at least 1.');
  const texts = file['texts'] === undefined ? undefined : strings(file['texts'], 'texts');
  if (texts !== undefined) expectLength(texts, 'texts', nTokens);
  return {
    model, nTokens, ids: tokens, strings: texts, predicted: likeliest(file['logits'], nTokens),
    texts: [{ start: 0, label: '' }],
    layers: list(file['layers'], 'layers').map((layer, at) => readRows(fields(layer, `layers[${at}]`), `layers[${at}]`, nTokens)),
    notes: [],
  };
}

function readRows(layer: Fields, what: string, nTokens: number): TraceLayer {
  const rows = list(layer['router_logits'], `${what}.router_logits`);
  const nExperts = list(rows[0], `${what}.router_logits[0]`).length;
  const experts = list(layer['experts'], `${what}.experts`).map((row, token) => list(row, `${what}.experts[${token}]`));
  const weights = list(layer['weights'], `${what}.weights`).map((row, token) => list(row, `${what}.weights[${token}]`));
  expectLength(experts, `${what}.experts`, nTokens);
  expectLength(weights, `${what}.weights`, nTokens);
  const entries = experts.map((row, token) => {
    expectLength(weights[token] ?? [], `${what}.weights[${token}]`, row.length);
    return row.map((expert, slot) => ({
      expert: whole(expert, `${what}.experts[${token}][${slot}]`, nExperts),
      weight: realOrInfinite(weights[token]?.[slot], `${what}.weights[${token}][${slot}]`),
    }));
  });
  return {
    ...layerFrom(whole(layer['layer'], `${what}.layer`), nExperts, entries),
    logits: matrix(rows, `${what}.router_logits`, nTokens, nExperts),
    scores: layer['scores'] === undefined ? undefined : matrix(layer['scores'], `${what}.scores`, nTokens, nExperts),
  };
}

/** [T] the likeliest next token, the lowest of equals, where the file has next-token logits. */
function likeliest(value: unknown, nTokens: number): Uint32Array | undefined {
  const rows = value === undefined ? [] : list(value, 'logits');
  if (rows.length === 0) return undefined;
  expectLength(rows, 'logits', nTokens);
  return Uint32Array.from(rows, (row, token) => {
    let best = 0;
    const logits = list(row, `logits[${token}]`).map((logit, id) => realOrInfinite(logit, `logits[${token}][${id}]`));
    for (const [id, logit] of logits.entries()) if (logit > (logits[best] ?? -Infinity)) best = id;
    return best;
  });
}
