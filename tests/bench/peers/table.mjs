// The measurements of engines side by side as Markdown: what each does per second, and what it costs to start.
// Every value stands beside its range and beside its share of ours on the same device, traces recorded, as shipped.

import { summary } from '../figures.mjs';

const DEVICES = ['CPU', 'WebGPU'];

/** Lines of Markdown for a measurement. */
export function peersTable(bench) {
  const { engines, greedy } = bench;
  const measured = engines.filter(({ reason }) => reason === undefined);
  const costs = {
    'load, ms': ({ loadMs }) => ({ ...loadMs, digits: 0 }),
    'first token of a first visit, ms': ({ loadMs, coldFirstMs }) => ({ ...sumOf(loadMs, coldFirstMs), digits: 0 }),
    'over the wire, MB (code, weights)': ({ wire }) => ({ median: wire.all / 1e6, digits: 1, parts: [wire.code / 1e6, wire.weights / 1e6] }),
    'peak memory, MB': ({ peakBytes }) => (peakBytes === undefined ? undefined : { ...scaled(peakBytes, 1e-6), digits: 0 }),
  };
  return [
    ...speedsTable(bench),
    '',
    ...markdown(costs, measured.filter(({ costsAs }) => costsAs === undefined)),
    '',
    ...engines.filter(({ reason }) => reason !== undefined).map((engine) => `- Not measured: ${nameOf(engine)}: ${engine.reason}.`),
    ...strayLines(measured),
    ...Object.entries(greedy).map(greedyLine),
  ];
}

/** Only how many tokens each engine does per second, and on what that was measured. */
export function speedsTable({ date, model, runs, tokens, machine, versions, prompts: cut, engines }) {
  const [short, ...prompts] = Object.keys(cut);
  const speeds = {
    'decode, tokens/s': ({ decode }) => ({ ...decode, digits: 1 }),
    ...Object.fromEntries(prompts.map((count) => [`prompt of ${count}, tokens/s`, ({ prompt }) => ({ ...prompt[count], digits: 0 })])),
    [`first token after ${short}, ms`]: ({ firstMs }) => ({ ...firstMs, digits: 1 }),
  };
  return [
    `\`${model}\`, ${tokens} tokens decoded, ${runs} ${runs === 1 ? 'run' : 'runs'}: median (range), and the share of ours on the same device.`,
    `${date.slice(0, 10)}, ${machine.browser} on ${machine.cpu} with ${machine.cores} cores, WebGPU adapter ${machine.adapter}; ${Object.entries(versions).map((entry) => entry.join(' ')).join(', ')}.`,
    '',
    ...markdown(speeds, engines.filter(({ reason }) => reason === undefined)),
  ];
}

function markdown(columns, engines) {
  const rows = DEVICES.flatMap((device) => {
    const same = engines.filter((engine) => engine.device === device);
    return same.map((engine) => [nameOf(engine), ...Object.values(columns).map((read) => cell(read(engine), same[0].name === 'Moescope' ? read(same[0]) : undefined))]);
  });
  return [['engine', ...Object.keys(columns)], ['---', ...Object.keys(columns).map(() => '--:')], ...rows].map((row) => `| ${row.join(' | ')} |`);
}

/** A value with its range or parts, and its share of ours. */
export function cell(value, ours) {
  if (value?.median === undefined) return 'not measured';
  const { median, min, max, values, parts, digits } = value;
  const text = (number) => number.toFixed(digits);
  const detail = parts !== undefined ? ` (${parts.map(text).join(', ')})` : values?.length === 1 ? ' (once)' : ` (${text(min)} to ${text(max)})`;
  return `${text(median)}${detail}${ours?.median === undefined ? '' : `, ${share(median / ours.median)}`}`;
}

/** Two digits that count: 0.034x, 0.82x, 1.3x, 25x. */
export function share(ratio) {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toPrecision(2)}x`;
}

function nameOf({ name, device, weights, detail }) {
  return [name, device, weights, ...(detail === '' ? [] : [detail])].join(', ');
}

/** How far each engine goes along with ours from the beginnings. */
function greedyLine([engine, beginnings]) {
  const all = Object.values(beginnings);
  const apart = Object.entries(beginnings).filter(([, { agreed, of }]) => agreed < of);
  const where = apart.map(([name, { agreed, margin }]) => `${name} after ${agreed}, where our best two tokens are ${margin.toPrecision(2)} apart in logits`);
  return `- Greedy tokens of ${engine} in float32 and ours: ${all.length - apart.length} of ${all.length} beginnings agree to the end${where.length > 0 ? `; they part in ${where.join(', ')}` : ''}.`;
}

/** Engines in float32 that wrote something else than ours while they were timed: their speeds count for nothing. */
function strayLines(measured) {
  const ours = measured.find(({ ids, text }) => ids !== undefined && text !== undefined);
  const strays = measured.filter((engine) => engine.weights === 'f32' && ours !== undefined && !goesAlong(engine, ours));
  return strays.map((engine) => `- Wrote other tokens than ours while it was timed: ${nameOf(engine)}.`);
}

/** As far as both wrote; by ids where both tell them. */
function goesAlong({ ids, text }, ours) {
  if (ids === undefined) return text.startsWith(ours.text) || ours.text.startsWith(text);
  return ids.every((id, n) => n >= ours.ids.length || id === ours.ids[n]);
}

/** Run by run: the visit that loaded is the visit that wrote. */
function sumOf(a, b) {
  return summary(a.values.map((value, n) => value + b.values[n]));
}

function scaled({ values }, factor) {
  return summary(values.map((value) => value * factor));
}

/** Where a measurement stands in a text, by the adapter it asked for: neither takes the other's place. */
const MARKERS = {
  software: ['<!-- peers: written by `npm run bench -- --peers --write` -->', '<!-- end of peers -->'],
  hardware: ['<!-- peers on a graphics card: written by `npm run bench -- --peers --adapter hardware --write` -->', '<!-- end of peers on a graphics card -->'],
};

/** A text with what lies between the two markers of an adapter replaced. */
export function replaceBetween(text, lines, adapter) {
  const [begin, end] = MARKERS[adapter];
  const [before, rest] = text.split(begin);
  const [, after] = (rest ?? '').split(end);
  if (after === undefined) throw new Error(`the text has no ${rest === undefined ? begin : end}`);
  return [before, begin, '\n\n', lines.join('\n'), '\n\n', end, after].join('');
}
