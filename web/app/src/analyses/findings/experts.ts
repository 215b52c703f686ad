// Findings about experts one by one: load, balance, repetition.

import { barsChart, heatChart, linesChart } from 'moescope/views';
import type { BarsData, ChartFigure } from 'moescope/views';

import { said, words } from '../words.js';
import { answersOf, at, beyondChance, figureOf, percent, plain, precise, shortPercent, shownOf } from './finding.js';
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
    headline: said().load.found(
      shown.layer, busiest?.expert ?? 0, percent(busiest?.share.value ?? 0), percent(busiest?.share.chance ?? 0), plain(answer.variation),
      plain(answer.chance.variation), beyondChance(rows), rows.length,
    ),
    picture: (width) => {
      const frame = { title: said().load.title, width, format: percent };
      if (rows.length <= MAX_BARS) {
        const panels: BarsData['panels'] = loads.map(({ layer: place, answer: { shares } }) => ({
          name: at(place), bars: shares.map((share, expert) => ({ name: String(expert), expert, ...figureOf(share) })),
        }));
        return barsChart({ ...frame, legend: said().legends.bars, panels });
      }
      return heatChart({
        ...frame, legend: said().legends.difference, dots: said().legends.dots, difference: true, short: shortPercent, axes: [words().columns.layer, words().columns.expert],
        rows: loads.map(({ layer: place }) => at(place)), columns: answer.shares.map((_, expert) => String(expert)),
        cells: loads.map(({ answer: { shares } }) => shares.map(figureOf)),
      });
    },
    columns: [words().columns.layer, words().columns.expert], rows, format: percent,
  };
}

/** In the order of the words. */
const FORMATS = { losses: [precise, precise, precise, plain], evenness: [precise, plain, plain, percent] } as const;

export function balanceFinding({ answers, layer, variant }: Context): Finding {
  const balances = answersOf(answers, (found) => (found.analysis === 'balance' ? found.answer : undefined)).map(({ layer: place, answer: b }) => {
    const losses: ChartFigure[] = [
      { value: b.balance_loss, chance: 1 }, { value: b.first_choice_loss, chance: 1 }, { value: b.importance_loss, chance: 0 }, figureOf(b.z_loss),
    ];
    const pair = (name: 'variation' | 'max_over_mean' | 'effective_experts' | 'dead'): ChartFigure => ({ value: b.evenness[name], chance: b.chance[name] });
    return { layer: place, losses, evenness: [pair('variation'), pair('max_over_mean'), pair('effective_experts'), pair('dead')] };
  });
  const kind = variant === 'evenness' ? 'evenness' : 'losses';
  const names = said().balance[kind];
  const shown = shownOf(balances, layer);
  const [first] = shown[kind];
  return {
    headline: kind === 'losses'
      ? said().balance.foundLosses(shown.layer, precise(first?.value ?? 0))
      : said().balance.foundEvenness(shown.layer, plain(shown.evenness[2]?.value ?? 0), plain(shown.evenness[2]?.chance ?? 0), percent(shown.evenness[3]?.value ?? 0)),
    picture: (width) => linesChart({
      title: said().balance.titles[kind], legend: said().legends.lines, width, format: plain,
      places: balances.map(({ layer: place }) => at(place)), axes: [words().columns.layer, ''],
      // What is small beside the rest would be a line on the floor, so the picture has those that share a scale.
      lines: (kind === 'losses' ? [0, 1, 2] : [0, 1, 3]).map((n) => ({ name: names[n] ?? '', figures: balances.map((balance) => balance[kind][n]) })),
    }),
    columns: [words().columns.layer, words().columns.measure],
    rows: balances.flatMap((balance) => balance[kind].map((figure, n): Row => ({
      where: [balance.layer, names[n] ?? ''], figure, format: FORMATS[kind][n] ?? plain,
    }))),
    format: plain,
  };
}

export function repetitionFinding({ answers, layer }: Context): Finding {
  const repetitions = answersOf(answers, (found) => (found.analysis === 'repetition' ? found.answer : undefined));
  const shown = shownOf(repetitions, layer);
  const { first } = shown.answer;
  return {
    headline: said().repetition.found(shown.layer, percent(first.value), percent(first.low), percent(first.high), percent(first.chance)),
    picture: (width) => linesChart({
      title: said().repetition.title, legend: said().legends.lines, width, format: percent,
      places: repetitions.map(({ layer: place }) => at(place)), axes: [words().columns.layer, said().repetition.axis],
      lines: (['first', 'any'] as const).map((choice) => ({ name: said().repetition.choices[choice], figures: repetitions.map(({ answer }) => figureOf(answer[choice])) })),
    }),
    columns: [words().columns.layer, words().columns.choice],
    rows: repetitions.flatMap(({ layer: place, answer }) => (['first', 'any'] as const).map((choice): Row => ({ where: [place, said().repetition.choices[choice]], figure: figureOf(answer[choice]) }))),
    format: percent,
  };
}
