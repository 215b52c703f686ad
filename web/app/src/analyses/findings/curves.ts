// Findings that are curves: windows of text, sizes of caches, capacities, and two runs by layer.

import { barsChart, linesChart } from 'moescope/views';
import type { ChartFigure } from 'moescope/views';

import { said, words } from '../words.js';
import { answersOf, at, figureOf, percent, plain, precise, shownOf } from './finding.js';
import type { Context, Finding, Row } from './finding.js';

export function segmentsFinding({ answers, layer }: Context): Finding {
  const all = answersOf(answers, (found) => (found.analysis === 'segments' ? found.answer : undefined));
  const shown = shownOf(all, layer);
  const lengths = [...new Set(all.flatMap(({ answer }) => answer.map(({ length }) => length)))].sort((a, b) => a - b);
  const last = shown.answer.find(({ length }) => length === 16) ?? shown.answer.at(-1);
  return {
    headline: last === undefined ? said().segments.short
      : said().segments.found(shown.layer, last.length, precise(last.srp.value), precise(last.srp.chance)),
    picture: (width) => linesChart({
      title: said().segments.title(shown.layer), legend: `${said().legends.lines} ${said().legends.shuffled}`, width, format: plain,
      places: lengths.map(String), axes: [said().segments.axis, 'F1'],
      lines: [{ name: at(shown.layer), figures: lengths.map((length) => estimated(shown.answer.find((report) => report.length === length)?.srp)) }],
    }),
    columns: [words().columns.layer, words().columns.window],
    rows: all.flatMap(({ layer: place, answer }) => answer.map(({ length, srp }): Row => ({ where: [place, length], figure: figureOf(srp) }))),
    format: precise,
  };
}

function estimated(estimate: Parameters<typeof figureOf>[0] | undefined): ChartFigure | undefined {
  return estimate && figureOf(estimate);
}

const POLICIES = ['belady', 'fixed', 'segment', 'lru', 'lfu'] as const;

export function cachesFinding({ answers, layer }: Context): Finding {
  const all = answersOf(answers, (found) => (found.analysis === 'caches' ? found.answer : undefined));
  const shown = shownOf(all, layer);
  const sizes = [...new Set(shown.answer.map(({ size }) => size))];
  const middle = shown.answer.find(({ ratio }) => ratio >= 2) ?? shown.answer.at(-1);
  return {
    headline: middle === undefined ? said().caches.none
      : said().caches.found(shown.layer, middle.size, percent(middle.lru.value), percent(middle.lru.chance), percent(middle.belady.value)),
    picture: (width) => linesChart({
      title: said().caches.title(shown.layer), legend: `${said().legends.lines} ${said().legends.shuffled}`, width, format: percent,
      places: sizes.map(String), axes: [said().caches.axes[0] ?? '', said().caches.axes[1] ?? ''],
      lines: POLICIES.map((policy) => ({ name: said().caches.policies[policy], figures: sizes.map((size) => estimated(shown.answer.find((report) => report.size === size)?.[policy])) })),
    }),
    columns: [words().columns.layer, words().columns.size, words().columns.policy],
    rows: all.flatMap(({ layer: place, answer }) => answer.flatMap((report) => POLICIES.map((policy): Row => ({
      where: [place, report.size, said().caches.policies[policy]], figure: figureOf(report[policy]),
    })))),
    format: percent,
  };
}

const ORDERS = ['order', 'batch_priority'] as const;

export function dropsFinding({ answers, layer, variant }: Context): Finding {
  const name = variant === 'stranded' ? 'stranded' : 'choices';
  const all = answersOf(answers, (found) => (found.analysis === 'drops' ? found.answer : undefined));
  const shown = shownOf(all, layer);
  const factors = [...new Set(shown.answer.map(({ capacity_factor: factor }) => factor))];
  const report = (factor: number, priority: string): ChartFigure | undefined =>
    estimated(shown.answer.find((drops) => drops.capacity_factor === factor && drops.priority === priority)?.[name]);
  const [even, best] = [report(1, 'order'), report(1, 'batch_priority')];
  return {
    headline: said().drops[name](shown.layer, percent(even?.value ?? 0), percent(best?.value ?? 0), percent(even?.chance ?? 0)),
    picture: (width) => linesChart({
      title: said().drops.title(words().variants[name] ?? name, shown.layer), legend: said().legends.lines, width, format: percent,
      places: factors.map((factor) => `${factor}×`), axes: [said().drops.axes.factor, said().drops.axes[name]],
      lines: ORDERS.map((priority) => ({ name: said().drops.orders[priority], figures: factors.map((factor) => report(factor, priority)) })),
    }),
    columns: [words().columns.layer, words().columns.factor, words().columns.order, words().columns.measure],
    rows: all.flatMap(({ layer: place, answer }) => answer.flatMap(({ capacity_factor: factor, priority, ...drops }) => (['choices', 'stranded'] as const).map((each): Row => ({
      where: [place, factor, priority === 'order' || priority === 'batch_priority' ? said().drops.orders[priority] : priority, words().variants[each] ?? each], figure: figureOf(drops[each]),
    })))),
    format: percent,
  };
}

export function agreementFinding({ answers, layer, variant }: Context): Finding {
  const all = answersOf(answers, (found) => (found.analysis === 'agreement' ? found.answer : undefined));
  const shown = shownOf(all, layer);
  const wanted = variant === 'divergence' && all.some(({ answer }) => answer.divergence !== null) ? 'divergence' : 'overlap';
  const figure = ({ answer }: (typeof all)[number]): ChartFigure | undefined => estimated((wanted === 'divergence' ? answer.divergence : answer.overlap) ?? undefined);
  const { overlap } = shown.answer;
  const format = wanted === 'divergence' ? precise : percent;
  return {
    headline: said().agreement.found(shown.layer, percent(overlap.value), percent(overlap.low), percent(overlap.high), percent(overlap.chance)),
    picture: (width) => barsChart({
      title: said().agreement.titles[wanted], legend: said().legends.bars, width, format,
      panels: [{ name: '', bars: all.flatMap((entry) => [figure(entry)].filter((one) => one !== undefined).map((one) => ({ name: at(entry.layer), ...one }))) }],
    }),
    columns: [words().columns.layer, words().columns.measure],
    rows: all.flatMap(({ layer: place, answer }): Row[] => [
      { where: [place, words().variants['overlap'] ?? ''], figure: figureOf(answer.overlap), format: percent },
      ...(answer.divergence === null ? [] : [{ where: [place, words().variants['divergence'] ?? ''], figure: figureOf(answer.divergence), format: precise }]),
    ]),
    format,
  };
}

/** What banning each expert of a layer costs, with what banning as busy ones costs in the place of chance. */
export interface BanCost extends ChartFigure {
  readonly expert: number;
}

export function ablationFinding(costs: readonly BanCost[], layer: number, loss: number): Finding {
  const [worst] = costs.toSorted((a, b) => b.value - a.value);
  return {
    headline: worst === undefined ? ''
      : said().ablation.found(layer, worst.expert, precise(loss), precise(worst.value), precise(worst.low ?? 0), precise(worst.high ?? 0), precise(worst.chance ?? 0)),
    picture: (width) => barsChart({
      title: said().ablation.title(layer), legend: said().ablation.legend, width, format: precise,
      panels: [{ name: at(layer), bars: costs.map(({ expert, ...figure }) => ({ name: String(expert), expert, ...figure })) }],
    }),
    columns: [words().columns.layer, words().columns.expert], rows: costs.map(({ expert, ...figure }) => ({ where: [layer, expert], figure })), format: precise,
  };
}
