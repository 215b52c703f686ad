// Findings that are matrices at one layer: labels by experts, experts by experts, layer to layer, layers by positions.
// Where experts stand beside experts, the rows are those of the shown layer: all layers of a big model would be a million.

import { NO_LABEL } from 'moescope';
import type { LabelReport } from 'moescope';
import { barsChart, heatChart, signedText } from 'moescope/views';
import type { ChartFigure } from 'moescope/views';

import { named, said, words } from '../words.js';
import { answersOf, at, beyondChance, figureOf, percent, plain, precise, shortPercent, shownOf } from './finding.js';
import type { Context, Finding, Row } from './finding.js';

/** More rows than these are no picture; the table has all. */
const MAX_LABELS = 48;

export function domainsFinding(context: Context): Finding {
  const reports = answersOf(context.answers, (found) => (found.analysis === 'labels' ? found.answer : undefined));
  const shown = shownOf(reports, context.layer);
  const name = (label: number): string => named(context.labels[label] || '–');
  return context.variant === 'distance' ? distances(reports, shown, name) : labelShares(shown, name, said().labels.domains(shown.layer), words().columns.domain, strongest(shown.answer, name));
}

export function vocabularyFinding(context: Context): Finding {
  const reports = answersOf(context.answers, (found) => (found.analysis === 'labels' ? found.answer : undefined)).map((report) => ({ ...report, answer: withoutUnlabelled(report.answer) }));
  const shown = shownOf(reports, context.layer);
  const texts = new Map<number, string>();
  context.trace.ids?.forEach((id, token) => texts.has(id) || texts.set(id, context.trace.strings?.[token] ?? ''));
  const name = (id: number): string => `${signedText({ id, text: texts.get(id) ?? '', special: false })} ${id}`;
  const tops = shown.answer.shares.map(({ shares }) => Math.max(...shares.map(({ value }) => value)));
  const mean = tops.reduce((sum, top) => sum + top, 0) / Math.max(1, tops.length);
  const headline = tops.length === 0
    ? said().labels.none
    : said().labels.vocabulary(shown.layer, tops.length, percent(mean), percent(shown.answer.shares[0]?.shares[0]?.chance ?? 0));
  return labelShares(shown, name, said().labels.tokens(shown.layer), words().columns.token, headline);
}

function withoutUnlabelled({ shares, distances: all }: LabelReport): LabelReport {
  return {
    shares: shares.filter(({ label }) => label !== NO_LABEL).toSorted((a, b) => b.n_tokens - a.n_tokens),
    distances: all.filter(({ label }) => label !== NO_LABEL),
  };
}

type Reports = readonly { readonly layer: number; readonly answer: LabelReport }[];

function strongest({ shares }: LabelReport, name: (label: number) => string): string {
  const cells = shares.flatMap(({ label, shares: all }) => all.map((share, expert) => ({ label, expert, figure: figureOf(share) })));
  const [top] = cells.toSorted((a, b) => (b.figure.value - (b.figure.chance ?? 0)) - (a.figure.value - (a.figure.chance ?? 0)));
  return top === undefined ? ''
    : said().labels.strongest(name(top.label), top.expert, percent(top.figure.value), percent(top.figure.chance ?? 0), beyondChance(cells), cells.length);
}

function labelShares(shown: Reports[number], name: (label: number) => string, title: string, column: string, headline: string): Finding {
  const listed = shown.answer.shares.slice(0, MAX_LABELS);
  return {
    headline,
    picture: (width) => heatChart({
      title, legend: said().legends.difference, dots: said().legends.dots, width, format: percent, short: shortPercent, difference: true,
      axes: [column, words().columns.expert], rows: listed.map(({ label }) => name(label)),
      columns: (listed[0]?.shares ?? []).map((_, expert) => String(expert)), cells: listed.map(({ shares }) => shares.map(figureOf)),
    }),
    columns: [words().columns.layer, column, words().columns.seen, words().columns.expert],
    rows: shown.answer.shares.flatMap(({ label, n_tokens: seen, shares }) =>
      shares.map((share, expert): Row => ({ where: [shown.layer, name(label), seen, expert], figure: figureOf(share) }))),
    format: percent,
  };
}

function distances(reports: Reports, shown: Reports[number], name: (label: number) => string): Finding {
  const far = shown.answer.distances.filter(({ distance, chance_high: high }) => distance > high);
  const [farthest] = shown.answer.distances.toSorted((a, b) => b.distance - a.distance);
  return {
    headline: farthest === undefined ? ''
      : said().labels.farthest(shown.layer, name(farthest.label), precise(farthest.distance), precise(farthest.chance), far.length, shown.answer.distances.length),
    picture: (width) => barsChart({
      title: said().labels.distance, width, format: plain,
      legend: said().labels.distanceLegend,
      panels: reports.map(({ layer, answer }) => ({
        name: at(layer), bars: answer.distances.map(({ label, distance, chance }) => ({ name: name(label), value: distance, chance })),
      })),
    }),
    columns: [words().columns.layer, words().columns.domain, said().labels.largest],
    rows: reports.flatMap(({ layer, answer }) => answer.distances.map(({ label, distance, chance, chance_high: high }): Row => ({
      where: [layer, name(label), precise(high)], figure: { value: distance, chance },
    }))),
    format: precise,
  };
}

export function coActivationFinding({ answers, layer, variant }: Context): Finding {
  const all = answersOf(answers, (found) => (found.analysis === 'co_activation' ? found.answer : undefined)).map(({ layer: place, answer }) => {
    const experts = answer.partners.map((_, expert) => expert);
    const figure = (row: number, column: number): ChartFigure | undefined => {
      const cell = row * experts.length + column;
      if (row === column) return undefined;
      if (variant === 'jaccard') return { value: answer.jaccard[cell] ?? 0, chance: answer.jaccard_chance };
      return { value: answer.conditional[cell] ?? 0, low: answer.conditional_low[cell], high: answer.conditional_high[cell], chance: answer.conditional_chance };
    };
    return { layer: place, experts, cells: experts.map((row) => experts.map((column) => figure(row, column))), partners: answer.partners };
  });
  const shown = shownOf(all, layer);
  const rows = shown.cells.flatMap((row, expert) => row.flatMap((figure, other): Row[] => (figure === undefined ? [] : [{ where: [shown.layer, expert, other], figure }])));
  const [top] = rows.toSorted((a, b) => surely(b) - surely(a));
  const partners = shown.partners.reduce((sum, count) => sum + count, 0) / Math.max(1, shown.partners.length);
  return {
    headline: top === undefined || !(top.figure.value > 0) ? said().pairs.alone(shown.layer)
      : said().pairs[variant === 'jaccard' ? 'jaccard' : 'conditional'](shown.layer, Number(top.where[1]), percent(top.figure.value), Number(top.where[2]), percent(top.figure.chance ?? 0))
        + said().pairs.partners(plain(partners)),
    picture: (width) => heatChart({
      title: said().pairs.together(shown.layer), legend: said().legends.difference, dots: said().legends.dots, width, format: percent, short: shortPercent, difference: true,
      axes: [words().columns.expert, words().columns.with], rows: shown.experts.map(String), columns: shown.experts.map(String), cells: shown.cells,
    }),
    columns: [words().columns.layer, words().columns.expert, words().columns.with], rows, format: percent,
  };
}

export function flowFinding({ answers, layer }: Context): Finding {
  const flows = answersOf(answers, (found) => (found.analysis === 'flow' ? found.answer : undefined)).map(({ layer: from, next, answer }) => {
    const experts = answer.share_chance.map((_, expert) => expert);
    const figure = (cell: number): ChartFigure => ({ value: answer.shares[cell] ?? 0, low: answer.low[cell], high: answer.high[cell], chance: answer.share_chance[cell % experts.length] });
    return { layer: from, next: next ?? from, experts, cells: experts.map((row) => experts.map((column) => figure(row * experts.length + column))) };
  });
  const shown = shownOf(flows, layer);
  const own = shown.cells.flatMap((row, expert) => row.map((figure, to): Row => ({ where: [shown.layer, expert, shown.next, to], figure })));
  const [top] = own.toSorted((a, b) => (surely(b) - (b.figure.chance ?? 0)) - (surely(a) - (a.figure.chance ?? 0)));
  return {
    headline: top === undefined ? '' : said().pairs.flowFound(
      shown.layer, shown.next, Number(top.where[1]), percent(top.figure.value), Number(top.where[3]), percent(top.figure.chance ?? 0), beyondChance(own), own.length,
    ),
    picture: (width) => heatChart({
      title: said().pairs.flow(shown.layer, shown.next), legend: `${said().legends.difference} ${said().pairs.flowLegend}`, dots: said().legends.dots, width, format: percent, short: shortPercent, difference: true,
      axes: [said().pairs.layer(shown.layer), said().pairs.layer(shown.next)], rows: shown.experts.map(String), columns: shown.experts.map(String), cells: shown.cells,
    }),
    columns: [words().columns.layer, words().columns.expert, words().columns.next, words().columns.to], rows: own, format: percent,
  };
}

type TokenFigure = 'entropy' | 'top_share' | 'margin';
const UNITS: Readonly<Record<TokenFigure, { readonly format: (value: number) => string; readonly mean: 'mean_entropy' | 'mean_top_share' | 'mean_margin' }>> = {
  entropy: { format: plain, mean: 'mean_entropy' },
  top_share: { format: percent, mean: 'mean_top_share' },
  margin: { format: precise, mean: 'mean_margin' },
};

/** Positions stand in at most so many columns, each the mean of its positions. */
const MAX_COLUMNS = 120;

export function tokensFinding({ answers, layer, variant, trace }: Context): Finding {
  const name: TokenFigure = variant === 'top_share' || variant === 'margin' ? variant : 'entropy';
  const { format, mean } = UNITS[name];
  const figures = answersOf(answers, (found) => (found.analysis === 'tokens' ? found.answer : undefined));
  const shown = shownOf(figures, layer);
  const whole = figureOf(shown.answer[mean]);
  const bin = Math.ceil(trace.nTokens / MAX_COLUMNS);
  return {
    headline: said().tokens.found(shown.layer, said().tokens.measures[name], format(whole.value), format(whole.low ?? 0), format(whole.high ?? 0), format(whole.chance ?? 0)),
    picture: (width) => heatChart({
      title: said().tokens.titles[name], width, format, difference: false, axes: [words().columns.layer, said().tokens.position(bin)],
      legend: said().tokens.equal(format(whole.chance ?? 0)), rows: figures.map(({ layer: place }) => at(place)),
      columns: Array.from({ length: Math.ceil(trace.nTokens / bin) }, (_, column) => String(column * bin)),
      cells: figures.map(({ answer }) => binned(answer[name], bin).map((value): ChartFigure => ({ value }))),
    }),
    columns: [words().columns.layer, words().columns.measure],
    rows: figures.flatMap(({ layer: place, answer }) => (Object.keys(UNITS) as TokenFigure[]).map((each): Row => ({
      where: [place, words().variants[each] ?? each], figure: figureOf(answer[UNITS[each].mean]), format: UNITS[each].format,
    }))),
    format,
  };
}

function binned(values: readonly number[], bin: number): number[] {
  return Array.from({ length: Math.ceil(values.length / bin) }, (_, column) => {
    const part = values.slice(column * bin, (column + 1) * bin);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** The lower end of the interval where there is one, so that a pair seen once is not the strongest. */
function surely({ figure }: Row): number {
  return figure.low ?? figure.value;
}
