// Small numbers for people: medians with their range, bytes, and a table of a whole bench.

import { REPAINT_GOALS, START_GOALS } from './start-goals.mjs';

/** Median and range of repeated measurements, the single values beside them. */
export function summary(values) {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), values };
}

/** The bench as lines of text. */
export function report(bench) {
  const { machine, wasm, page, start, writing, repaint, load, generate, tracing } = bench;
  return [
    `${machine.browser} on ${machine.cpu} (${machine.cores} cores), WebGPU adapter: ${machine.adapter}`,
    `model ${bench.model}, ${bench.tokens} tokens a run, ${bench.runs} runs; median (range)`,
    '',
    ...Object.entries(generate).flatMap(([backend, { tokensPerSecond, firstTokenMs }]) => [
      row(`${backend}: tokens per second`, spread(tokensPerSecond, 1)),
      row(`${backend}: time to first token, ms`, spread(firstTokenMs, 1)),
    ]),
    ...Object.entries(tracing).map(([backend, { onMs, offMs, costPercent }]) =>
      row(`${backend}: a token with and without tracing, ms`, `${onMs.median.toFixed(2)}, ${offMs.median.toFixed(2)} (tracing costs ${costPercent.toFixed(1)} %)`)),
    ...Object.entries(load).flatMap(([backend, { coldMs, warmMs }]) => [
      row(`${backend}: cold load, ms`, spread(coldMs, 0)),
      row(`${backend}: warm load, ms`, spread(warmMs, 0)),
    ]),
    ...Object.entries(wasm).map(([kind, { raw, gzip, brotli }]) =>
      row(`wasm ${kind}: raw, gzip, brotli`, [raw, gzip, brotli].map(megabytes).join(', '))),
    row('page: transferred, with brotli, files', `${megabytes(page.transferred)}, ${megabytes(page.brotli)}, ${page.files}`),
    row('page: first paint, ms', `${spread(start.paint, 0)}, ${goal(start.paint, START_GOALS.paint)}`),
    row('page: recorded run begins, ms', spread(start.word, 0)),
    row('page: first press answered, ms', `${spread(start.interactive, 0)}, ${goal(start.interactive, START_GOALS.interactive)}`),
    row('page: work of its thread until then, ms', spread(start.work, 0)),
    row('page: tokens per second while it draws them, cpu', spread(writing, 1)),
    ...Object.entries(repaint).flatMap(([size, { touches, scroll }]) => [
      ...Object.entries(touches).map(([name, { ms, work }]) =>
        row(`page, ${size}: ${name} to repaint, ms (work of its thread)`, `${spread(ms, 0)}, ${goal(ms, REPAINT_GOALS.touch)} (${spread(work, 0)})`)),
      row(`page, ${size}: work for a frame of scrolling, ms`, `${spread(scroll.work, 1)}, ${goal(scroll.work, REPAINT_GOALS.frame)}`),
    ]),
    row('page: cold and warm load event, ms', `${spread(page.coldMs, 0)}, ${spread(page.warmMs, 0)}`),
  ];
}

function row(label, value) {
  return `${label.padEnd(48)} ${value}`;
}

function spread({ median, min, max }, digits) {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

function goal({ median }, limit) {
  return `goal ${Math.round(limit)} ${median < limit ? 'met' : 'missed'}`;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
