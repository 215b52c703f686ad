// Findings about experts one by one: load, balance, repetition.

import { barsChart, heatChart, linesChart } from 'moescope/views';
import type { BarsData, ChartFigure } from 'moescope/views';

import { analysesMessages as words } from '../../messages-analyses.js';
import { LEGENDS, answersOf, at, beyondChance, figureOf, percent, plain, precise, shortPercent, shownOf } from './finding.js';
import type { Context, Finding, Row } from './finding.js';

/** More bars than these are tinted cells instead. */
const MAX_BARS = 420;

export function loadFinding({ answers, layer }: Context): Finding {
  const loads = answersOf(answers, (found) => (found.analysis === 'load' ? found.answer : undefined));
  const shown = shownOf(loads, layer);
  const rows = loads.flatMap(({ layer: place, answer }) => answer.shares.map((share, expert): Row => ({ where: [place, expert], figure: figureOf(share) })));
  const { answer } = shown;
  const [busiest] = answer.shares.map((share, expert) => ({ expert, share })).toSorted((a, b) => b.share.value - a.share.value);
  return {
    headline: `Layer ${shown.layer}: expert ${busiest?.expert ?? 0} is the busiest with ${percent(busiest?.share.value ?? 0)} of the tokens, where an even share is ${percent(busiest?.share.chance ?? 0)}. `
      + `The load varies by ${plain(answer.variation)} of its mean; random choices vary by ${plain(answer.chance.variation)}. `
      + `Over all layers ${beyondChance(rows)} of ${rows.length} experts differ from the even share.`,
    picture: (width) => {
      const frame = { title: 'Share of tokens by expert and layer', width, format: percent };
      if (rows.length <= MAX_BARS) {
        const panels: BarsData['panels'] = loads.map(({ layer: place, answer: { shares } }) => ({
          name: at(place), bars: shares.map((share, expert) => ({ name: String(expert), expert, ...figureOf(share) })),
        }));
        return barsChart({ ...frame, legend: LEGENDS.bars, panels });
      }
      return heatChart({
        ...frame, legend: LEGENDS.difference, difference: true, short: shortPercent, axes: [words.columns.layer, words.columns.expert],
        rows: loads.map(({ layer: place }) => at(place)), columns: answer.shares.map((_, expert) => String(expert)),
        cells: loads.map(({ answer: { shares } }) => shares.map(figureOf)),
      });
    },
    columns: [words.columns.layer, words.columns.expert], rows, format: percent,
  };
}

interface Measure {
  readonly name: string;
  readonly format: (value: number) => string;
}

const LOSSES: readonly Measure[] = [
  { name: 'balance loss', format: precise }, { name: 'first-choice loss', format: precise }, { name: 'importance loss', format: precise }, { name: 'z-loss', format: plain },
];
const EVENNESS: readonly Measure[] = [
  { name: 'variation', format: precise }, { name: 'busiest over mean', format: plain }, { name: 'effective experts', format: plain }, { name: 'idle experts', format: percent },
];

export function balanceFinding({ answers, layer, variant }: Context): Finding {
  const balances = answersOf(answers, (found) => (found.analysis === 'balance' ? found.answer : undefined)).map(({ layer: place, answer: b }) => {
    const losses: ChartFigure[] = [
      { value: b.balance_loss, chance: 1 }, { value: b.first_choice_loss, chance: 1 }, { value: b.importance_loss, chance: 0 }, figureOf(b.z_loss),
    ];
    const pair = (name: 'variation' | 'max_over_mean' | 'effective_experts' | 'dead'): ChartFigure => ({ value: b.evenness[name], chance: b.chance[name] });
    return { layer: place, losses, evenness: [pair('variation'), pair('max_over_mean'), pair('effective_experts'), pair('dead')] };
  });
  const kind = variant === 'evenness' ? 'evenness' : 'losses';
  const measures = kind === 'losses' ? LOSSES : EVENNESS;
  const shown = shownOf(balances, layer);
  const [first] = shown[kind];
  return {
    headline: kind === 'losses'
      ? `Layer ${shown.layer}: the balance loss is ${precise(first?.value ?? 0)}; it is 1 where choices do not depend on scores, and training pushes it down to that.`
      : `Layer ${shown.layer}: ${plain(shown.evenness[2]?.value ?? 0)} experts' worth of load, where random choices give ${plain(shown.evenness[2]?.chance ?? 0)}; ${percent(shown.evenness[3]?.value ?? 0)} of the experts never act.`,
    picture: (width) => linesChart({
      title: kind === 'losses' ? 'Losses by layer' : 'Evenness of the load by layer', legend: LEGENDS.lines, width, format: plain,
      places: balances.map(({ layer: place }) => at(place)), axes: [words.columns.layer, ''],
      // What is small beside the rest would be a line on the floor, so the picture has those that share a scale.
      lines: (kind === 'losses' ? [0, 1, 2] : [0, 1, 3]).map((n) => ({ name: measures[n]?.name ?? '', figures: balances.map((balance) => balance[kind][n]) })),
    }),
    columns: [words.columns.layer, words.columns.measure],
    rows: balances.flatMap((balance) => balance[kind].map((figure, n): Row => ({
      where: [balance.layer, measures[n]?.name ?? ''], figure, format: measures[n]?.format ?? plain,
    }))),
    format: plain,
  };
}

export function repetitionFinding({ answers, layer }: Context): Finding {
  const repetitions = answersOf(answers, (found) => (found.analysis === 'repetition' ? found.answer : undefined));
  const shown = shownOf(repetitions, layer);
  const { first } = shown.answer;
  return {
    headline: `Layer ${shown.layer}: ${percent(first.value)} of the tokens choose first what the token before chose first (95 %: ${percent(first.low)} to ${percent(first.high)}); chance gives ${percent(first.chance)}.`,
    picture: (width) => linesChart({
      title: 'Tokens that choose like the one before', legend: LEGENDS.lines, width, format: percent,
      places: repetitions.map(({ layer: place }) => at(place)), axes: [words.columns.layer, 'share of tokens'],
      lines: (['first', 'any'] as const).map((choice) => ({ name: `${choice} choice`, figures: repetitions.map(({ answer }) => figureOf(answer[choice])) })),
    }),
    columns: [words.columns.layer, words.columns.choice],
    rows: repetitions.flatMap(({ layer: place, answer }) => (['first', 'any'] as const).map((choice): Row => ({ where: [place, choice], figure: figureOf(answer[choice]) }))),
    format: percent,
  };
}
