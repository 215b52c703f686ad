// Findings that are curves: windows of text, sizes of caches, capacities, and two runs by layer.

import { barsChart, linesChart } from 'moescope/views';
import type { ChartFigure } from 'moescope/views';

import { analysesMessages as words } from '../../messages-analyses.js';
import { LEGENDS, answersOf, at, figureOf, percent, plain, precise, shownOf } from './finding.js';
import type { Context, Finding, Row } from './finding.js';

export function segmentsFinding({ answers, layer }: Context): Finding {
  const all = answersOf(answers, (found) => (found.analysis === 'segments' ? found.answer : undefined));
  const shown = shownOf(all, layer);
  const lengths = [...new Set(all.flatMap(({ answer }) => answer.map(({ length }) => length)))].sort((a, b) => a - b);
  const last = shown.answer.find(({ length }) => length === 16) ?? shown.answer.at(-1);
  return {
    headline: last === undefined ? 'The text is shorter than 4 tokens; choose a longer one.'
      : `Layer ${shown.layer}: keeping whole experts for stretches of ${last.length} tokens serves them with an F1 of ${precise(last.srp.value)}; the same tokens in random order give ${precise(last.srp.chance)}.`,
    picture: (width) => linesChart({
      title: `Segment routing best performance, layer ${shown.layer}`, legend: `${LEGENDS.lines} Chance is that of the same tokens in random order.`, width, format: plain,
      places: lengths.map(String), axes: ['tokens in a window', 'F1'],
      lines: [{ name: at(shown.layer), figures: lengths.map((length) => estimated(shown.answer.find((report) => report.length === length)?.srp)) }],
    }),
    columns: [words.columns.layer, words.columns.window],
    rows: all.flatMap(({ layer: place, answer }) => answer.map(({ length, srp }): Row => ({ where: [place, length], figure: figureOf(srp) }))),
    format: precise,
  };
}

function estimated(estimate: Parameters<typeof figureOf>[0] | undefined): ChartFigure | undefined {
  return estimate && figureOf(estimate);
}

const POLICIES = ['belady', 'fixed', 'segment', 'lru', 'lfu'] as const;
const POLICY_NAMES: Readonly<Record<(typeof POLICIES)[number], string>> = {
  belady: 'best possible', fixed: 'best set per 16', segment: 'looks 16 ahead', lru: 'LRU', lfu: 'LFU',
};

export function cachesFinding({ answers, layer }: Context): Finding {
  const all = answersOf(answers, (found) => (found.analysis === 'caches' ? found.answer : undefined));
  const shown = shownOf(all, layer);
  const sizes = [...new Set(shown.answer.map(({ size }) => size))];
  const middle = shown.answer.find(({ ratio }) => ratio >= 2) ?? shown.answer.at(-1);
  return {
    headline: middle === undefined ? 'A layer of so few experts needs no cache.'
      : `Layer ${shown.layer}: a cache of ${middle.size} experts with LRU is right ${percent(middle.lru.value)} of the time; the same tokens in random order give ${percent(middle.lru.chance)}, and no cache of that size that fetches on demand can do better than ${percent(middle.belady.value)}.`,
    picture: (width) => linesChart({
      title: `Hit rate of expert caches, layer ${shown.layer}`, legend: `${LEGENDS.lines} Chance is that of the same tokens in random order.`, width, format: percent,
      places: sizes.map(String), axes: ['experts in the cache', 'hits'],
      lines: POLICIES.map((policy) => ({ name: POLICY_NAMES[policy], figures: sizes.map((size) => estimated(shown.answer.find((report) => report.size === size)?.[policy])) })),
    }),
    columns: [words.columns.layer, words.columns.size, words.columns.policy],
    rows: all.flatMap(({ layer: place, answer }) => answer.flatMap((report) => POLICIES.map((policy): Row => ({
      where: [place, report.size, POLICY_NAMES[policy]], figure: figureOf(report[policy]),
    })))),
    format: percent,
  };
}

const ORDERS = { order: 'in order', batch_priority: 'best first' } as const;

export function dropsFinding({ answers, layer, variant }: Context): Finding {
  const name = variant === 'stranded' ? 'stranded' : 'choices';
  const all = answersOf(answers, (found) => (found.analysis === 'drops' ? found.answer : undefined));
  const shown = shownOf(all, layer);
  const factors = [...new Set(shown.answer.map(({ capacity_factor: factor }) => factor))];
  const report = (factor: number, priority: string): ChartFigure | undefined =>
    estimated(shown.answer.find((drops) => drops.capacity_factor === factor && drops.priority === priority)?.[name]);
  const [even, best] = [report(1, 'order'), report(1, 'batch_priority')];
  return {
    headline: `Layer ${shown.layer}: at the balanced capacity ${percent(even?.value ?? 0)} of the ${name === 'choices' ? 'choices find their expert full' : 'tokens lose all their experts'} in order, and ${percent(best?.value ?? 0)} with the best first; random choices lose ${percent(even?.chance ?? 0)}.`,
    picture: (width) => linesChart({
      title: `${words.variants[name] ?? name} by capacity, layer ${shown.layer}`, legend: LEGENDS.lines, width, format: percent,
      places: factors.map((factor) => `${factor}×`), axes: ['capacity, in even shares', name === 'choices' ? 'choices lost' : 'tokens without experts'],
      lines: (Object.keys(ORDERS) as (keyof typeof ORDERS)[]).map((priority) => ({ name: ORDERS[priority], figures: factors.map((factor) => report(factor, priority)) })),
    }),
    columns: [words.columns.layer, words.columns.factor, words.columns.order, words.columns.measure],
    rows: all.flatMap(({ layer: place, answer }) => answer.flatMap(({ capacity_factor: factor, priority, ...drops }) => (['choices', 'stranded'] as const).map((each): Row => ({
      where: [place, factor, priority === 'order' || priority === 'batch_priority' ? ORDERS[priority] : priority, words.variants[each] ?? each], figure: figureOf(drops[each]),
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
    headline: `Layer ${shown.layer}: the two routings share ${percent(overlap.value)} of a token’s experts (95 %: ${percent(overlap.low)} to ${percent(overlap.high)}); random choices share ${percent(overlap.chance)}.`,
    picture: (width) => barsChart({
      title: wanted === 'divergence' ? 'Jensen-Shannon divergence of the scores, in nats' : 'Overlap of the experts of two routings', legend: LEGENDS.bars, width, format,
      panels: [{ name: '', bars: all.flatMap((entry) => [figure(entry)].filter((one) => one !== undefined).map((one) => ({ name: at(entry.layer), ...one }))) }],
    }),
    columns: [words.columns.layer, words.columns.measure],
    rows: all.flatMap(({ layer: place, answer }): Row[] => [
      { where: [place, words.variants['overlap'] ?? ''], figure: figureOf(answer.overlap), format: percent },
      ...(answer.divergence === null ? [] : [{ where: [place, words.variants['divergence'] ?? ''], figure: figureOf(answer.divergence), format: precise }]),
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
    headline: worst === undefined ? '' : `Layer ${layer}: without expert ${worst.expert} the loss of ${precise(loss)} nats changes by ${precise(worst.value)} (95 %: ${precise(worst.low ?? 0)} to ${precise(worst.high ?? 0)}); banning one of three experts of like load costs ${precise(worst.chance ?? 0)} on average.`,
    picture: (width) => barsChart({
      title: `What it costs to switch an expert off, layer ${layer}`, legend: 'Nats per token. Whiskers: interval of 95 % over tokens. Dashed: mean of banning the three experts whose load is nearest.', width, format: precise,
      panels: [{ name: at(layer), bars: costs.map(({ expert, ...figure }) => ({ name: String(expert), expert, ...figure })) }],
    }),
    columns: [words.columns.layer, words.columns.expert], rows: costs.map(({ expert, ...figure }) => ({ where: [layer, expert], figure })), format: precise,
  };
}
